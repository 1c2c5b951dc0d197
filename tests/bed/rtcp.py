"""RTCP as a client writes and reads it: RFC 3550, 4585, 5104, and the drafts for transport-cc and REMB."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.bed import transport_cc
from tests.bed.transport_cc import TransportFeedback

NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    ssrc: int
    fraction_lost: int = 0
    cumulative_lost: int = 0
    highest_sequence: int = 0
    jitter: int = 0
    last_sr: int = 0
    delay_since_last_sr: int = 0


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int
    rtp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SSRC and CNAME of each chunk."""

    chunks: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    sender: int
    media: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureLoss:
    sender: int
    media: int


@dataclass(frozen=True, slots=True)
class FullIntra:
    """SSRC and command number of each entry."""

    sender: int
    entries: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Remb:
    sender: int
    bitrate: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    packet_type: int
    body: bytes


Rtcp = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | Nack
    | PictureLoss
    | FullIntra
    | TransportFeedback
    | Remb
    | Unknown
)


def ntp_of(microseconds: int) -> int:
    """A 64-bit NTP time stamp of microseconds since 1970."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return ((seconds + NTP_EPOCH) & 0xFFFFFFFF) << 32 | (rest << 32) // 1_000_000


def microseconds_of(ntp: int) -> float:
    """Microseconds since 1970 of a 64-bit NTP time stamp."""
    return ((ntp >> 32) - NTP_EPOCH) * 1e6 + (ntp & 0xFFFFFFFF) * 1e6 / (1 << 32)


def write(packet: Rtcp) -> bytes:
    match packet:
        case SenderReport(ssrc, ntp, rtp, packets, octets, blocks):
            body = struct.pack("!IQIII", ssrc, ntp, rtp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
            return _packet(200, len(blocks), body + b"".join(map(_write_block, blocks)))
        case ReceiverReport(ssrc, blocks):
            return _packet(201, len(blocks), struct.pack("!I", ssrc) + b"".join(map(_write_block, blocks)))
        case SourceDescription(chunks):
            return _packet(202, len(chunks), b"".join(_write_chunk(ssrc, cname) for ssrc, cname in chunks))
        case Goodbye(ssrcs):
            return _packet(203, len(ssrcs), struct.pack(f"!{len(ssrcs)}I", *ssrcs))
        case Nack(sender, media, lost):
            pairs = b"".join(struct.pack("!HH", *pair) for pair in _pack_lost(lost))
            return _packet(205, 1, struct.pack("!II", sender, media) + pairs)
        case PictureLoss(sender, media):
            return _packet(206, 1, struct.pack("!II", sender, media))
        case FullIntra(sender, entries):
            body = b"".join(struct.pack("!IBxxx", ssrc, number & 0xFF) for ssrc, number in entries)
            return _packet(206, 4, struct.pack("!II", sender, 0) + body)
        case Remb(sender, bitrate, ssrcs):
            exponent = max(0, bitrate.bit_length() - 18)
            rate = exponent << 18 | bitrate >> exponent
            body = struct.pack("!II4sI", sender, 0, b"REMB", len(ssrcs) << 24 | rate)
            return _packet(206, 15, body + struct.pack(f"!{len(ssrcs)}I", *ssrcs))
        case TransportFeedback():
            return _packet(205, 15, transport_cc.write(packet))
        case Unknown(packet_type, body):
            return _packet(packet_type, 0, body)


def compound(packets: Iterable[Rtcp]) -> bytes:
    return b"".join(map(write, packets))


def parse(data: bytes) -> list[Rtcp]:
    """Every packet of a compound; ValueError for what is malformed, which the server never sends."""
    return list(_packets(data))


def _packets(data: bytes) -> Iterator[Rtcp]:
    offset = 0
    while offset < len(data):
        if len(data) - offset < 4 or data[offset] >> 6 != 2:
            raise ValueError("not RTCP")
        first, packet_type, words = struct.unpack_from("!BBH", data, offset)
        end = offset + 4 + 4 * words
        if end > len(data):
            raise ValueError("RTCP past its datagram")
        padding = data[end - 1] if first & 0x20 else 0
        try:
            yield _read(packet_type, first & 0x1F, data[offset + 4 : end - padding])
        except struct.error as error:
            raise ValueError(f"RTCP {packet_type} is cut short") from error
        offset = end


def _read(packet_type: int, count: int, body: bytes) -> Rtcp:
    match packet_type, count:
        case 200, _:
            ssrc, ntp, timestamp, packets, octets = struct.unpack_from("!IQIII", body)
            return SenderReport(ssrc, ntp, timestamp, packets, octets, _read_blocks(body, 24, count))
        case 201, _:
            return ReceiverReport(struct.unpack_from("!I", body)[0], _read_blocks(body, 4, count))
        case 202, _:
            return SourceDescription(tuple(_read_chunks(body, count)))
        case 203, _:
            return Goodbye(struct.unpack_from(f"!{count}I", body))
        case 205, 1:
            sender, media = struct.unpack_from("!II", body)
            return Nack(sender, media, tuple(_unpack_lost(body[8:])))
        case 205, 15:
            return transport_cc.read(body)
        case 206, 1:
            return PictureLoss(*struct.unpack_from("!II", body))
        case 206, 4:
            entries = tuple(struct.unpack_from("!IB", body, at) for at in range(8, len(body), 8))
            return FullIntra(struct.unpack_from("!I", body)[0], entries)
        case 206, 15 if body[8:12] == b"REMB":
            sender, rate = struct.unpack_from("!I8xI", body)
            ssrcs = struct.unpack_from(f"!{rate >> 24}I", body, 16)
            return Remb(sender, (rate & 0x3FFFF) << (rate >> 18 & 0x3F), ssrcs)
        case _:
            return Unknown(packet_type, body)


def _packet(packet_type: int, count: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("!BBH", 0x80 | count, packet_type, len(body) // 4) + body


def _write_block(block: ReportBlock) -> bytes:
    lost = block.fraction_lost << 24 | block.cumulative_lost & 0xFFFFFF
    return struct.pack(
        "!IIIIII", block.ssrc, lost, block.highest_sequence, block.jitter, block.last_sr, block.delay_since_last_sr
    )


def _read_blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, lost, highest, jitter, last, delay = struct.unpack_from("!IIIIII", body, offset + 24 * index)
        cumulative = lost & 0xFFFFFF
        if cumulative & 0x800000:
            cumulative -= 1 << 24
        blocks.append(ReportBlock(ssrc, lost >> 24, cumulative, highest, jitter, last, delay))
    return tuple(blocks)


def _write_chunk(ssrc: int, cname: str) -> bytes:
    item = struct.pack("!IBB", ssrc, 1, len(cname.encode())) + cname.encode()
    return item + bytes(4 - len(item) % 4)


def _read_chunks(body: bytes, count: int) -> Iterator[tuple[int, str]]:
    offset = 0
    for _ in range(count):
        (ssrc,) = struct.unpack_from("!I", body, offset)
        offset += 4
        while body[offset]:
            kind, size = body[offset], body[offset + 1]
            if kind == 1:
                yield ssrc, body[offset + 2 : offset + 2 + size].decode()
            offset += 2 + size
        offset += 4 - offset % 4


def _pack_lost(lost: Sequence[int]) -> Iterator[tuple[int, int]]:
    """RFC 4585 section 6.2.1: a packet id, and a mask of the sixteen after it."""
    first: int | None = None
    mask = 0
    for sequence in lost:
        distance = (sequence - first) & 0xFFFF if first is not None else 0
        if first is not None and 1 <= distance <= 16:
            mask |= 1 << distance - 1
            continue
        if first is not None:
            yield first, mask
        first, mask = sequence, 0
    if first is not None:
        yield first, mask


def _unpack_lost(body: bytes) -> Iterator[int]:
    for first, mask in struct.iter_unpack("!HH", body):
        yield first
        for bit in range(16):
            if mask >> bit & 1:
                yield (first + bit + 1) & 0xFFFF
