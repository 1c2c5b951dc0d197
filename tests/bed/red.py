"""Redundant audio (RFC 2198), written and read apart from the wire."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of audio; `age` in ticks before the packet's own, which has 0."""

    payload_type: int
    age: int
    payload: bytes


def write(copies: Sequence[Block], primary: Block) -> bytes:
    """Copies, the oldest first, then the packet's own audio."""
    heads = [
        struct.pack("!I", 1 << 31 | copy.payload_type << 24 | copy.age << 10 | len(copy.payload)) for copy in copies
    ]
    bodies = [block.payload for block in (*copies, primary)]
    return b"".join((*heads, bytes((primary.payload_type,)), *bodies))


def read(payload: bytes) -> tuple[Block, ...]:
    """All blocks, the packet's own last."""
    heads: list[tuple[int, int, int]] = []
    at = 0
    while payload[at] & 0x80:
        (word,) = struct.unpack_from("!I", payload, at)
        heads.append((word >> 24 & 0x7F, word >> 10 & 0x3FFF, word & 0x3FF))
        at += 4
    last = payload[at]
    at += 1
    blocks = []
    for payload_type, age, length in heads:
        blocks.append(Block(payload_type, age, payload[at : at + length]))
        at += length
    return (*blocks, Block(last, 0, payload[at:]))
