"""WebSocket and HTTP floods, slow and abrupt clients, and every way to break a frame (RFC 6455)."""

import asyncio
import json
import resource
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from signalling import packing
from signalling.config import SignallingConfig
from tests.hostile.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Wire, close, frame, upgrade
from tests.signalling.test_server import Client, Site, running

SLOW_SOCKETS = 2000
MESSAGE_MAX = 256 * 1024
GOOD = b'{"type": "ping"}'


@pytest.fixture
async def site(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with running(Site(tmp_path, getattr(request, "param", SignallingConfig()))) as site:
        yield site


@pytest.fixture
async def wire(site: Site) -> AsyncIterator[Wire]:
    wire = await Wire.open("127.0.0.1", site.port)
    yield wire
    await wire.leave()


@pytest.fixture
async def other(site: Site) -> Client:
    """Somebody in a call, who must notice nothing."""
    host, _ = await site.pair()
    return host


async def answers(client: Client) -> float:
    """Seconds until somebody's ping is answered."""
    start = time.monotonic()
    await client.send("ping")
    await client.until("pong")
    return time.monotonic() - start


PROTOCOL, NOT_TEXT, TOO_BIG = 1002, 1007, 1009
BROKEN = {
    **{f"reserved bit {bit}": (frame(TEXT, GOOD, reserved=bit), PROTOCOL) for bit in (1, 2, 4, 7)},
    **{f"opcode {code}": (frame(code, b"x"), PROTOCOL) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{f"control {code} over 125 bytes": (frame(code, bytes(126)), PROTOCOL) for code in (CLOSE, PING, PONG)},
    **{f"control {code} in pieces": (frame(code, b"x", fin=False), PROTOCOL) for code in (CLOSE, PING, PONG)},
    "a control frame that claims 64 bits": (frame(PING, length=1 << 40, form=8), PROTOCOL),
    "a continuation of nothing": (frame(CONTINUATION, GOOD), PROTOCOL),
    "a continuation after the end": (frame(TEXT, GOOD) + frame(CONTINUATION, b"x"), PROTOCOL),
    "a text within a text": (frame(TEXT, b"{", fin=False) + frame(TEXT, GOOD), PROTOCOL),
    "a binary within a text": (frame(TEXT, b"{", fin=False) + frame(BINARY, GOOD), PROTOCOL),
    "not UTF-8": (frame(TEXT, b'"\xff\xfe"'), NOT_TEXT),
    "a surrogate in UTF-8": (frame(TEXT, b'"\xed\xa0\x80"'), NOT_TEXT),
    "an overlong form": (frame(TEXT, b'"\xc0\xaf"'), NOT_TEXT),
    "beyond Unicode": (frame(TEXT, b'"\xf4\x90\x80\x80"'), NOT_TEXT),
    "UTF-8 that ends early": (frame(TEXT, b'"\xe2\x82'), NOT_TEXT),
    "UTF-8 broken over pieces": (frame(TEXT, b'"\xe2', fin=False) + frame(CONTINUATION, b'("'), NOT_TEXT),
    "a gigabyte announced": (frame(TEXT, length=1 << 30, form=8), TOO_BIG),
    "63 bits announced": (frame(TEXT, length=(1 << 63) - 1, form=8), TOO_BIG),
    "64 bits announced": (frame(TEXT, length=(1 << 64) - 1, form=8), TOO_BIG),
    "pieces without end": (
        frame(TEXT, b" " * 60_000, fin=False) + frame(CONTINUATION, b" " * 60_000, fin=False) * 5,
        TOO_BIG,
    ),
    "a close of one byte": (frame(CLOSE, b"\x03"), PROTOCOL),
    **{f"a close with {code}": (close(code), PROTOCOL) for code in (0, 999, 1004, 1005, 1016, 2999)},
    "a close whose reason is not UTF-8": (close(1000, b"\xff"), NOT_TEXT),
}


async def test_each_broken_frame_closes_its_socket_with_the_right_code(site: Site, other: Client) -> None:
    for name, (data, code) in BROKEN.items():
        wire = await Wire.open("127.0.0.1", site.port)
        wire.send(data)
        assert await wire.closed() == code, name
        await wire.leave()
    assert await answers(other) < 5


@pytest.mark.parametrize("cut", [1, 2, 3, 7])
async def test_a_message_in_pieces_with_pings_between_them_is_one_message(wire: Wire, cut: int) -> None:
    parts = [GOOD[at : at + cut] for at in range(0, len(GOOD), cut)]
    for index, part in enumerate(parts):
        opcode = TEXT if index == 0 else CONTINUATION
        wire.send(frame(opcode, part, fin=index == len(parts) - 1), frame(PING, bytes((index,))))
    pongs: list[bytes] = []
    while len(pongs) < len(parts):
        opcode, payload = await wire.get()
        if opcode == PONG:
            pongs.append(payload)
        else:
            assert json.loads(payload)["type"] in ("error", "pong")
    assert pongs == [bytes((index,)) for index in range(len(parts))]


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125))])
async def test_a_ping_comes_back_as_it_was_even_byte_by_byte(wire: Wire, payload: bytes) -> None:
    for byte in frame(PING, payload):
        wire.send(bytes((byte,)))
    assert await wire.get() == (PONG, payload)
    wire.send(frame(PONG, b"nobody asked"), close(1000, "på gjensyn".encode()))
    assert await wire.closed() == 1000


