"""RTP packets (RFC 3550) with header extensions (RFC 8285), as a client writes and reads them."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """`padding` is the count of padding octets, the last of which says so."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    extensions: tuple[tuple[int, bytes], ...] = ()
    padding: int = 0

    def extension(self, ident: int | None) -> bytes | None:
        return next((value for known, value in self.extensions if known == ident), None)

    def write(self) -> bytes:
        block = _write_extensions(self.extensions)
        first = 0x80 | (0x20 if self.padding else 0) | (0x10 if block else 0)
        header = struct.pack(
            "!BBHII",
            first,
            self.payload_type | (0x80 if self.marker else 0),
            self.sequence,
            self.timestamp & 0xFFFFFFFF,
            self.ssrc,
        )
        padding = bytes(self.padding - 1) + bytes((self.padding,)) if self.padding else b""
        return header + block + self.payload + padding


def parse(packet: bytes) -> RtpPacket:
    """Raises ValueError for what is no RTP packet: the server never sends one."""
    if len(packet) < 12 or packet[0] >> 6 != 2:
        raise ValueError("not RTP")
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", packet)
    offset = 12 + 4 * (first & 0xF)
    extensions: tuple[tuple[int, bytes], ...] = ()
    if first & 0x10:
        profile, words = struct.unpack_from("!HH", packet, offset)
        block = packet[offset + 4 : offset + 4 + 4 * words]
        offset += 4 + 4 * words
        extensions = _read_extensions(profile, block)
    padding = packet[-1] if first & 0x20 else 0
    if offset + padding > len(packet) or (first & 0x20 and padding == 0):
        raise ValueError("bad padding or header length")
    payload = packet[offset : len(packet) - padding]
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, payload, bool(second & 0x80), extensions, padding)


def _write_extensions(extensions: tuple[tuple[int, bytes], ...]) -> bytes:
    if not extensions:
        return b""
    if all(1 <= ident <= 14 and 1 <= len(value) <= 16 for ident, value in extensions):
        profile = 0xBEDE
        block = b"".join(bytes((ident << 4 | len(value) - 1,)) + value for ident, value in extensions)
    else:
        profile = 0x1000
        block = b"".join(bytes((ident, len(value))) + value for ident, value in extensions)
    block += bytes(-len(block) % 4)
    return struct.pack("!HH", profile, len(block) // 4) + block


def _read_extensions(profile: int, block: bytes) -> tuple[tuple[int, bytes], ...]:
    found, offset = [], 0
    while offset < len(block):
        if block[offset] == 0:
            offset += 1
            continue
        if profile == 0xBEDE:
            ident, size = block[offset] >> 4, (block[offset] & 0xF) + 1
            if ident == 15:
                break
            offset += 1
        else:
            ident, size = block[offset], block[offset + 1]
            offset += 2
        if offset + size > len(block):
            raise ValueError("extension past its block")
        found.append((ident, block[offset : offset + size]))
        offset += size
    return tuple(found)
