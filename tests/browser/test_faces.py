"""A place for a picture that one person left is another's: nobody's face is ever shown under somebody else's name."""

import asyncio
from pathlib import Path

import pytest

from tests.browser.conftest import Arrive
from tests.browser.crowd import FRAME, Crowd, Extra, address, crowd_at, entry
from tests.browser.faces import faces, strangers, watch, watched
from tests.browser.firefox import Firefox
from tests.browser.interrupted import house
from tests.browser.person import Person
from tests.browser.playing import figures, plays
from tests.browser.server import Server

pytestmark = pytest.mark.timeout(120)

MOMENT_S = 1.5
"""Time enough for a picture to come out somewhere."""


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
    playing = await figures(viewer, [extra.name])
    return str(playing[extra.name]["mid"])


async def _viewer(server: Server, arrive: Arrive, browser: Firefox | None = None) -> Person:
    viewer = await arrive(_invitation(server), browser=browser)
    await viewer.join()
    await viewer.is_in("call")
    return viewer


def _invitation(server: Server) -> str:
    return address(server, "patient", entry(server, "arne", "patient", "Arne", size=2))


async def test_nobody_is_shown_under_the_name_of_who_takes_the_place(
    server: Server, arrive: Arrive, crowd: Crowd
) -> None:
    await places_change(await _viewer(server, arrive), crowd)


async def test_nor_in_firefox(island_server: Server, arrive: Arrive, firefox: Firefox) -> None:
    """Which keeps the last frame of a section, and shows it to whoever looks later."""
    async with crowd_at(island_server) as crowd:
        await places_change(await _viewer(island_server, arrive, firefox), crowd)


async def test_nor_under_the_name_of_who_left_while_the_page_cannot_be_told(tmp_path: Path, arrive: Arrive) -> None:
    async with house(tmp_path) as place, crowd_at(place.server) as crowd:
        viewer = await arrive(place.through(_invitation(place.server)))
        await viewer.join()
        host = await crowd.join("Host", "practitioner", size=2)
        first = await crowd.join("First", "guest", size=2)
        await plays(viewer, [host.name, first.name])
        await watch(viewer)
        await place.signalling.close()
        await host.hears_of("arne", "reconnecting")
        await crowd.dismiss(first)
        third = await crowd.join("Third", "guest", size=2)
        seen = third.frames
        await asyncio.sleep(MOMENT_S)
        assert third.frames > seen + MOMENT_S * 1e6 / FRAME / 2, "nothing was there to be shown"
        await place.signalling.open()
        await plays(viewer, [host.name, third.name])
        assert strangers(await watched(viewer), [host, first, third]) == []
