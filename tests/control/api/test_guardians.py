"""`guardians`: made by staff, ended by date or at once; what they were given ends with them."""

from datetime import timedelta
from typing import Any

import pytest

from control.identity.roles import Role
from control.store.models import GuardianRelation
from tests.control.api.people import add_patient, attendee_row, commands, logged, told, version
from tests.control.api.world import World
from tests.control.people.made_up import take
from tests.control.store.rows import NOW, Meeting, meeting

MOTHER, FATHER, CHILD = take(3)


async def add_guardian(world: World, patient: str, *, status: int = 201, **given: Any) -> Any:
    body = {"number": MOTHER, "name": "Mor Nordmann", "phone": "99999999", **given}
    return await told(world, "POST", f"/patients/{patient}/guardians", Role.SECRETARY, body=body, status=status)


async def expected(world: World, patient: str, guardian: str, days: int) -> tuple[Meeting, str]:
    """A meeting of the child in so many days, and the guardian's entry."""
    place = world.west
    made = await meeting(world.database, place.clinic, place.practitioner, [patient], starts=NOW + timedelta(days=days))
    body = {"role": "guardian", "guardian": guardian}
    path = f"/appointments/{made.appointment}/attendees"
    return made, (await told(world, "POST", path, Role.SECRETARY, body=body, status=201))["id"]


@pytest.mark.parametrize(
    ("born", "given", "ends_on"),
    [
        ("2015-05-17", None, "2031-05-17"),
        ("2015-05-17", "2027-01-01", "2027-01-01"),
        ("1950-05-17", "2027-01-01", "2027-01-01"),
        (None, "2027-01-01", "2027-01-01"),
    ],
)
async def test_a_relation_ends_on_the_16th_birthday_or_as_said(
    world: World, born: str | None, given: str | None, ends_on: str
) -> None:
    child = await add_patient(world, born=born)
    made = await add_guardian(world, child["id"], ends_on=given)
    assert (made["ends_on"], made["patient"], made["revoked_at"]) == (ends_on, child["id"], None)
    assert await told(world, "GET", f"/guardians/{made['id']}", Role.PRACTITIONER) == made
    assert (await told(world, "GET", f"/patients/{child['id']}/guardians", Role.PRACTITIONER))["items"] == [made]
    for action in ("guardian.add", "guardian.read", "guardians.read"):
        assert [patients for _, patients in await logged(world, action)] == [{child["id"]}]


@pytest.mark.parametrize(
    ("born", "given", "code"),
    [
        (None, None, "end_date_needed"),
        ("2010-03-02", None, "end_date_passed"),  # 16 today
        ("2015-05-17", "2026-03-02", "end_date_passed"),
    ],
)
async def test_nobody_is_a_guardian_without_an_end_to_come(
    world: World, born: str | None, given: str | None, code: str
) -> None:
    child = await add_patient(world, born=born)
    assert (await add_guardian(world, child["id"], ends_on=given, status=422))["code"] == code


async def test_nobody_is_ones_own_guardian_nor_twice(world: World) -> None:
    child = await add_patient(world, born="2015-05-17", number=CHILD)
    assert (await add_guardian(world, child["id"], number=CHILD, status=422))["code"] == "own_guardian"
    first = await add_guardian(world, child["id"])
    again = await add_guardian(world, child["id"], status=409)
    assert (again["code"], again["guardian"]) == ("guardian_exists", first["id"])
    await told(world, "POST", f"/guardians/{first['id']}/revoke", Role.SECRETARY)
    await add_guardian(world, child["id"])


async def test_a_revoked_guardian_is_out_at_once(world: World) -> None:
    child = await add_patient(world, born="2015-05-17")
    mother = await add_guardian(world, child["id"])
    father = await add_guardian(world, child["id"], number=FATHER, name="Far Nordmann")
    first, entry = await expected(world, child["id"], mother["id"], 1)
    second, later = await expected(world, child["id"], mother["id"], 40)
    _, stays = await expected(world, child["id"], father["id"], 1)
    revoked = await told(world, "POST", f"/guardians/{mother['id']}/revoke", Role.ADMINISTRATOR)
    assert revoked["revoked_at"] == "2026-03-02T09:00:00Z"
    for identifier in (entry, later):
        row = await attendee_row(world, identifier)
        assert (row.removed_at, row.link_version) == (NOW, 2)
    kept = await attendee_row(world, stays)
    assert (kept.removed_at, kept.link_version) == (None, 1)
    assert sorted(await commands(world)) == sorted(
        [(first.room, "revoke", {"participant": entry}), (second.room, "revoke", {"participant": later})]
    )
    # Revoked again it stays as it was, and nothing is told twice.
    assert await told(world, "POST", f"/guardians/{mother['id']}/revoke", Role.ADMINISTRATOR) == revoked
    assert len(await commands(world)) == 2
    body = {"role": "guardian", "guardian": mother["id"]}
    path = f"/appointments/{first.appointment}/attendees"
    assert (await told(world, "POST", path, Role.SECRETARY, body=body, status=409))["code"] == "guardian_ended"


