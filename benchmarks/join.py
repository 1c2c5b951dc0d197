"""From the WebSocket to the first decoded frame in Chromium, by the pages as they are, or to the first packet."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Final

from playwright.async_api import Browser, Page, async_playwright

from benchmarks.house import house, server
from benchmarks.process import Child
from benchmarks.report import Result, Table, percentile

_MARKS: Final = Path(__file__).with_name("page.js")
_PATIENCE_MS: Final = 20_000

_ARGUMENTS: Final = [
    "--no-sandbox",
    "--headless=new",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]

Marks = Mapping[str, float]
"""Wall times (ms) at which things happened first in a page; `page.js` names them."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    repeats: int = 6
    meetings: int = 20
    in_lobby_s: float = 4.0
    """A real admission finds the page's transport long there. Within its first 3 s Chromium encodes late."""


FULL: Final = Size()
QUICK: Final = Size(repeats=1, meetings=1, in_lobby_s=0.5)


async def run(size: Size = FULL) -> Result:
    steps: dict[str, list[float]] = {}
    async with _chromium() as browser, server(announce=None) as (child, _):
        for _ in range(size.repeats):
            for gate in ("open", "lobby"):
                for name, value in (await _meet(browser, child, gate, size.in_lobby_s)).items():
                    steps.setdefault(name, []).append(value)
    async with house() as simulated:
        for _ in range(size.meetings):
            for name, value in (await simulated.load.ask("meet")).items():
                steps.setdefault(f"simulated_{name}", []).append(value)
    figures: dict[str, float] = {}
    rows = []
    for name, label in _LABELS.items():
        values = sorted(steps[name])
        p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
        figures |= {f"{name}_p50_ms": p50, f"{name}_p95_ms": p95}
        rows.append((label, f"{p50:.0f}", f"{p95:.0f}", f"{values[-1]:.0f}", str(len(values))))
    return Result("join", figures, (Table(_CAPTION, ("", "p50", "p95", "most", "times"), tuple(rows)),))


_CAPTION: Final = "Milliseconds. The practitioner is in the room and sends; both browsers share this machine."
_LABELS: Final = {
    "frame": "Chromium, already admitted: WebSocket opened (constructor) to first decoded frame",
    "opened": "of that until the WebSocket is open",
    "offered": "of that until the offer is sent",
    "answered": "of that until the answer has come",
    "connected": "of that until ICE and DTLS stand",
    "other_frame": "the same, to the patient's first frame at the practitioner's",
    "admit_frame": "Chromium, from the lobby: `admit` sent to first decoded frame at the patient's",
    "admit_other_frame": "the same, to the patient's first frame at the practitioner's",
    "simulated_connected": "simulated participant: WebSocket opened to keys on both sides",
    "simulated_audio": "the same, to the first packet of sound",
    "simulated_video": "the same, to the first packet of picture",
}


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    chromium = which("chromium") or which("google-chrome")
    if chromium is None:
        raise RuntimeError("Chromium is not installed: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


async def _meet(browser: Browser, child: Child, gate: str, in_lobby_s: float) -> dict[str, float]:
    """One consultation in a room of its own; the steps by their names in `_LABELS`."""
    links = await child.ask("links", gate=gate)
    async with _page(browser, links["practitioner"]) as practitioner, _page(browser, links["patient"]) as patient:
        await _enter(practitioner, "call")
        await _enter(patient, "call" if gate == "open" else "lobby")
        if gate == "lobby":
            await asyncio.sleep(in_lobby_s)
            await practitioner.get_by_test_id("admit").first.click(timeout=_PATIENCE_MS)
        theirs, others = await _marks_with_frame(patient), await _marks_with_frame(practitioner)
    if gate == "lobby":
        begin = others["admit-sent"]
        return {"admit_frame": theirs["frame"] - begin, "admit_other_frame": others["frame"] - begin}
    begin = theirs["socket"]
    return {
        "frame": theirs["frame"] - begin,
        "opened": theirs["open"] - begin,
        "offered": theirs["offer-sent"] - begin,
        "answered": theirs["answer"] - begin,
        "connected": theirs["connected"] - begin,
        "other_frame": others["frame"] - begin,
    }


@asynccontextmanager
async def _page(browser: Browser, address: str) -> AsyncIterator[Page]:
    context = await browser.new_context(permissions=["camera", "microphone"], locale="nb-NO")
    try:
        await context.add_init_script(path=_MARKS)
        page = await context.new_page()
        await page.goto(address)
        await _is_in(page, "preview")
        yield page
    finally:
        await context.close()


async def _enter(page: Page, state: str) -> None:
    await page.get_by_test_id("join").click(timeout=_PATIENCE_MS)
    await _is_in(page, state)


async def _is_in(page: Page, state: str) -> None:
    await page.locator(f'[data-testid=state][data-state="{state}"]').wait_for(state="attached", timeout=_PATIENCE_MS)


async def _marks_with_frame(page: Page) -> Marks:
    await page.wait_for_function("() => venteromMarks.frame !== undefined", timeout=_PATIENCE_MS)
    marks: Marks = await page.evaluate("() => venteromMarks")
    return marks
