"""`patients`: made, found, read and changed; each view in the log."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from control.identity.roles import Role
from control.store.models import AuditEvent, Patient, Person
from tests.control.api.people import add_patient, attendee_row, commands, logged, told, version
from tests.control.api.world import World
from tests.control.people.made_up import take
from tests.control.store import rows

KARI, OLA, STRANGER = take(3)
PROTECTED = {"phone": "+47 99 99 99 99", "address": "Storgata 1, 3126 Tønsberg"}


async def search(world: World, role: Role = Role.SECRETARY, **body: Any) -> Any:
    return await told(world, "POST", "/patients/search", role, body=body)


async def test_row_67_staff_add_a_patient_who_can_then_log_in(world: World) -> None:
    async with world.database.begin(None) as session:
        before = len((await session.scalars(select(Person), execution_options={"across": "login"})).all())
    secretary = world.west.people[Role.SECRETARY]
    answer = await world.ask(
        "POST", "/patients", Role.SECRETARY, body={"name": "Kari  Nordmann", "number": KARI, "born": "1990-01-01"}
    )
    assert answer.status == 201, answer.body
    made = answer.json
    assert answer.headers["Location"] == f"/api/v1/patients/{made['id']}"
    assert (made["name"], made["born"], made["can_log_in"]) == ("Kari Nordmann", "1990-01-01", True)
    assert await logged(world, "patient.create") == [(secretary, {made["id"]})]
    async with world.database.look(world.west.clinic) as session:
        patient = await session.get_one(Patient, (world.west.clinic, made["id"]))
        person = await session.get_one(Person, patient.person_id, execution_options={"across": "login"})
    # The number is nowhere as it is.
    assert KARI not in repr(vars(person)) + repr(vars(patient))
    # Another clinic's record is of the same person.
    headers = await world.log_in(world.east.people[Role.SECRETARY], Role.SECRETARY, world.east.clinic)
    there = await told(world, "POST", "/patients", body={"name": "Kari N", "number": KARI}, status=201, headers=headers)
    async with world.database.look(world.east.clinic) as session:
        other = await session.get_one(Patient, (world.east.clinic, there["id"]))
    assert other.person_id == patient.person_id
    async with world.database.begin(None) as session:
        after = len((await session.scalars(select(Person), execution_options={"across": "login"})).all())
    assert after == before + 1
    # Who logs in as that person has both records.
    mine = await world.log_in(person.id, Role.PATIENT, None)
    found = await told(world, "GET", "/me", headers=mine)
    assert {each["patient"] for each in found["patient_in"]} == {made["id"], there["id"]}


async def test_row_67_without_a_number_no_login_is_ever_this_patient(world: World) -> None:
    made = await add_patient(world)
    assert made["can_log_in"] is False
    async with world.database.look(world.west.clinic) as session:
        assert (await session.get_one(Patient, (world.west.clinic, made["id"]))).person_id is None


async def test_one_record_a_person_and_one_an_external_identifier(world: World) -> None:
    first = await add_patient(world, number=KARI, external_id="EPJ-1")
    for given in ({"number": KARI}, {"external_id": "EPJ-1"}, {"number": f"{KARI[:6]} {KARI[6:]}"}):
        refused = await told(world, "POST", "/patients", Role.SECRETARY, body={"name": "K", **given}, status=409)
        assert (refused["code"], refused["patient"]) == ("patient_exists", first["id"])


@pytest.mark.parametrize("number", ["01819000000", "1234", "a", "018190 0001", "99999999999"])
async def test_a_number_that_is_none_is_refused_and_not_repeated(world: World, number: str) -> None:
    answer = await world.ask("POST", "/patients", Role.SECRETARY, body={"name": "Kari", "number": number})
    assert answer.status == 422
    assert answer.json["code"] == "national_number_invalid"
    assert number not in answer.body.decode() or len(number) < 5


async def test_found_by_the_beginning_of_the_name_page_by_page(world: World) -> None:
    names = ["Kari Berg", "kari Aas", "Karin Dahl", "Karl Lie", "Åse Lie", "Kari Aas"]
    made = {(await add_patient(world, name=name))["id"]: name for name in names}
    found: list[str] = []
    cursor = None
    pages = 0
    while True:
        body = {"name": "KARI", "limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = await told(world, "POST", "/patients/search", Role.PRACTITIONER, body=body)
        found += [line["id"] for line in answer["items"]]
        pages += 1
        cursor = answer["next"]
        if cursor is None:
            break
        assert "ari" not in cursor  # a cursor travels in logs
    assert sorted(made[each] for each in found) == ["Kari Aas", "Kari Berg", "Karin Dahl", "kari Aas"]
    assert [made[each].casefold() for each in found] == sorted(made[each].casefold() for each in found)
    # One event a page, with the patients of that page.
    events = await logged(world, "patients.read")
    assert [seen for _, seen in events] == [set(found[:2]), set(found[2:])]
    assert pages == 2
    assert [line["name"] for line in (await search(world, Role.SECRETARY, name=" \t"))["items"]] == []
    answer = await search(world, Role.SECRETARY, name="ås")
    assert [line["name"] for line in answer["items"]] == ["Åse Lie"]


async def test_found_by_number_in_the_own_clinic_alone(world: World) -> None:
    made = await add_patient(world, number=KARI)
    body = {"number": KARI}
    assert [
        each["id"] for each in (await told(world, "POST", "/patients/search", Role.SECRETARY, body=body))["items"]
    ] == [made["id"]]
    headers = await world.log_in(world.east.people[Role.SECRETARY], Role.SECRETARY, world.east.clinic)
    assert (await told(world, "POST", "/patients/search", body=body, headers=headers))["items"] == []
    assert await logged(world, "patients.read") == [(world.west.people[Role.SECRETARY], {made["id"]})]
    for wrong in ({}, {"name": "Kari", "number": KARI}):
        assert (await told(world, "POST", "/patients/search", Role.SECRETARY, body=wrong, status=422))[
            "code"
        ] == "invalid_input"


async def test_a_view_is_in_the_log(world: World) -> None:
    made = await add_patient(world)
    await told(world, "GET", f"/patients/{made['id']}", Role.PRACTITIONER)
    assert await logged(world, "patient.read") == [(world.west.people[Role.PRACTITIONER], {made["id"]})]


async def test_a_change_names_its_version_and_leaves_the_rest(world: World) -> None:
    made = await add_patient(world, phone="99999999", protected_address=True)
    path = f"/patients/{made['id']}"
    changed = await told(
        *(world, "PATCH", path, Role.SECRETARY),
        body={
            "name": "Kari Hansen",
            "wants_video": True,
            "list_of": world.west.practitioner,
            "referred_until": "2026-09-01",
        },
        headers=version(1),
    )
    assert changed == made | {
        "version": 2,
        "name": "Kari Hansen",
        "wants_video": True,
        "list_of": world.west.practitioner,
        "referred_until": "2026-09-01",
    }
    assert (await told(world, "PATCH", path, Role.SECRETARY, body={"phone": None}, headers=version(1), status=412))[
        "code"
    ] == ("precondition_failed")
    assert (await told(world, "PATCH", path, Role.SECRETARY, body={"phone": None}, headers=version(2)))["phone"] is None
    assert (await search(world, Role.SECRETARY, name="kari h"))["items"] != []
    for wrong in ({"name": None}, {"protected_address": None}, {"number": KARI}, {"born": "0001-01-01"}):
        await told(world, "PATCH", path, Role.SECRETARY, body=wrong, headers=version(None), status=422)
    unknown = await told(
        world,
        "PATCH",
        path,
        Role.SECRETARY,
        body={"list_of": world.east.practitioner},
        headers=version(None),
        status=422,
    )
    assert unknown["errors"] == [{"pointer": "/list_of", "code": "unknown"}]
    # The log says what was changed, and names nobody.
    async with world.database.look(world.west.clinic) as session:
        details = (await session.scalars(select(AuditEvent.detail).where(AuditEvent.action == "patient.change"))).all()
    assert sorted(filter(None, details))[0] == '{"fields":["name","wants_video","list_of_id","referred_until"]}'
    assert not any("Hansen" in (detail or "") for detail in details)


async def test_a_protected_address_is_kept_from_the_journal_system(world: World) -> None:
    made = await add_patient(world, Role.INTEGRATOR, **PROTECTED, protected_address=True, email="kari@example.org")
    assert (made["phone"], made["address"]) == (None, None)
    path = f"/patients/{made['id']}"
    staff = await told(world, "GET", path, Role.SECRETARY)
    assert {name: staff[name] for name in PROTECTED} == PROTECTED
    await told(world, "PATCH", path, Role.SECRETARY, body={"protected_address": False}, headers=version(None))
    open_now = await told(world, "GET", path, Role.INTEGRATOR)
    assert {name: open_now[name] for name in PROTECTED} == PROTECTED


async def test_a_number_is_read_on_its_own_and_every_reading_logged(world: World) -> None:
    made = await add_patient(world, number=KARI)
    unknown = await add_patient(world)
    assert await told(world, "GET", f"/patients/{made['id']}/number", Role.SECRETARY) == {"number": KARI}
    assert await told(world, "GET", f"/patients/{unknown['id']}/number", Role.SECRETARY) == {"number": None}
    assert [seen for _, seen in await logged(world, "patient.read_number")] == [{made["id"]}, {unknown["id"]}]


async def test_a_corrected_number_shuts_out_who_was_taken_for_the_patient(world: World) -> None:
    made = await add_patient(world)
    place, path = world.west, f"/patients/{made['id']}"
    meeting = await rows.meeting(world.database, place.clinic, place.practitioner, [made["id"]])
    (attendee,) = meeting.patients

    first = await told(world, "PUT", f"{path}/number", Role.SECRETARY, body={"number": OLA}, headers=version(1))
    assert first["can_log_in"] is True
    row = await attendee_row(world, attendee)
    assert (row.link_version, row.person_id is None) == (1, False)
    wrong_person = row.person_id
    await told(world, "PUT", f"{path}/number", Role.SECRETARY, body={"number": KARI}, headers=version(2))
    row = await attendee_row(world, attendee)
    assert row.link_version == 2
    assert row.person_id not in (None, wrong_person)
    assert await commands(world) == [(meeting.room, "revoke", {"participant": attendee})]
    await add_patient(world, number=STRANGER)
    taken = await told(
        world, "PUT", f"{path}/number", Role.SECRETARY, body={"number": STRANGER}, headers=version(3), status=409
    )
    assert taken["code"] == "patient_exists"


async def test_another_clinics_patient_is_no_patient(world: World) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"phone": None}),
        ("GET", "/number", None),
        ("PUT", "/number", {"number": KARI}),
    ):
        answers = []
        for identifier in (world.east.patient, "z" * 26):
            headers = version(None) if method in ("PATCH", "PUT") else {}
            answer = await world.ask(
                method, f"/patients/{identifier}{path}", Role.SECRETARY, body=body, headers=headers
            )
            answers.append((answer.status, answer.body))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


async def test_row_77_staff_see_who_asked_for_video_when_they_book(world: World) -> None:
    path = f"/me/patients/{world.west.patient}"
    assert await told(world, "GET", path, Role.PATIENT) == {
        "patient": world.west.patient,
        "wants_video": False,
        "opted_out": False,
    }
    await told(world, "PATCH", path, Role.PATIENT, body={"wants_video": True})
    found = await search(world, Role.SECRETARY, name="Pasient")
    assert [(line["id"], line["wants_video"]) for line in found["items"]] == [(world.west.patient, True)]
    assert (await told(world, "GET", f"/patients/{world.west.patient}", Role.SECRETARY))["wants_video"] is True
    # Another's record is none of one's own.
    assert (
        await told(
            world, "PATCH", f"/me/patients/{world.east.patient}", Role.PATIENT, body={"wants_video": True}, status=404
        )
    )["code"] == "not_found"


async def test_a_patient_opts_out(world: World) -> None:
    await told(world, "PATCH", f"/me/patients/{world.west.patient}", Role.PATIENT, body={"opted_out": True})
    seen = await told(world, "GET", f"/patients/{world.west.patient}", Role.SECRETARY)
    assert (seen["opted_out"], seen["wants_video"]) == (True, False)
    assert [actor for actor, _ in await logged(world, "patient.wish")] == [world.west.people[Role.PATIENT]]


async def test_the_same_number_at_once_makes_one_person_and_one_record(world: World) -> None:
    body = {"name": "Kari Nordmann", "number": KARI}
    headers = await world.log_in(world.east.people[Role.SECRETARY], Role.SECRETARY, world.east.clinic)
    await world.headers_of(Role.SECRETARY)
    answers = await asyncio.gather(
        *(world.ask("POST", "/patients", Role.SECRETARY, body=body) for _ in range(5)),
        *(world.ask("POST", "/patients", body=body, headers=headers) for _ in range(5)),
    )
    assert sorted(answer.status for answer in answers) == [201] * 2 + [409] * 8
    async with world.database.look(None) as session:
        statement = select(Patient.person_id).where(Patient.name == "Kari Nordmann")
        found = (await session.scalars(statement, execution_options={"across": "operation"})).all()
    assert len(found) == 2
    assert len(set(found)) == 1
