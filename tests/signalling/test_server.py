"""A real server and real WebSockets: connections, bad input, slow readers, restarts."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import WSMsgType, web
from structlog.testing import capture_logs

from signalling import grant, packing
from signalling.config import SignallingConfig
from signalling.door import Address
from signalling.feed import Feed
from signalling.inputs import Enter
from signalling.keys import SigningKey
from signalling.node import TracksChanged, TrackView
from signalling.server import SignallingServer, peer_address
from tests.signalling.doubles import KEY, KEYS, ManualClock, RecordingNode

WAIT = 5.0


@dataclass(eq=False)
class Client:
    """A WebSocket client that has no manners of its own."""

    socket: aiohttp.ClientWebSocketResponse

    async def send(self, kind: str, **fields: object) -> None:
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def get(self) -> dict[str, Any]:
        """The next message."""
        message = await asyncio.wait_for(self.socket.receive(), WAIT)
        assert message.type is WSMsgType.TEXT, message
        found: dict[str, Any] = json.loads(message.data)
        return found

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of this type."""
        while True:
            message = await self.get()
            if message["type"] == kind:
                return message

    async def error(self) -> tuple[str, int | None]:
        message = await self.until("error")
        return message["code"], message.get("re")

    async def closed(self) -> int | None:
        """The close code, once it comes; what is said before is passed over."""
        async with asyncio.timeout(WAIT):
            async for _ in self.socket:
                pass
        return self.socket.close_code


@dataclass(eq=False)
class Site:
    """A server on a free port."""

    data: Path
    config: SignallingConfig = field(default_factory=SignallingConfig)
    clock: ManualClock = field(default_factory=ManualClock)
    node: RecordingNode = field(default_factory=RecordingNode)
    feed: Feed | None = None
    address_of: Callable[[web.Request], Address | None] = peer_address

    def feed_of(self) -> Feed:
        assert self.feed is not None
        return self.feed

    async def start(self) -> None:
        self.server = SignallingServer.create(
            self.config, self.node, KEYS, self.data, self.clock, self.feed, self.address_of
        )
        app = web.Application()
        self.server.add_to(app)
        await self.server.start()
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.port = self.runner.addresses[0][1]
        self.http = aiohttp.ClientSession()

    async def stop(self) -> None:
        await self.server.stop()
        await self.http.close()
        await self.runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ws"

    async def connect(self, address: str | None = None) -> Client:
        origin = f"http://127.0.0.1:{self.port}"
        return Client(
            await self.http.ws_connect(
                self.url,
                protocols=["venterom.v1"],
                origin=origin,
                headers=None if address is None else {"X-Address": address},
                autoping=True,
                max_msg_size=0,
                compress=0,
            )
        )

    def grant(self, participant: str = "pat", role: str = "patient", **more: Any) -> str:
        given: dict[str, Any] = {"room": "r", "name": participant.title(), "now": self.clock.wall, **more}
        return grant.issue(given.pop("key", KEY), participant=participant, role=role, **given)

    async def enter(self, participant: str = "pat", role: str = "patient", **more: Any) -> Client:
        client = await self.connect()
        await client.send("join", grant=self.grant(participant, role, **more))
        client.joined = await client.until("joined")  # type: ignore[attr-defined]
        return client

    async def pair(self) -> tuple[Client, Client]:
        """A host and a patient in a call."""
        host = await self.enter("host", "practitioner", gate="open")
        patient = await self.enter()
        await host.send("admit", participant="pat")
        await patient.until("participants")
        await has_state(host, "pat", "admitted")
        return host, patient


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with running(Site(tmp_path)) as site:
        yield site


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[Site]:
    await site.start()
    try:
        yield site
    finally:
        await site.stop()


