"""A booking from end to end, through the interface: what one side does, the other reads at once."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from control.identity.roles import Role
from control.store.models import AppointmentType
from tests.control.api.people import told
from tests.control.api.requests import REQUESTS
from tests.control.api.world import World
from tests.control.consultation.asking import change


async def free_slot(world: World) -> Any:
    """What a patient reads of a free time by video, of a type with words of its own."""
    slot = (await REQUESTS["book"](world, world.west)).body["slot"]
    found = (await told(world, "GET", f"/slots?clinic={world.west.clinic}", Role.PATIENT))["items"]
    (read,) = [each for each in found if each["id"] == slot]
    await change(world, AppointmentType, read["type"]["id"], booking_text="Ha legemidlene klare.")
    found = (await told(world, "GET", f"/slots?clinic={world.west.clinic}", Role.PATIENT))["items"]
    return next(each for each in found if each["id"] == slot)


async def line(world: World, appointment: Any) -> Any:
    """As it stands in the practitioner's list of the day, which is the clinic's."""
    day = datetime.fromisoformat(appointment["starts"]).astimezone(ZoneInfo("Europe/Oslo")).date()
    items = (await told(world, "GET", f"/worklist?day={day}", Role.PRACTITIONER))["items"]
    return next(each for each in items if each["appointment"] == appointment["id"])


async def mine(world: World) -> set[str]:
    return {each["appointment"] for each in (await told(world, "GET", "/me/appointments", Role.PATIENT))["items"]}


async def test_row_06_what_staff_book_is_the_patients_at_once(world: World) -> None:
    slot = await free_slot(world)
    (found,) = (await told(world, "POST", "/patients/search", Role.SECRETARY, body={"name": "Pasient vest"}))["items"]
    assert await mine(world) == set()
    body = {"slot": slot["id"], "patient": found["id"]}
    made = await told(world, "POST", "/appointments", Role.SECRETARY, body=body, status=201)
    assert await mine(world) == {made["id"]}


async def test_row_10_14_the_patient_reads_books_and_the_practitioner_sees_the_comment(world: World) -> None:
    slot = await free_slot(world)
    assert slot["booking_text"] == "Ha legemidlene klare."
    assert slot["surface"] == "video"
    assert slot["practitioner"] == {"id": world.west.practitioner, "name": "Lege vest"}
    body = {"slot": slot["id"], "clinic": world.west.clinic, "comment": "Det gjelder utslettet."}
    made = await told(world, "POST", "/appointments", Role.PATIENT, body=body, status=201)
    assert (made["starts"], made["surface"]) == (slot["starts"], "video")
    shown = await line(world, made)
    assert [each["comment"] for each in shown["attendees"] if each["role"] == "patient"] == ["Det gjelder utslettet."]
    assert await mine(world) == {made["id"]}
    left = (await told(world, "GET", f"/slots?clinic={world.west.clinic}", Role.PATIENT))["items"]
    assert slot["id"] not in [each["id"] for each in left]
    again = await world.ask("POST", "/appointments", Role.PATIENT, body=body)
    assert (again.status, again.json["code"]) == (409, "slot_taken")


async def test_row_12_a_remark_of_another_system_that_says_video_is_flagged_in_the_list(world: World) -> None:
    for remark, hinted in (("Pasienten vil ha video", True), ("Kontroll", False)):
        slot = await free_slot(world)
        body = {"slot": slot["id"], "patient": world.west.patient, "surface": "physical"}
        body |= {"remark": remark, "external": True}
        made = await told(world, "POST", "/appointments", Role.INTEGRATOR, body=body, status=201)
        shown = await line(world, made)
        assert (shown["video_hinted"], shown["remark"], shown["surface"]) == (hinted, remark, "physical")
