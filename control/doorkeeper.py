"""Shows out whoever holds a connection open and never brings a whole request (slowloris).

aiohttp waits for a first request without limit, and each that waits has a descriptor that others may need.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler

PATIENCE_S: Final = 10.0
LOOK_EVERY_S: Final = 2.0


class Doorkeeper:
    """Its `middleware` hears of every request; `start` when the server listens, `stop` before it ends."""

    def __init__(self, patience: float = PATIENCE_S, every: float = LOOK_EVERY_S) -> None:
        self._patience = patience
        self._every = every
        self._served: set[RequestHandler] = set()
        self._since: dict[RequestHandler, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A request is whole with its headers, or, where it has a body, once that was read and answered."""
        connection = request.protocol
        if not request.can_read_body:
            self._served.add(connection)
        try:
            return await handler(request)
        finally:
            self._served.add(connection)

    def start(self, server: web.Server) -> None:
        """Looks at the server's connections from now on."""
        loop = asyncio.get_running_loop()
        self._look(loop.time(), server.connections)
        self._timer = loop.call_later(self._every, self.start, server)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, now: float, connections: Iterable[RequestHandler]) -> None:
        here = set(connections)
        self._served &= here
        self._since = {connection: self._since.get(connection, now) for connection in here - self._served}
        for connection, since in self._since.items():
            if now - since >= self._patience:
                connection.force_close()
