"""ICE over TCP (RFC 6544) as it runs: real sockets, and simulated callers whose datagrams come framed."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random

import pytest

from sfu.config import MediaConfig
from sfu.node import Node
from sfu.room_events import PeerConnected, PeerDisconnected, PeerFailed
from tests.bed import offer
from tests.bed.dialect import CHROMIUM, KINDS
from tests.bed.ice import Credentials
from tests.sfu.stream import StreamCaller, framed
from tests.sfu.test_thread_plane import BROWSER, HOSTS, TRACKS, Caller, Server, connect, media_both_ways

MAX_FRAME = 2048
"""Longest datagram that the wire takes over TCP."""


@pytest.fixture(params=HOSTS)
async def host(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
async def server(host: str) -> AsyncIterator[Server]:
    server = Server(host, tcp_ports=(0,))
    yield server
    server.node.stop()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def meet(
    server: Server, host: str, stack: AsyncExitStack, *, port: int | None = None
) -> tuple[StreamCaller, Caller]:
    """One by TCP, one by UDP, who hear and see each other."""
    anna = await StreamCaller.dial(server, 1, host, port=port)
    stack.callback(anna.close)
    bo = await Caller.enter(server, 2, host)
    stack.callback(bo.close)
    await connect(server, anna, bo)
    await media_both_ways(server, anna, bo)
    return anna, bo


async def more_media(server: Server, *callers: Caller) -> None:
    """Waits until each has got more of the other."""
    one, other = callers
    before = [min(one.got_from(other.ident).values()), min(other.got_from(one.ident).values())]
    await server.changes.until(
        lambda: (
            min(one.got_from(other.ident).values()) >= before[0] + 5
            and min(other.got_from(one.ident).values()) >= before[1] + 5
        )
    )


async def test_a_call_by_tcp_on_each_of_the_ports(server: Server, host: str, stack: AsyncExitStack) -> None:
    assert server.node.tcp_ports[0] == server.node.port
    assert len(set(server.node.tcp_ports)) == 2
    for port in server.node.tcp_ports:
        anna, bo = await meet(server, host, stack, port=port)
        assert anna.client.refused == bo.client.refused == 0
        assert not anna.client.strays
        for caller in (anna, bo):
            server.node.close_peer("r", caller.name)
            caller.close()
        server.told.clear()


async def test_the_answer_offers_udp_first_and_passive_tcp_after(server: Server, host: str) -> None:
    local = Credentials.random(Random(1))
    server.node.open_peer("r", "p", size=2)
    sdp = offer.write(1, 1, local, BROWSER.fingerprint, CHROMIUM, KINDS, 1)
    answer = await server.node.offer("r", "p", sdp, TRACKS)
    first = answer.split("a=end-of-candidates")[0]
    candidates = [line.split()[1:] for line in first.split("\r\n") if line.startswith("a=candidate:")]
    port, further = server.node.tcp_ports
    host_and_type = [host, "typ", "host"]
    assert [[item[1], item[3], item[4], item[5], item[6], *item[7:]] for item in candidates] == [
        ["udp", host, str(port), "typ", "host"],
        ["tcp", host, str(port), "typ", "host", "tcptype", "passive"],
        ["tcp", host, str(further), "typ", "host", "tcptype", "passive"],
    ], host_and_type
    priorities = [int(item[2]) for item in candidates]
    assert priorities == sorted(priorities, reverse=True)


async def test_a_call_moves_between_udp_and_tcp_and_over_to_another_connection(
    server: Server, host: str, stack: AsyncExitStack
) -> None:
    anna, bo = await meet(server, host, stack)
    await anna.back_to_udp(host)
    await more_media(server, anna, bo)
    assert server.counter("tcp_accepted") == 1
    for dialled in (2, 3):
        await anna.redial(host, server.node.port)
        anna.run()
        await more_media(server, anna, bo)
        assert server.counter("tcp_accepted") == dialled
    assert not any(isinstance(event, PeerFailed | PeerDisconnected) for event in server.told)
    assert anna.client.refused == bo.client.refused == 0


async def test_a_reader_that_stops_reading_holds_up_nobody_and_comes_back_to_the_present(
    server: Server, host: str, stack: AsyncExitStack
) -> None:
    slow = await StreamCaller.dial(server, 1, host, buffer=4096)
    bo = await Caller.enter(server, 2, host)
    for caller in (slow, bo):
        stack.callback(caller.close)
    await connect(server, slow, bo)
    await media_both_ways(server, slow, bo)
    slow.stream.pause_reading()
    before = bo.got_from(1)["audio"]
    await server.changes.until(lambda: server.counter("tcp_dropped") > 20)
    assert bo.got_from(1)["audio"] > before
    slow.stream.resume_reading()
    await more_media(server, slow, bo)
    assert slow.client.refused == 0, "the stream is in step"


async def test_strangers_by_tcp_reach_nothing_and_hostile_lengths_are_cut(
    server: Server, host: str, stack: AsyncExitStack
) -> None:
    anna, bo = await meet(server, host, stack)
    random = Random(3)
    port = server.node.port
    for length in (MAX_FRAME + 1, 0x7FFF, 0xFFFF):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(length.to_bytes(2, "big") + b"x" * 100)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
    reader, writer = await asyncio.open_connection(host, port)
    before = server.counter("dropped_unvalidated")
    for _ in range(50):
        for head in (b"\x80\x60", b"\x80\xc9", b"\x16\xfe"):
            writer.write(framed(head + random.randbytes(60)))
    await server.changes.until(lambda: server.counter("dropped_unvalidated") == before + 150)
    assert await asyncio.wait_for(reader.read(), 20) == b"", "cut when its time was up, having heard nothing"
    writer.close()
    await more_media(server, anna, bo)
    assert not any(isinstance(event, PeerFailed | PeerDisconnected) for event in server.told)


OUT_OF_DESCRIPTORS = """
import json, os, resource, socket, sys, time
from sfu.config import MediaConfig
from sfu.plane import ThreadPlane

