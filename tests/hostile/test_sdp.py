"""SDP bombs (CVE-2020-13901, CVE-2018-1000098): through the node in the middle of a call, refused with bounded work and
at a rate."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from sfu.config import MediaConfig
from sfu.errors import SfuError
from sfu.node import Node
from sfu.sdp import OfferedTrack
from tests.bed import offer
from tests.bed.bombs import BOMBS
from tests.bed.dialect import CHROMIUM, KINDS
from tests.bed.ice import Credentials
from tests.sfu.test_thread_plane import BROWSER, TRACKS, Caller, Server, connect, media_both_ways
from tests.signalling.doubles import RecordingNode
from tests.signalling.test_server import Client, Site, running

HOST = "127.0.0.1"
CPU_S = 1.0
"""Some 20 ms at most (`benchmarks/offers.py`); the bound is for a loaded machine."""


def high_payload_types(text: str) -> str:
    """Payload types that RTP has no room for."""
    return text.replace(" 96", " 128").replace(":96", ":128").replace(" 111", " 255").replace(":111", ":255")


async def test_bombs_are_refused_with_bounded_work_and_the_call_goes_on() -> None:
    server = Server(HOST)
    callers = [await Caller.enter(server, ident, HOST) for ident in (1, 2)]
    await connect(server, *callers)
    before = server.node.snapshot()
    local = Credentials.random(callers[0].random)
    good = offer.write(1, 1, local, BROWSER.fingerprint, CHROMIUM, KINDS, 1)
    server.node.open_peer("r", "mallory", size=2)
    bombs = {name: text for name, (text, _) in BOMBS.items()} | {"payload types over 127": high_payload_types(good)}
    assert bombs["payload types over 127"] != good
    tracks: list[OfferedTrack] = list(TRACKS)
    for name, text in bombs.items():
        for participant in ("mallory", callers[0].name):
            start = time.process_time()
            with pytest.raises(SfuError) as caught:
                await server.node.offer("r", participant, text, tracks)
            assert time.process_time() - start < CPU_S, name
            assert caught.value.code.startswith("sdp_"), name
    after = server.node.snapshot()
    assert (after.peers, after.open_routes) == (before.peers, before.open_routes)
    await media_both_ways(server, *callers)
    for caller in callers:
        caller.close()
    server.node.stop()


FLOOD_S = 3.0
FLOOD_RATE = 20
"""Messages a second: as many as anybody may send."""
ANSWERED_S = 0.5


class ReadingNode(RecordingNode):
    """Has the true one read what is offered."""

    def __init__(self) -> None:
        super().__init__()
        self.true = Node.start(MediaConfig(port=0, announce=(HOST,)))
        self.read = 0

    async def offer(self, room: str, participant: str, sdp: str, tracks: Sequence[OfferedTrack]) -> str:
        self.read += 1
        self.true.open_peer(room, participant, size=2)
        return await self.true.offer(room, participant, sdp, tracks)


async def test_a_flood_of_bombs_from_the_lobby_is_refused_at_a_rate_and_others_are_answered(tmp_path: Path) -> None:
    """As fast as messages may come, and each once the one before has been dealt with; the clock goes with them."""
    node = ReadingNode()
    bomb, code = BOMBS["extensions"]  # the dearest of them
    async with running(Site(tmp_path, node=node)) as site:
        host, _ = await site.pair()
        mallory = await site.enter("mallory")
        codes: list[str] = []
        waits: list[float] = []
        flood = asyncio.create_task(_flood(site, mallory, bomb, codes))
        while not flood.done():
            waits.append(await _answers(host))
            await asyncio.sleep(0.02)
        await flood
        node.true.stop()
    most = site.config.offers_burst + site.config.offers_per_second * FLOOD_S
    assert site.config.offers_burst <= node.read <= most
    assert set(codes) == {code, "rate_limited"}
    assert codes.count("rate_limited") == len(codes) - node.read
    assert len(waits) >= 5
    assert statistics.median(waits) < ANSWERED_S


async def _flood(site: Site, client: Client, sdp: str, codes: list[str]) -> None:
    for number in range(round(FLOOD_S * FLOOD_RATE)):
        await client.send("offer", id=number, sdp=sdp, tracks=[])
        code, re = await client.error()
        assert re == number
        codes.append(code)
        site.clock.advance(1 / FLOOD_RATE)


async def _answers(client: Client) -> float:
    """Seconds until somebody's ping is answered."""
    start = time.monotonic()
    await client.send("ping")
    await client.until("pong")
    return time.monotonic() - start
