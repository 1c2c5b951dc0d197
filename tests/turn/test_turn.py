"""TURN through a real coturn: what our credentials open, and that it is a way to nowhere but the media server."""

import asyncio
import base64
import hashlib
import hmac
import os
import re
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from aioice import stun
from aioice.turn import TurnClientUdpProtocol, create_turn_endpoint

from signalling import messages
from signalling.config import SignallingConfig, TurnConfig
from signalling.errors import KeyFileError
from signalling.turn import Turn
from tests.sfu.test_thread_plane import has_ipv6
from tests.signalling.doubles import House
from tests.turn.coturn import SECRET, Coturn, host_address

LIMIT = 20


@pytest.fixture
async def coturn(tmp_path: Path) -> AsyncIterator[Coturn]:
    running = await Coturn.start(tmp_path, host_address())
    yield running
    await running.stop()


class Echo(asyncio.DatagramProtocol):
    """Stands for the media server: sends back what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


class Inbox(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes] = asyncio.Queue()
        self.lost = asyncio.Event()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.came.put_nowait(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


async def relay(coturn: Coturn, way: str, username: str, password: str) -> tuple[Any, Inbox]:
    """An allocation."""
    tls = way == "tls"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    transport: Literal["udp", "tcp"] = "udp" if way == "udp" else "tcp"
    async with asyncio.timeout(LIMIT):
        allocation, inbox = await create_turn_endpoint(
            Inbox,
            (coturn.address, coturn.tls_port if tls else coturn.port),
            username=username,
            password=password,
            transport=transport,
            ssl=context if tls else False,
        )
    assert isinstance(inbox, Inbox)
    return allocation, inbox


async def leave(allocation: Any, inbox: Inbox) -> None:
    """Gives the allocation back, to the last socket."""
    allocation.close()
    await asyncio.wait_for(inbox.lost.wait(), LIMIT)


@contextmanager
def refused(*codes: int) -> Iterator[None]:
    with pytest.raises(stun.TransactionFailed) as caught:
        yield
    assert caught.value.response.attributes["ERROR-CODE"][0] in codes


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_our_credential_opens_the_way_to_the_media_server(coturn: Coturn, way: str) -> None:
    loop = asyncio.get_running_loop()
    media, _ = await loop.create_datagram_endpoint(Echo, (coturn.address, 0))
    allocation, inbox = await relay(coturn, way, *coturn.credential(time.time()))
    async with asyncio.timeout(LIMIT):
        allocation.sendto(b"hello", media.get_extra_info("sockname"))
        assert await inbox.came.get() == b"hello"
    await leave(allocation, inbox)
    media.close()


async def test_expired_and_forged_credentials_are_refused(coturn: Coturn) -> None:
    now = time.time()
    username, password = coturn.credential(now)
    later = f"{int(now) + 86_400}:{username.partition(':')[2]}"
    forged = base64.b64encode(hmac.digest(b"another secret of 16", username.encode(), hashlib.sha1)).decode()
    for given in (
        coturn.credential(now - 3600),  # ran out 50 minutes ago
        (later, password),  # prolonged by its owner
        (username, forged),
        (username, ""),
        ("guest", "guest"),
    ):
        with refused(401):
            await relay(coturn, "udp", *given)
    await leave(*await relay(coturn, "udp", username, password))


SPECIAL_4 = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
    *("169.254.169.254", "192.0.0.1", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("203.0.113.7", "8.8.8.8"),
]
SPECIAL_6 = [
    *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1"),
]
PORT = 22


def asking_for(method: stun.Method, address: str) -> stun.Message:
    request = stun.Message(message_method=method, message_class=stun.Class.REQUEST)
    if method is stun.Method.CHANNEL_BIND:
        request.attributes["CHANNEL-NUMBER"] = 0x4001
    request.attributes["XOR-PEER-ADDRESS"] = (address, PORT)
    return request


async def opens_nothing_but(client: TurnClientUdpProtocol, allowed: str, others: list[str]) -> None:
    """Permissions and channels alike; the same requests are granted for the one address that is meant."""
    for address in others:
        for method in (stun.Method.CREATE_PERMISSION, stun.Method.CHANNEL_BIND):
            with refused(403):
                await client.request_with_retry(asking_for(method, address))
    for method in (stun.Method.CREATE_PERMISSION, stun.Method.CHANNEL_BIND):
        await client.request_with_retry(asking_for(method, allowed))


async def test_no_address_but_the_media_servers_is_relayed_to(coturn: Coturn) -> None:
    """CVE-2020-26262, CVE-2026-27624; a relay of IPv4 has no way to any of IPv6 (443, RFC 8656 section 9.2)."""
    allocation, inbox = await relay(coturn, "udp", *coturn.credential(time.time()))
    client: TurnClientUdpProtocol = allocation._TurnTransport__inner_protocol
    neighbour = re.sub(r"\d+$", lambda last: str(int(last[0]) ^ 1), coturn.address)
    try:
        await opens_nothing_but(client, coturn.address, [*SPECIAL_4, neighbour])
        for address in SPECIAL_6:
            with refused(403, 443):
                await client.request_with_retry(asking_for(stun.Method.CREATE_PERMISSION, address))
    finally:
        await leave(allocation, inbox)


@pytest.mark.skipif(not has_ipv6(), reason="no ::1 here")
async def test_no_address_but_the_media_servers_is_relayed_to_by_ipv6(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same from a relay of IPv6, which can name those of IPv4 as mapped ones."""
    family = (0x0017, "REQUESTED-ADDRESS-FAMILY", stun.pack_unsigned, stun.unpack_unsigned)
    monkeypatch.setitem(stun.ATTRIBUTES_BY_NAME, family[1], family)
    media = "2001:db8::10"
    coturn = await Coturn.start(tmp_path, media)
    server = (coturn.address, coturn.port)
    username, password = coturn.credential(time.time())
    asking, client = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: TurnClientUdpProtocol(server, username, password, lifetime=600, channel_refresh_time=500),
        remote_addr=server,
    )
    try:
        allocate = stun.Message(message_method=stun.Method.ALLOCATE, message_class=stun.Class.REQUEST)
        allocate.attributes |= {"LIFETIME": 600, "REQUESTED-TRANSPORT": 17 << 24, family[1]: 2 << 24}
        allocated, _ = await client.request_with_retry(allocate)
        assert allocated.attributes["XOR-RELAYED-ADDRESS"][0] == "::1"
        mapped = f"::ffff:{coturn.address}"
        await opens_nothing_but(client, media, [*SPECIAL_6, "2001:db8::11", mapped])
    finally:
        asking.close()
        await coturn.stop()


