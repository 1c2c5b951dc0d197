"""What really crosses the wire: a packet socket on the loopback interface, beside all counters of the product."""

import ctypes
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

Kind = Literal["rtp", "rtcp", "stun", "dtls", "unknown"]

_ETH_P_ALL = 0x0003
_SOL_PACKET, _PACKET_STATISTICS, _PACKET_VNET_HDR = 263, 6, 15
_SO_TIMESTAMPNS, _SO_ATTACH_FILTER = 35, 26
_PACKET_HOST = 0
_UDP = 17
_VNET_HEADER = struct.Struct("=BBHHHH")
_GSO_UDP_L4 = 5
_LONGEST = 1 << 17
_INSTRUCTION = struct.Struct("HBBI")


@dataclass(frozen=True, slots=True)
class Packet:
    """A datagram as it was delivered; `time` is the kernel's, on the clock of `time.time()`."""

    time: float
    source_port: int
    destination_port: int
    kind: Kind
    ssrc: int
    payload_type: int
    length: int


def classify(datagram: bytes | memoryview) -> Kind:
    """By the first byte (RFC 7983), and RTCP from RTP by the second (RFC 5761)."""
    if len(datagram) < 2:
        return "unknown"
    first = datagram[0]
    if first <= 3:
        return "stun"
    if 20 <= first <= 63:
        return "dtls"
    if 128 <= first <= 191:
        return "rtcp" if 192 <= datagram[1] <= 223 else "rtp"
    return "unknown"


class Capture:
    """Every datagram from or to `port` on `lo` while the context is open."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._packets: list[Packet] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        # Segmentation offload shows us one long datagram for many; this header says where to cut.
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        program = _filter(port)
        instructions = ctypes.create_string_buffer(program)
        self._socket.setsockopt(
            socket.SOL_SOCKET,
            _SO_ATTACH_FILTER,
            struct.pack("HL", len(program) // _INSTRUCTION.size, ctypes.addressof(instructions)),
        )
        self._socket.bind(("lo", 0))
        self._socket.settimeout(0.1)
        self._open = True
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()

    def assert_complete(self) -> None:
        """Fails where the kernel had to leave a packet out: then an absence proves nothing."""
        _, dropped = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        assert dropped == 0, f"the capture lost {dropped} packets"

    def packets(self, *, after: float = 0.0, before: float = float("inf")) -> list[Packet]:
        """What was delivered between two times of `time.time()`."""
        return [packet for packet in tuple(self._packets) if after <= packet.time < before]

    def rtp_after(
        self,
        after: float,
        *,
        before: float = float("inf"),
        to_port: int | None = None,
        from_port: int | None = None,
        ssrc: int | None = None,
    ) -> list[Packet]:
        """RTP, padding-only packets and retransmissions included."""
        return [
            packet
            for packet in self.packets(after=after, before=before)
            if packet.kind == "rtp"
            and to_port in (None, packet.destination_port)
            and from_port in (None, packet.source_port)
            and ssrc in (None, packet.ssrc)
        ]

    def sent_by_server(self, after: float, *, before: float = float("inf"), to_port: int | None = None) -> list[Packet]:
        """RTP that left our media port."""
        return self.rtp_after(after, before=before, from_port=self.port, to_port=to_port)

    def _run(self) -> None:
        buffer = bytearray(_LONGEST)
        view = memoryview(buffer)
        while self._open:
            try:
                length, ancillary, _, address = self._socket.recvmsg_into([buffer], 64)
            except TimeoutError:
                continue
            if address[2] != _PACKET_HOST:
                continue
            self._packets.extend(self._parse(_kernel_time(ancillary), view[:length]))

    def _parse(self, at: float, frame: memoryview) -> Iterator[Packet]:
        _, gso_type, _, gso_size, _, _ = _VNET_HEADER.unpack_from(frame)
        frame = frame[_VNET_HEADER.size :]
        ethertype = int.from_bytes(frame[12:14], "big")
        packet = frame[14:]
        if ethertype == 0x0800 and len(packet) >= 20 and packet[9] == _UDP:
            udp = packet[(packet[0] & 0x0F) * 4 :]
        elif ethertype == 0x86DD and len(packet) >= 40 and packet[6] == _UDP:
            udp = packet[40:]
        else:
            return
        if len(udp) < 8:
            return
        source, destination = struct.unpack_from("!HH", udp)
        if self.port not in (source, destination):
            return
        payload = udp[8:]
        step = gso_size if gso_type & 0x7F == _GSO_UDP_L4 and gso_size else max(len(payload), 1)
        for start in range(0, max(len(payload), 1), step):
            yield _packet(at, source, destination, payload[start : start + step])


def _filter(port: int) -> bytes:
    """A program for the kernel (classic BPF): UDP of this port, and of the two times that loopback shows a packet the
    arriving one. Without it a busy machine's other traffic would push ours out.
    """
    load_byte, load_half, load_half_at_x, load_x, equal, give = 0x30, 0x28, 0x48, 0xB1, 0x15, 0x06
    packet_type = 0xFFFFF004
    accept, drop = 18, 19
    program = [
        (load_byte, None, None, packet_type),
        (equal, 2, drop, _PACKET_HOST),
        (load_half, None, None, 12),
        (equal, 4, 11, 0x0800),
        (load_byte, None, None, 23),
        (equal, 6, drop, _UDP),
        (load_x, None, None, 14),  # length of the IPv4 header
        (load_half_at_x, None, None, 14),
        (equal, accept, 9, port),
        (load_half_at_x, None, None, 16),
        (equal, accept, drop, port),
        (equal, 12, drop, 0x86DD),
        (load_byte, None, None, 20),
        (equal, 14, drop, _UDP),
        (load_half, None, None, 54),
        (equal, accept, 16, port),
        (load_half, None, None, 56),
        (equal, accept, drop, port),
        (give, None, None, _LONGEST),
        (give, None, None, 0),
    ]
    return b"".join(
        _INSTRUCTION.pack(code, *(0 if to is None else to - index - 1 for to in (then, otherwise)), value)
        for index, (code, then, otherwise, value) in enumerate(program)
    )


def _packet(at: float, source: int, destination: int, datagram: memoryview) -> Packet:
    kind = classify(datagram)
    ssrc, payload_type = 0, 0
    if kind == "rtp" and len(datagram) >= 12:
        payload_type = datagram[1] & 0x7F
        ssrc = int.from_bytes(datagram[8:12], "big")
    return Packet(at, source, destination, kind, ssrc, payload_type, len(datagram))


def _kernel_time(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            return float(seconds + nanoseconds / 1e9)
    return time.time()
