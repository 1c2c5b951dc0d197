"""A connected participant on the pump: sends its tracks, counts what it gets, and speaks RTCP as a browser does."""

import socket
import struct
import time
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from benchmarks.load.pump import Pump
from benchmarks.load.stream import AUDIO, SECOND, VIDEO, Shape, Stream, stamp, transport_number
from sfu.commands import Kind, ReceiveTrack, SendSlot
from tests.bed import rtcp
from tests.bed.ice import IceAgent
from tests.bed.transport_cc import TransportFeedback

_SAMPLED: Final = 8
"""Every so manyth packet is decrypted, for its delay and to see that it opens."""
_AT_ONCE: Final = 16
"""Datagrams read in one go; other participants' frames are due."""
_REPORTS: Final = SECOND
_FEEDBACK: Final = SECOND // 10
_STAMP_OPTION: Final = 35
"""SO_TIMESTAMPNS, and SCM_TIMESTAMPNS: when a datagram came to the socket, whenever it is read."""
_KERNEL_BUFFER: Final = 1 << 20
"""Seconds of a call: what is lost is not to be lost here."""
_TIMESPEC: Final = struct.Struct("qq")
_HEADER: Final = struct.Struct("!xxH4xI")


class Seals(Protocol):
    """Protects what is sent."""

    def rtp(self, packet: bytes) -> bytes: ...

    def rtcp(self, packet: bytes) -> bytes: ...


class Opens(Protocol):
    """Opens what comes; nothing for what it refuses."""

    def rtp(self, datagram: bytes) -> bytes | None: ...

    def rtcp(self, datagram: bytes) -> bytes | None: ...


class Bare:
    """No protection at all, for the bare relay."""

    def rtp(self, packet: bytes) -> bytes:
        return packet

    def rtcp(self, packet: bytes) -> bytes:
        return packet


@dataclass(slots=True)
class _Heard:
    """One SSRC of the server."""

    kind: Kind
    is_repair: bool
    highest: int | None = None
    """Extended sequence number (RFC 3550 section 6.4.1)."""
    last_sr: int = 0
    sr_at: int = 0


