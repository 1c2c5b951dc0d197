"""`me/appointments`: one's own in every clinic, and nobody else's; who looked."""

from datetime import timedelta

from control.identity.roles import Role
from control.store.models import Attendee, Patient
from tests.control.api.people import logged, told
from tests.control.api.world import Place, World
from tests.control.store.rows import NOW, Meeting, meeting


async def booked(world: World, place: Place, patient: str, days: int) -> Meeting:
    return await meeting(world.database, place.clinic, place.practitioner, [patient], starts=NOW + timedelta(days=days))


async def test_my_appointments_are_those_of_all_clinics_in_order(world: World) -> None:
    me = world.west.people[Role.PATIENT]
    async with world.database.begin(world.east.clinic) as session:
        there = Patient(name="Pasient der", search_name="pasient der", person_id=me, created_at=NOW)
        session.add(there)
    first = await booked(world, world.west, world.west.patient, 1)
    second = await booked(world, world.east, there.id, 2)
    third = await booked(world, world.west, world.west.patient, 3)
    await booked(world, world.east, world.east.patient, 1)
    await booked(world, world.west, world.west.patient, -3)
    found = await told(world, "GET", "/me/appointments?limit=2", Role.PATIENT)
    assert [(each["clinic"], each["appointment"], each["consultation"]) for each in found["items"]] == [
        (made.clinic, made.appointment, made.consultation) for made in (first, second)
    ]
    assert (found["items"][0]["role"], found["items"][0]["type_name"], found["items"][0]["practitioner_name"]) == (
        *("patient", "Kontroll", "Lege vest"),
    )
    rest = await told(world, "GET", f"/me/appointments?limit=2&cursor={found['next']}", Role.PATIENT)
    assert ([each["appointment"] for each in rest["items"]], rest["next"]) == ([third.appointment], None)
    # Each clinic's log tells what was shown of it, page by page.
    assert await logged(world, "appointments.read_own") == [(me, {world.west.patient})] * 2
    assert await logged(world, "appointments.read_own", world.east.clinic) == [(me, {there.id})]
    everything = await told(world, "GET", "/me/appointments?since=2026-01-01T00:00:00Z", Role.PATIENT)
    assert len(everything["items"]) == 4


async def test_who_is_no_longer_expected_sees_nothing_of_it(world: World) -> None:
    made = await booked(world, world.west, world.west.patient, 1)
    async with world.database.begin(world.west.clinic) as session:
        (await session.get_one(Attendee, (world.west.clinic, made.patients[0]))).removed_at = NOW
    assert (await told(world, "GET", "/me/appointments", Role.PATIENT))["items"] == []
    await told(world, "GET", f"/appointments/{made.appointment}/attendees", Role.PATIENT, status=404)


async def test_row_n9_a_patient_sees_who_looked_and_who_found_them_in_a_list(world: World) -> None:
    await told(world, "POST", "/patients/search", Role.SECRETARY, body={"name": "pas"})
    await told(world, "GET", f"/patients/{world.west.patient}", Role.PRACTITIONER)
    looks = (await told(world, "GET", "/me/looks", Role.PATIENT))["items"]
    assert [(look["action"], look["actor_name"], look["clinic_name"]) for look in looks][-2:] == [
        ("patient.read", "practitioner vest", "Klinikk vest"),
        ("patients.read", "secretary vest", "Klinikk vest"),
    ]