# --- connecting


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        ((), "http://{host}", True),
        ((), "https://{host}", True),
        ((), "HTTP://{host}", True),
        ((), None, False),
        ((), "null", False),
        ((), "", False),
        ((), "http://evil.example", False),
        ((), "http://{host}.evil.example", False),
        ((), "http://evil.{host}", False),
        ((), "http://{host}/", False),
        ((), "http://{host}@evil.example", False),
        ((), "ftp://{host}", False),
        ((), "http://[", False),
        (("https://portal.example.org",), "https://portal.example.org", True),
        (("https://portal.example.org/",), "https://Portal.example.org", True),
        (("https://portal.example.org",), "http://portal.example.org", False),
        (("https://portal.example.org",), "https://portal.example.org:8443", False),
        (("https://portal.example.org",), "https://portal.example.org.evil.example", False),
        (("https://portal.example.org",), "http://{host}", False),
    ],
)
async def test_whose_pages_may_connect(
    tmp_path: Path, origins: tuple[str, ...], origin: str | None, allowed: bool
) -> None:
    async with running(Site(tmp_path, SignallingConfig(origins=origins))) as site:
        headers = {} if origin is None else {"Origin": origin.format(host=f"127.0.0.1:{site.port}")}
        assert await handshake(site, headers) == ((101, None) if allowed else (403, "origin_forbidden"))


async def handshake(
    site: Site, headers: dict[str, str], protocol: str | None = "venterom.v1"
) -> tuple[int, str | None]:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Extensions": "permessage-deflate",
        **({} if protocol is None else {"Sec-WebSocket-Protocol": protocol}),
        **headers,
    }
    async with site.http.get(site.url, headers=upgrade) as response:
        if response.status == 101:
            assert response.headers["Sec-WebSocket-Protocol"] == "venterom.v1"
            assert "Sec-WebSocket-Extensions" not in response.headers, "no compression"
            return 101, None
        assert response.content_type == "application/problem+json"
        body = await response.json()
        assert body["status"] == response.status
        return response.status, body["code"]


@pytest.mark.parametrize(
    ("protocol", "status"),
    [("venterom.v1", 101), ("other, venterom.v1", 101), (None, 400), ("venterom.v2", 400), ("venterom.v10", 400)],
)
async def test_the_subprotocol_is_asked_for(site: Site, protocol: str | None, status: int) -> None:
    code = None if status == 101 else "subprotocol_required"
    assert await handshake(site, {"Origin": f"http://127.0.0.1:{site.port}"}, protocol) == (status, code)


async def test_so_many_may_stand_at_the_door_and_the_oldest_gives_way(tmp_path: Path) -> None:
    async with running(Site(tmp_path, SignallingConfig(max_unjoined=2))) as site:
        inside = await site.enter()
        first, second, third = [await site.connect() for _ in range(3)]
        assert await first.closed() == 1013
        await second.send("join", id=1, grant="rubbish")
        assert await second.error() == ("grant_invalid", 1)
        fourth = await site.connect()
        assert await third.closed() == 1013, "who was refused is the newest again"
        await second.send("join", grant=site.grant("other"))
        await second.until("joined")
        fifth = await site.connect()
        for client in (inside, second, fourth, fifth):
            await client.send("ping")
            await client.until("pong")
        numbers = site.server.statistics()
        assert (numbers.joined, numbers.waiting, numbers.gave_way) == (2, 2, 2)
        assert not any(numbers.turned_away.values())


async def test_whose_join_waits_for_the_disk_gives_way_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(Site(tmp_path, SignallingConfig(max_unjoined=1))) as site:
        worker, asked, free = site.server._journal._worker, asyncio.Event(), asyncio.Event()
        write = worker.do

        async def slow(work: Callable[[], None]) -> None:
            asked.set()
            await free.wait()
            await write(work)

        monkeypatch.setattr(worker, "do", slow)
        client = await site.connect()
        await client.send("join", grant=site.grant(gate="open"))
        await asyncio.wait_for(asked.wait(), WAIT)
        later = [await site.connect() for _ in range(3)]
        assert [await one.closed() for one in later[:2]] == [1013, 1013]
        free.set()
        await client.until("joined")


