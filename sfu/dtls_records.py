"""The framing of DTLS 1.2 (RFC 6347 sections 4.1 and 4.2.2): where records end, and what no sane peer sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_MESSAGE: Final = 16 * 1024
"""Bytes of the largest handshake message. At a message's first fragment OpenSSL sets memory aside for all of it."""

_RECORD_HEADER: Final = 13
_FRAGMENT_HEADER: Final = 12
_HANDSHAKE: Final = 22


@dataclass(frozen=True, slots=True)
class Record:
    """A record's place in its datagram; its body is between `body` and `end`."""

    kind: int
    epoch: int
    body: int
    end: int


def records(datagram: bytes) -> Iterator[Record]:
    """Records in order, up to what is none."""
    at = 0
    while at + _RECORD_HEADER <= len(datagram):
        kind, major = datagram[at], datagram[at + 1]
        body = at + _RECORD_HEADER
        end = body + int.from_bytes(datagram[at + 11 : body])
        if not 20 <= kind <= 23 or major != 0xFE or end == body or end > len(datagram):
            return
        yield Record(kind, int.from_bytes(datagram[at + 3 : at + 5]), body, end)
        at = end


def cut(flight: bytes, mtu: int) -> list[bytes]:
    """Datagrams of at most `mtu` bytes, cut between records; as many records share one as fit."""
    datagrams: list[bytes] = []
    start = end = 0
    for record in records(flight):
        if end > start and record.end - start > mtu:
            datagrams.append(flight[start:end])
            start = end
        end = record.end
    return [*datagrams, flight[start:end]] if end > start else datagrams


def renumbered(datagram: bytes, number: int) -> tuple[bytes, int]:
    """The datagram with its plain records numbered from `number` on, and the number after them.

    Nothing vouches for the number of a record of epoch 0, yet the receiver's replay window goes by it (4.1.2.6), so
    that forged ones would shut out the true ones that follow.
    """
    numbered = bytearray(datagram)
    for record in records(datagram):
        if record.epoch == 0:
            numbered[record.body - 8 : record.body - 2] = number.to_bytes(6)
            number += 1
    return bytes(numbered), number


def has_handshake(datagram: bytes) -> bool:
    return any(record.kind == _HANDSHAKE for record in records(datagram))


def is_sane(datagram: bytes) -> bool:
    """Whole records only, and no plain handshake fragment that is empty or belongs to a message larger than we take."""
    end = 0
    for record in records(datagram):
        end = record.end
        if record.kind == _HANDSHAKE and record.epoch == 0 and not _are_fragments(datagram[record.body : end]):
            return False
    return end == len(datagram) > 0


def _are_fragments(body: bytes) -> bool:
    at = 0
    while at + _FRAGMENT_HEADER <= len(body):
        message = int.from_bytes(body[at + 1 : at + 4])
        offset = int.from_bytes(body[at + 6 : at + 9])
        size = int.from_bytes(body[at + 9 : at + 12])
        if message > MAX_MESSAGE or offset + size > message or (size == 0 and message > 0):
            return False
        at += _FRAGMENT_HEADER + size
    return at == len(body)
