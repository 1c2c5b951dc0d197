"""The node as it runs: real sockets, the media thread, handshakes in theirs, and simulated callers on loopback."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Self, cast

import pytest

from sfu.config import MediaConfig
from sfu.dtls import Certificate, Connected, Handshake
from sfu.events import DtlsReceived, Event, Validated
from sfu.node import Node
from sfu.plane import ThreadPlane
from sfu.room_events import NodeEvent, PeerConnected, PeerDisconnected, PeerFailed
from sfu.sdp import OfferedTrack
from tests.bed import offer
from tests.bed.client import SimClient
from tests.bed.clock import SECOND
from tests.bed.dialect import CHROMIUM, KINDS
from tests.bed.ice import Credentials
from tests.bed.srtp import Keys, Profile
from tests.bed.stun import Address

LIMIT = 20
"""Seconds until waiting has failed."""
BROWSER = Certificate.generate(lambda: 1_767_268_800.0)
TRACKS = [OfferedTrack("0", "audio", "microphone"), OfferedTrack("1", "video", "camera")]


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.bind(("::1", 0))
        return True
    return False


HOSTS = [
    "127.0.0.1",
    pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no ::1 here")),
]


class Watched(Node):
    """A node that keeps what the wire told it."""

    seen: list[Event]

    def receive(self, event: Event) -> None:
        self.__dict__.setdefault("seen", []).append(event)
        super().receive(event)


class Changes:
    """Lets one wait for whatever may have changed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def note(self, *_: object) -> None:
        self._event.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._event.clear()
                await self._event.wait()


class Server:
    """A node on a free port."""

    def __init__(self, *announce: str, tcp_ports: tuple[int, ...] = ()) -> None:
        self.changes = Changes()
        self.told: list[NodeEvent] = []
        self.node = cast(Watched, Watched.start(MediaConfig(port=0, tcp_ports=tcp_ports, announce=announce)))
        self.node.seen = []
        self.node.events = self._hear

    def _hear(self, event: NodeEvent) -> None:
        self.told.append(event)
        self.changes.note()

    def counter(self, name: str) -> int:
        return self.node.snapshot().counters[name]


