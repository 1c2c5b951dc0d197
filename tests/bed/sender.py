"""A published track of a simulated client: frames on a clock, RTX on NACK, keyframes on request, sender reports."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from sfu.commands import Codec, Encoding, ReceiveTrack
from tests.bed import content, red, rtcp
from tests.bed.clock import MILLISECOND, SECOND
from tests.bed.content import Stamp
from tests.bed.rtp import RtpPacket

_HISTORY = 2_000


@dataclass(frozen=True, slots=True)
class Media:
    """What a track sends: a frame per `interval`, of `size` octets of payload in all."""

    interval: int
    size: int
    largest: int = 1_100
    """Octets of payload in one packet."""
    keyframe_factor: int = 3
    """How many times larger than the others a keyframe is."""


AUDIO = Media(interval=20 * MILLISECOND, size=80)
VIDEO = Media(interval=40 * MILLISECOND, size=3_000)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A packet to send; `stamp` is what its content says, none for padding."""

    packet: RtpPacket
    stamp: Stamp | None
    copies: tuple[Stamp, ...] = ()
    """What redundant audio repeats of the packets before."""


@dataclass(slots=True)
class OutgoingEncoding:
    """One SSRC and its RTX."""

    index: int
    rid: str | None
    ssrc: int
    rtx_ssrc: int
    sequence: int
    rtx_sequence: int
    timestamp_offset: int
    active: bool = True
    acknowledged: bool = False
    """Set by the first receiver report; from then on MID and RID are left out, as browsers do."""
    packets: int = 0
    octets: int = 0
    rtx_packets: int = 0
    history: OrderedDict[int, Outgoing] = field(default_factory=OrderedDict)
    repeated: dict[int, int] = field(default_factory=dict)
    """When each number went again last."""


