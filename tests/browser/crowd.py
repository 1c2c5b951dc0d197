"""People without browsers, who come to the real server over real sockets: a picture of one colour each that moves, and
an audio level. They receive nothing, so that a machine can carry many beside the browsers that look at them."""

import asyncio
import colorsys
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from random import Random
from typing import Any, Literal, Self, cast
from urllib.parse import urlsplit

import aiohttp
import av
import numpy as np

from sfu.commands import Kind
from sfu.dtls import Certificate, Connected, Handshake
from signalling import grant
from signalling.keys import create_key
from tests.bed import offer
from tests.bed.client import SimClient
from tests.bed.clock import MILLISECOND
from tests.bed.content import Stamp
from tests.bed.dialect import CHROMIUM, KINDS
from tests.bed.ice import Credentials
from tests.bed.sender import Media, Outgoing, OutgoingEncoding, Sender
from tests.bed.srtp import Keys, Profile
from tests.browser.content import Rgb
from tests.browser.server import Server

FRAME = 100 * MILLISECOND
WIDTH, HEIGHT = 160, 120
QUIET, LOUD = 80, 25
ROLES = ("patient", "guardian", "companion", "interpreter", "guest")
_SOURCES: dict[Kind, str] = {"audio": "microphone", "video": "camera"}
_PATIENCE_S = 20.0
# RFC 6716: 20 ms of silence.
_SILENCE = b"\xf8\xff\xfe"


def entry(
    server: Server,
    participant: str,
    role: str,
    name: str,
    *,
    room: str = "group",
    size: int = 25,
    gate: Literal["lobby", "open"] = "open",
    rename: bool = False,
) -> str:
    """A grant for somebody whom no lab link stands for."""
    key = create_key(server.log.parent / "demo" / "control-key.pem")
    return grant.issue(
        key, room=room, participant=participant, role=role, name=name, gate=gate, size=size, rename=rename
    )


def address(server: Server, page: Literal["patient", "clinic"], token: str) -> str:
    """What somebody opens who comes by a grant."""
    return f"{server.url}/{page}/#grant={token}&ws=ws://{urlsplit(server.url).netloc}/ws"


def painted(colour: int) -> Rgb:
    """What a colour is: those of two dozen people differ from each other."""
    hue, value = colour * 3 % 8 / 8, (0.95, 0.7, 0.45)[colour // 8 % 3]
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.9, value))
    return red, green, blue


