"""A slot of a simulated client: what came on its SSRC, what is missing, what to ask for."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sfu.commands import SendSlot
from tests.bed import content, red
from tests.bed.clock import MILLISECOND, SECOND
from tests.bed.content import Stamp
from tests.bed.rtcp import ReportBlock, SenderReport
from tests.bed.rtp import RtpPacket

NACK_PATIENCE = 5 * MILLISECOND
"""How long a gap may be reordering."""
NACK_GIVE_UP = 2 * SECOND
MOST_MISSING = 1_000
"""A wider gap is a jump: a keyframe is asked for, not each packet."""


def nearest(reference: int, wrapped: int, bits: int = 16) -> int:
    """The number with those low bits that is nearest to the reference."""
    span = 1 << bits
    distance = (wrapped - reference) & (span - 1)
    return reference + (distance - span if distance >= span // 2 else distance)


@dataclass(frozen=True, slots=True)
class Received:
    """A packet as the slot saw it; `sequence` is unwrapped, a retransmitted one has its original's number."""

    at: int
    packet: RtpPacket
    sequence: int
    payload: bytes
    stamp: Stamp | None
    retransmitted: bool
    copies: tuple[Stamp, ...] = ()
    """What redundant audio repeats, the oldest first."""


@dataclass(slots=True)
class Continuity:
    """RFC 3550 appendix A for one SSRC."""

    clock_rate: int
    first: int | None = None
    highest: int = 0
    received: int = 0
    jitter: float = 0.0
    _transit: float | None = None
    _expected_before: int = 0
    _received_before: int = 0
    report: SenderReport | None = None
    report_at: int = 0

    def record(self, now: int, packet: RtpPacket) -> int:
        """The unwrapped sequence number."""
        if self.first is None:
            self.first = self.highest = 0x10000 + packet.sequence
        sequence = nearest(self.highest, packet.sequence)
        self.received += 1
        self.highest = max(self.highest, sequence)
        transit = now * self.clock_rate / SECOND - packet.timestamp
        if self._transit is not None:
            self.jitter += (abs(transit - self._transit) - self.jitter) / 16
        self._transit = transit
        return sequence

    def block(self, now: int, ssrc: int) -> ReportBlock | None:
        if self.first is None:
            return None
        expected = self.highest - self.first + 1
        expected_interval = expected - self._expected_before
        lost_interval = expected_interval - (self.received - self._received_before)
        self._expected_before, self._received_before = expected, self.received
        fraction = max(0, lost_interval << 8) // expected_interval if expected_interval > 0 else 0
        last_sr = delay = 0
        if self.report is not None:
            last_sr = self.report.ntp >> 16 & 0xFFFFFFFF
            delay = (now - self.report_at) * 65_536 // SECOND
        return ReportBlock(
            ssrc,
            min(255, fraction),
            max(-(1 << 23), min((1 << 23) - 1, expected - self.received)),
            (self.highest - 0x10000) & 0xFFFFFFFF,
            int(self.jitter) & 0xFFFFFFFF,
            last_sr,
            delay,
        )


@dataclass(slots=True)
class _Missing:
    since: int
    ask_at: int
    asked: int = 0