async def test_an_address_that_floods_takes_no_places_of_others(tmp_path: Path) -> None:
    site = Site(
        tmp_path, SignallingConfig(max_unjoined=5), address_of=lambda asks: ip_address(asks.headers["X-Address"])
    )
    async with running(site):
        early = [await site.connect(f"2001:db8:0:{n}::1") for n in (1, 2)]
        flood = [await site.connect(f"2001:db8:0:f::{n:x}") for n in range(20)]
        for client in (*early, *flood[-3:]):
            await client.send("ping")
            await client.until("pong")
        assert site.server.statistics().gave_way == 17


async def test_who_never_joins_is_cut(site: Site) -> None:
    client = await site.connect()
    await client.send("ping")
    assert (await client.get())["type"] == "pong"
    site.clock.advance(10)
    assert (await client.error())[0] == "join_timeout"
    assert await client.closed() == 4401


async def test_a_silent_socket_is_dead(site: Site) -> None:
    host, patient = await site.pair()
    site.clock.advance(9)
    await host.send("ping", id=1)
    assert await host.until("pong") == {"re": 1, "type": "pong"}
    site.clock.advance(1)
    assert await patient.closed() == 4408
    people = (await host.until("participants"))["participants"]
    assert [(p["id"], p["state"]) for p in people] == [("host", "admitted"), ("pat", "reconnecting")]


