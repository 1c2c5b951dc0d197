"""A consultation as two people live it, in stock browsers through the real server."""

import asyncio
import time

import pytest

from tests.browser.call import meet, wait_in_lobby
from tests.browser.conftest import Arrive
from tests.browser.interrupted import curtain_says
from tests.browser.person import Person
from tests.browser.server import Server

NOT_ALONE = "Arne Kristiansen er ikke alene akkurat nå, og tok en pause."
STILL_S = 1.5
"""A picture that shows no new frame for so long stands still."""


async def stands_still(person: Person) -> bool:
    before = await person.frames_of_remote()
    await asyncio.sleep(STILL_S)
    return await person.frames_of_remote() == before


async def test_a_patient_waits_is_admitted_and_both_meet(server: Server, arrive: Arrive) -> None:
    call = await wait_in_lobby(await arrive(server.practitioner), await arrive(server.patient))
    assert await call.patient.frames_of_remote() == 0
    assert await call.practitioner.frames_of_remote() == 0
    await call.practitioner.press("admit")
    for person in call.both:
        await person.is_in("call")
        await call.is_seen_by(person, frames=30)
    await call.practitioner.has("admit", 0)


async def test_the_patient_may_come_first(server: Server, arrive: Arrive) -> None:
    patient = await arrive(server.patient)
    await patient.join()
    await patient.is_in("lobby")
    practitioner = await arrive(server.practitioner)
    await practitioner.join()
    await practitioner.press("admit")
    for person in (practitioner, patient):
        await person.is_in("call")
        await person.sees_remote()


async def test_denied(server: Server, arrive: Arrive) -> None:
    call = await wait_in_lobby(await arrive(server.practitioner), await arrive(server.patient))
    await call.practitioner.decides("deny")
    await call.patient.is_in("ended")
    await call.practitioner.is_in("call")
    await call.practitioner.has("admit", 0)


async def test_the_practitioner_pauses_and_resumes(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.practitioner.press("pause")
    for person in call.both:
        await person.is_in("paused")
    assert all(await asyncio.gather(*(stands_still(person) for person in call.both)))
    # Somebody comes in while it lasts: whoever is about to resume reads so.
    await call.patient.press("pause")
    await curtain_says(call.practitioner, NOT_ALONE)
    await call.practitioner.press("resume")
    for person in call.both:
        await person.is_in("call")
        await call.is_seen_by(person)


@pytest.mark.long
async def test_a_host_on_the_patients_page_ends_a_pause(server: Server, arrive: Arrive) -> None:
    """There is whoever was made a host in the meeting: what the curtain says to press must be there."""
    host = await arrive(server.practitioner.replace("/clinic/", "/patient/"))
    await host.join()
    await host.is_in("call")
    assert not await host.mark("resume").is_visible()
    await host.press("pause")
    await curtain_says(host, "Trykk «Fortsett» når dere er klare.")
    await host.press("resume")
    await host.is_in("call")
    assert not await host.mark("resume").is_visible()


async def test_the_patient_pauses_and_only_the_practitioner_resumes(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.patient.press("pause")
    for person in call.both:
        await person.is_in("paused")
    await curtain_says(call.patient, "Du har tatt en pause.")
    await curtain_says(call.practitioner, NOT_ALONE)
    await call.patient.says("resume")
    assert all(await asyncio.gather(*(stands_still(person) for person in call.both)))
    await call.patient.is_in("paused")
    await call.practitioner.press("resume")
    for person in call.both:
        await person.is_in("call")
        await call.is_seen_by(person)


async def test_back_to_the_lobby_and_in_again(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.practitioner.decides("to-lobby")
    await call.patient.is_in("lobby")
    await call.practitioner.has("admit", 1)
    await call.practitioner.press("admit")
    for person in call.both:
        await person.is_in("call")
        await call.is_seen_by(person)


async def test_removed(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.practitioner.decides("remove")
    await call.patient.is_in("ended")
    await call.practitioner.is_in("call")


async def test_a_removed_person_comes_back_to_the_lobby_only(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.practitioner.decides("remove")
    await call.patient.is_in("ended")
    again = await arrive(server.patient)
    await again.join()
    await again.is_in("lobby")
    await call.practitioner.has("admit", 1)


async def test_the_practitioner_ends_it_for_all(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.practitioner.decides("end")
    for person in call.both:
        await person.is_in("ended")


async def test_the_patient_leaves(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.patient.decides("end")
    await call.patient.is_in("ended")
    await call.practitioner.is_in("call")


async def test_a_link_can_be_opened_again_and_takes_the_seat_over(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    again = await arrive(server.patient)
    await again.join()
    await call.patient.is_in("ended")
    told = await call.patient.page.locator("[data-reason=taken_over]").inner_text()
    assert told.startswith("Samtalen er åpnet et annet sted")
    assert "Du bruker samtalen i et annet vindu eller på en annen enhet." in told
    await again.is_in("call")
    await again.sees_remote()
    await call.is_seen_by(call.practitioner)


async def test_the_page_loaded_anew_comes_back_to_the_call(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.patient.tab.reload()
    await call.patient.is_in("call")
    await call.is_seen_by(call.patient)
    await call.is_seen_by(call.practitioner)


async def test_camera_off_and_on(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.patient.press("camera")
    await asyncio.sleep(0.5)
    assert await stands_still(call.practitioner)
    assert not await stands_still(call.patient)
    await call.patient.press("camera")
    await call.is_seen_by(call.practitioner)


async def test_mute_and_speak_again(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    # Chromium's fake microphone beeps twice a second.
    assert (await call.practitioner.hears_remote(2.0))[1] > -60
    await call.patient.press("mute")
    await asyncio.sleep(0.7)
    assert (await call.practitioner.hears_remote(2.0))[1] < -90
    await call.patient.press("mute")
    await asyncio.sleep(0.5)
    assert (await call.practitioner.hears_remote(2.0))[1] > -60


async def test_the_camera_can_be_changed_in_the_call(server: Server, arrive: Arrive) -> None:
    patient = await arrive(server.patient, colour="#20d020", second="#2020d0")
    call = await meet(await arrive(server.practitioner), patient)
    assert await call.practitioner.sees_colour("#20d020")
    other = await call.patient.changes_camera(unlike=await call.patient.camera_in_use())
    assert await call.practitioner.sees_colour("#2020d0")
    assert await call.patient.camera_in_use() == other
    await call.is_seen_by(call.practitioner)


async def test_a_lost_server_is_said_and_the_call_returns(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    lost = time.monotonic()
    running = await server.restart()
    try:
        for person in call.both:
            await person.is_in("call", within_s=30)
            await person.sees_remote(within_s=30)
        assert time.monotonic() - lost < 40
    finally:
        await running.stop()