@dataclass(slots=True)
class Receiver:
    """Sans-IO. `nacks` and `keyframes` switch what it asks for by itself."""

    section: SendSlot
    nacks: bool = True
    keyframes: bool = True
    received: list[Received] = field(default_factory=list)
    padding: int = 0
    """Packets with nothing but padding."""
    abandoned: int = 0
    """Sequence numbers that never came."""
    reports: list[tuple[int, SenderReport]] = field(default_factory=list)
    """Sender reports of the media SSRC, and when each came."""
    _media: Continuity = field(init=False)
    _rtx: Continuity = field(init=False)
    _missing: dict[int, _Missing] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _need_keyframe: bool = True
    _next_keyframe_request: int = 0

    def __post_init__(self) -> None:
        rate = self.section.codecs[0].clock_rate
        self._media, self._rtx = Continuity(rate), Continuity(rate)
        self.nacks = self.nacks and self.section.rtx_ssrc is not None

    @property
    def stamps(self) -> list[Stamp]:
        return [received.stamp for received in self.received if received.stamp is not None]

    @property
    def missing(self) -> list[int]:
        """Unwrapped sequence numbers between the first and the last that are still wanting."""
        if self._media.first is None:
            return []
        return [at for at in range(self._media.first, self._media.highest + 1) if at not in self._seen]

    def owns(self, ssrc: int) -> bool:
        return ssrc in (self.section.ssrc, self.section.rtx_ssrc)

    def receive(self, now: int, packet: RtpPacket) -> Received | None:
        """A packet on one of the slot's SSRCs; nothing for padding."""
        if packet.ssrc == self.section.rtx_ssrc:
            self._rtx.record(now, packet)
            if len(packet.payload) < 2:
                self.padding += 1
                return None
            original = int.from_bytes(packet.payload[:2], "big")
            sequence = nearest(self._media.highest or 0x10000 + original, original)
            payload = packet.payload[2:]
        else:
            before = self._media.highest if self._media.first is not None else None
            sequence = self._media.record(now, packet)
            payload = packet.payload
            if before is not None and sequence - before <= MOST_MISSING:
                for gap in range(before + 1, sequence):
                    self._missing[gap] = _Missing(now, now + NACK_PATIENCE)
            elif before is not None:
                self._need_keyframe = self.section.kind == "video"
            if not payload:
                self._fill(sequence)
                self.padding += 1
                return None
        self._fill(sequence)
        *copies, stamp = self.stamps_of(packet.payload_type, payload)
        if stamp is not None and content.is_keyframe_start(stamp):
            self._need_keyframe = False
        again = packet.ssrc == self.section.rtx_ssrc
        said = tuple(copy for copy in copies if copy is not None)
        received = Received(now, packet, sequence, payload, stamp, again, said)
        self.received.append(received)
        return received

    def stamps_of(self, payload_type: int, payload: bytes) -> list[Stamp | None]:
        """Of everything that a payload holds, the packet's own last."""
        if any(codec.payload_type == payload_type and codec.name == "red" for codec in self.section.codecs):
            return [content.read(block.payload) for block in red.read(payload)]
        return [content.read(payload)]

    def _fill(self, sequence: int) -> None:
        self._seen.add(sequence)
        self._missing.pop(sequence, None)

    def report(self, now: int, report: SenderReport) -> None:
        continuity = self._media if report.ssrc == self.section.ssrc else self._rtx
        continuity.report, continuity.report_at = report, now
        if report.ssrc == self.section.ssrc:
            self.reports.append((now, report))

    def blocks(self, now: int) -> Iterator[ReportBlock]:
        for ssrc, continuity in ((self.section.ssrc, self._media), (self.section.rtx_ssrc, self._rtx)):
            block = None if ssrc is None else continuity.block(now, ssrc)
            if block is not None:
                yield block

    def next_timeout(self) -> int | None:
        times = [missing.ask_at for missing in self._missing.values()] if self.nacks else []
        if self._wants_keyframe():
            times.append(self._next_keyframe_request)
        return min(times, default=None)

    def lost(self, now: int, rtt: int) -> list[int]:
        """What a NACK should name now."""
        if not self.nacks:
            return []
        found = []
        for sequence, missing in list(self._missing.items()):
            if now - missing.since > NACK_GIVE_UP:
                del self._missing[sequence]
                self.abandoned += 1
                self._need_keyframe = self.section.kind == "video"
            elif missing.ask_at <= now:
                missing.asked += 1
                missing.ask_at = now + (3 * rtt // 2 if self.section.kind == "audio" else max(rtt, 20 * MILLISECOND))
                found.append(sequence & 0xFFFF)
        return found

    def keyframe_due(self, now: int) -> bool:
        if not self._wants_keyframe() or now < self._next_keyframe_request:
            return False
        self._next_keyframe_request = now + 300 * MILLISECOND
        return True

    def _wants_keyframe(self) -> bool:
        started = self._media.first is not None
        return self.keyframes and self.section.kind == "video" and self._need_keyframe and started
