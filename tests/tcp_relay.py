"""A path for TCP that can break in the ways that paths break: refused, torn, or gone without a word."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Self

_CHUNK = 1 << 16


class TcpRelay:
    """Carries connections to a port of this machine. All on one event loop."""

    def __init__(self, port: int, host: str, within: Callable[[], AbstractContextManager[None]]) -> None:
        self._to = port
        self._host = host
        self._within = within
        self._server: asyncio.Server | None = None
        self._passes = asyncio.Event()
        self._passes.set()
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        """Where to connect to instead."""

    @classmethod
    @contextlib.asynccontextmanager
    async def to(
        cls,
        port: int,
        *,
        host: str = "127.0.0.1",
        within: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> AsyncIterator[Self]:
        """`host` is where it listens; its sockets are made in a block of `within`, as of a namespace."""
        relay = cls(port, host, within)
        await relay.open()
        try:
            yield relay
        finally:
            await relay.close()

    async def open(self) -> None:
        """Takes connections, at the same port as before."""
        with self._within():
            listening = socket.create_server((self._host, self.port))
        self._server = await asyncio.start_server(self._accept, sock=listening)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Tears all connections, and refuses others."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.tear()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tear(self) -> None:
        """Every connection ends, as when a proxy restarts."""
        for writer in self._connections:
            writer.transport.abort()

    def freeze(self) -> None:
        """Nothing gets through any more, and nobody is told: connections stay open, and new ones too."""
        self._passes.clear()

    def thaw(self) -> None:
        """It gets through again, what was on its way as well."""
        self._passes.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections.add(writer)
        try:
            await self._passes.wait()
            beyond_reader, beyond_writer = await self._connect()
            self._connections.add(beyond_writer)
            try:
                await asyncio.gather(self._carry(reader, beyond_writer), self._carry(beyond_reader, writer))
            finally:
                self._connections.discard(beyond_writer)
                beyond_writer.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone, or the relay: so is the other, now
        finally:
            self._connections.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        with self._within():
            beyond = socket.socket()
        try:
            beyond.setblocking(False)
            await asyncio.get_running_loop().sock_connect(beyond, ("127.0.0.1", self._to))
            return await asyncio.open_connection(sock=beyond)
        except BaseException:
            beyond.close()
            raise

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._passes.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError
