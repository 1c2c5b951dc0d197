"""Calls from behind firewalls: by ICE-TCP where no UDP passes."""

from tests.browser.call import Call, meet
from tests.browser.conftest import Arrive
from tests.browser.person import Person
from tests.browser.server import Server

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
