"""A stock Chromium ramps up on our transport-wide feedback; without it, its estimate creeps."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import which

import pytest
from playwright.async_api import Page, async_playwright

from sfu.config import MediaConfig
from sfu.node import Node
from sfu.sdp import OfferedTrack
from tests.sfu.test_browsers import ARGUMENTS

pytestmark = pytest.mark.browser

ENOUGH = 1_200_000
"""Bits a second; it begins with 300,000."""
LIMIT = 8
"""Seconds. It takes one to three; on receiver reports alone, eighteen."""
TRIES = 4
"""Where the machine has other work, the few probes of a start tell less than there is."""

NOISE = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const context = canvas.getContext("2d");
  const image = context.createImageData(640, 360);
  const words = new Uint32Array(image.data.buffer);
  setInterval(() => {
    for (let at = 0; at < words.length; at++) words[at] = 0xff000000 | (Math.random() * 0x1000000);
    context.putImageData(image, 0, 0);
  }, 40);
  const [picture] = canvas.captureStream(25).getVideoTracks();
  return caller.peer.getTransceivers()[1].sender.replaceTrack(picture);
}"""
ESTIMATE = """async () => {
  for (const report of (await caller.peer.getStats()).values()) {
    if (report.type === "candidate-pair" && report.availableOutgoingBitrate) return report.availableOutgoingBitrate;
  }
  return 0;
}"""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    chromium = which("chromium")
    assert chromium is not None, "Chromium is not installed: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield await browser.new_page()
        await browser.close()


async def ramps_up(page: Page, node: Node, participant: str) -> bool:
    await page.goto("about:blank")
    await page.evaluate(Path(__file__).with_name("offers.js").read_text())
    offer = await page.evaluate("options => caller.open(options)", {"pairs": 1, "simulcast": False})
    node.open_peer("r", participant, size=2)
    tracks = [OfferedTrack(**track) for track in offer["tracks"]]
    answer = await node.offer("r", participant, offer["sdp"], tracks)
    node.set_gate("r", participant, True)
    await page.evaluate("sdp => caller.accept(sdp)", answer)
    assert await page.evaluate("caller.settled()") == "connected"
    await page.evaluate(NOISE)
    end = asyncio.get_running_loop().time() + LIMIT
    while await page.evaluate(ESTIMATE) < ENOUGH:
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.25)
    return True


async def test_chromium_ramps_up(page: Page) -> None:
    node = Node.start(MediaConfig(port=0, announce=("127.0.0.1",)))
    try:
        for number in range(TRIES):
            if await ramps_up(page, node, f"anna-{number}"):
                return
        pytest.fail(f"not in {LIMIT} s, {TRIES} times")
    finally:
        node.stop()