class Caller:
    """One participant. `first` tells the wall time (ns) at which the first packet of a kind came."""

    def __init__(
        self,
        pump: Pump,
        opened: socket.socket,
        *,
        seals: Seals,
        opens: Opens,
        tracks: tuple[ReceiveTrack, ...],
        slots: tuple[SendSlot, ...],
        ice: IceAgent | None,
        random: Random,
        video: Shape = VIDEO,
    ) -> None:
        self.first: dict[Kind, int] = {}
        self._pump = pump
        self._socket = opened
        self._seals, self._opens = seals, opens
        self._ice = ice
        self._random = random
        self._ssrc = random.randrange(1, 1 << 32)
        self._streams = [Stream(track, random, AUDIO if track.kind == "audio" else video) for track in tracks]
        self._heard: dict[int, _Heard] = {}
        for slot in slots:
            self._heard[slot.ssrc] = _Heard(slot.kind, False)
            if slot.rtx_ssrc is not None:
                self._heard[slot.rtx_ssrc] = _Heard(slot.kind, True)
        self._video_ssrc = next((slot.ssrc for slot in slots if slot.kind == "video"), 0)
        self._transport_cc = next((slot.extensions.transport_cc for slot in slots), None)
        self._number = random.randrange(1 << 16)
        self._feedback_number = 0
        self._arrived: list[tuple[int, int]] = []
        self._count = random.randrange(_SAMPLED)
        self._sending = False
        self._gone = False
        opened.setsockopt(socket.SOL_SOCKET, _STAMP_OPTION, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER)

    def fileno(self) -> int:
        return self._socket.fileno()

    def listen(self) -> None:
        """From now on the pump reads the socket, keeps consent and reports."""
        now = time.monotonic_ns()
        if self._ice is None:
            self._pump.add(self)
            return
        self._pump.add(
            self,
            (now, self._check),
            (now + self._random.randrange(_REPORTS), self._report),
            (now + self._random.randrange(_FEEDBACK), self._feed_back),
        )

    def start(self) -> None:
        """Sends all tracks, each at moments of its own."""
        self._sending = True
        now = time.monotonic_ns()
        for stream in self._streams:
            self._pump.at((now + self._random.randrange(stream.shape.interval), _Sender(self, stream)))

    def stop(self) -> None:
        self._sending = False

    def leave(self) -> None:
        self._sending = False
        self._gone = True
        self._pump.remove(self, self._socket.close)

    # Out

    def send_frame(self, due: int, stream: Stream) -> int | None:
        """What is due of a stream; gives when the next is."""
        if not self._sending:
            return None
        self._pump.tally.lateness.append(max(0, time.monotonic_ns() - due) // 1000)
        stream.next_frame(self._send_rtp, self._next_number, time.time_ns)
        return due + stream.shape.interval

    def _next_number(self) -> int:
        self._number = (self._number + 1) & 0xFFFF
        return self._number

    def _send_rtp(self, packet: bytes) -> None:
        if self._send(self._seals.rtp(packet)):
            self._pump.tally.sent += 1
        else:
            self._pump.tally.unsent += 1

    def _send(self, datagram: bytes) -> bool:
        try:
            self._socket.send(datagram)
        except BlockingIOError:
            return False
        return True

    def _check(self, due: int) -> int | None:
        if self._gone or self._ice is None:
            return None
        now = time.monotonic_ns() // 1000
        for datagram in self._ice.handle_timeout(now):
            self._send(datagram.data)
        return max(due + SECOND // 100, (self._ice.next_timeout() or 0) * 1000)

    def _report(self, due: int) -> int | None:
        if self._gone:
            return None
        wall = time.time_ns() // 1000
        packets: list[rtcp.Rtcp] = [
            rtcp.SenderReport(stream.ssrc, rtcp.ntp_of(wall), stream.timestamp, stream.packets, stream.octets)
            for stream in self._streams
            if stream.packets
        ]
        blocks = tuple(
            rtcp.ReportBlock(
                ssrc,
                highest_sequence=heard.highest & 0xFFFFFFFF,
                last_sr=heard.last_sr,
                delay_since_last_sr=(wall - heard.sr_at) * 65_536 // 1_000_000 if heard.last_sr else 0,
            )
            for ssrc, heard in self._heard.items()
            if heard.highest is not None
        )
        packets.append(rtcp.ReceiverReport(self._ssrc, blocks))
        packets.append(rtcp.SourceDescription(((self._ssrc, "load"),)))
        self._send(self._seals.rtcp(rtcp.compound(packets)))
        return due + _REPORTS

    def _feed_back(self, due: int) -> int | None:
        if self._gone:
            return None
        arrived, self._arrived = self._arrived, []
        if arrived:
            base = arrived[0][0]
            came = {number - base & 0xFFFF: at for number, at in arrived}
            span = range(max(offset for offset in came if offset < 0x8000) + 1)
            packets = tuple((base + offset & 0xFFFF, came.get(offset)) for offset in span)
            feedback = TransportFeedback(self._ssrc, self._video_ssrc, self._feedback_number, packets)
            self._feedback_number = (self._feedback_number + 1) & 0xFF
            self._send(self._seals.rtcp(rtcp.compound([feedback])))
        return due + _FEEDBACK

    # In

    def drain(self) -> None:
        """Reads some of what has come."""
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(2_048, 64)
            except BlockingIOError:
                return
            seconds, rest = _TIMESPEC.unpack(ancillary[0][2])
            at = seconds * SECOND + rest
            if 128 <= data[0] < 192:
                if 64 <= data[1] & 0x7F < 96:
                    self._receive_rtcp(at, data)
                else:
                    self._receive_rtp(at, data)
            elif data[0] < 4 and self._ice is not None:
                now = time.monotonic_ns() // 1000
                for datagram in self._ice.receive(now, self._ice.address, self._ice.server, data):
                    self._send(datagram.data)

    def _receive_rtp(self, at: int, data: bytes) -> None:
        sequence, ssrc = _HEADER.unpack_from(data)
        heard = self._heard.get(ssrc)
        if self._transport_cc is not None:
            number = transport_number(data, self._transport_cc)
            if number is not None:
                self._arrived.append((number, at // 1000))
        tally = self._pump.tally
        if heard is None and self._ice is None:  # behind the bare relay a partner's own SSRCs come through
            heard = self._heard[ssrc] = _Heard("video", False)
        if heard is None or heard.is_repair:
            tally.repaired += 1
            return
        tally.received += 1
        if heard.highest is None:
            heard.highest = sequence
            self.first[heard.kind] = at
        else:
            step = sequence - heard.highest & 0xFFFF
            heard.highest += step if step < 0x8000 else 0
        self._count += 1
        if self._count % _SAMPLED == 0:
            plain = self._opens.rtp(data)
            made = None if plain is None else stamp(plain)
            if made is None:
                tally.refused += 1
            else:
                tally.delays.append(max(0, at - made) // 1000)

    def _receive_rtcp(self, at: int, data: bytes) -> None:
        """Only what needs an answer is read: requests for a keyframe, and the time of sender reports."""
        plain = self._opens.rtcp(data) or b""
        offset = 0
        while offset + 12 <= len(plain):
            first, kind, words = struct.unpack_from("!BBH", plain, offset)
            if kind == 206 and first & 0x1F in (1, 4):
                for stream in self._streams:
                    stream.keyframe_wanted = True
            elif kind == 200:
                ssrc, ntp = struct.unpack_from("!IQ", plain, offset + 4)
                heard = self._heard.get(ssrc)
                if heard is not None:
                    heard.last_sr, heard.sr_at = ntp >> 16 & 0xFFFFFFFF, at // 1000
            offset += 4 + 4 * words


@dataclass(frozen=True, slots=True)
class _Sender:
    """An action of the pump: the frames of one stream."""

    caller: Caller
    stream: Stream

    def __call__(self, due: int) -> int | None:
        return self.caller.send_frame(due, self.stream)
