"""Whom a page names for help where something stands in the way."""

from typing import Any

import pytest
from playwright.async_api import Route

from tests.browser.conftest import Arrive
from tests.browser.server import Server
from tests.browser.test_look import fits

NOBODY: dict[str, str | None] = {"clinic": None, "department": None, "phone": None, "contact": None}
"""As it is told to who comes with a patient whose address is protected, by a clinic without a number."""


@pytest.mark.parametrize("viewport", [(360, 740), (1440, 900)], ids=["phone", "desk"])
@pytest.mark.parametrize(
    ("contact", "words", "calls"),
    [
        (NOBODY, "Har du ikke nummeret? Spør den timen er for.", []),
        (
            NOBODY | {"phone": "+47 22 00 00 00"},
            "Ring klinikken: +47\u00a022\u00a000\u00a000\u00a000",
            ["tel:+4722000000"],
        ),
        (NOBODY | {"clinic": "Vest legesenter"}, "Vest legesenter", []),
        (
            {"clinic": "Vest", "department": "Resepsjonen", "phone": "22000000", "contact": "Ring mellom 8 og 15."},
            "Ring Vest, Resepsjonen: 22000000\n\nRing mellom 8 og 15.",
            ["tel:22000000"],
        ),
    ],
    ids=["nothing", "number", "name", "all"],
)
async def test_a_fault_says_whom_to_call_as_far_as_it_may_be_known(
    arrive: Arrive,
    server: Server,
    viewport: tuple[int, int],
    contact: dict[str, str | None],
    words: str,
    calls: list[str],
) -> None:
    landing: dict[str, Any] = {
        "consultation": "a" * 26,
        "contact": contact,
        "opens_at": None,
        "closes_at": None,
        "acr": None,
        "obstacles": [{"code": "appointment_cancelled"}],
        "me": None,
    }

    async def lands(route: Route) -> None:
        await route.fulfill(json=landing)

    person = await arrive(f"{server.url}/patient/", viewport=viewport)
    await person.is_in("error")
    await person.page.route("**/api/v1/links", lands)
    await person.tab.goto(f"{server.url}/patient/#k={'x' * 30}")
    await person.has("contact", 1)
    await person.is_in("error")
    assert await person.mark("contact").inner_text() == words
    addresses = "() => [...document.querySelectorAll('[data-testid=contact] a')].map((one) => one.getAttribute('href'))"
    assert await person.tab.evaluate(addresses) == calls
    assert "null" not in await person.page.inner_text("body")
    await fits(person)
