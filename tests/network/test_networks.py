"""The server in networks as hospitals have them: behind NAT, with two interfaces, with IPv6 alone."""

import asyncio
import functools
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.bed import offer
from tests.bed.dialect import CHROMIUM, KINDS
from tests.bed.ice import Credentials
from tests.control.serving import Served
from tests.network.space import Space
from tests.sfu.stream import StreamCaller
from tests.sfu.test_thread_plane import BROWSER, TRACKS, Caller, Changes, Server, connect, media_both_ways

OUTSIDE, INSIDE = "10.204.1.", "10.204.2."
PUBLISHED = 7000


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def hosts(stack: AsyncExitStack) -> tuple[Space, Space, Space]:
    """A server, a router, and a client's host; no cables yet."""
    try:
        return (
            await Space.host("server", stack),
            await Space.host("router", stack),
            await Space.host("client", stack),
        )
    except PermissionError as error:
        pytest.skip(str(error))


def start(space: Space, stack: AsyncExitStack, *announce: str) -> Server:
    with space.entered():
        server = Server(*announce)
    stack.callback(server.node.stop)
    return server


async def candidates(server: Server) -> list[tuple[str, str, int]]:
    """What an answer offers: protocol, address, port; loopback aside."""
    server.node.open_peer("elsewhere", "p", size=2)
    local = Credentials("ufrag", "p" * 24)
    sdp = offer.write(1, 1, local, BROWSER.fingerprint, CHROMIUM, KINDS, 1)
    answer = await server.node.offer("elsewhere", "p", sdp, TRACKS)
    server.node.close_peer("elsewhere", "p")
    found = re.findall(r"a=candidate:\d+ 1 (\w+) \d+ (\S+) (\d+) ", answer.partition("a=end-of-candidates")[0])
    return [(protocol, host, int(port)) for protocol, host, port in found if host not in ("127.0.0.1", "::1")]


async def caller(server: Server, ident: int, own: socket.socket, to: tuple[str, int], stack: AsyncExitStack) -> Caller:
    """Somebody by UDP, who takes that candidate."""
    entered = await Caller.enter(server, ident, own)
    stack.callback(entered.close)
    entered.client.ice.server = to
    return entered


async def streaming(
    server: Server, ident: int, space: Space, own: str, to: tuple[str, int], stack: AsyncExitStack
) -> Caller:
    """Somebody by TCP."""
    entered = await StreamCaller.enter(server, ident, space.udp(own))
    stack.callback(entered.close)
    entered.client.ice.server = to
    await entered.redial(*to, io=space.tcp(own))
    return entered


@pytest.mark.parametrize("masked", [False, True], ids=["seen as they are", "all from one address"])
async def test_behind_nat_and_in_a_container_the_announced_endpoint_leads_in(
    hosts: tuple[Space, Space, Space], stack: AsyncExitStack, masked: bool
) -> None:
    """As with a firewall that forwards a port, and a container's published one; where `masked` clients hide as well."""
    inner, router, client = hosts
    await router.cable(client, "out", f"{OUTSIDE}1/24", f"{OUTSIDE}2/24")
    await router.cable(inner, "in", f"{INSIDE}1/24", f"{INSIDE}2/24")
    await inner.ip(f"route add default via {INSIDE}1")
    await router.forwards()
    server = start(inner, stack, f"{OUTSIDE}1:{PUBLISHED}")
    to = f"{INSIDE}2:{server.node.port}"
    await router.nft(
        f"""table ip nat {{
            chain before {{
                type nat hook prerouting priority dstnat;
                ip daddr {OUTSIDE}1 udp dport {PUBLISHED} dnat to {to};
                ip daddr {OUTSIDE}1 tcp dport {PUBLISHED} dnat to {to};
            }}
            chain after {{
                type nat hook postrouting priority srcnat;
                {'oifname "in" masquerade random;' if masked else ""}
            }}
        }}"""
    )
    endpoint = (f"{OUTSIDE}1", PUBLISHED)
    assert await candidates(server) == [("udp", *endpoint), ("tcp", *endpoint)]
    anna = await caller(server, 1, client.udp(f"{OUTSIDE}2"), endpoint, stack)
    bo = await streaming(server, 2, client, f"{OUTSIDE}2", endpoint, stack)
    await connect(server, anna, bo)
    await media_both_ways(server, anna, bo)
    assert server.counter("tcp_accepted") == 1
    mapped = anna.client.ice.mapped
    assert mapped is not None
    assert mapped[0] == (f"{INSIDE}1" if masked else f"{OUTSIDE}2")