async def test_nothing_is_said_to_who_has_no_credential_that_is_longer_than_the_question(coturn: Coturn) -> None:
    """A relay makes a poor amplifier: a Binding is answered with little, an allocation with a challenge."""
    loop = asyncio.get_running_loop()
    inbox = Inbox()
    asking, _ = await loop.create_datagram_endpoint(lambda: inbox, remote_addr=(coturn.address, coturn.port))
    request = stun.Message(message_method=stun.Method.ALLOCATE, message_class=stun.Class.REQUEST)
    asking.sendto(bytes(request))
    async with asyncio.timeout(LIMIT):
        answer = await inbox.came.get()
    assert b"oturn" not in answer
    assert len(answer) < 150
    asking.close()


# --- what signalling hands out


async def test_everybody_who_joins_gets_a_credential_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    turn = TurnConfig(urls=("turn:t.example.org", "turns:t.example.org"), secret=tmp_path / "secret", lifetime=3600)
    house = House(SignallingConfig.model_validate({"ice_servers": [{"urls": ["stun:s.example.org"]}], "turn": turn}))
    house.rooms._turn = Turn.read(turn)
    seen = set()
    for participant in ("anna", "bo", "anna"):
        person = await house.enter(participant)
        fixed, server = person.last(messages.Joined).ice_servers
        assert (fixed.urls, server.urls) == (["stun:s.example.org"], list(turn.urls))
        assert server.username is not None
        expiry, _, rest = server.username.partition(":")
        assert int(expiry) == int(house.clock.wall()) + 3600
        assert re.fullmatch("[0-9a-f]{16}", rest), "no name, no id"
        expected = base64.b64encode(hmac.digest(SECRET.encode(), server.username.encode(), hashlib.sha1)).decode()
        assert server.credential == expected
        seen.add(server.username)
        assert expected not in repr(person.last(messages.Joined))
    assert len(seen) == 3
    assert SECRET not in repr(house.rooms._turn)


def test_a_secret_that_is_missing_or_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    config = TurnConfig(urls=("turn:t.example.org",), secret=path)
    with pytest.raises(KeyFileError):
        Turn.read(config)
    path.write_text("fifteen letters\n")
    with pytest.raises(KeyFileError, match="16") as caught:
        Turn.read(config)
    assert "fifteen" not in str(caught.value)
    path.write_bytes(os.urandom(32))
    Turn.read(config)
