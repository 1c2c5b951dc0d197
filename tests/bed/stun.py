"""STUN (RFC 8489) once more, apart from the wire's: what a client needs for ICE, on `hmac` and `zlib`."""

import hmac
import socket
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

MAGIC = 0x2112A442
_FINGERPRINT_XOR = 0x5354554E
_BINDING = 0x0001

Address = tuple[str, int]


class Class(IntEnum):
    """RFC 8489 section 5."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


class Attribute(IntEnum):
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A


@dataclass(frozen=True, slots=True)
class Message:
    """A parsed message; `offsets` say where each attribute starts, for what is computed over the message before it."""

    kind: Class
    method: int
    transaction: bytes
    attributes: tuple[tuple[int, bytes], ...]
    offsets: tuple[int, ...]
    raw: bytes

    def get(self, attribute: int) -> bytes | None:
        return next((value for kind, value in self.attributes if kind == attribute), None)

    def _before(self, attribute: int) -> tuple[bytes, bytes] | None:
        for (kind, value), offset in zip(self.attributes, self.offsets, strict=True):
            if kind == attribute:
                return self.raw[:offset], value
        return None

    def integrity_valid(self, password: str) -> bool:
        found = self._before(Attribute.MESSAGE_INTEGRITY)
        if found is None:
            return False
        covered, value = found
        return hmac.compare_digest(_integrity(covered, password), value)

    def fingerprint_valid(self) -> bool:
        found = self._before(Attribute.FINGERPRINT)
        return found is not None and found[1] == _fingerprint(found[0]) and self.offsets[-1] + 8 == len(self.raw)

    def username(self) -> str | None:
        value = self.get(Attribute.USERNAME)
        return None if value is None else value.decode()

    def error_code(self) -> int | None:
        value = self.get(Attribute.ERROR_CODE)
        return None if value is None else (value[2] & 7) * 100 + value[3]

    def mapped_address(self) -> Address | None:
        value = self.get(Attribute.XOR_MAPPED_ADDRESS)
        if value is None:
            return None
        family, port = struct.unpack_from("!xBH", value)
        mask = struct.pack("!I", MAGIC) + self.transaction
        host = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
        return socket.inet_ntop(socket.AF_INET if family == 1 else socket.AF_INET6, host), port ^ (MAGIC >> 16)


def parse(datagram: bytes) -> Message | None:
    """A well-formed STUN message, or nothing."""
    if len(datagram) < 20 or datagram[0] & 0xC0:
        return None
    kind, length, magic = struct.unpack_from("!HHI", datagram)
    if magic != MAGIC or length % 4 or length + 20 != len(datagram):
        return None
    attributes, offsets, offset = [], [], 20
    while offset + 4 <= len(datagram):
        attribute, size = struct.unpack_from("!HH", datagram, offset)
        if offset + 4 + size > len(datagram):
            return None
        attributes.append((attribute, datagram[offset + 4 : offset + 4 + size]))
        offsets.append(offset)
        offset += 4 + (size + 3 & ~3)
    class_bits = (kind >> 4 & 1) | (kind >> 7 & 2)
    method = (kind & 0xF) | (kind >> 1 & 0x70) | (kind >> 2 & 0xF80)
    return Message(Class(class_bits), method, datagram[8:20], tuple(attributes), tuple(offsets), datagram)


def write(
    kind: Class,
    transaction: bytes,
    attributes: Sequence[tuple[int, bytes]],
    *,
    password: str | None,
    fingerprint: bool = True,
    method: int = _BINDING,
) -> bytes:
    bits = (method & 0xF) | (method & 0x70) << 1 | (method & 0xF80) << 2 | (kind & 1) << 4 | (kind & 2) << 7
    message = struct.pack("!HHI", bits, 0, MAGIC) + transaction
    for attribute, value in attributes:
        message += struct.pack("!HH", attribute, len(value)) + value + bytes(-len(value) % 4)
    if password is not None:
        message += struct.pack("!HH", Attribute.MESSAGE_INTEGRITY, 20) + _integrity(message, password)
    if fingerprint:
        message += struct.pack("!HH", Attribute.FINGERPRINT, 4) + _fingerprint(message)
    return _with_length(message, len(message) - 20)


def binding_request(
    transaction: bytes,
    username: str,
    password: str,
    *,
    priority: int = 0x6E7F1EFF,
    tie_breaker: int = 1,
    use_candidate: bool = False,
    fingerprint: bool = True,
) -> bytes:
    """A connectivity check of a controlling agent (RFC 8445 section 7.1)."""
    attributes = [
        (Attribute.USERNAME, username.encode()),
        (Attribute.PRIORITY, struct.pack("!I", priority)),
        (Attribute.ICE_CONTROLLING, struct.pack("!Q", tie_breaker)),
    ]
    if use_candidate:
        attributes.append((Attribute.USE_CANDIDATE, b""))
    return write(Class.REQUEST, transaction, attributes, password=password, fingerprint=fingerprint)


def binding_success(transaction: bytes, mapped: Address, password: str) -> bytes:
    host, port = mapped
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    mask = struct.pack("!I", MAGIC) + transaction
    packed = bytes(a ^ b for a, b in zip(socket.inet_pton(family, host), mask, strict=False))
    value = struct.pack("!xBH", 2 if family == socket.AF_INET6 else 1, port ^ (MAGIC >> 16)) + packed
    return write(Class.SUCCESS, transaction, [(Attribute.XOR_MAPPED_ADDRESS, value)], password=password)


def _with_length(message: bytes, length: int) -> bytes:
    return message[:2] + struct.pack("!H", length) + message[4:]


def _integrity(before: bytes, password: str) -> bytes:
    # RFC 8489 section 14.5: the length counts up to and including this attribute.
    return hmac.digest(password.encode(), _with_length(before, len(before) - 20 + 24), "sha1")


def _fingerprint(before: bytes) -> bytes:
    return struct.pack("!I", zlib.crc32(_with_length(before, len(before) - 20 + 8)) ^ _FINGERPRINT_XOR)
