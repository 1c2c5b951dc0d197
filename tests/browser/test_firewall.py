"""Calls from behind firewalls: by ICE-TCP where no UDP passes, by a real TURN server where nothing else does."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.call import Call, meet
from tests.browser.conftest import Arrive, Launch
from tests.browser.firefox import Firefox
from tests.browser.island import Island
from tests.browser.person import Person
from tests.browser.server import Server
from tests.network.space import run
from tests.turn.coturn import Coturn, host_address

GREEN, BLUE = "#20d020", "#2020d0"


async def shows_and_sounds(person: Person, colour: str) -> None:
    """The other's picture by its content, and the beeps of the other's microphone."""
    assert await person.sees_colour(colour)
    assert (await person.hears_remote(2.0))[1] > -60


async def is_whole(call: Call) -> None:
    """The practitioner, in blue, and the patient, in green, see and hear each other."""
    await shows_and_sounds(call.practitioner, GREEN)
    await shows_and_sounds(call.patient, BLUE)


async def test_a_patient_without_udp_is_seen_and_heard_by_tcp(server: Server, arrive: Arrive) -> None:
    practitioner = await arrive(server.practitioner, colour=BLUE)
    patient = await arrive(server.patient, colour=GREEN, only="tcp")
    call = await meet(practitioner, patient)
    for person, protocol in ((patient, "tcp"), (practitioner, "udp")):
        path = await person.path()
        assert (path.protocol, path.port) == (protocol, server.media_port)
    await is_whole(call)


@pytest_asyncio.fixture(loop_scope="session")
async def coturn(tmp_path: Path) -> AsyncIterator[Coturn]:
    running = await Coturn.start(tmp_path, host_address())
    yield running
    await running.stop()


@pytest.mark.parametrize("way", [*(pytest.param(way, marks=pytest.mark.long) for way in ("udp", "tcp")), "tls"])
async def test_a_patient_whom_only_a_turn_server_reaches(
    coturn: Coturn, arrive: Arrive, launch: Launch, tmp_path: Path, way: str
) -> None:
    turn = {"urls": [coturn.urls[way]], "secret": str(coturn.secret), "lifetime": 600}
    server = await Server.start(tmp_path, settings={"SIGNALLING__TURN": json.dumps(turn)})
    try:
        trusting = await launch(f"--ignore-certificate-errors-spki-list={coturn.spki}")
        practitioner = await arrive(server.practitioner, colour=BLUE)
        patient = await arrive(server.patient, browser=trusting, colour=GREEN, only="relay")
        call = await meet(practitioner, patient)
        path = await patient.path()
        assert (path.kind, path.protocol, path.port) == ("relay", way, server.media_port)
        await is_whole(call)
    finally:
        await server.stop()


@asynccontextmanager
async def wall(island: Island, port: int) -> AsyncIterator[None]:
    """A firewall in the way of all UDP to and from that port."""
    rules = f"""table inet wall {{
        chain out {{ type filter hook output priority filter; udp dport {port} drop; udp sport {port} drop; }}
    }}"""
    await run(*island.command("nft", "-f", "-"), text=rules)
    try:
        yield
    finally:
        await run(*island.command("nft", "delete", "table", "inet", "wall"))


async def meet_in(island_server: Server, island_chromium: Browser, firefox: Firefox, arrive: Arrive) -> Call:
    """Chromium and Firefox, in a network of their own."""
    practitioner = await arrive(island_server.practitioner, browser=island_chromium, colour=BLUE)
    patient = await arrive(island_server.patient, browser=firefox, colour=GREEN)
    return await meet(practitioner, patient)


async def test_both_browsers_meet_behind_a_wall(
    island: Island, island_server: Server, island_chromium: Browser, firefox: Firefox, arrive: Arrive
) -> None:
    async with wall(island, island_server.media_port):
        call = await meet_in(island_server, island_chromium, firefox, arrive)
        assert (await call.practitioner.path()).protocol == "tcp"
        await is_whole(call)


async def test_both_browsers_pass_by_tcp_when_a_wall_comes_up_in_the_call(
    island: Island, island_server: Server, island_chromium: Browser, firefox: Firefox, arrive: Arrive
) -> None:
    call = await meet_in(island_server, island_chromium, firefox, arrive)
    assert (await call.practitioner.path()).protocol == "udp"
    async with wall(island, island_server.media_port):
        for person in call.both:
            await person.sees_remote(within_s=60, frames=30)
        await is_whole(call)
        assert (await call.practitioner.path()).protocol == "tcp"
