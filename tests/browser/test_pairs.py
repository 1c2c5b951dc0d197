"""Every browser with every other, and with aiortc: picture and sound by content, both ways, whoever comes first."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Literal, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.aiortc_person import AiortcPerson
from tests.browser.capture import Capture
from tests.browser.conftest import Arrive
from tests.browser.content import Quarters
from tests.browser.firefox import Firefox
from tests.browser.island import Island
from tests.browser.person import Person
from tests.browser.server import Server

OF_PRACTITIONER: Quarters = ("#dc1e1e", "#1ec81e", "#1e1edc", "#ebebeb")
OF_PATIENT: Quarters = ("#dcdc1e", "#dc1edc", "#1edcdc", "#101010")
TONE_OF_PRACTITIONER, TONE_OF_PATIENT = 880.0, 1320.0

Make = Literal["chromium", "firefox", "aiortc"]

_TYPES = """(codec) => {
    const { sdp } = venteromTest.peers.at(-1).remoteDescription;
    return [...new Set([...sdp.matchAll(/^a=rtpmap:(\\d+) (\\w+)\\/48000/gm)].filter((one) => one[2] === codec)
        .map((one) => Number(one[1])))];
}"""
"""Under which numbers sound of that codec passes."""
_SENT = """async () => [...(await venteromTest.peers.at(-1).getStats()).values()]
    .find((s) => s.type === 'outbound-rtp' && s.kind === 'audio').ssrc"""


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
    island_server: Server,
    island_capture: Capture,
    come: Come,
    of_practitioner: Make,
    of_patient: Make,
    first: str,
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
    people = {of_practitioner: practitioner, of_patient: patient}
    if people.keys() == {"chromium", "firefox"}:
        chromium, firefox = people["chromium"], people["firefox"]
        assert isinstance(chromium, Person)
        assert isinstance(firefox, Person)
        await redundancy_ends_at_the_server(island_capture, chromium, firefox)


async def redundancy_ends_at_the_server(capture: Capture, chromium: Person, firefox: Person) -> None:
    """Chromium sends its sound twice (RFC 2198); Firefox, which did not ask for that, gets it once."""
    (red,), (opus,) = await chromium.tab.evaluate(_TYPES, "red"), await firefox.tab.evaluate(_TYPES, "opus")
    assert await firefox.tab.evaluate(_TYPES, "red") == []
    ssrc, own_port = await chromium.tab.evaluate(_SENT), await chromium.local_port()
    came = [packet.payload_type for packet in capture.rtp_after(0.0, ssrc=ssrc, from_port=own_port)]
    assert came.count(red) > 0.9 * len(came) > 0
    heard = await firefox.received_ssrc("audio")
    went = [
        one.payload_type
        for one in capture.sent_by_server(0.0)
        if one.ssrc == heard and one.destination_port != own_port
    ]
    assert len(went) > 0.5 * len(came)
    assert set(went) == {opus}


async def perceives(guest: Guest, quarters: Quarters, tone: float) -> None:
    """Both, whatever is there first."""
    await guest.sees_quarters(quarters)
    await guest.hears_tone(tone)
