"""A caller whose way to the server is TCP (RFC 6544, active side), and what frames and unframes its datagrams."""

import asyncio
import socket
from typing import Any, Self, cast

from tests.bed.stun import Address
from tests.sfu.test_thread_plane import Caller, Server


def framed(datagram: bytes) -> bytes:
    """RFC 4571 section 2."""
    return len(datagram).to_bytes(2, "big") + datagram


class Frames:
    """Finds the datagrams in a stream."""

    def __init__(self) -> None:
        self._partial = bytearray()

    def push(self, data: bytes) -> list[bytes]:
        self._partial += data
        whole: list[bytes] = []
        while len(self._partial) >= 2 and len(self._partial) >= 2 + (
            length := int.from_bytes(self._partial[:2], "big")
        ):
            whole.append(bytes(self._partial[2 : 2 + length]))
            del self._partial[: 2 + length]
        return whole


class StreamCaller(Caller):
    """The simulated participant on a TCP connection of its own."""

    stream: asyncio.Transport

    @classmethod
    async def dial(cls, server: Server, ident: int, host: str, *, port: int | None = None, buffer: int = 0) -> Self:
        """Offers, is let in, and connects; `run` begins. `buffer` is what its system holds for it, in bytes."""
        caller = await cls.enter(server, ident, host)
        await caller.redial(host, port or server.node.port, buffer=buffer)
        return caller

    async def redial(self, host: str, port: int, *, buffer: int = 0, io: socket.socket | None = None) -> None:
        """Another connection, checked and nominated like a new network; the old way is gone."""
        assert self._socket is not None
        self._socket.close()
        io = io or socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        io.setblocking(False)
        if buffer:
            io.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        await self._loop.sock_connect(io, (host, port))
        stream, _ = await self._loop.create_connection(lambda: _Protocol(self), sock=io)
        self.stream = stream
        self._socket = cast(asyncio.DatagramTransport, _Framed(stream))
        self.client.ice.move(self._now(), self.address)

    async def back_to_udp(self, host: str) -> None:
        """The network lets datagrams through again."""
        old = self._socket
        await self._loop.create_datagram_endpoint(lambda: self, (host, 0))
        self.client.ice.move(self._now(), self.address)
        assert old is not None
        self.client.handle_timeout(self._now())
        self._turn()
        old.close()


class _Framed:
    """A stream with a datagram socket's ways."""

    def __init__(self, stream: asyncio.Transport) -> None:
        self._stream = stream

    def sendto(self, data: bytes, addr: Address | None = None) -> None:
        self._stream.write(framed(data))

    def get_extra_info(self, name: str) -> Any:
        return self._stream.get_extra_info(name)

    def is_closing(self) -> bool:
        return self._stream.is_closing()

    def close(self) -> None:
        self._stream.close()


class _Protocol(asyncio.Protocol):
    def __init__(self, caller: StreamCaller) -> None:
        self._caller = caller
        self._frames = Frames()

    def data_received(self, data: bytes) -> None:
        for datagram in self._frames.push(data):
            self._caller.datagram_received(datagram, self._caller.client.ice.server)

    def connection_lost(self, error: Exception | None) -> None:
        self._caller.server.changes.note()
