"""A simulated participant, sans-IO: ICE, SRTP by libsrtp, published tracks and receive slots.

It knows neither the bed nor sockets: datagrams and time go in, datagrams come out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from sfu.commands import ReceiveTrack, SendSlot
from tests.bed import rtcp, rtp
from tests.bed.clock import MILLISECOND, SECOND
from tests.bed.content import Stamp
from tests.bed.ice import Credentials, Datagram, IceAgent
from tests.bed.receiver import Receiver
from tests.bed.rtcp import Rtcp
from tests.bed.rtp import RtpPacket
from tests.bed.sender import AUDIO, VIDEO, Media, Outgoing, Sender
from tests.bed.srtp import Keys, Opening, Sealing
from tests.bed.stun import Address
from tests.bed.transport_cc import TransportFeedback

REPORT_INTERVAL = 1 * SECOND
FEEDBACK_INTERVAL = 100 * MILLISECOND
DEFAULT_RTT = 100 * MILLISECOND
_MOST_NACKED = 200
"""Sequence numbers in one NACK, so that it fits a datagram whatever they are."""
_MOST_TOLD = 400
"""Transport-wide numbers in one feedback packet, likewise."""

_LONGEST_DELTA = 8 * SECOND
"""Between two arrivals in one feedback packet: 16 bits of 250 us, signed."""


@dataclass(frozen=True, slots=True)
class Transmit:
    """A datagram to send; `stamp` is the content that it carries, for who watches the gate."""

    local: Address
    remote: Address
    data: bytes
    stamp: Stamp | None = None
    copies: tuple[Stamp, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrived:
    """An RTCP packet and when it came."""

    at: int
    packet: Rtcp


class SimClient:
    """One participant on one transport. `wall_clock` is what its own clock shows at virtual time 0, in microseconds."""

    def __init__(
        self,
        ident: int,
        *,
        address: Address,
        server: Address,
        local: Credentials,
        remote: Credentials,
        keys: Keys | None = None,
        seed: int = 0,
        nominate: Literal["after", "at_once"] = "after",
        wall_clock: int = 1_700_000_000 * SECOND,
    ) -> None:
        self.ident = ident
        self.random = Random(seed << 16 | ident)
        self.ice = IceAgent(self.random, local, remote, address, server, nominate)
        self.wall_clock = wall_clock
        self.senders: dict[int, Sender] = {}
        self.receivers: dict[int, Receiver] = {}
        self.rtcp: list[Arrived] = []
        """Every RTCP packet that came, compounds taken apart."""
        self.dtls: list[bytes] = []
        self.strays: list[RtpPacket] = []
        """RTP of an SSRC that no slot has."""
        self.refused = 0
        """Datagrams that libsrtp did not open."""
        self.ssrc = self.random.randrange(1, 1 << 32)
        """What receiver reports and feedback speak with."""
        self.report_at: int | None = None
        self.epoch = 0
        self.sealing: Sealing | None = None
        self.opening: Opening | None = None
        self._feedback: dict[int, int] = {}
        """Transport-wide numbers that came since the last feedback, and when."""
        self._feedback_at: int | None = None
        self._feedback_number = 0
        self._twcc_last: int | None = None
        self._twcc_next = self.random.randrange(1 << 16)
        self._out: list[Transmit] = []
        if keys is not None:
            self.set_keys(keys)

    # What a test asks of it

    def set_keys(self, keys: Keys) -> None:
        self.sealing = Sealing(keys.profile, keys.send)
        self.opening = Opening(keys.profile, keys.receive)

    def set_sections(
        self, tracks: Sequence[ReceiveTrack], slots: Sequence[SendSlot], media: dict[int, Media] | None = None
    ) -> None:
        """The sections of an offer and answer; what stays keeps its state."""
        for section in tracks:
            if section.track not in self.senders:
                default = AUDIO if section.kind == "audio" else VIDEO
                shape = (media or {}).get(section.track, default)
                sender = Sender(self.ident, section, self.random, shape, section.codecs[0])
                sender.epoch = self.epoch
                self.senders[section.track] = sender
            else:
                self.senders[section.track].speak(section.codecs[0])
        for gone in self.senders.keys() - {section.track for section in tracks}:
            del self.senders[gone]
        for slot in slots:
            self.receivers.setdefault(slot.slot, Receiver(slot))
        for gone in self.receivers.keys() - {slot.slot for slot in slots}:
            del self.receivers[gone]

    def start(self, now: int, *tracks: int) -> None:
        """Begin to send those tracks, or all."""
        for track in tracks or tuple(self.senders):
            self.senders[track].start(now)
        if self.report_at is None:
            self.report_at = now + self.random.randrange(REPORT_INTERVAL // 2)

    def stop(self, *tracks: int) -> None:
        for track in tracks or tuple(self.senders):
            self.senders[track].stop()

    def set_epoch(self, epoch: int) -> None:
        """What the stamps of everything made from now on say."""
        self.epoch = epoch
        for sender in self.senders.values():
            sender.epoch = epoch

    def receiver_of(self, ssrc: int) -> Receiver | None:
        """The slot that has this SSRC."""
        return next((receiver for receiver in self.receivers.values() if receiver.owns(ssrc)), None)

    def send_media(self, now: int, outgoing: Outgoing) -> None:
        """A packet of a sender; the transport's own extensions are added here."""
        section = self._section_of(outgoing.packet.ssrc)
        packet = outgoing.packet
        if section is not None:
            packet = replace(packet, extensions=packet.extensions + self._transport_extensions(now, section))
        self.send_rtp(packet, outgoing.stamp, outgoing.copies)

    def send_rtp(self, packet: RtpPacket, stamp: Stamp | None = None, copies: tuple[Stamp, ...] = ()) -> None:
        """Any RTP packet, as it is."""
        if self.sealing is not None:
            self.send_raw(self.sealing.rtp(packet.write()), stamp, copies)

    def send_rtcp(self, *packets: Rtcp) -> None:
        if self.sealing is not None:
            self.send_raw(self.sealing.rtcp(rtcp.compound(packets)))

    def send_raw(self, data: bytes, stamp: Stamp | None = None, copies: tuple[Stamp, ...] = ()) -> None:
        """A datagram on the selected path; nothing while there is none."""
        if self.ice.selected is not None:
            self._out.append(Transmit(self.ice.selected, self.ice.server, data, stamp, copies))

    def send_stun(self, datagram: Datagram) -> None:
        self._out.append(Transmit(datagram.local, datagram.remote, datagram.data))

    def repair_sound(self) -> None:
        """Asks for lost sound from now on."""
        for receiver in self.receivers.values():
            receiver.nacks |= receiver.section.kind == "audio"

    # Time and datagrams

    def transmits(self) -> list[Transmit]:
        """Drained."""
        out, self._out = self._out, []
        return out

    def next_timeout(self) -> int | None:
        times = [self.ice.next_timeout()]
        if self.opening is not None and self.ice.selected is not None:
            times += [sender.next_timeout() for sender in self.senders.values()]
            times += [receiver.next_timeout() for receiver in self.receivers.values()]
            times += [self.report_at, self._feedback_at]
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: int) -> None:
        for datagram in self.ice.handle_timeout(now):
            self.send_stun(datagram)
        if self.opening is None or self.ice.selected is None:
            return
        for sender in self.senders.values():
            for outgoing in sender.handle_timeout(now):
                self.send_media(now, outgoing)
        for receiver in self.receivers.values():
            self._ask(now, receiver)
        if self.report_at is not None and now >= self.report_at:
            self.report_at = now + int(REPORT_INTERVAL * self.random.uniform(0.5, 1.5))
            self._report(now)
        if self._feedback_at is not None and now >= self._feedback_at:
            self._feedback_at = None
            self._send_feedback()

    def receive(self, now: int, local: Address, remote: Address, data: bytes) -> None:
        """A datagram; by RFC 7983 its first octet says what it is."""
        first = data[0] if data else 255
        if first < 4:
            for datagram in self.ice.receive(now, local, remote, data):
                self.send_stun(datagram)
        elif 20 <= first < 64:
            self.dtls.append(data)
        elif 128 <= first < 192 and self.opening is not None and len(data) > 1:
            if 64 <= data[1] & 0x7F < 96:
                plain = self.opening.rtcp(data)
                self._count(plain)
                for packet in rtcp.parse(plain or b""):
                    self._receive_rtcp(now, packet)
            else:
                plain = self.opening.rtp(data)
                self._count(plain)
                if plain is not None:
                    self._receive_rtp(now, rtp.parse(plain))

    # What came

    def _count(self, plain: bytes | None) -> None:
        if plain is None:
            self.refused += 1

    def _receive_rtp(self, now: int, packet: RtpPacket) -> None:
        if self.report_at is None:
            self.report_at = now + REPORT_INTERVAL // 4
        receiver = self.receiver_of(packet.ssrc)
        if receiver is None:
            self.strays.append(packet)
            return
        number = packet.extension(receiver.section.extensions.transport_cc)
        if number is not None:
            self._count_transport(now, int.from_bytes(number, "big"))
        receiver.receive(now, packet)
        self._ask(now, receiver)

    def _receive_rtcp(self, now: int, packet: Rtcp) -> None:
        self.rtcp.append(Arrived(now, packet))
        match packet:
            case rtcp.SenderReport(ssrc=ssrc, blocks=blocks):
                for receiver in self.receivers.values():
                    if receiver.owns(ssrc):
                        receiver.report(now, packet)
                self._acknowledge(blocks)
            case rtcp.ReceiverReport(blocks=blocks):
                self._acknowledge(blocks)
            case rtcp.PictureLoss(media=media):
                self._keyframe(now, (media,))
            case rtcp.FullIntra(entries=entries):
                self._keyframe(now, (ssrc for ssrc, _ in entries))
            case rtcp.Nack(media=media, lost=lost):
                for sender in self.senders.values():
                    for outgoing in sender.retransmit(now, media, lost, self._rtt()):
                        self.send_media(now, outgoing)
            case _:
                pass

    def _keyframe(self, now: int, ssrcs: Iterable[int]) -> None:
        for ssrc in ssrcs:
            for sender in self.senders.values():
                if sender.owns(ssrc):
                    sender.request_keyframe(now, ssrc)

    def _acknowledge(self, blocks: tuple[rtcp.ReportBlock, ...]) -> None:
        for block in blocks:
            for sender in self.senders.values():
                sender.acknowledge(block.ssrc)

    # What goes

    def _rtt(self) -> int:
        return self.ice.rtt or DEFAULT_RTT

    def _section_of(self, ssrc: int) -> ReceiveTrack | None:
        return next((sender.section for sender in self.senders.values() if sender.owns(ssrc)), None)

    def _transport_extensions(self, now: int, section: ReceiveTrack) -> tuple[tuple[int, bytes], ...]:
        found: list[tuple[int, bytes]] = []
        if section.extensions.transport_cc is not None:
            found.append((section.extensions.transport_cc, self._twcc_next.to_bytes(2, "big")))
            self._twcc_next = (self._twcc_next + 1) & 0xFFFF
        if section.extensions.abs_send_time is not None:
            # 6.18 fixed point seconds.
            found.append((section.extensions.abs_send_time, (((now << 18) // SECOND) & 0xFFFFFF).to_bytes(3, "big")))
        return tuple(found)

    def _ask(self, now: int, receiver: Receiver) -> None:
        lost = receiver.lost(now, self._rtt())
        for at in range(0, len(lost), _MOST_NACKED):
            self.send_rtcp(rtcp.Nack(self.ssrc, receiver.section.ssrc, tuple(lost[at : at + _MOST_NACKED])))
        if receiver.keyframe_due(now):
            self.send_rtcp(rtcp.PictureLoss(self.ssrc, receiver.section.ssrc))

    def _report(self, now: int) -> None:
        blocks = [block for receiver in self.receivers.values() for block in receiver.blocks(now)]
        reports: list[Rtcp] = [
            report for sender in self.senders.values() for report in sender.reports(now, self.wall_clock + now)
        ]
        ssrcs = [report.ssrc for report in reports if isinstance(report, rtcp.SenderReport)] or [self.ssrc]
        while blocks or not reports:
            reports.append(rtcp.ReceiverReport(self.ssrc, tuple(blocks[:20])))
            del blocks[:20]
        cname = f"client-{self.ident}"
        reports.append(rtcp.SourceDescription(tuple((ssrc, cname) for ssrc in ssrcs)))
        self.send_rtcp(*reports)

    def _count_transport(self, now: int, number: int) -> None:
        if self._twcc_last is None:
            self._twcc_last = number
        distance = (number - self._twcc_last) & 0xFFFF
        self._twcc_last += distance - 0x10000 if distance >= 0x8000 else distance
        self._feedback.setdefault(self._twcc_last, now)
        if self._feedback_at is None:
            self._feedback_at = now + FEEDBACK_INTERVAL

    def _send_feedback(self) -> None:
        latest = max(self._feedback.values())
        # What is older than a delta can say is passed over, as by a browser that was stopped for so long.
        arrived = {number: at for number, at in self._feedback.items() if latest - at < _LONGEST_DELTA}
        self._feedback = {}
        media = next((receiver.section.ssrc for receiver in self.receivers.values()), 0)
        first, end = min(arrived), max(arrived) + 1
        while first < end:
            numbers = range(first, min(first + _MOST_TOLD, end))
            packets = tuple((number & 0xFFFF, arrived.get(number)) for number in numbers)
            self.send_rtcp(TransportFeedback(self.ssrc, media, self._feedback_number, packets))
            self._feedback_number = (self._feedback_number + 1) & 0xFF
            first = next((number for number in range(numbers.stop, end) if number in arrived), end)
