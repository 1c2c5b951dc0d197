"""What the simulated media shows: every payload says who made it, when, and as which piece of which frame."""

import struct
import zlib
from dataclasses import dataclass

_MAGIC = b"VNTR"
_LAYOUT = struct.Struct("!4sIIBIqIHHB")
STAMP_SIZE = _LAYOUT.size


@dataclass(frozen=True, slots=True)
class Stamp:
    """`made_at` is the maker's virtual time; `epoch` counts the maker's gate changes, as the test tells it."""

    sender: int
    track: int
    encoding: int
    frame: int
    made_at: int
    epoch: int
    piece: int
    pieces: int
    keyframe: bool


def _body(stamp: Stamp, size: int) -> bytes:
    head = _LAYOUT.pack(
        _MAGIC,
        stamp.sender,
        stamp.track,
        stamp.encoding,
        stamp.frame,
        stamp.made_at,
        stamp.epoch,
        stamp.piece,
        stamp.pieces,
        stamp.keyframe,
    )
    return head + _filler(head, max(0, size - len(head)))


def _filler(head: bytes, size: int) -> bytes:
    pattern = struct.pack("!I", zlib.crc32(head))
    return (pattern * (size // 4 + 1))[:size]


def payload(codec: str, stamp: Stamp, size: int) -> bytes:
    """An RTP payload of about that size, shaped as the codec's so that an SFU sees keyframes where they are."""
    shape = _SHAPES[codec.lower()](stamp, size)
    return shape + _body(stamp, size - len(shape))


def _opus(stamp: Stamp, size: int) -> bytes:
    return b"\x78"  # RFC 6716 section 3.1: CELT, full band, 20 ms, mono


def _vp8(stamp: Stamp, size: int) -> bytes:
    start = stamp.piece == 0
    # RFC 7741 section 4.2: X, S on the first packet, partition 0; then I with a 15-bit picture id.
    descriptor = struct.pack("!BBH", 0x80 | (0x10 if start else 0), 0x80, 0x8000 | stamp.frame & 0x7FFF)
    if not start:
        return descriptor
    # RFC 6386 section 9.1: the inverse keyframe bit, and a keyframe's start code and dimensions.
    if stamp.keyframe:
        return descriptor + bytes((0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A)) + struct.pack("<HH", 640, 360)
    return descriptor + bytes((0x11, 0x02, 0x00))


def _h264(stamp: Stamp, size: int) -> bytes:
    first, last = stamp.piece == 0, stamp.piece == stamp.pieces - 1
    if first and stamp.keyframe:
        # RFC 6184 section 5.7.1: STAP-A of SPS, PPS and the start of an IDR, whose size takes the rest.
        sps, pps = b"\x67\x42\xe0\x1f\x8c\x8d\x40", b"\x68\xce\x3c\x80"
        units = struct.pack("!H", len(sps)) + sps + struct.pack("!H", len(pps)) + pps
        body = max(STAMP_SIZE, size - len(units) - 4)
        return b"\x78" + units + struct.pack("!HB", body + 1, 0x65)
    kind = 5 if stamp.keyframe else 1
    start = first or (stamp.keyframe and stamp.piece == 1)
    return bytes((0x7C, (0x80 if start else 0) | (0x40 if last else 0) | kind))  # section 5.8: FU-A


def _vp9(stamp: Stamp, size: int) -> bytes:
    # RFC 9628 section 4.2: I with a 15-bit picture id, P unless a keyframe, B on the first packet, E on the last.
    first, last = stamp.piece == 0, stamp.piece == stamp.pieces - 1
    flags = 0x80 | (0 if stamp.keyframe else 0x40) | (0x08 if first else 0) | (0x04 if last else 0)
    return struct.pack("!BH", flags, 0x8000 | stamp.frame & 0x7FFF)


def _av1(stamp: Stamp, size: int) -> bytes:
    # RTP payload format for AV1, section 4.4: Z, Y, one OBU element, N; then the head of a frame OBU.
    first, last = stamp.piece == 0, stamp.piece == stamp.pieces - 1
    head = (0 if first else 0x80) | (0 if last else 0x40) | 0x10 | (0x08 if first and stamp.keyframe else 0)
    return bytes((head, 0x30)) if first else bytes((head,))


_SHAPES = {"opus": _opus, "vp8": _vp8, "h264": _h264, "vp9": _vp9, "av1": _av1}


def read(data: bytes) -> Stamp | None:
    """The stamp of a payload; nothing when there is none; ValueError when the rest is not what was made."""
    at = data.find(_MAGIC)
    if at < 0 or len(data) - at < STAMP_SIZE:
        return None
    _, sender, track, encoding, frame, made_at, epoch, piece, pieces, keyframe = _LAYOUT.unpack_from(data, at)
    head, rest = data[at : at + STAMP_SIZE], data[at + STAMP_SIZE :]
    if rest != _filler(head, len(rest)):
        raise ValueError("the payload is not what its maker wrote")
    return Stamp(sender, track, encoding, frame, made_at, epoch, piece, pieces, bool(keyframe))


def is_keyframe_start(stamp: Stamp) -> bool:
    return stamp.keyframe and stamp.piece == 0