plane = ThreadPlane(MediaConfig(port=0), seed=1)
clients = [socket.socket() for _ in range(6)]
for client in clients:
    client.settimeout(20)
plane.snapshot()  # the thread is up
lowest = max(int(fd) for fd in os.listdir("/proc/self/fd")) + 2
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
for client in clients:
    client.connect(("127.0.0.1", plane.port))  # the kernel takes them
before = plane.snapshot().counters["wakeups"]
time.sleep(2.5)
wakeups = plane.snapshot().counters["wakeups"] - before
refused = plane.snapshot().counters["tcp_accepted"]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
end = time.monotonic() + 20
while plane.snapshot().counters["tcp_accepted"] < 6 and time.monotonic() < end:
    time.sleep(0.05)
print(json.dumps([refused, wakeups, plane.snapshot().counters["tcp_accepted"]]))
plane.close()
"""


async def test_without_descriptors_the_thread_rests_and_takes_connections_later() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OUT_OF_DESCRIPTORS, stdout=asyncio.subprocess.PIPE, env=os.environ
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    meanwhile, wakeups, in_the_end = json.loads(out)
    assert (meanwhile, in_the_end) == (0, 6)
    assert wakeups < 50, "it would be tens of thousands"


async def test_a_tcp_port_that_is_taken_is_an_os_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for config in (MediaConfig(port=port), MediaConfig(port=0, tcp_ports=(port,))):
            with pytest.raises(OSError, match="os error 98"):
                Node.start(config)


async def test_a_port_is_free_again_at_once_for_the_next_run(host: str, stack: AsyncExitStack) -> None:
    server = Server(host)
    anna = await StreamCaller.dial(server, 1, host)
    stack.callback(anna.close)
    anna.run()
    await server.changes.until(lambda: any(isinstance(event, PeerConnected) for event in server.told))
    port = server.node.port
    server.node.stop()  # ours is the side that closes first, and whose connection lingers
    again = Node.start(MediaConfig(port=port, announce=(host,)))
    assert again.tcp_ports == (port,)
    again.stop()
