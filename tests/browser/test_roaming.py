"""Another address in the middle of a call: Wi-Fi goes, and the mobile network is there, or comes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright

from tests.browser.call import meet
from tests.browser.conftest import Arrive, chromium_on
from tests.browser.crossing import HOST, Crossing, crossing
from tests.browser.firefox import Firefox
from tests.browser.interrupted import (
    came_back,
    credentials,
    note_sounds,
    note_states,
    now,
    peers,
    sound_after,
    states,
)

BACK_S = 20.0
"""It takes some 3 s; the rest is for a busy machine."""


@pytest_asyncio.fixture(loop_scope="session")
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def at_sea(make: str, place: Crossing, playwright: Playwright, folder: Path) -> Browser | Firefox:
    """A browser on the boat, which may have the camera there without HTTPS."""
    if make == "firefox":
        return await Firefox.launch(folder, place.boat, {"dom.securecontext.allowlist": HOST})
    return await chromium_on(
        place.boat, playwright, folder, f"--unsafely-treat-insecure-origin-as-secure={place.origin}"
    )


@pytest.mark.parametrize(
    ("make", "other_was_there"),
    [
        pytest.param("chromium", True, marks=pytest.mark.long),
        ("chromium", False),
        pytest.param("firefox", False, marks=pytest.mark.long),
    ],
)
async def test_the_call_comes_back_from_another_address(
    make: str,
    other_was_there: bool,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    stack: AsyncExitStack,
    playwright: Playwright,
    arrive: Arrive,
) -> None:
    try:
        place = await stack.enter_async_context(crossing(tmp_path, "one", *["two"] * other_was_there))
    except PermissionError as error:
        pytest.skip(str(error))
    ashore = await chromium_on(place.shore, playwright, tmp_path_factory.mktemp("shore"))
    stack.push_async_callback(ashore.close)
    boat = await at_sea(make, place, playwright, tmp_path_factory.mktemp("boat"))
    stack.push_async_callback(boat.close)
    practitioner = await arrive(place.server.practitioner, browser=ashore)
    patient = await arrive(place.patient, browser=boat)
    call = await meet(practitioner, patient)
    for person in call.both:
        await note_states(person)
        await note_sounds(person)
        await person.watch_remote()
    before = await credentials(patient)
    since = now()
    await place.cut("one")
    if not other_was_there:
        await place.lay("two")
    gone = now() + 0.2  # what was on its way
    for person in call.both:
        sound = await sound_after(person, gone)
        print(f"{make}: sound after {sound:.1f} s")
        assert sound < BACK_S
    for person in call.both:
        await person.is_in("call", BACK_S)
        await call.is_seen_by(person)
        print(f"{make}: picture after {await came_back(person, gone) + gone - since:.1f} s")
    assert set(await states(patient)) <= {"call", "reconnecting"}
    if not other_was_there:
        # Else the browser may know the other way already, and take it by itself.
        assert await credentials(patient) != before
    print(f"{make}: {await peers(patient)} PeerConnections")
    for person in call.both:
        assert await peers(person) == 1, "ICE was restarted"
    await practitioner.has("admit", 0)
    await patient.tab.wait_for(
        "() => venteromTest.peers.at(-1).localDescription.sdp.includes('10.204.2.2')", within_s=5
    )
