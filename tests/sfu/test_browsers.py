"""A stock Chromium takes our answers, and its DTLS connects to ours."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from sfu.dtls import Certificate, Closed, Connected
from sfu.sdp import VIDEO, Negotiated, OfferedTrack, negotiate
from tests.sfu.lite import LiteServer

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Caller:
    """The page's side of `offers.js`, answered by `negotiate`."""

    def __init__(self, page: Page, server: LiteServer) -> None:
        self.page = page
        self.server = server
        self.last: Negotiated | None = None
        self._ssrcs = itertools.count(1000)

    async def call(self, *, pairs: int, simulcast: bool) -> list[dict[str, Any]]:
        options = {"pairs": pairs, "simulcast": simulcast}
        return await self._answer(await self.page.evaluate("options => caller.open(options)", options))

    async def again(self, change: str = "", options: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Another offer and answer, after a change to the PeerConnection."""
        if change:
            await self.page.evaluate(change)
        return await self._answer(await self.page.evaluate("options => caller.offer(options)", options))

    async def _answer(self, offer: dict[str, Any]) -> list[dict[str, Any]]:
        self.last = negotiate(
            offer["sdp"],
            [OfferedTrack(**track) for track in offer["tracks"]],
            self.server.local,
            previous=self.last,
            cname="server",
            new_ssrc=lambda: next(self._ssrcs),
        )
        if self.server.handshake is None:
            self.server.expect(self.last.fingerprints)
        found: list[dict[str, Any]] = await self.page.evaluate("sdp => caller.accept(sdp)", self.last.answer)
        return found


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    chromium = which("chromium")
    assert chromium is not None, "Chromium is not installed: apt-get install chromium"
    server = await LiteServer.start(Certificate.generate(time.time))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = await browser.new_page()
        await page.evaluate(Path(__file__).with_name("offers.js").read_text())
        yield Caller(page, server)
        await browser.close()
    server.close()


@pytest.mark.parametrize("simulcast", [False, True])
async def test_chromium_takes_the_answer_and_connects(caller: Caller, simulcast: bool) -> None:
    found = await caller.call(pairs=2, simulcast=simulcast)
    assert [transceiver["current"] for transceiver in found] == ["sendonly"] * 2 + ["recvonly"] * 4
    assert found[1]["encodings"] == (["q", "h", "f"] if simulcast else [None])
    assert found[0]["codecs"] == ["audio/red", "audio/opus"]
    assert [name for name in found[1]["codecs"] if name != "video/rtx"] == [f"video/{name}" for name in VIDEO]
    await asyncio.wait_for(caller.server.done.wait(), 20)
    assert await asyncio.wait_for(caller.page.evaluate("caller.settled()"), 20) == "connected"
    handshake = caller.server.handshake
    assert handshake is not None
    assert isinstance(handshake.state, Connected)
    assert handshake.state.keys.profile == 0x0007
    assert len(caller.server.received[0]) > 1000  # the ClientHello, in two datagrams
    assert caller.server.received[1][13] == 1


async def test_chromium_takes_growth_stops_and_a_restart(caller: Caller) -> None:
    await caller.call(pairs=1, simulcast=True)
    first = caller.last
    assert first is not None
    assert len(await caller.again("caller.grow(2)")) == 8
    assert caller.last is not None
    assert caller.last.slots[:2] == first.slots
    assert caller.last.pairs == (1, 1, 2, 2, 3, 3)
    left = await caller.again("caller.stop(2)")  # a slot
    assert [transceiver["mid"] for transceiver in left] == ["0", "1", "3", "4", "5", "6", "7"]
    left = await caller.again("caller.stop(1)")  # the camera
    assert [transceiver["mid"] for transceiver in left] == ["0", "3", "4", "5", "6", "7"]
    assert len(await caller.again("caller.grow(1)")) == 8  # takes the stopped sections' places
    assert [published.mid for published in caller.last.tracks] == ["0"]
    before = caller.last
    caller.server.pwd = "q" * 24
    caller.server.ufrag = "again"
    await caller.again(options={"iceRestart": True})
    assert caller.last.ice_ufrag != before.ice_ufrag
    assert caller.last.slots == before.slots
    assert await asyncio.wait_for(caller.page.evaluate("caller.settled()"), 20) == "connected"


async def test_chromium_ends_and_we_see_it(caller: Caller) -> None:
    await caller.call(pairs=1, simulcast=False)
    await asyncio.wait_for(caller.server.done.wait(), 20)
    caller.server.done.clear()
    await caller.page.evaluate("caller.peer.close()")
    await asyncio.wait_for(caller.server.done.wait(), 20)
    handshake = caller.server.handshake
    assert handshake is not None
    assert handshake.state == Closed()