class Sender:
    """Sans-IO: `handle_timeout` gives the packets that are due."""

    def __init__(self, owner: int, section: ReceiveTrack, random: Random, media: Media, codec: Codec) -> None:
        self.section = section
        self.media = media
        self.codec = codec
        self.on = False
        """False is `replaceTrack(null)`: nothing is made."""
        self.epoch = 0
        self.voice_level = 30
        """RFC 6464: -dBov."""
        self.keyframe_requests: list[tuple[int, int]] = []
        """When, and on which SSRC, a PLI or FIR came."""
        self.nacked: list[tuple[int, int, int]] = []
        """When, SSRC and sequence number of what was asked for again."""
        self.frame = 0
        self._owner = owner
        self._next: int | None = None
        self._keyframe = True
        self._spoken: deque[tuple[int, Stamp, bytes]] = deque(maxlen=1)
        """Time, stamp and payload of what went last, for redundant audio."""
        self.encodings = [self._encoding(random, index, encoding) for index, encoding in enumerate(section.encodings)]

    @staticmethod
    def _encoding(random: Random, index: int, encoding: Encoding) -> OutgoingEncoding:
        return OutgoingEncoding(
            index=index,
            rid=encoding.rid,
            ssrc=encoding.ssrc or random.randrange(1, 1 << 32),
            rtx_ssrc=encoding.rtx_ssrc or random.randrange(1, 1 << 32),
            sequence=random.randrange(1 << 16),
            rtx_sequence=random.randrange(1 << 16),
            timestamp_offset=random.randrange(1 << 32),
        )

    def start(self, now: int) -> None:
        """Send from now on; video begins with a keyframe."""
        self.on = True
        self._next = now
        self._keyframe = True

    def stop(self) -> None:
        self.on = False
        self._next = None

    def request_keyframe(self, now: int, ssrc: int) -> None:
        self.keyframe_requests.append((now, ssrc))
        self._keyframe = True

    def next_timeout(self) -> int | None:
        return self._next

    def handle_timeout(self, now: int) -> Iterator[Outgoing]:
        if self._next is None or now < self._next:
            return
        self._next += self.media.interval
        keyframe, self._keyframe = self._keyframe, False
        for encoding in self.encodings:
            if encoding.active:
                yield from self._make_frame(now, encoding, keyframe)
        self.frame += 1

    def _make_frame(self, now: int, encoding: OutgoingEncoding, keyframe: bool) -> Iterator[Outgoing]:
        video = self.section.kind == "video"
        size = self.media.size * (self.media.keyframe_factor if video and keyframe else 1) >> encoding.index
        pieces = -(-size // self.media.largest)
        for piece in range(pieces):
            stamp = Stamp(
                sender=self._owner,
                track=self.section.track,
                encoding=encoding.index,
                frame=self.frame,
                made_at=now,
                epoch=self.epoch,
                piece=piece,
                pieces=pieces,
                keyframe=keyframe and video,
            )
            # Browsers split a frame into sizes n and n + 1, the smaller first.
            part = (size + piece) // pieces
            if self.codec.name == "red":
                yield self._redundant(now, encoding, content.payload("opus", stamp, part), stamp)
            else:
                yield self._packet(now, encoding, content.payload(self.codec.name, stamp, part), stamp)

    def _redundant(self, now: int, encoding: OutgoingEncoding, payload: bytes, stamp: Stamp) -> Outgoing:
        """As Chromium does it: one copy of what went before, unless that is too long ago (RFC 2198 section 3)."""
        opus = next(codec.payload_type for codec in self.section.codecs if codec.name == "opus")
        before = [(now - at, said, body) for at, said, body in self._spoken if now - at < 300 * MILLISECOND]
        copies = [red.Block(opus, age * self.codec.clock_rate // SECOND, body) for age, _, body in before]
        packed = red.write(copies, red.Block(opus, 0, payload))
        outgoing = self._packet(now, encoding, packed, stamp)
        outgoing = encoding.history[outgoing.packet.sequence] = replace(
            outgoing, copies=tuple(said for _, said, _ in before)
        )
        self._spoken.append((now, stamp, payload))
        return outgoing

    def speak(self, codec: Codec) -> None:
        """Another codec from now on, as after a new answer; it begins with a keyframe."""
        if codec != self.codec:
            self.codec = codec
            self._keyframe = True

    def _packet(self, now: int, encoding: OutgoingEncoding, payload: bytes, stamp: Stamp) -> Outgoing:
        last = stamp.piece == stamp.pieces - 1
        packet = RtpPacket(
            payload_type=self.codec.payload_type,
            sequence=encoding.sequence,
            timestamp=self.timestamp(now, encoding),
            ssrc=encoding.ssrc,
            payload=payload,
            marker=last if self.section.kind == "video" else stamp.frame == 0,
            extensions=self._extensions(encoding, repaired=False),
        )
        outgoing = Outgoing(packet, stamp)
        encoding.history[encoding.sequence] = outgoing
        while len(encoding.history) > _HISTORY:
            encoding.history.popitem(last=False)
        encoding.sequence = (encoding.sequence + 1) & 0xFFFF
        encoding.packets += 1
        encoding.octets += len(payload)
        return outgoing

    def padding(self, now: int, count: int, *, octets: int = 200, encoding: int = 0) -> Iterator[Outgoing]:
        """Packets of nothing but padding on the media SSRC, with sequence numbers of their own."""
        chosen = self.encodings[encoding]
        for _ in range(count):
            packet = RtpPacket(
                payload_type=self.codec.payload_type,
                sequence=chosen.sequence,
                timestamp=self.timestamp(now, chosen),
                ssrc=chosen.ssrc,
                extensions=self._extensions(chosen, repaired=False),
                padding=octets,
            )
            chosen.sequence = (chosen.sequence + 1) & 0xFFFF
            yield Outgoing(packet, None)

    def rtx_padding(self, now: int, count: int, *, octets: int = 200, encoding: int = 0) -> Iterator[Outgoing]:
        """Empty RTX packets, Chromium's probes."""
        chosen = self.encodings[encoding]
        if self.codec.rtx_payload_type is None:
            return
        for _ in range(count):
            packet = RtpPacket(
                payload_type=self.codec.rtx_payload_type,
                sequence=chosen.rtx_sequence,
                timestamp=self.timestamp(now, chosen),
                ssrc=chosen.rtx_ssrc,
                extensions=self._extensions(chosen, repaired=True),
                padding=octets,
            )
            chosen.rtx_sequence = (chosen.rtx_sequence + 1) & 0xFFFF
            yield Outgoing(packet, None)

    def retransmit(self, now: int, ssrc: int, lost: tuple[int, ...], rtt: int) -> Iterator[Outgoing]:
        """What a NACK asks for and the history holds, by RFC 4588, or sound as it was; as browsers do it, not twice
        within a round trip."""
        for encoding in self.encodings:
            if encoding.ssrc != ssrc:
                continue
            for sequence in lost:
                self.nacked.append((now, ssrc, sequence))
                kept = encoding.history.get(sequence)
                deaf = now - encoding.repeated.get(sequence, -rtt) < rtt
                if kept is None or deaf:
                    continue
                encoding.repeated[sequence] = now
                if self.codec.rtx_payload_type is not None:
                    yield self.rtx(encoding, kept)
                elif self.section.nack:
                    encoding.rtx_packets += 1
                    yield kept

    def rtx(self, encoding: OutgoingEncoding, kept: Outgoing) -> Outgoing:
        assert self.codec.rtx_payload_type is not None
        packet = replace(
            kept.packet,
            payload_type=self.codec.rtx_payload_type,
            sequence=encoding.rtx_sequence,
            ssrc=encoding.rtx_ssrc,
            extensions=self._extensions(encoding, repaired=True),
            payload=kept.packet.sequence.to_bytes(2, "big") + kept.packet.payload,
        )
        encoding.rtx_sequence = (encoding.rtx_sequence + 1) & 0xFFFF
        encoding.rtx_packets += 1
        return Outgoing(packet, kept.stamp)

    def timestamp(self, now: int, encoding: OutgoingEncoding) -> int:
        return (encoding.timestamp_offset + now * self.codec.clock_rate // SECOND) & 0xFFFFFFFF

    def reports(self, now: int, wall_clock: int) -> Iterator[rtcp.SenderReport]:
        """A sender report of every encoding that has sent; `wall_clock` is microseconds since 1970."""
        for encoding in self.encodings:
            if encoding.packets:
                timestamp = self.timestamp(now, encoding)
                yield rtcp.SenderReport(
                    encoding.ssrc, rtcp.ntp_of(wall_clock), timestamp, encoding.packets, encoding.octets
                )

    def owns(self, ssrc: int) -> bool:
        return any(ssrc in (encoding.ssrc, encoding.rtx_ssrc) for encoding in self.encodings)

    def acknowledge(self, ssrc: int) -> None:
        for encoding in self.encodings:
            if encoding.ssrc == ssrc:
                encoding.acknowledged = True

    def _extensions(self, encoding: OutgoingEncoding, *, repaired: bool) -> tuple[tuple[int, bytes], ...]:
        ids = self.section.extensions
        found: list[tuple[int, bytes]] = []
        if not encoding.acknowledged:
            if ids.mid is not None:
                found.append((ids.mid, self.section.mid.encode()))
            rid = ids.repaired_rid if repaired else ids.rid
            if encoding.rid is not None and rid is not None:
                found.append((rid, encoding.rid.encode()))
        if ids.audio_level is not None and self.section.kind == "audio":
            found.append((ids.audio_level, bytes((0x80 | self.voice_level,))))
        return tuple(found)
