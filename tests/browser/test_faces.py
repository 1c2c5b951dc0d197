"""A place for a picture that one person left is another's: nobody's face is ever shown under somebody else's name."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.browser.conftest import Arrive
from tests.browser.crowd import Crowd, Extra, address, entry
from tests.browser.faces import faces, strangers, watch, watched
from tests.browser.firefox import Firefox
from tests.browser.island import Island
from tests.browser.person import PATIENCE_S, Person
from tests.browser.playing import PLAYING, plays
from tests.browser.server import Server

pytestmark = pytest.mark.timeout(120)


@pytest_asyncio.fixture(loop_scope="session")
async def crowd(server: Server) -> AsyncIterator[Crowd]:
    async with aiohttp.ClientSession() as session:
        crowd = Crowd(server, session)
        yield crowd
        await crowd.leave()


@pytest_asyncio.fixture(loop_scope="session")
async def island_crowd(island_server: Server, island: Island) -> AsyncIterator[Crowd]:
    connector = aiohttp.TCPConnector(socket_factory=island.socket)
    async with aiohttp.ClientSession(connector=connector) as session:
        crowd = Crowd(island_server, session)
        yield crowd
        await crowd.leave()


async def places_change(viewer: Person, crowd: Crowd) -> None:
    """Two leave before the eyes of a third: for one somebody comes at once, and for one somebody was waiting."""
    host = await crowd.join("Host", "practitioner", size=2)
    first = await crowd.join("First", "guest", size=2)
    second = await crowd.join("Second", "guest", size=2)
    everybody = [host, first, second]
    await plays(viewer, [extra.name for extra in everybody])
    await watch(viewer)

    async def comes_instead(gone: Extra, next_: Extra) -> None:
        everybody.append(next_)
        await plays(viewer, [host.name, next_.name])
        assert await _place(viewer, next_) == places[gone.name], "the place of who left was not taken"

    places = {extra.name: await _place(viewer, extra) for extra in everybody}
    await crowd.dismiss(first)
    await comes_instead(first, await crowd.join("Third", "guest", size=2))
    waiting = await crowd.join("Fourth", "guest", size=2, gate="lobby")
    await asyncio.gather(crowd.dismiss(second), host.say("admit", participant=waiting.id))
    await comes_instead(second, waiting)
    assert strangers((await faces(viewer)).items(), everybody) == []
    shown = await watched(viewer)
    assert {name for name, _ in shown} >= {extra.name for extra in everybody}
    assert strangers(shown, everybody) == []


async def _place(viewer: Person, extra: Extra) -> str:
    # Firefox's figures are a second old at times.
    await viewer.tab.wait_for(f"async (name) => name in await ({PLAYING})()", extra.name, within_s=PATIENCE_S)
    playing = await viewer.tab.evaluate(PLAYING)
    return str(playing[extra.name]["mid"])


async def _viewer(server: Server, arrive: Arrive, browser: Firefox | None = None) -> Person:
    token = entry(server, "arne", "patient", "Arne", size=2)
    viewer = await arrive(address(server, "patient", token), browser=browser)
    await viewer.join()
    await viewer.is_in("call")
    return viewer


async def test_nobody_is_shown_under_the_name_of_who_takes_the_place(
    server: Server, arrive: Arrive, crowd: Crowd
) -> None:
    await places_change(await _viewer(server, arrive), crowd)


async def test_nor_in_firefox(island_server: Server, arrive: Arrive, firefox: Firefox, island_crowd: Crowd) -> None:
    """Which keeps the last frame of a section, and shows it to whoever looks later."""
    await places_change(await _viewer(island_server, arrive, firefox), island_crowd)