async def test_an_earlier_end_takes_the_guardian_from_appointments_after_it(world: World) -> None:
    child = await add_patient(world, born="2015-05-17")
    mother = await add_guardian(world, child["id"])
    _, before = await expected(world, child["id"], mother["id"], 1)
    after, gone = await expected(world, child["id"], mother["id"], 40)
    path, body = f"/guardians/{mother['id']}", {"ends_on": "2026-04-01"}
    for wrong in (version(2), {}):
        assert (await world.ask("PATCH", path, Role.SECRETARY, body=body, headers=wrong)).status in (412, 428)
    assert (await told(world, "PATCH", path, Role.SECRETARY, body=body, headers=version(1)))["version"] == 2
    assert (await attendee_row(world, before)).removed_at is None
    assert (await attendee_row(world, gone)).removed_at == NOW
    assert await commands(world) == [(after.room, "revoke", {"participant": gone})]
    passed = await told(
        world, "PATCH", path, Role.SECRETARY, body={"ends_on": "2026-03-02"}, headers=version(2), status=422
    )
    assert passed["code"] == "end_date_passed"


async def test_who_may_act_is_seen_in_ones_own_list_while_it_holds(world: World) -> None:
    child = await add_patient(world, born="2010-04-01", protected_address=False)
    mother = await add_guardian(world, child["id"])
    made, entry = await expected(world, child["id"], mother["id"], 20)
    async with world.database.look(world.west.clinic) as session:
        person = (await session.get_one(GuardianRelation, (world.west.clinic, mother["id"]))).person_id
    headers = await world.log_in(person, Role.PATIENT, None)
    (found,) = (await told(world, "GET", "/me/guardianships", headers=headers))["items"]
    assert (found["guardian"], found["patient_name"], found["clinic_name"]) == (
        *(mother["id"], "Kari Nordmann", "Klinikk vest"),
    )
    (listed,) = (await told(world, "GET", "/me/appointments", headers=headers))["items"]
    assert (listed["attendee"], listed["role"], listed["patient_name"]) == (entry, "guardian", "Kari Nordmann")
    assert listed["place"]["name"] == "Klinikk vest"
    assert await logged(world, "appointments.read_own") == [(person, {child["id"]})]
    assert await logged(world, "guardianships.read_own") == [(person, {child["id"]})]
    # A protected address: the guardian is not told where.
    path = f"/patients/{child['id']}"
    await told(world, "PATCH", path, Role.SECRETARY, body={"protected_address": True}, headers=version(None))
    for asked, name in (("/me/guardianships", "clinic_name"), ("/me/appointments", "place")):
        answer = await world.ask("GET", asked, headers=headers)
        (item,) = answer.json["items"]
        assert (item["clinic"], item[name]) == (None, None)
        for hidden in (world.west.clinic, "Klinikk vest", "Lege vest"):
            assert hidden not in answer.body.decode()
        assert item.get("practitioner_name") is None
    # The clinic's log is told all the same.
    assert await logged(world, "appointments.read_own") == [(person, {child["id"]})] * 2
    # On the 16th birthday it is over.
    world.clock.set(NOW + timedelta(days=30))
    headers = await world.log_in(person, Role.PATIENT, None)
    assert (await told(world, "GET", "/me/guardianships", headers=headers))["items"] == []
    asked = "/me/appointments?since=2026-03-01T00:00:00Z"
    assert (await told(world, "GET", asked, headers=headers))["items"] == []
    await told(world, "GET", f"/appointments/{made.appointment}/attendees", headers=headers, status=404)


async def test_a_guardian_wishes_for_the_child_as_long_as_they_may_act(world: World) -> None:
    child = await add_patient(world, born="2015-05-17")
    mother = await add_guardian(world, child["id"])
    async with world.database.look(world.west.clinic) as session:
        person = (await session.get_one(GuardianRelation, (world.west.clinic, mother["id"]))).person_id
    headers, path = await world.log_in(person, Role.PATIENT, None), f"/me/patients/{child['id']}"
    body = {"wants_video": True, "opted_out": True}
    assert await told(world, "PATCH", path, body=body, headers=headers) == {"patient": child["id"], **body}
    await told(world, "POST", f"/guardians/{mother['id']}/revoke", Role.SECRETARY)
    for method, given in (("GET", None), ("PATCH", {"opted_out": False})):
        await told(world, method, path, body=given, headers=headers, status=404)
    assert (await told(world, "GET", f"/patients/{child['id']}", Role.SECRETARY))["opted_out"] is True