class Caller(asyncio.DatagramProtocol):
    """A simulated participant on a socket of its own: ICE, DTLS, SRTP."""

    client: SimClient
    fingerprints: tuple[tuple[str, str], ...]

    def __init__(self, server: Server, ident: int) -> None:
        self.server = server
        self.ident = ident
        self.random = Random(ident)
        self.local = Credentials.random(self.random)
        self.handshake: Handshake | None = None
        self.paused = False
        """Holds its DTLS back."""
        self._socket: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def enter(cls, server: Server, ident: int, host: str | socket.socket) -> Self:
        """Offers and is let in, on a socket of that host or of its own; `run` begins."""
        loop = asyncio.get_running_loop()
        where: Any = {"sock": host} if isinstance(host, socket.socket) else {"local_addr": (host, 0)}
        _, caller = await loop.create_datagram_endpoint(lambda: cls(server, ident), **where)
        node = server.node
        node.open_peer("r", caller.name, size=2)
        sdp = offer.write(ident, 1, caller.local, BROWSER.fingerprint, CHROMIUM, KINDS, 1)
        caller.take(await node.offer("r", caller.name, sdp, TRACKS))
        node.set_gate("r", caller.name, True)
        return caller

    def take(self, sdp: str) -> None:
        """The answer to its offer."""
        answer = offer.read(sdp, first_track=10 * self.ident)
        self.fingerprints = answer.fingerprints
        self.client = SimClient(
            self.ident, address=self.address, server=answer.server, local=self.local, remote=answer.credentials
        )
        self.client.set_sections(answer.tracks, answer.slots)

    @property
    def name(self) -> str:
        return f"p{self.ident}"

    @property
    def address(self) -> Address:
        assert self._socket is not None
        host, port, *_ = self._socket.get_extra_info("sockname")
        return host, port

    @property
    def state(self) -> object:
        return self.handshake.state if self.handshake is not None else None

    def got_from(self, ident: int) -> dict[str, int]:
        """Packets with somebody's content, by kind."""
        return {
            receiver.section.kind: sum(
                item.stamp is not None and item.stamp.sender == ident for item in receiver.received
            )
            for receiver in self.client.receivers.values()
        }

    def start(self) -> None:
        """Sends its tracks from now on."""
        self.client.start(self._now())
        self._turn()

    def poke(self, datagram: bytes) -> None:
        """Sends any datagram from its own address."""
        assert self._socket is not None
        self._socket.sendto(datagram, self.client.ice.server)

    def check(self) -> None:
        """Begins with ICE."""
        self._turn()

    def run(self) -> None:
        """Begins with all, or goes on."""
        self.paused = False
        self._turn()

    def hang_up(self) -> None:
        """As `RTCPeerConnection.close()` does."""
        assert self.handshake is not None
        self.handshake.close()
        self._turn()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._socket.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.client.receive(self._now(), self.address, addr[:2], data)
        self._turn()
        self.server.changes.note()

    def _now(self) -> int:
        return int(self._loop.time() * SECOND)

    def _turn(self) -> None:
        assert self._socket is not None
        if self._socket.is_closing():
            return
        self.client.handle_timeout(self._now())
        if self.client.ice.selected is not None and not self.paused:
            self._shake_hands()
        for transmit in self.client.transmits():
            self._socket.sendto(transmit.data, transmit.remote)
        if self._timer is not None:
            self._timer.cancel()
        due = [self.client.next_timeout()]
        if self.handshake is not None and (at := self.handshake.next_timeout()) is not None:
            due.append(int(at * SECOND))
        at_once = min(moment for moment in due if moment is not None)
        self._timer = self._loop.call_at(at_once / SECOND + 0.0001, self._turn)

    def _shake_hands(self) -> None:
        now = self._loop.time()
        if self.handshake is None:
            self.handshake = Handshake(BROWSER, self.fingerprints, server=False, now=now)
        for datagram in self.client.dtls:
            self.handshake.receive(now, datagram)
        self.client.dtls.clear()
        self.handshake.handle_timeout(now)
        for datagram in self.handshake.transmits():
            self.client.send_raw(datagram)
        if isinstance(self.handshake.state, Connected) and self.client.opening is None:
            keys = self.handshake.state.keys
            self.client.set_keys(Keys(Profile(keys.profile), keys.local, keys.remote))


@pytest.fixture(params=HOSTS)
async def host(request: pytest.FixtureRequest) -> str:
    return cast(str, request.param)


@pytest.fixture
async def server(host: str) -> AsyncIterator[Server]:
    server = Server(host)
    yield server
    server.node.stop()


@pytest.fixture
async def pair(server: Server, host: str) -> AsyncIterator[tuple[Caller, Caller]]:
    callers = [await Caller.enter(server, ident, host) for ident in (1, 2)]
    yield callers[0], callers[1]
    for caller in callers:
        caller.close()


async def connect(server: Server, *callers: Caller) -> None:
    for caller in callers:
        caller.run()
    names = {caller.name for caller in callers}
    await server.changes.until(
        lambda: names <= {event.participant for event in server.told if isinstance(event, PeerConnected)}
    )
    await server.changes.until(lambda: all(isinstance(caller.state, Connected) for caller in callers))


async def media_both_ways(server: Server, one: Caller, other: Caller) -> None:
    one.start()
    other.start()
    await server.changes.until(
        lambda: min(*one.got_from(other.ident).values(), *other.got_from(one.ident).values()) >= 5
    )


def hellos(count: int, seed: int = 0) -> list[bytes]:
    """ClientHellos of nobody's: whole ones, others', and damaged ones."""
    random = Random(seed)
    fingerprint = [("sha-256", ":".join(["AB"] * 32))]
    made: list[bytes] = []
    whole = b""
    for index in range(count):
        if index % 100 == 0:
            whole = Handshake(BROWSER, fingerprint, server=False, now=0.0).transmits()[0]
        hello = bytearray(whole)
        hello[random.randrange(3, 11)] ^= random.randrange(256)  # epoch and number
        if index % 2:
            hello[random.randrange(13, len(hello))] ^= random.randrange(256)
        made.append(bytes(hello))
    return made


