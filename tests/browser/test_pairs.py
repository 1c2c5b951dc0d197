"""Every browser with every other, and with aiortc: picture and sound by content, both ways, whoever comes first."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Literal, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.aiortc_person import AiortcPerson
from tests.browser.conftest import Arrive
from tests.browser.content import Quarters
from tests.browser.firefox import Firefox
from tests.browser.island import Island
from tests.browser.server import Server

OF_PRACTITIONER: Quarters = ("#dc1e1e", "#1ec81e", "#1e1edc", "#ebebeb")
OF_PATIENT: Quarters = ("#dcdc1e", "#dc1edc", "#1edcdc", "#101010")
TONE_OF_PRACTITIONER, TONE_OF_PATIENT = 880.0, 1320.0

Make = Literal["chromium", "firefox", "aiortc"]


class Guest(Protocol):
    """What both kinds of person can do."""

    async def join(self) -> None: ...

    async def is_in(self, state: str) -> None: ...

    async def admits(self) -> None: ...

    async def sees_quarters(self, colours: Quarters) -> None: ...

    async def hears_tone(self, hertz: float) -> None: ...


Come = Callable[[Make, str, Quarters, float], Awaitable[Guest]]


@pytest_asyncio.fixture(loop_scope="session")
async def come(island: Island, firefox: Firefox, island_chromium: Browser, arrive: Arrive) -> AsyncIterator[Come]:
    """Opens a link with a client of that make, which shows four colours and plays a tone."""
    async with AsyncExitStack() as stack:

        async def start(make: Make, link: str, quarters: Quarters, tone: float) -> Guest:
            if make == "aiortc":
                person = await AiortcPerson.start(island, link, quarters, tone)
                await stack.enter_async_context(person.process)
                return person
            browser = firefox if make == "firefox" else island_chromium
            return await arrive(link, browser=browser, quarters=quarters, tone=tone)

        yield start


@pytest.mark.parametrize("first", ["practitioner", "patient"])
@pytest.mark.parametrize(
    ("of_practitioner", "of_patient"),
    [
        ("chromium", "chromium"),
        ("chromium", "firefox"),
        ("firefox", "chromium"),
        ("firefox", "firefox"),
        ("chromium", "aiortc"),
        ("aiortc", "chromium"),
    ],
)
async def test_they_see_and_hear_each_other(
    island_server: Server, come: Come, of_practitioner: Make, of_patient: Make, first: str
) -> None:
    practitioner, patient = await asyncio.gather(
        come(of_practitioner, island_server.practitioner, OF_PRACTITIONER, TONE_OF_PRACTITIONER),
        come(of_patient, island_server.patient, OF_PATIENT, TONE_OF_PATIENT),
    )
    steps = [(practitioner, "call"), (patient, "lobby")]
    for person, state in steps if first == "practitioner" else reversed(steps):
        await person.join()
        await person.is_in(state)
    await practitioner.admits()
    await patient.is_in("call")
    await asyncio.gather(
        perceives(practitioner, OF_PATIENT, TONE_OF_PATIENT), perceives(patient, OF_PRACTITIONER, TONE_OF_PRACTITIONER)
    )


async def perceives(guest: Guest, quarters: Quarters, tone: float) -> None:
    """Both, whatever is there first."""
    await guest.sees_quarters(quarters)
    await guest.hears_tone(tone)