@cache
def picture(colour: int) -> tuple[bytes, ...]:
    """VP8 frames, each of which can be decoded by itself: a field of one colour, and a bar that wanders through it."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.bit_rate, encoder.gop_size = 100_000, 1
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    rgb = painted(colour)
    frames: list[bytes] = []
    for step in range(8):
        pixels = np.full((HEIGHT, WIDTH, 3), rgb, np.uint8)
        pixels[:, step * WIDTH // 8 : (step + 1) * WIDTH // 8] = 235
        frames += [bytes(packet) for packet in encoder.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24"))]
    assert len(frames) == 8
    assert all(len(frame) < 1_100 for frame in frames)
    return tuple(frames)


class _Painted(Sender):
    """A sender whose frames are real ones."""

    colour = 0

    def _make_frame(self, now: int, encoding: OutgoingEncoding, keyframe: bool) -> Iterator[Outgoing]:
        stamp = Stamp(self._owner, self.section.track, 0, self.frame, now, 0, 0, 1, True)
        if self.section.kind == "audio":
            yield self._packet(now, encoding, _SILENCE, stamp)
            return
        frames = picture(self.colour)
        # RFC 7741 section 4.2: X, S; then I with a 15-bit picture id.
        descriptor = struct.pack("!BBH", 0x90, 0x80, 0x8000 | self.frame & 0x7FFF)
        yield self._packet(now, encoding, descriptor + frames[self.frame % len(frames)], stamp)


class Extra(asyncio.DatagramProtocol):
    """One of the crowd: its WebSocket, its transport, and its two tracks."""

    def __init__(self, name: str, number: int, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.name = name
        self.number = number
        self.websocket = websocket
        self.messages: list[dict[str, Any]] = []
        self._client: SimClient
        self._certificate: Certificate
        self._fingerprints: tuple[tuple[str, str], ...] = ()
        self._ids = count(1)
        self._news = asyncio.Event()
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._handshake: Handshake | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._ping())]

    @classmethod
    async def enter(
        cls,
        session: aiohttp.ClientSession,
        server: Server,
        name: str,
        number: int,
        token: str,
        certificate: Certificate,
    ) -> Self:
        """Joins, connects and sends."""
        websocket = await session.ws_connect(
            f"{server.url}/ws", protocols=("venterom.v1",), origin=server.url, max_msg_size=0
        )
        extra = cls(name, number, websocket)
        await extra.request("join", grant=token)
        random = Random(number)
        local = Credentials.random(random)
        sdp = offer.write(random.getrandbits(60), 1, local, certificate.fingerprint, CHROMIUM, KINDS, 0)
        tracks = [{"mid": str(mid), "kind": kind, "source": _SOURCES[kind]} for mid, kind in enumerate(KINDS)]
        answer = offer.read((await extra.request("offer", sdp=sdp, tracks=tracks))["sdp"], first_track=1)
        address = server.island.address if server.island else "127.0.0.1"
        with server.island.entered() if server.island else nullcontext():
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((address, 0))
        where = (address, answer.server[1])
        extra._client = SimClient(
            number, address=opened.getsockname(), server=where, local=local, remote=answer.credentials, seed=number
        )
        for section in answer.tracks:
            sender = _Painted(number, section, random, Media(FRAME, 100), section.codecs[0])
            sender.colour, sender.voice_level = number, QUIET
            extra._client.senders[section.track] = sender
        extra._certificate, extra._fingerprints = certificate, answer.fingerprints
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: extra, sock=opened)
        extra._client.ice.checking = True
        extra._client.start(_now())
        extra._turn()
        await asyncio.wait_for(extra._connected, _PATIENCE_S)
        return extra

    def speak(self, level: int = LOUD) -> None:
        for sender in self._client.senders.values():
            sender.voice_level = level

    @property
    def frames(self) -> int:
        """How many it has made of each track."""
        return max(sender.frame for sender in self._client.senders.values())

    def sees(self, participant: str) -> str | None:
        """The state of somebody in the roster, as told last."""
        found = self._told(participant)
        return None if found is None else str(found["state"])

    def name_of(self, participant: str) -> str | None:
        found = self._told(participant)
        return None if found is None else str(found["name"])

    async def hears_of(self, participant: str, state: str | None = None) -> None:
        """Waits until somebody is in the roster, in this state where one is given."""
        async with asyncio.timeout(_PATIENCE_S):
            while (seen := self.sees(participant)) is None or state not in (None, seen):
                self._news.clear()
                await self._news.wait()

    def _told(self, participant: str) -> dict[str, Any] | None:
        lists = [message["participants"] for message in self.messages if message["type"] == "participants"]
        return next((one for one in (lists[-1] if lists else []) if one["id"] == participant), None)

    async def say(self, kind: str, **fields: object) -> None:
        """A message without a reply."""
        await self.websocket.send_json({"type": kind, **fields})

    async def request(self, kind: str, **fields: object) -> dict[str, Any]:
        number = next(self._ids)
        self._replies[number] = asyncio.get_running_loop().create_future()
        await self.say(kind, id=number, **fields)
        reply = await asyncio.wait_for(self._replies[number], _PATIENCE_S)
        assert reply["type"] != "error", reply
        return reply

    @property
    def id(self) -> str:
        """In the room."""
        return f"extra-{self.number}"

    async def leave(self) -> None:
        self._client.stop()
        with suppress(ConnectionError):
            await self.say("leave")
        self.close()
        await self.websocket.close()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        client = self._client
        client.receive(_now(), client.ice.address, addr, data)
        loop = asyncio.get_running_loop()
        if self._handshake is None and client.ice.selected is not None:
            self._handshake = Handshake(self._certificate, self._fingerprints, server=False, now=loop.time())
        if self._handshake is not None:
            for datagram in client.dtls:
                self._handshake.receive(loop.time(), datagram)
            client.dtls.clear()
        self._turn()

    def _turn(self) -> None:
        if self._transport is None:
            return
        client, loop = self._client, asyncio.get_running_loop()
        client.handle_timeout(_now())
        if self._handshake is not None:
            for datagram in self._handshake.transmits():
                client.send_raw(datagram)
            state = self._handshake.state
            if isinstance(state, Connected) and client.opening is None:
                client.set_keys(Keys(Profile(state.keys.profile), state.keys.local, state.keys.remote))
                self._connected.set_result(None)
        for transmit in client.transmits():
            self._transport.sendto(transmit.data, transmit.remote)
        due = client.next_timeout()
        if self._timer is not None:
            self._timer.cancel()
        delay = 1.0 if due is None else max(0.0, (due - _now()) / 1e6)
        self._timer = loop.call_later(delay, self._turn)

    # The WebSocket

    async def _read(self) -> None:
        async for message in self.websocket:
            fields = message.json()
            waiting = self._replies.pop(fields.get("re", -1), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(fields)
            self.messages.append(fields)
            self._news.set()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(4)
            await self.say("ping")


@dataclass(slots=True)
class Crowd:
    """Everybody who came to one room so."""

    server: Server
    session: aiohttp.ClientSession
    certificate: Certificate = field(default_factory=lambda: Certificate.generate(time.time))
    people: list[Extra] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def join(
        self, name: str, role: str = "patient", *, size: int = 25, gate: Literal["lobby", "open"] = "open"
    ) -> Extra:
        number = next(self._numbers)
        token = entry(self.server, f"extra-{number}", role, name, size=size, gate=gate)
        extra = await Extra.enter(self.session, self.server, name, number, token, self.certificate)
        self.people.append(extra)
        return extra

    async def dismiss(self, extra: Extra) -> None:
        """One goes, and sends until the server knows."""
        self.people.remove(extra)
        await extra.say("leave")
        await extra.leave()

    async def leave(self) -> None:
        await asyncio.gather(*(extra.leave() for extra in self.people))


@asynccontextmanager
async def crowd_at(server: Server) -> AsyncIterator[Crowd]:
    """Those who come to this server, from where it is; all leave in the end."""
    connector = aiohttp.TCPConnector(socket_factory=server.island.socket if server.island else None)
    async with aiohttp.ClientSession(connector=connector) as session:
        crowd = Crowd(server, session)
        yield crowd
        await crowd.leave()


def _now() -> int:
    return time.monotonic_ns() // 1000


__all__ = ["FRAME", "LOUD", "QUIET", "ROLES", "Crowd", "Extra", "address", "crowd_at", "entry", "painted", "picture"]
