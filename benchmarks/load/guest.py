"""The way into a room: WebSocket, offer and answer, ICE and DTLS, as a page does them; then the pump takes over."""

import asyncio
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Self

import aiohttp

from benchmarks.load.caller import Caller
from benchmarks.load.pump import Pump
from benchmarks.load.stream import Shape
from sfu.dtls import Certificate, Connected, Handshake
from sfu.errors import DtlsError
from tests.bed import offer
from tests.bed.dialect import CHROMIUM, KINDS
from tests.bed.ice import Credentials, IceAgent
from tests.bed.srtp import Opening, Profile, Sealing

_SOURCES: Final[Mapping[str, str]] = {"audio": "microphone", "video": "camera"}
_PATIENCE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds from the start of the WebSocket's handshake; `wall` is that start, in nanoseconds."""

    wall: int
    joined: float
    answered: float
    connected: float


class Guest:
    """One participant: its WebSocket, and its caller once it is connected."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())
        self._caller: Caller | None = None
        self._times: Times | None = None

    @classmethod
    async def enter(
        cls,
        session: aiohttp.ClientSession,
        port: int,
        grant: str,
        *,
        pump: Pump,
        certificate: Certificate,
        random: Random,
        video: Shape,
    ) -> Self:
        """Joins and connects; media is for the caller to start."""
        wall, started = time.time_ns(), time.monotonic()
        url = f"http://127.0.0.1:{port}"
        guest = cls(await session.ws_connect(f"{url}/ws", protocols=("venterom.v1",), origin=url, max_msg_size=0))

        def passed() -> float:
            return (time.monotonic() - started) * 1000

        joined = await guest._request(1, type="join", grant=grant)
        joined_at = passed()
        local = Credentials.random(random)
        sdp = offer.write(
            random.getrandbits(60), 1, local, certificate.fingerprint, CHROMIUM, KINDS, joined["slots"]["video"]
        )
        tracks = [{"mid": str(mid), "kind": kind, "source": _SOURCES[kind]} for mid, kind in enumerate(KINDS)]
        reply = await guest._request(2, type="offer", sdp=sdp, tracks=tracks)
        answered_at = passed()
        answer = offer.read(reply["sdp"], first_track=1)
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.bind(("127.0.0.1", 0))
        opened.connect(answer.server)
        ice = IceAgent(random, local, answer.credentials, opened.getsockname(), answer.server)
        handshake = await _Connecting(opened, ice, certificate, answer.fingerprints).run()
        guest._times = Times(wall, joined_at, answered_at, passed())
        keys = handshake.keys
        guest._caller = Caller(
            pump, opened,
            seals=Sealing(Profile(keys.profile), keys.local),
            opens=Opening(Profile(keys.profile), keys.remote),
            tracks=answer.tracks,
            slots=answer.slots,
            ice=ice,
            random=random,
            video=video,
        )  # fmt: skip
        guest._caller.listen()
        return guest

    @property
    def caller(self) -> Caller:
        """There once it is in."""
        assert self._caller is not None
        return self._caller

    @property
    def times(self) -> Times:
        """Likewise."""
        assert self._times is not None
        return self._times

    async def ping(self) -> None:
        """Lets the server know that the WebSocket lives."""
        await self._websocket.send_json({"type": "ping"})

    async def leave(self) -> None:
        """Says good-bye."""
        self.caller.leave()
        await self._websocket.send_json({"type": "leave"})
        with suppress(TimeoutError):
            await asyncio.wait_for(self._reading, 2.0)  # the server closes
        await self._websocket.close()

    async def _request(self, number: int, **message: Any) -> dict[str, Any]:
        self._replies[number] = reply = asyncio.get_running_loop().create_future()
        await self._websocket.send_json({"id": number, **message})
        found: dict[str, Any] = await asyncio.wait_for(reply, _PATIENCE_S)
        if found["type"] == "error":
            raise RuntimeError(f"{message['type']}: {found['code']}")
        return found

    async def _read(self) -> None:
        async for message in self._websocket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            fields = message.json()
            waiting = self._replies.pop(fields.get("re", -1), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(fields)
        for waiting in self._replies.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError(f"the server closed the WebSocket: {self._websocket.close_code}"))


class _Connecting:
    """ICE checks, then the DTLS handshake as a client, on the event loop."""

    def __init__(
        self,
        opened: socket.socket,
        ice: IceAgent,
        certificate: Certificate,
        fingerprints: tuple[tuple[str, str], ...],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = opened
        self._ice = ice
        self._certificate = certificate
        self._fingerprints = fingerprints
        self._handshake: Handshake | None = None
        self._done: asyncio.Future[Connected] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> Connected:
        self._loop.add_reader(self._socket.fileno(), self._read)
        try:
            self._turn()
            return await asyncio.wait_for(self._done, _PATIENCE_S)
        finally:
            self._loop.remove_reader(self._socket.fileno())
            if self._timer is not None:
                self._timer.cancel()

    def _now(self) -> int:
        return time.monotonic_ns() // 1000

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(2_048)
            except BlockingIOError:
                break
            if data[0] < 4:
                for datagram in self._ice.receive(self._now(), self._ice.address, self._ice.server, data):
                    self._socket.send(datagram.data)
            elif 20 <= data[0] < 64 and self._handshake is not None:
                self._step(data)
        self._turn()

    def _step(self, data: bytes) -> None:
        assert self._handshake is not None
        try:
            self._handshake.receive(self._loop.time(), data)
        except DtlsError as error:
            if not self._done.done():
                self._done.set_exception(error)

    def _turn(self) -> None:
        for datagram in self._ice.handle_timeout(self._now()):
            self._socket.send(datagram.data)
        if self._handshake is None and self._ice.selected is not None:
            now = self._loop.time()
            self._handshake = Handshake(self._certificate, self._fingerprints, server=False, now=now)
        due = (self._ice.next_timeout() or 0) / 1e6 - time.monotonic()
        if self._handshake is not None:
            with suppress(DtlsError):
                self._handshake.handle_timeout(self._loop.time())
            for flight in self._handshake.transmits():
                self._socket.send(flight)
            state = self._handshake.state
            if isinstance(state, Connected) and not self._done.done():
                self._done.set_result(state)
            again = self._handshake.next_timeout()
            due = due if again is None else min(due, again - self._loop.time())
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.001, due), self._turn) if not self._done.done() else None
