"""Simulcast as stock browsers send it: three encodings come, the smallest is shown to who watches."""

from typing import Literal

import pytest
from playwright.async_api import Browser

from tests.browser.call import meet
from tests.browser.conftest import Arrive
from tests.browser.firefox import Firefox
from tests.browser.person import Person
from tests.browser.server import Server

GREEN, RED = "#20d020", "#d02020"
RIDS = ["q", "h", "f"]
SMALLEST = 960 // 4
"""Pixels across, of the painted camera's."""
ALL_SENT_S = 20.0

_ALL_SENT = """async ([rids, least]) => {
    const stats = [...(await venteromTest.peers.at(-1).getStats()).values()];
    const sent = stats.filter((s) => s.type === 'outbound-rtp' && s.kind === 'video' && s.packetsSent >= least);
    return rids.every((rid) => sent.some((s) => s.rid === rid));
}"""
_SENT = """async () => [...(await venteromTest.peers.at(-1).getStats()).values()]
    .filter((s) => s.type === 'outbound-rtp' && s.kind === 'video')
    .map(({rid, active, packetsSent, frameWidth}) => ({rid, active, packetsSent, frameWidth}))"""
_SENDS_NONE = "() => venteromTest.peers.at(-1).getSenders().every((sender) => sender.track?.kind !== 'video')"
_WIDTH = "() => document.querySelector('[data-testid=remote-video]').videoWidth"


async def sends_all(person: Person) -> None:
    """Waits until every encoding has left the browser."""
    try:
        await person.tab.wait_for(_ALL_SENT, [RIDS, 50], within_s=ALL_SENT_S)
    except TimeoutError:
        raise AssertionError(f"sends {await person.tab.evaluate(_SENT)}") from None


@pytest.mark.parametrize("make", ["chromium", "firefox"])
async def test_three_encodings_are_taken_and_the_smallest_is_shown(
    make: Literal["chromium", "firefox"],
    island_server: Server,
    firefox: Firefox,
    island_chromium: Browser,
    arrive: Arrive,
) -> None:
    browser = firefox if make == "firefox" else island_chromium
    practitioner = await arrive(island_server.practitioner, browser=browser, colour=GREEN, simulcast=RIDS)
    call = await meet(practitioner, await arrive(island_server.patient, browser=island_chromium, colour=RED))
    await sends_all(call.practitioner)
    assert await call.patient.sees_colour(GREEN)
    assert await call.practitioner.sees_colour(RED)
    await call.is_seen_by(call.patient, frames=30)
    assert await call.patient.tab.evaluate(_WIDTH) == SMALLEST
    # All stop with the camera, and all return: what was learnt of their SSRCs holds, for browsers name none again.
    await call.practitioner.press("camera")
    await call.practitioner.tab.wait_for(_SENDS_NONE, within_s=ALL_SENT_S)
    await call.practitioner.press("camera")
    await call.practitioner.paints(RED)
    assert await call.patient.sees_colour(RED, within_s=10)
    await call.is_seen_by(call.patient, frames=30)