class Stranger:
    """Somebody whom ICE has not validated."""

    def __init__(self, server: Server, host: str) -> None:
        self._server = server
        self._address = host, server.node.port
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, datagrams: list[bytes]) -> None:
        """Sends them all, in portions that the socket can hold; returns when the wire has dropped the last."""
        for first in range(0, len(datagrams), 20):
            portion = datagrams[first : first + 20]
            before = self._server.counter("dropped_unvalidated")
            for datagram in portion:
                self._socket.sendto(datagram, self._address)
            for _ in range(1000):  # each look has the media thread take a turn
                if self._server.counter("dropped_unvalidated") >= before + len(portion):
                    break
            else:
                pytest.fail("the wire has not seen what was sent to it")

    def hears(self) -> bool:
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            return bool(self._socket.recv(2000))
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
async def stranger(server: Server, host: str) -> AsyncIterator[Stranger]:
    stranger = Stranger(server, host)
    yield stranger
    stranger.close()


# A call


async def test_two_callers_hear_and_see_each_other(server: Server, pair: tuple[Caller, Caller]) -> None:
    anna, bo = pair
    await connect(server, anna, bo)
    await media_both_ways(server, anna, bo)
    assert anna.client.refused == bo.client.refused == 0
    assert len(server.node.snapshot().open_routes) == 4
    server.node.set_gate("r", bo.name, False)
    assert server.node.snapshot().open_routes == frozenset()


async def test_the_numbers_tell_of_the_call(server: Server, pair: tuple[Caller, Caller]) -> None:
    anna, bo = pair
    empty = server.node.statistics()
    assert (empty.transports, empty.connected, empty.handshakes.count) == (2, 0, 0)
    await connect(server, anna, bo)
    await media_both_ways(server, anna, bo)
    reports = "rtcp_received", "rtcp_sent"
    await server.changes.until(lambda: all(server.counter(name) > 0 for name in reports))
    full = server.node.statistics()
    assert (full.transports, full.connected, full.handshakes.count) == (2, 2, 2)
    assert 0 < full.handshakes.total < LIMIT
    assert full.wire.cpu > empty.wire.cpu
    assert full.wire.history_bytes > 0
    for direction in ("received", "sent"):
        traffic = full.wire.traffic(direction)
        assert all(traffic[kind].datagrams > 0 for kind in ("stun", "dtls", "rtcp", "audio", "video")), traffic
        assert traffic["video"].bytes > traffic["audio"].bytes > 5 * 12
        assert traffic["other"].datagrams == 0
    server.node.close_peer("r", bo.name)
    assert (server.node.statistics().transports, server.node.statistics().connected) == (1, 1)


async def test_a_caller_that_hangs_up_is_gone_long_before_its_consent(
    server: Server, pair: tuple[Caller, Caller]
) -> None:
    anna, bo = pair
    await connect(server, anna, bo)
    anna.hang_up()
    async with asyncio.timeout(5):
        await server.changes.until(lambda: PeerDisconnected("r", anna.name) in server.told)
    assert server.node.snapshot().peers == {server.node.number("r", bo.name)}
    assert PeerDisconnected("r", bo.name) not in server.told