async def test_two_interfaces_each_answer_from_the_address_that_was_asked(
    hosts: tuple[Space, Space, Space], stack: AsyncExitStack
) -> None:
    """A clinic's network and a patients': neither has a way to the other's address."""
    inner, ward, home = hosts
    await inner.cable(ward, "ward", f"{OUTSIDE}1/24", f"{OUTSIDE}2/24")
    await inner.cable(home, "home", f"{INSIDE}1/24", f"{INSIDE}2/24")
    server = start(inner, stack)
    port = server.node.port
    ends = (f"{OUTSIDE}1", port), (f"{INSIDE}1", port)
    assert {*await candidates(server)} >= {(protocol, *end) for protocol in ("udp", "tcp") for end in ends}
    anna = await caller(server, 1, ward.udp(f"{OUTSIDE}2"), ends[0], stack)
    bo = await caller(server, 2, home.udp(f"{INSIDE}2"), ends[1], stack)
    await connect(server, anna, bo)
    await media_both_ways(server, anna, bo)
    server.node.close_peer("r", anna.name)
    cleo = await streaming(server, 3, ward, f"{OUTSIDE}2", ends[0], stack)
    await connect(server, cleo)
    await media_both_ways(server, cleo, bo)


async def test_ipv6_alone(hosts: tuple[Space, Space, Space], stack: AsyncExitStack) -> None:
    inner, _, client = hosts
    await inner.cable(client, "six", "fd00:204::1/64", "fd00:204::2/64")
    for space in (inner, client):
        await space.ip("address delete 127.0.0.1/8 dev lo")
    server = start(inner, stack)
    endpoint = ("fd00:204::1", server.node.port)
    assert await candidates(server) == [("udp", *endpoint), ("tcp", *endpoint)]
    anna = await caller(server, 1, client.udp("fd00:204::2"), endpoint, stack)
    bo = await streaming(server, 2, client, "fd00:204::2", endpoint, stack)
    await connect(server, anna, bo)
    await media_both_ways(server, anna, bo)


class Elsewhere(Server):
    """A server in another process, whose callers come by WebSocket."""

    def __init__(self) -> None:
        self.changes = Changes()


async def test_ipv6_alone_from_the_first_byte_on(
    hosts: tuple[Space, Space, Space], stack: AsyncExitStack, tmp_path: Path
) -> None:
    """All of `venterom serve`, joined at `ws://[...]`."""
    inner, _, client = hosts
    await inner.cable(client, "six", "fd00:204::1/64", "fd00:204::2/64")
    for space in (inner, client):
        await space.ip("address delete 127.0.0.1/8 dev lo")
    served = Served(tmp_path, host="fd00:204::1", island=inner)
    await stack.enter_async_context(served.running())
    connector = aiohttp.TCPConnector(socket_factory=lambda _: client.tcp("fd00:204::2"))
    http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
    server = Elsewhere()
    callers = []
    for ident in (1, 2):
        visitor = await served.come(http, f"p{ident}", role="practitioner", gate="open")
        _, entered = await asyncio.get_running_loop().create_datagram_endpoint(
            functools.partial(Caller, server, ident), sock=client.udp("fd00:204::2")
        )
        stack.callback(entered.close)
        sdp = offer.write(ident, 1, entered.local, BROWSER.fingerprint, CHROMIUM, KINDS, 1)
        tracks = [{"mid": track.mid, "kind": track.kind, "source": track.source} for track in TRACKS]
        answered = await visitor.ask(type="offer", sdp=sdp, tracks=tracks)
        entered.take(answered["sdp"])
        assert entered.client.ice.server[0] == "fd00:204::1"
        entered.start()
        callers.append(entered)
    anna, bo = callers
    await server.changes.until(lambda: min(*anna.got_from(bo.ident).values(), *bo.got_from(anna.ident).values()) >= 5)


async def test_candidates_of_browsers_are_never_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.local` names (mDNS) and others: the browser comes to us, so nobody needs to know where it is."""
    server = Server("127.0.0.1")

    def asked(*_: object, **__: object) -> None:
        pytest.fail("a name was looked up")

    server.node.open_peer("r", "p", size=2)
    sdp = offer.write(1, 1, Credentials("ufrag", "p" * 24), BROWSER.fingerprint, CHROMIUM, KINDS, 1)
    names = ("0ac1b6a4-1f1c-4b3f-9a50-2f5a1b1f0c2d.local", "evil.example", "169.254.169.254", "a" * 300 + ".local")
    lines = "".join(f"a=candidate:1 1 udp 2113937151 {name} 40000 typ host generation 0\r\n" for name in names)
    offered = re.sub(r"(a=mid:[^\r]*\r\n)", lambda mid: mid[0] + lines, sdp)
    monkeypatch.setattr(socket, "getaddrinfo", asked)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", asked)
    answer = await server.node.offer("r", "p", offered, TRACKS)
    assert ".local" not in answer
    assert "evil" not in answer
    assert server.counter("datagrams_sent") == 0
    server.node.stop()
