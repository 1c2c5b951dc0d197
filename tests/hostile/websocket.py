"""A WebSocket client that writes frames itself (RFC 6455 section 5.2), whole or broken."""

import asyncio
import base64
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

LIMIT: Final = 20.0
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY: Final = b"\x12\x34\x56\x78"


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    length: int | None = None,
    form: int | None = None,
) -> bytes:
    """`length` is what it claims to hold, `form` in how many bytes that is written (1, 2 or 8)."""
    length = len(payload) if length is None else length
    form = form or (1 if length < 126 else 2 if length < 1 << 16 else 8)
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    size = {1: length, 2: 126, 8: 127}[form]
    head = bytes((first, 0x80 | size)) + (length.to_bytes(form, "big") if form > 1 else b"")
    return head + KEY + bytes(byte ^ KEY[index % 4] for index, byte in enumerate(payload))


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


@dataclass(slots=True)
class Wire:
    """A connection after its handshake."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(upgrade(host, port))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT)
        assert head.startswith(b"HTTP/1.1 101"), head
        return cls(reader, writer)

    def send(self, *data: bytes) -> None:
        self.writer.write(b"".join(data))

    async def get(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame; servers don't mask, and ours doesn't fragment."""
        async with asyncio.timeout(LIMIT):
            first, size = await self.reader.readexactly(2)
            assert first & 0x70 == 0
            assert first & 0x80
            assert size < 128
            if size > 125:
                size = int.from_bytes(await self.reader.readexactly({126: 2, 127: 8}[size]), "big")
            return first & 0xF, await self.reader.readexactly(size)

    async def closed(self) -> int | None:
        """The code that the server closes with, None where it hangs up without one."""
        while True:
            try:
                opcode, payload = await self.get()
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")

    async def leave(self) -> None:
        """Tears the connection off."""
        self.writer.transport.abort()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


def upgrade(host: str, port: int) -> bytes:
    """The request that begins a WebSocket."""
    lines = (
        "GET /ws HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Origin: http://{host}:{port}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Protocol: venterom.v1",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
