"""Calls from behind firewalls: by ICE-TCP where no UDP passes, by a real TURN server where nothing else does."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.call import Call, meet
from tests.browser.conftest import Arrive, Launch
from tests.browser.person import Person
from tests.browser.server import Server
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


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
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
