"""A participant's tab over real sockets: its WebSocket, its PeerConnection, and what it has been told."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import aiohttp

from sfu import dtls
from tests.bed.stun import Address
from tests.soak.leg import KINDS, Leg

_PATIENCE_S = 30.0
_PING_S = 4.0
_SOURCES = {"audio": "microphone", "video": "camera"}
Standing = Literal["lobby", "admitted", "held", "out"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server is, and what all people share."""

    session: aiohttp.ClientSession
    url: str
    media: Address
    certificate: dtls.Certificate
    seed: int
    pairs: int
    idents: "count[int]" = field(default_factory=lambda: count(1))


@dataclass(slots=True)
class _Pace:
    """So many a second, and at once: a participant may send so much, over reconnects; what is more would be refused."""

    rate: float
    burst: int
    free_at: float = 0.0
    """When the next may go."""

    async def turn(self) -> None:
        """Waits until one may go."""
        loop = asyncio.get_running_loop()
        self.free_at = max(self.free_at + 1 / self.rate, loop.time() - self.burst / self.rate)
        await asyncio.sleep(self.free_at - loop.time())


@dataclass(slots=True, eq=False)
class Person:
    """`standing`, `paused` and `tracks` are what the server said last over a WebSocket that still is there."""

    place: Place
    name: str
    is_host: bool
    seat: str | None = None
    leg: Leg | None = None
    standing: Standing = "out"
    paused: bool = False
    tracks: list[dict[str, Any]] = field(default_factory=list)
    muted: set[str] = field(default_factory=set)
    _socket: aiohttp.ClientWebSocketResponse | None = None
    _reading: asyncio.Task[None] | None = None
    _pinging: asyncio.Task[None] | None = None
    _replies: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _errors: dict[int, str] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _messages: _Pace = field(default_factory=lambda: _Pace(15, 40))
    """Below what the server takes (`messages_per_second`, `messages_burst`)."""
    _offers: _Pace = field(default_factory=lambda: _Pace(0.9, 18))
    """The same (`offers_per_second`, `offers_burst`)."""

    @property
    def is_in(self) -> bool:
        """Whether its WebSocket is there, and has joined."""
        return self._socket is not None and not self._socket.closed and self.standing != "out"

    async def join(self, **credential: str) -> str | None:
        """By `grant` or `seat`; the error code where it is refused."""
        await self.drop()
        self.tracks, self.paused = [], False
        place = self.place
        origin = place.url
        self._socket = await place.session.ws_connect(
            f"{place.url}/ws", protocols=("venterom.v1",), origin=origin, max_msg_size=0
        )
        self._reading = asyncio.create_task(self._read(self._socket))
        reply = await self._request(type="join", **credential)
        if reply["type"] != "joined":
            await self.drop()
            return str(reply.get("code", reply["type"]))
        self.seat = reply["seat"]
        self._pinging = asyncio.create_task(self._ping(self._socket))
        return None

    async def drop(self) -> None:
        """The WebSocket is torn; media goes on."""
        socket, self._socket = self._socket, None
        for task in (self._pinging, self._reading):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self._pinging = self._reading = None
        if socket is not None:
            transport = socket._conn.transport if socket._conn is not None else None
            if transport is not None:
                transport.abort()
            await socket.close()
        self.standing = "out"

    async def go(self) -> None:
        """Everything is torn, as when a tab is killed."""
        await self.drop()
        self.hang_up()

    def hang_up(self) -> None:
        if self.leg is not None:
            self.leg.close()
            self.leg = None

    async def connect(self) -> None:
        """A new PeerConnection in place of the old."""
        self.hang_up()
        place = self.place
        self.leg = Leg(next(place.idents), place.media, place.certificate, place.pairs, place.seed)
        await self.negotiate()

    async def negotiate(self, *, restart: bool = False) -> None:
        """Offers what there is, once more; a server that lost the connection gets a new one."""
        leg = self.leg
        assert leg is not None
        tracks = [{"mid": str(mid), "kind": kind, "source": _SOURCES[kind]} for mid, kind in enumerate(KINDS)]
        await self._offers.turn()
        reply = await self._request(type="offer", sdp=leg.offer(restart=restart), tracks=tracks)
        if reply["type"] == "answer" and leg is self.leg:
            leg.take(reply["sdp"])
            for kind in KINDS:
                await self.do("mute", track=self.track(_SOURCES[kind]), muted=_SOURCES[kind] in self.muted)

    async def mute(self, source: str, muted: bool) -> None:
        (self.muted.add if muted else self.muted.discard)(source)
        await self.do("mute", track=self.track(source), muted=muted)

    def track(self, source: str) -> str:
        return f"{self.name}-{source}"

    async def do(self, type_: str, **fields: Any) -> str | None:
        """A command; the code of the error that answers it."""
        number = next(self._numbers)
        await self._send({"type": type_, "id": number, **fields})
        await self._request(type="ping")  # what was said before it has been answered before it
        return self._errors.pop(number, None)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._messages.turn()
        if self._socket is not None and not self._socket.closed:
            with suppress(ConnectionError):
                await self._socket.send_json(message)

    async def _request(self, **message: Any) -> dict[str, Any]:
        """The reply; `{"type": "closed"}` where the connection ends before."""
        number = next(self._numbers)
        reply = asyncio.get_running_loop().create_future()
        if self._reading is None or self._reading.done():
            return {"type": "closed"}
        self._replies[number] = reply
        await self._send({"id": number, **message})
        done, _ = await asyncio.wait((reply, self._reading), timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        assert done, f"no reply to {message['type']} of {self.name}"
        self._replies.pop(number, None)
        return dict(reply.result()) if reply.done() else {"type": "closed"}

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while not socket.closed:
            await asyncio.sleep(_PING_S)
            with suppress(ConnectionError):
                await self._send({"type": "ping"})

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(message.json())
        finally:
            self.standing = "out"

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "lobby":
                self.standing, self.paused, self.tracks = "lobby", False, []
            case "admitted" | "released":
                self.standing = "admitted"
            case "held":
                self.standing = "held"
            case "paused":
                self.paused = True
            case "resumed":
                self.paused = False
            case "tracks":
                self.tracks = message["tracks"]
            case "ended":
                self.standing = "out"
                if message["reason"] != "taken_over":
                    self.seat = None
            case "error" if message.get("re") is not None:
                self._errors[message["re"]] = message["code"]
            case _:
                pass
        waiting = self._replies.get(message.get("re") or 0)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