async def test_handshakes_are_off_the_loop(
    server: Server, pair: tuple[Caller, Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    receive = Handshake.receive

    def noting(self: Handshake, now: float, datagram: bytes) -> None:
        threads.add(threading.current_thread().name)
        receive(self, now, datagram)

    monkeypatch.setattr(Handshake, "receive", noting)
    await connect(server, *pair)
    ours = {name for name in threads if name.startswith("venterom-dtls")}
    assert ours
    assert threads - ours == {threading.current_thread().name}, "the callers' own"


# Strangers


async def test_a_strangers_datagrams_reach_nothing(
    server: Server, pair: tuple[Caller, Caller], stranger: Stranger
) -> None:
    anna, bo = pair
    random = Random(5)
    rtp = [b"\x80\x60" + random.randbytes(60) for _ in range(50)]
    rtcp = [b"\x80\xc9" + random.randbytes(30) for _ in range(50)]
    stranger.send([*hellos(50), *rtp, *rtcp])
    assert server.node.seen == []
    await connect(server, anna, bo)
    await media_both_ways(server, anna, bo)
    events = len(server.node.seen)
    stranger.send([*hellos(50), *rtp, *rtcp])
    for _ in range(3):  # whatever the wire had to say would be handed over now
        await asyncio.sleep(0)
    assert not any(isinstance(event, DtlsReceived | Validated) for event in server.node.seen[events:])
    assert not stranger.hears()
    assert anna.client.refused == bo.client.refused == 0
    assert anna.client.strays == bo.client.strays == []


async def test_forged_hellos_before_ice_and_during_the_handshake(
    server: Server, pair: tuple[Caller, Caller], stranger: Stranger
) -> None:
    anna, bo = pair
    stranger.send(hellos(500, 1))
    assert server.node.seen == []
    for caller in pair:
        caller.paused = True
        caller.check()
    await server.changes.until(lambda: all(caller.client.ice.selected is not None for caller in pair))
    stranger.send(hellos(500, 2))
    for caller in pair:
        caller.run()
        caller.paused = True  # its own Hello is under way; it waits with the rest
    await server.changes.until(lambda: all(caller.client.dtls for caller in pair))
    stranger.send(hellos(1000, 3))
    for forged in hellos(20, 4):
        anna.poke(forged)  # somebody who guessed its address, and writes it as his own
    await connect(server, anna, bo)
    stranger.send(hellos(100, 4))
    await media_both_ways(server, anna, bo)
    assert not any(isinstance(event, PeerFailed | PeerDisconnected) for event in server.told)


# Opening and closing


def media_threads() -> int:
    names = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            names.append((task / "comm").read_text().strip())
    return names.count("venterom-media")


async def test_a_port_that_is_taken_is_an_os_error() -> None:
    threads = media_threads()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        with pytest.raises(OSError):  # noqa: PT011 (the system's text is in its language)
            Node.start(MediaConfig(port=taken.getsockname()[1], announce=("127.0.0.1",)))
    assert media_threads() == threads


async def test_an_address_that_does_not_resolve_leaves_nothing_open() -> None:
    threads, descriptors = media_threads(), len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError) as caught:  # noqa: PT011
        Node.start(MediaConfig(port=0, announce=("a..b",)))
    # `caught` still holds the frames, and so the plane: it was closed, not forgotten.
    assert isinstance(caught.value, OSError)
    assert (media_threads(), len(os.listdir("/proc/self/fd"))) == (threads, descriptors)


async def test_stop_frees_port_threads_and_descriptors() -> None:
    threads, descriptors = media_threads(), len(os.listdir("/proc/self/fd"))
    server = Server("127.0.0.1")
    port = server.node.port
    caller = await Caller.enter(server, 1, "127.0.0.1")
    await connect(server, caller)
    assert media_threads() == threads + 1
    server.node.stop()
    server.node.stop()
    caller.close()
    await asyncio.sleep(0)
    assert media_threads() == threads
    assert not any(thread.name.startswith("venterom-dtls") for thread in threading.enumerate())
    assert len(os.listdir("/proc/self/fd")) == descriptors
    again = Node.start(MediaConfig(port=port, announce=("127.0.0.1",)))
    assert again.port == port
    again.stop()


async def test_one_event_that_fails_does_not_take_the_others_with_it() -> None:
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    seen: list[Event] = []
    changes = Changes()

    def receive(event: Event) -> None:
        seen.append(event)
        changes.note()
        raise ZeroDivisionError

    server = Server("127.0.0.1")
    callers = [await Caller.enter(server, ident, "127.0.0.1") for ident in (1, 2)]
    server.node._plane.listen(receive)  # type: ignore[attr-defined]
    for caller in callers:
        caller.run()
    await changes.until(lambda: len([event for event in seen if isinstance(event, Validated)]) == 2)
    await asyncio.sleep(0)
    assert len(complaints) == len(seen)
    assert {type(item["exception"]) for item in complaints} == {ZeroDivisionError}
    for caller in callers:
        caller.close()
    server.node.stop()
    loop.set_exception_handler(None)


async def test_a_closed_plane_says_so() -> None:
    plane = ThreadPlane(MediaConfig(port=0), seed=1)
    plane.close()
    plane.close()
    with pytest.raises(RuntimeError, match="closed"):
        plane.snapshot()