# --- a call


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_on_either_loop(tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def call() -> None:
        async with running(Site(tmp_path)) as site:
            await a_whole_consultation(site)
            for size in (100, 3000):
                site.clock.advance(0.01)
                await a_slow_reader(site, size)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(call())


async def a_whole_consultation(site: Site) -> None:
    host, patient = await site.pair()
    tracks = [{"mid": "0", "kind": "audio", "source": "microphone"}]
    await patient.send("offer", id=2, sdp="v=0", tracks=tracks)
    assert await patient.until("answer") == {"re": 2, "type": "answer", "sdp": "answer to v=0"}
    await patient.send("offer", id=3, sdp_z=packing.pack("v=1"), tracks=tracks)
    answer = await patient.until("answer")
    assert packing.unpack(answer["sdp_z"]) == "answer to v=1"
    await patient.send("pause")
    assert (await host.until("paused"))["by"] == "pat"
    assert site.node.gate("host") is site.node.gate("pat") is False
    await host.send("resume")
    await patient.until("resumed")
    await host.send("to-lobby", participant="pat")
    assert (await patient.until("lobby"))["position"] == 1
    await host.send("remove", participant="pat")
    assert (await patient.until("ended"))["reason"] == "removed"
    assert await patient.closed() == 1000
    await host.send("end")
    assert (await host.until("ended"))["reason"] == "ended"
    assert await host.closed() == 1000
    assert site.node.gates == {}


async def test_what_follows_a_join_at_once_is_handled_after_it(site: Site) -> None:
    client = await site.connect()
    await client.send("join", id=1, grant=site.grant())
    await client.send("offer", id=2, sdp="v=0", tracks=[])
    assert (await client.get())["re"] == 1
    assert (await client.until("answer"))["re"] == 2


async def test_a_lost_connection_returns_by_its_seat(site: Site) -> None:
    host, patient = await site.pair()
    seat = patient.joined["seat"]  # type: ignore[attr-defined]
    transport = patient.socket._response.connection.transport  # type: ignore[union-attr]
    transport.abort()  # type: ignore[union-attr]
    assert (await host.until("participants"))["participants"][1]["state"] == "reconnecting"
    again = await site.connect()
    await again.send("join", seat=seat)
    assert (await again.until("joined"))["gate"] == "open"
    assert (await again.get())["type"] == "admitted"
    assert site.node.gate("pat") is True


# --- bad input: its own code, and nobody else notices


def bad_input(site: Site) -> dict[str, tuple[str, str]]:
    stranger = SigningKey.generate()
    expired = site.clock.wall() - 181
    return {
        "malformed": ("{", "bad_json"),
        "no object": ("[1]", "bad_json"),
        "field missing": ('{"type":"admit","id":9}', "bad_message"),
        "unknown type": ('{"type":"frobnicate","id":9}', "unknown_type"),
        "wrong role": ('{"type":"admit","id":9,"participant":"pat"}', "forbidden"),
        "wrong role ends": ('{"type":"end","id":9}', "forbidden"),
        "second join": ('{"type":"join","id":9,"grant":"x"}', "already_joined"),
        "somebody else's track": ('{"type":"mute","id":9,"track":"host-camera","muted":true}', "track_unknown"),
        "bad SDP": ('{"type":"offer","id":9,"sdp":"bad","tracks":[]}', "sdp_malformed"),
        "node fails": ('{"type":"offer","id":9,"sdp":"crash","tracks":[]}', "internal"),
        "bad packing": ('{"type":"offer","id":9,"sdp_z":"????","tracks":[]}', "bad_message"),
        "grant expired": (join(site.grant("x", now=lambda: expired)), "grant_expired"),
        "grant wrongly signed": (join(site.grant("x", key=stranger)), "grant_invalid"),
        "grant for another room": (join(site.grant("x", room="other"), room="r"), "grant_wrong_room"),
        "grant for another audience": (join(site.grant("x", audience="other")), "grant_invalid"),
        "no grant": (join("rubbish"), "grant_invalid"),
        "no seat": ('{"type":"join","id":9,"seat":"rubbish"}', "seat_invalid"),
        "grant as seat": (json.dumps({"type": "join", "id": 9, "seat": site.grant("x")}), "seat_invalid"),
        "before join": ('{"type":"pause","id":9}', "not_joined"),
    }


AT_THE_DOOR = {"before join", "grant expired", "grant wrongly signed", "grant for another room", "grant as seat",
               "grant for another audience", "no grant", "no seat"}  # fmt: skip


def join(token: str, **more: str) -> str:
    return json.dumps({"type": "join", "id": 9, "grant": token, **more})


async def test_each_bad_input_has_its_code_and_leaves_the_others_alone(site: Site) -> None:
    host, patient = await site.pair()
    calls = len(site.node.calls)
    for name, (text, code) in bad_input(site).items():
        client = await site.connect() if name in AT_THE_DOOR else patient
        await client.socket.send_str(text)
        found, re = await client.error()
        assert found == code, name
        assert re == (9 if '"id": 9' in text or '"id":9' in text else None), name
        if client is not patient:
            await client.socket.close()
    assert [call for call in site.node.calls[calls:] if call[0] != "offer"] == []
    await host.send("ping")
    assert (await host.get())["type"] == "pong", "nobody else got anything"
    await patient.send("ping")
    assert (await patient.get())["type"] == "pong", "and who sent it is still in the call"


async def test_a_replayed_grant(site: Site) -> None:
    token = site.grant()
    first = await site.connect()
    await first.send("join", grant=token)
    await first.until("joined")
    second = await site.connect()
    await second.send("join", id=1, grant=token)
    assert await second.error() == ("grant_replayed", 1)
    await second.send("join", id=2, grant=site.grant("other"))
    assert (await second.until("joined"))["participant"] == "other", "another try is free"


@pytest.mark.parametrize(("kind", "bound"), [("ping", 64 * 1024), ("offer", 256 * 1024)], ids=["message", "offer"])
async def test_one_byte_too_long(site: Site, kind: str, bound: int) -> None:
    host, patient = await site.pair()
    fields = {"sdp": "v=0", "tracks": []} if kind == "offer" else {}

    def text(size: int) -> str:
        base = json.dumps({"type": kind, **fields, "pad": ""})
        return base[:-2] + "x" * (size - len(base)) + base[-2:]

    await patient.socket.send_str(text(bound))
    assert (await patient.get())["type"] == ("answer" if kind == "offer" else "pong")
    await patient.socket.send_str(text(bound + 1))
    if kind != "offer":  # the frame of a longer one is not even read
        assert await patient.error() == ("too_big", None)
    assert await patient.closed() == 1009
    await host.until("participants")
    await host.send("ping")
    await host.until("pong")


async def test_an_sdp_of_a_megabyte(site: Site) -> None:
    patient = await site.enter()
    await patient.send("offer", sdp="v=0\r\n" + "a=x\r\n" * 200_000, tracks=[])
    assert await patient.closed() == 1009


async def test_a_bomb_costs_little(site: Site) -> None:
    patient = await site.enter()
    bomb = packing.pack("\0" * 150_000_000)
    assert len(bomb) < 250_000
    start = time.process_time()
    await patient.send("offer", sdp_z=bomb, tracks=[], id=3)
    assert await patient.error() == ("too_big", 3)
    assert time.process_time() - start < 1.0
    assert await patient.closed() == 1009


async def test_binary_messages_and_floods(site: Site) -> None:
    binary = await site.enter("b")
    await binary.socket.send_bytes(b"\0" * 10)
    assert (await binary.error())[0] == "bad_message"
    assert await binary.closed() == 1003
    flooder = await site.enter("f")
    for _ in range(site.config.messages_burst + 250):
        await flooder.send("ping")
    codes = []
    async with asyncio.timeout(WAIT):
        async for message in flooder.socket:
            codes.append(json.loads(message.data).get("code"))
    assert set(codes) <= {None, "rate_limited"}
    assert "rate_limited" in codes
    assert flooder.socket.close_code == 1008


async def test_logs_hold_no_names_addresses_or_tokens(site: Site) -> None:
    canary = "12057612345"
    with capture_logs() as logs:
        client = await site.connect()
        token = site.grant(canary, name=f"Kari {canary}", room=f"room-{canary}", gate="open")
        await client.send("join", grant=token)
        seat = (await client.until("joined"))["seat"]
        await client.send("pause", reason=f"r{canary}")
        await client.send("offer", sdp=f"crash {canary}", tracks=[])
        await client.send(f"t{canary}", x=canary)
        await client.error()
        await client.socket.close()
        other = await site.connect()
        await other.send("join", seat=seat)
        await other.until("joined")
        await other.send("leave", reason=f"r{canary}")
        await other.closed()
    text = repr(logs)
    assert len(logs) > 4
    assert any(entry["event"] == "message failed" for entry in logs)
    for secret in (canary, "Kari", token, seat, "127.0.0.1"):
        assert secret not in text


# --- slow readers


async def a_slow_reader(site: Site, size: int) -> None:
    """It gets as much as bounded buffers hold, and is cut; the others notice only that it is away."""
    host, patient = await site.pair()
    with await deaf(site, site.grant("slow", "companion", gate="open")) as slow:
        await has_state(host, "slow", "admitted")
        for turn in range(3000):
            view = TrackView(f"{turn}", "pat", "audio", "camera", False, "x" * size)
            site.node.events(TracksChanged("r", "slow", (view,)))
            assert all(each._bytes <= 256 * 1024 and len(each._queue) <= 200 for each in site.server._clients)
            if len(site.server._clients) == 2:
                break
            await asyncio.sleep(0)
        site.clock.advance(1)
        await has_state(host, "slow", "reconnecting")
        await patient.send("ping", id=3)
        assert (await patient.until("pong"))["re"] == 3
        end, codes = await what_arrived(slow)
        assert end < 500_000, "what was kept for it is bounded"
        assert codes in ([], [1008]), "the close frame, where it still got through"
    await host.send("end")
    assert await host.closed() == 1000


async def has_state(host: Client, participant: str, state: str) -> None:
    while True:
        people = (await host.until("participants"))["participants"]
        if (participant, state) in [(p["id"], p["state"]) for p in people]:
            return


async def what_arrived(sock: socket.socket) -> tuple[int, list[int]]:
    """How many bytes there were to read before the end, and the close code among them."""
    loop = asyncio.get_running_loop()
    data = b""
    try:
        async with asyncio.timeout(WAIT):
            while chunk := await loop.sock_recv(sock, 65536):
                data += chunk
    except ConnectionError:
        pass
    tail = data[-4:]
    return len(data), [int.from_bytes(tail[2:])] if tail[:2] == b"\x88\x02" else []


async def deaf(site: Site, token: str) -> socket.socket:
    """A client that joins and then reads nothing, with a small window."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", site.port))
    host = f"127.0.0.1:{site.port}"
    await loop.sock_sendall(
        sock,
        f"GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Protocol: venterom.v1\r\n\r\n".encode(),
    )
    await loop.sock_recv(sock, 4096)
    payload = json.dumps({"type": "join", "grant": token}).encode()
    await loop.sock_sendall(sock, b"\x81\xfe" + len(payload).to_bytes(2) + b"\0\0\0\0" + payload)
    return sock


# --- going down and coming up


async def test_a_stop_sends_everybody_away_and_ends_nothing(tmp_path: Path) -> None:
    async with running(Site(tmp_path)) as site:
        host, patient = await site.pair()
        seats = [each.joined["seat"] for each in (host, patient)]  # type: ignore[attr-defined]
        start = time.monotonic()
        _, *codes = await asyncio.gather(site.server.stop(), host.closed(), patient.closed())
        assert codes == [1012, 1012]
        assert time.monotonic() - start < 0.9, "who answers the close is not waited for"
        assert await handshake(site, {"Origin": f"http://127.0.0.1:{site.port}"}) == (503, "shutting_down")
    assert b'"end"' not in (tmp_path / "journal.log").read_bytes()
    async with running(Site(tmp_path)) as again:
        for seat in seats:
            client = await again.connect()
            await client.send("join", seat=seat)
            assert (await client.until("joined"))["gate"] == "open"
        assert again.node.gates == {("r", "host"): True, ("r", "pat"): True}


async def test_whoever_owns_the_rooms_hears_of_them_until_it_has_taken_it_up(tmp_path: Path) -> None:
    site = Site(tmp_path, feed=Feed())
    await site.start()
    await site.enter("pat")
    first = await asyncio.wait_for(site.feed_of().next(), WAIT)
    assert isinstance(first.event, Enter)
    assert site.server.statistics().events_untold == 1
    site.server._journal._log.compact(site.server._journal._compact)
    assert b"untold" in (tmp_path / "journal.log").read_bytes()
    await site.stop()
    site = Site(tmp_path, feed=Feed())
    await site.start()
    again = await asyncio.wait_for(site.feed_of().next(), WAIT)
    assert again == first
    site.feed_of().acknowledge(again.room, again.epoch, again.sequence)
    assert site.server.statistics().events_untold == 0
    await site.stop()
    site = Site(tmp_path)
    await site.start()
    assert site.server.statistics().events_untold == 0
    assert site.server.rooms.roster("r") is not None
    site.server._journal._log.compact(site.server._journal._compact)
    await site.stop()
    assert b"untold" not in (tmp_path / "journal.log").read_bytes()


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    async with running(Site(tmp_path)) as site:
        for number in range(20):
            client = await site.enter(f"p{number}")
            await client.socket.close()
        gone = await site.connect()
        gone.socket._response.connection.transport.abort()  # type: ignore[union-attr]
        host = await site.enter("host", "practitioner", gate="open")
        await host.send("end")
        assert await host.closed() == 1000
        await asyncio.wait_for(asyncio.gather(*site.server._clients.values()), WAIT)
        assert not len(site.server._door)
    assert len(asyncio.all_tasks()) == 1


async def test_a_plain_request_hears_that_somebody_is_here(site: Site) -> None:
    async with site.http.get(site.url) as response:
        assert response.status == 204
    await site.server.stop()
    async with site.http.get(site.url) as response:
        assert response.status == 503
