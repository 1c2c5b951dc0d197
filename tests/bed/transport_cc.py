"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_TICK = 250
"""Microseconds of one delta."""
_REFERENCE = 64_000
"""Microseconds of one unit of the reference time."""


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """What arrived of the numbers from `base` on: (number, microseconds in the receiver's clock or None)."""

    sender: int
    media: int
    number: int
    packets: tuple[tuple[int, int | None], ...]


def write(feedback: TransportFeedback) -> bytes:
    """The body of the RTCP packet, in status vectors of two-bit symbols."""
    first = next(arrival for _, arrival in feedback.packets if arrival is not None)
    reference = first // _REFERENCE
    last = reference * _REFERENCE
    symbols, deltas = [], b""
    for _, arrival in feedback.packets:
        if arrival is None:
            symbols.append(0)
            continue
        delta = (arrival - last) // _TICK
        last += delta * _TICK
        small = 0 <= delta <= 255
        symbols.append(1 if small else 2)
        deltas += struct.pack("!B" if small else "!h", delta)
    chunks = b"".join(
        struct.pack("!H", 0xC000 | sum(symbol << 12 - 2 * i for i, symbol in enumerate(symbols[at : at + 7])))
        for at in range(0, len(symbols), 7)
    )
    base = feedback.packets[0][0]
    header = struct.pack("!IIHHI", feedback.sender, feedback.media, base, len(symbols), _counted(reference, feedback))
    return header + chunks + deltas


def _counted(reference: int, feedback: TransportFeedback) -> int:
    return (reference & 0xFFFFFF) << 8 | feedback.number & 0xFF


def read(body: bytes) -> TransportFeedback:
    sender, media, base, count, reference = struct.unpack_from("!IIHHI", body)
    symbols: list[int] = []
    offset = 16
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", body, offset)
        symbols.extend(_symbols(chunk))
        offset += 2
    if any(symbols[count:]):
        raise ValueError("status beyond the count")
    last = (reference >> 8) * _REFERENCE
    packets: list[tuple[int, int | None]] = []
    for index, symbol in enumerate(symbols[:count]):
        arrival: int | None = None
        if symbol == 3:
            raise ValueError("reserved status symbol")
        if symbol:
            (delta,) = struct.unpack_from("!B" if symbol == 1 else "!h", body, offset)
            offset += symbol
            arrival = last = last + delta * _TICK
        packets.append(((base + index) & 0xFFFF, arrival))
    return TransportFeedback(sender, media, reference & 0xFF, tuple(packets))


def _symbols(chunk: int) -> Iterator[int]:
    if not chunk & 0x8000:
        yield from [chunk >> 13 & 3] * (chunk & 0x1FFF)
    elif chunk & 0x4000:
        yield from (chunk >> shift & 3 for shift in range(12, -1, -2))
    else:
        yield from (chunk >> shift & 1 for shift in range(13, -1, -1))