async def test_a_deflate_bomb_is_refused_before_it_is_unpacked(site: Site, other: Client) -> None:
    patient = await site.enter("bomber")
    bomb = packing.pack("\0" * 150_000_000)
    start = time.process_time()
    await patient.send("offer", sdp_z=bomb, tracks=[], id=3)
    assert await patient.error() == ("too_big", 3)
    assert time.process_time() - start < 1.0
    assert await answers(other) < 5


@pytest.fixture
def descriptors() -> Iterator[None]:
    """As many as the system gives: both ends of each connection are ours."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@dataclass(eq=False)
class Slow:
    """Connections that take a place each and then do nothing."""

    port: int
    upgraded: bool
    """Whether each has its WebSocket; else it said nothing, or a part of its request."""
    sockets: list[socket.socket] = field(default_factory=list)

    async def grow(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        while len(self.sockets) < count:
            one = socket.socket()
            self.sockets.append(one)
            one.setblocking(False)
            await loop.sock_connect(one, ("127.0.0.1", self.port))
            await asyncio.sleep(0)  # the server accepts: else the system drops those that it can't queue, for a second
            request = upgrade("127.0.0.1", self.port)
            await loop.sock_sendall(one, request if self.upgraded else request[: len(self.sockets) % 200])
            if self.upgraded:
                assert (await loop.sock_recv(one, 4096)).startswith(b"HTTP/1.1 101")

    def close(self) -> None:
        for one in self.sockets:
            one.close()


@pytest.mark.usefixtures("descriptors")
@pytest.mark.parametrize("site", [SignallingConfig(messages_burst=1_000_000)], ids=[""], indirect=True)
@pytest.mark.parametrize("upgraded", [False, True], ids=["no whole request", "no join"])
async def test_two_thousand_slow_sockets_hold_up_nobody(site: Site, other: Client, upgraded: bool) -> None:
    """Nobody in a call notices, and whoever comes, by grant or by seat, gets in while they pour in and afterwards."""
    seated = await site.enter("away")
    await seated.socket.close()
    seat = seated.joined["seat"]  # type: ignore[attr-defined]
    slow = Slow(site.port, upgraded)
    times: list[float] = []
    over = asyncio.Event()

    async def come(participant: str) -> None:
        """One by a fresh grant, and one back by a seat."""
        start = time.monotonic()
        newcomer, back = await site.enter(participant), await site.connect()
        await back.send("join", seat=seat)
        await back.until("joined")
        times.extend((await answers(newcomer), await answers(back), time.monotonic() - start))
        await newcomer.socket.close()
        await back.socket.close()

    async def ask() -> None:
        while not over.is_set():
            times.append(await answers(other))
            await asyncio.sleep(0.02)

    try:
        async with asyncio.TaskGroup() as all_along:
            all_along.create_task(ask())
            await slow.grow(SLOW_SOCKETS // 2 + 100)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(slow.grow(SLOW_SOCKETS))
                tasks.create_task(come("early"))
            await come("late")
            over.set()
        assert len(slow.sockets) == SLOW_SOCKETS
        assert max(times) < 5
        if upgraded:
            assert site.server.statistics().opened > SLOW_SOCKETS
            assert site.server.statistics().waiting <= site.config.max_unjoined
    finally:
        over.set()
        slow.close()


async def test_sockets_that_are_torn_off_in_the_middle_leave_nothing_behind(site: Site, other: Client) -> None:
    await answers(other)
    before = len(asyncio.all_tasks())
    cuts = (b"", frame(TEXT, GOOD)[:1], frame(TEXT, GOOD)[:5], frame(TEXT, GOOD, fin=False), frame(TEXT, length=1000))
    for index in range(100):
        wire = await Wire.open("127.0.0.1", site.port)
        wire.send(cuts[index % len(cuts)])
        raw = wire.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
        await wire.leave()
    async with asyncio.timeout(20):
        while len(asyncio.all_tasks()) > before:
            await answers(other)


async def test_a_flood_of_empty_pieces_and_pings_is_cut_or_costs_only_its_sender(site: Site, other: Client) -> None:
    wire = await Wire.open("127.0.0.1", site.port)
    wire.send(frame(TEXT, b"", fin=False))
    start = time.process_time()
    for _ in range(50):
        wire.send(frame(CONTINUATION, b"", fin=False) * 1000)
        assert await answers(other) < 5
    assert time.process_time() - start < 10
    await wire.leave()
