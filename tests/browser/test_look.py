"""What a hand, an eye and a keyboard need of the pages, at the size of a phone."""

import pytest

from tests.browser.call import meet, wait_in_lobby
from tests.browser.conftest import Arrive
from tests.browser.person import Person
from tests.browser.server import Server

PHONES = pytest.mark.parametrize("viewport", [(360, 740), (740, 360)], ids=["upright", "sideways"])

_IN_THE_WAY = """() => {
    const faults = [];
    if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is wider than the window');
    for (const one of document.querySelectorAll('button, select, input')) {
        if (!one.checkVisibility({ visibilityProperty: true })) continue;
        const { left, right, width, height } = one.getBoundingClientRect();
        const name = one.dataset.testid ?? one.className;
        if (width < 48 || height < 48) faults.push(`${name} is ${width} x ${height}`);
        if (left < 0 || right > innerWidth) faults.push(`${name} leaves the window`);
        if (one.scrollWidth > one.clientWidth) faults.push(`${name} cuts its words`);
    }
    return faults;
}"""

_IN_SIGHT = """(name) => {
    const one = document.querySelector(`[data-testid=${name}]`);
    const { left, top, width, height } = one.getBoundingClientRect();
    return one.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}"""


async def fits(person: Person) -> None:
    assert await person.page.evaluate(_IN_THE_WAY) == []


async def shows(person: Person, name: str) -> None:
    assert await person.page.evaluate(_IN_SIGHT, name), f"{name} is not in sight"


async def focused(person: Person) -> str:
    found = await person.page.evaluate("document.activeElement.dataset.testid ?? document.activeElement.className")
    return str(found)


@PHONES
async def test_every_page_fits_a_phone(arrive: Arrive, server: Server, viewport: tuple[int, int]) -> None:
    practitioner = await arrive(server.practitioner, viewport=viewport)
    patient = await arrive(server.patient, viewport=viewport)
    for person in (practitioner, patient):
        await person.has("camera-select", 1)
        await fits(person)
        await shows(person, "join")
    await wait_in_lobby(practitioner, patient)
    for person in (practitioner, patient):
        await fits(person)
    await shows(patient, "end")
    await shows(practitioner, "admit")
    await practitioner.press("admit")
    for person in (practitioner, patient):
        await person.is_in("call")
        await person.sees_remote()
        await fits(person)
        for name in ("mute", "camera", "pause", "end"):
            await shows(person, name)
    await patient.press("pause")
    for person in (practitioner, patient):
        await person.is_in("paused")
        await fits(person)
    await shows(practitioner, "resume")


async def test_the_keyboard_stays_where_it_was(arrive: Arrive, server: Server) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.practitioner.mark("to-lobby").press("Enter")
    await call.patient.is_in("lobby")
    await call.practitioner.has("admit", 1)
    assert await focused(call.practitioner) == "admit"
    await call.practitioner.mark("admit").press("Enter")
    await call.patient.is_in("call")
    await call.practitioner.has("hold", 1)
    assert await focused(call.practitioner) == "hold"
    await call.patient.mark("pause").press("Enter")
    await call.patient.is_in("paused")
    assert await focused(call.patient) == "curtain"
