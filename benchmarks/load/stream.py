"""A published track as RTP packets, made from a header written once in which only what changes is patched."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from sfu.commands import Extensions, ReceiveTrack
from tests.bed.rtp import RtpPacket

SECOND: Final = 1_000_000_000
"""In the nanoseconds that this package counts in."""

_PREFIX: Final = 16
_STAMP: Final = struct.Struct("!Q")
_HEAD: Final = struct.Struct("!BBHI")
_SENT: Final = struct.Struct("!HBBH")
_SENT_AT: Final = 17
"""Where the transport-wide number starts: after the fixed header, the block's head and the element's own."""
_WITH_MID: Final = 100
"""Packets that carry the MID; browsers stop once the server acknowledged the SSRC."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a track sends: so many frames a second, and the octets of payload in each packet of a frame."""

    frames: int
    sizes: tuple[int, ...]

    @property
    def interval(self) -> int:
        """Nanoseconds from frame to frame."""
        return SECOND // self.frames

    @classmethod
    def video(cls, frames: int, pieces: int, size: int) -> "Shape":
        """As browsers cut a frame: pieces of sizes n and n + 1, the smaller ones first."""
        return cls(frames, tuple(size - (piece < pieces // 2) for piece in range(pieces)))


AUDIO: Final = Shape(50, (80,))
VIDEO: Final = Shape.video(25, 4, 1_100)


class Stream:
    """The packets of one track, in order."""

    def __init__(self, section: ReceiveTrack, random: Random, shape: Shape) -> None:
        self.ssrc: Final = random.randrange(1, 1 << 32)
        self.shape = shape
        self.clock_rate: Final = section.codecs[0].clock_rate
        self.packets = 0
        self.octets = 0
        self.keyframe_wanted = True
        self.timestamp = random.randrange(1 << 32)
        self._is_video = section.kind == "video"
        self._payload_type = section.codecs[0].payload_type
        self._sequence = random.randrange(1 << 15)
        self._frame = 0
        self._plain = self._header(section.extensions, None)
        self._with_mid = self._header(section.extensions, section.mid)
        self._abs_send_time = (section.extensions.abs_send_time or 0) << 4 | 2

    def _header(self, ids: Extensions, mid: str | None) -> bytearray:
        found = [(ids.transport_cc, bytes(2)), (ids.abs_send_time, bytes(3)), (ids.audio_level, b"\x85")]
        if mid is not None:
            found.append((ids.mid, mid.encode()))
        extensions = tuple((ident, value) for ident, value in found if ident is not None)
        return bytearray(RtpPacket(self._payload_type, 0, 0, self.ssrc, extensions=extensions).write())

    def next_frame(
        self, send: Callable[[bytes], None], next_number: Callable[[], int], clock: Callable[[], int]
    ) -> None:
        """Makes the packets of a frame and sends each; `clock` is the wall time that goes into it."""
        keyframe, self.keyframe_wanted = self.keyframe_wanted, False
        self._frame += 1
        self.timestamp = (self.timestamp + self.clock_rate // self.shape.frames) & 0xFFFFFFFF
        last = len(self.shape.sizes) - 1
        for piece, size in enumerate(self.shape.sizes):
            header = self._with_mid if self.packets < _WITH_MID else self._plain
            now = clock()
            kind = self._payload_type | (0x80 if self._is_video and piece == last else 0)
            _HEAD.pack_into(header, 0, 0x90, kind, self._sequence, self.timestamp)
            seconds = (now << 18) // SECOND & 0xFFFFFF  # 6.18 fixed point
            _SENT.pack_into(header, _SENT_AT, next_number(), self._abs_send_time, seconds >> 16, seconds & 0xFFFF)
            prefix = self._prefix(piece == 0, keyframe) if self._is_video else _OPUS
            send(b"".join((header, prefix, _STAMP.pack(now), bytes(size - _PREFIX - _STAMP.size))))
            self._sequence = (self._sequence + 1) & 0xFFFF
            self.packets += 1
            self.octets += size

    def _prefix(self, start: bool, keyframe: bool) -> bytes:
        """VP8 (RFC 7741 section 4.2): X, and S on the first packet; I with a 15-bit picture id."""
        head = struct.pack("!BBH", 0x90 if start else 0x80, 0x80, 0x8000 | self._frame & 0x7FFF)
        if not start:
            return head + _REST
        return head + (_KEYFRAME if keyframe else _DELTA)


# RFC 6716 section 3.1: CELT, full band, 20 ms, mono.
_OPUS: Final = b"\x78" + bytes(_PREFIX - 1)
# RFC 6386 section 9.1: the inverse keyframe bit; a keyframe's start code and dimensions.
_KEYFRAME: Final = bytes.fromhex("1002009d012a") + struct.pack("<HH", 640, 360) + bytes(2)
_DELTA: Final = bytes.fromhex("110200") + bytes(9)
_REST: Final = bytes(_PREFIX - 4)


def header_length(packet: bytes) -> int:
    """Octets of an RTP header without contributing sources."""
    return 16 + 4 * int.from_bytes(packet[14:16], "big") if packet[0] & 0x10 else 12


def stamp(packet: bytes) -> int | None:
    """The wall time that `next_frame` put into a packet; nothing for padding."""
    at = header_length(packet) + _PREFIX
    return _STAMP.unpack_from(packet, at)[0] if len(packet) >= at + _STAMP.size else None


def transport_number(packet: bytes, ident: int) -> int | None:
    """The transport-wide number in a header extension; it is not encrypted."""
    if not packet[0] & 0x10 or packet[12:14] != b"\xbe\xde":
        return None
    at, end = 16, header_length(packet)
    while at < end:
        head = packet[at]
        if head >> 4 == ident:
            return packet[at + 1] << 8 | packet[at + 2]
        at += 1 if head == 0 else (head & 0xF) + 2
    return None
