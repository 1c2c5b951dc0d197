"""Moves bytes between WebSockets, sessions and rooms; decides nothing."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from signalling.client import Client
from signalling.clock import Clock, LoopClock
from signalling.config import SignallingConfig
from signalling.connection import Connection
from signalling.door import Address, Door
from signalling.errors import CODES
from signalling.feed import Feed
from signalling.journal import FileJournal
from signalling.keys import KeySource, SigningKey, node_key
from signalling.logfile import LogFile
from signalling.messages import MAX_SOCKET, SUBPROTOCOL
from signalling.node import Node
from signalling.recovery import compactor
from signalling.rooms import Rooms
from signalling.seat import LEEWAY_S
from signalling.session import CLOSE_GAVE_WAY, CLOSE_RESTART
from signalling.stats import SignallingStatistics
from signalling.turn import Turn

_REFUSALS: Final = {"origin_forbidden": 403, "shutting_down": 503, "subprotocol_required": 400}
"""HTTP status by code."""


def peer_address(request: web.Request) -> Address | None:
    """The address at the other end of the connection; a proxy's, where there is one."""
    try:
        return ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        return None


class SignallingServer:
    """The WebSocket endpoint. `add_to` an application, `start` before it serves, `stop` when it ends."""

    def __init__(
        self,
        config: SignallingConfig,
        node: Node,
        keys: KeySource,
        journal: FileJournal,
        clock: Clock,
        *,
        node_key: SigningKey,
        turn: Turn | None = None,
        feed: Feed | None = None,
        address_of: Callable[[web.Request], Address | None] = peer_address,
    ) -> None:
        self._config = config
        self._address_of = address_of
        self._feed = feed
        self._journal = journal
        self._clock = clock
        self.rooms: Final = Rooms(config, node, keys, node_key, journal, clock, turn, feed)
        self._clients: dict[Connection, asyncio.Task[None]] = {}
        self._door: Door[Connection] = Door(config.max_unjoined)
        self._stopping = False

    @staticmethod
    def create(
        config: SignallingConfig,
        node: Node,
        keys: KeySource,
        data: Path,
        clock: Clock | None = None,
        feed: Feed | None = None,
        address_of: Callable[[web.Request], Address | None] = peer_address,
    ) -> "SignallingServer":
        """With journal and node key in the data directory; call it inside the running loop.

        A feed is for who owns the rooms, and takes its events; without one no event is kept for anybody.
        `address_of` says where a client asks from: behind a proxy that is not the address of the connection.
        KeyFileError where a key, or the secret of the TURN server, can't be used.
        """
        turn = Turn.read(config.turn) if config.turn is not None else None
        time = clock or LoopClock(asyncio.get_running_loop())
        own = node_key(data)
        memory = config.seat_life + LEEWAY_S
        compact = compactor(time.wall, memory) if feed is None else compactor(time.wall, memory, feed.untold)
        journal = FileJournal(LogFile(data / "journal.log"), time, compact, feed=feed)
        return SignallingServer(
            config, node, keys, journal, time, node_key=own, turn=turn, feed=feed, address_of=address_of
        )

    def routes(self) -> list[web.RouteDef]:
        """The one route."""
        return [web.get(self._config.path, self._handle)]

    def add_to(self, app: web.Application) -> None:
        """Adds the route."""
        app.add_routes(self.routes())

    async def start(self) -> None:
        """Restores the rooms from the journal."""
        self.rooms.start(await self._journal.open())

    async def stop(self) -> None:
        """Tells every client to come back (1012). Rooms are not ended: they are there again after a restart."""
        self._stopping = True
        self.rooms.stop()
        for connection in list(self._clients):
            connection.close(CLOSE_RESTART)
        tasks = list(self._clients.values())
        if tasks:
            await asyncio.wait(tasks, timeout=self._config.drain)
        for connection in list(self._clients):
            connection.abort()
        await self._journal.close()

    def statistics(self) -> SignallingStatistics:
        """The numbers of this moment."""
        meter = self.rooms.meter
        return SignallingStatistics(
            people=self.rooms.people(),
            joined=len(self._clients) - len(self._door),
            waiting=len(self._door),
            opened=meter.opened,
            gave_way=meter.gave_way,
            turned_away=meter.turned_away.read(),
            joins=meter.joins.read(),
            refused_joins=meter.refused_joins.read(),
            journal_healthy=self._journal.healthy,
            journal_writes=self._journal.writes.read(),
            events_untold=0 if self._feed is None else self._feed.pending,
        )

    # --- one connection

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if "Upgrade" not in request.headers:
            # A client asks whether anybody is here before it opens a WebSocket: browsers hold back who fails often.
            return _problem(503, "shutting_down") if self._stopping else web.Response(status=204)
        refusal = self._refusal(request)
        if refusal is not None:
            self.rooms.meter.turned_away.add(refusal)
            return _problem(_REFUSALS[refusal], refusal)
        self.rooms.meter.opened += 1
        websocket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            compress=False,
            # aiohttp refuses what reaches its limit, ours is what passes.
            max_msg_size=MAX_SOCKET + 1,
            timeout=self._config.slow_reader,
            writer_limit=0,
        )
        await websocket.prepare(request)
        transport = request.transport
        if transport is None:
            return websocket
        connection = Connection(websocket, transport, self._config, self._clock)
        await self._serve(websocket, connection, self._address_of(request))
        return websocket

    async def _serve(self, websocket: web.WebSocketResponse, connection: Connection, address: Address | None) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._clients[connection] = task
        judging = partial(self._judging, connection, address)
        client = Client(self.rooms, self._config, self._clock, websocket, connection, judging)
        self._take(connection, address)
        try:
            await client.serve()
        finally:
            self._door.leave(connection)
            self._clients.pop(connection, None)

    def _take(self, connection: Connection, address: Address | None) -> None:
        displaced = self._door.enter(connection, address)
        if displaced is not None:
            self.rooms.meter.gave_way += 1
            displaced.close(CLOSE_GAVE_WAY)

    @contextmanager
    def _judging(self, connection: Connection, address: Address | None) -> Iterator[None]:
        """Whose grant or seat is good gives way to nobody while the disk takes it: a grant is good for one try."""
        self._door.leave(connection)
        try:
            yield
        except Exception:
            self._take(connection, address)
            raise

    def _refusal(self, request: web.Request) -> str | None:
        if not self._is_origin_allowed(request):
            return "origin_forbidden"
        if self._stopping:
            return "shutting_down"
        if SUBPROTOCOL not in _subprotocols(request):
            return "subprotocol_required"
        return None

    def _is_origin_allowed(self, request: web.Request) -> bool:
        """Browsers let any page open a WebSocket, and say whose page it is (RFC 6455 section 10.2)."""
        origins = request.headers.getall("Origin", [])
        if len(origins) != 1:
            return False
        origin = origins[0].lower()
        if self._config.origins:
            return origin in {allowed.lower().rstrip("/") for allowed in self._config.origins}
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and origin == f"{parts.scheme}://{request.host.lower()}"


def _subprotocols(request: web.Request) -> set[str]:
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    return {name.strip() for name in offered.split(",")}


def _problem(status: int, code: str) -> web.Response:
    """RFC 9457."""
    body = {"type": "about:blank", "status": status, "title": CODES[code], "code": code}
    return web.json_response(body, status=status, content_type="application/problem+json")
