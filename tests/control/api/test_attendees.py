"""`appointments/{id}/attendees`: who is expected, who may see whom, and links that end."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from control.identity.roles import Role
from control.store.models import Appointment, AppointmentState, Consultation, OutboxEntry, Patient, Practitioner
from tests.control.api.people import add_patient, attendee_row, commands, logged, told
from tests.control.api.world import World
from tests.control.people.made_up import take
from tests.control.store import rows
from tests.control.store.rows import NOW, Meeting, meeting

OTHER = take(1)[0]


async def single(world: World, **of_type: Any) -> Meeting:
    place = world.west
    return await meeting(
        world.database,
        *(place.clinic, place.practitioner, [place.patient]),
        starts=NOW + timedelta(days=1),
        level="idporten-loa-high",
        of_type=of_type,
    )


def path_of(made: Meeting, attendee: str = "") -> str:
    return f"/appointments/{made.appointment}/attendees{'/' if attendee else ''}{attendee}"


async def add(world: World, made: Meeting, *, status: int = 201, **body: Any) -> Any:
    return await told(world, "POST", path_of(made), Role.SECRETARY, body=body, status=status)


async def size(world: World, made: Meeting) -> int:
    async with world.database.look(world.west.clinic) as session:
        return (await session.get_one(Consultation, (world.west.clinic, made.consultation))).size


async def queued(world: World) -> list[tuple[str, str | None, str]]:
    async with world.database.look(world.west.clinic) as session:
        return [(each.kind, each.attendee_id, each.state) for each in await session.scalars(select(OutboxEntry))]


async def test_whoever_is_invited_makes_the_room_larger_and_gets_a_message(world: World) -> None:
    made = await single(world)
    assert await size(world, made) == 2
    companion = await add(world, made, role="companion", name="Ola  Nordmann", phone="+47 90 00 00 00")
    assert (companion["name"], companion["patient"], companion["level"]) == ("Ola Nordmann", world.west.patient, None)
    interpreter = await add(world, made, role="interpreter", name="Tolk", level="idporten-loa-substantial")
    assert interpreter["level"] == "idporten-loa-substantial"
    guest = await add(world, made, role="guest", name="Gjest", email="gjest@example.org")
    async with world.database.begin(world.west.clinic) as session:
        colleague = rows.person("Kollega")
        session.add(colleague)
        await session.flush()
        second = Practitioner(person_id=colleague.id, name="Kollega")
        session.add(second)
    doctor = await add(world, made, role="practitioner", practitioner=second.id)
    assert (doctor["name"], doctor["practitioner"]) == ("Kollega", second.id)
    assert await size(world, made) == 6
    assert sorted(await queued(world)) == sorted(("invitation", each["id"], "queued") for each in (companion, guest))
    listed = (await told(world, "GET", path_of(made), Role.PRACTITIONER))["items"]
    assert {each["role"] for each in listed} == {"patient", "practitioner", "companion", "interpreter", "guest"}
    assert len(listed) == 6
    assert await logged(world, "attendees.read") == [(world.west.people[Role.PRACTITIONER], {world.west.patient})]
    assert len(await logged(world, "attendee.add")) == 4
    again = await add(world, made, role="practitioner", practitioner=second.id, status=409)
    assert (again["code"], again["attendee"]) == ("attendee_exists", doctor["id"])


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"role": "practitioner", "practitioner": "z" * 26}, "/practitioner", "unknown"),
        ({"role": "guardian", "guardian": "z" * 26}, "/guardian", "unknown"),
        ({"role": "companion", "name": "Ola", "patient": "z" * 26}, "/patient", "unknown"),
        ({"role": "companion", "name": " \u200e "}, "/name", "invalid"),
        ({"role": "patient", "name": "Ola"}, "", "unknown_choice"),
        ({"role": "guest"}, "/name", "missing"),
    ],
)
async def test_what_cant_be_meant_is_refused(world: World, body: dict[str, str], pointer: str, code: str) -> None:
    refused = await add(world, await single(world), status=422, **body)
    assert refused["errors"] == [{"pointer": pointer, "code": code}]


async def test_another_clinics_practitioner_is_unknown(world: World) -> None:
    made = await single(world)
    refused = await add(world, made, role="practitioner", practitioner=world.east.practitioner, status=422)
    assert refused["errors"] == [{"pointer": "/practitioner", "code": "unknown"}]


async def test_guests_come_where_the_type_takes_them_and_nobody_to_what_is_over(world: World) -> None:
    made = await single(world, guests=False)
    assert (await add(world, made, role="guest", name="Gjest", status=409))["code"] == "guests_not_allowed"
    await add(world, made, role="companion", name="Ola")
    async with world.database.begin(world.west.clinic) as session:
        row = await session.get_one(Appointment, (world.west.clinic, made.appointment))
        row.state = AppointmentState.CANCELLED
    assert (await add(world, made, role="companion", name="Per", status=409))["code"] == "appointment_closed"


async def test_a_removed_attendees_link_is_dead_and_the_room_is_told(world: World) -> None:
    made = await single(world)
    guest = await add(world, made, role="guest", name="Gjest", email="gjest@example.org")
    await told(world, "DELETE", path_of(made, guest["id"]), Role.SECRETARY, status=204)
    row = await attendee_row(world, guest["id"])
    assert (row.removed_at, row.link_version) == (NOW, 2)
    assert await commands(world) == [(made.room, "revoke", {"participant": guest["id"]})]
    assert await queued(world) == [("invitation", guest["id"], "withdrawn")]
    for method, path, body in (
        ("DELETE", path_of(made, guest["id"]), None),
        ("PUT", path_of(made, guest["id"]) + "/label", {"label": "G"}),
        ("POST", path_of(made, guest["id"]) + "/link", {}),
    ):
        await told(world, method, path, Role.SECRETARY, body=body, status=404)
    for needed in (made.patients[0], made.practitioner):
        refused = await told(world, "DELETE", path_of(made, needed), Role.SECRETARY, status=409)
        assert refused["code"] == "attendee_needed"


async def test_the_same_link_is_sent_again_and_another_one_ends_it(world: World) -> None:
    made = await single(world)
    (patient,) = made.patients
    path = path_of(made, patient) + "/link"
    first = await told(world, "POST", path, Role.SECRETARY, body={})
    assert first["link"].startswith("https://video.example.org/patient/#k=")
    assert await told(world, "POST", path, Role.SECRETARY, body={}) == first
    assert (await attendee_row(world, patient)).link_version == 1
    renewed = await told(world, "POST", path, Role.SECRETARY, body={"renew": True})
    assert renewed != first
    assert (await attendee_row(world, patient)).link_version == 2
    # One message waits, with whatever link is in force when it is sent.
    assert await queued(world) == [("invitation", patient, "queued")]
    assert len(await logged(world, "attendee.renew_link")) == 1


async def set_patient(world: World, **given: Any) -> None:
    async with world.database.begin(world.west.clinic) as session:
        row = await session.get_one(Patient, (world.west.clinic, world.west.patient))
        for name, value in given.items():
            setattr(row, name, value)


async def test_a_protected_address_keeps_invitations_from_the_patient_and_who_comes_along(world: World) -> None:
    made = await single(world, notifies=False)
    await set_patient(world, protected_address=True)
    companion = await add(world, made, role="companion", name="Ola", phone="+4790000000")
    assert await queued(world) == []
    for attendee in (companion["id"], made.patients[0]):
        for body in ({}, {"renew": True}):
            answer = await told(world, "POST", path_of(made, attendee) + "/link", Role.SECRETARY, body=body)
            assert (answer["sent"], answer["link"][:5]) == (False, "https"), "staff may hand the link over"
    assert await queued(world) == []
    await set_patient(world, protected_address=False)
    answer = await told(world, "POST", path_of(made, companion["id"]) + "/link", Role.SECRETARY, body={})
    assert (answer["sent"], await queued(world)) == (True, [("invitation", companion["id"], "queued")])


async def test_who_wants_no_messages_is_sent_no_link_but_companions_are(world: World) -> None:
    made = await single(world)
    await set_patient(world, opted_out=True)
    answer = await told(world, "POST", path_of(made, made.patients[0]) + "/link", Role.SECRETARY, body={})
    assert (answer["sent"], await queued(world)) == (False, [])
    companion = await add(world, made, role="companion", name="Ola", phone="+4790000000")
    assert await queued(world) == [("invitation", companion["id"], "queued")]


async def test_row_38_patients_choose_what_others_see_and_groups_see_initials(world: World) -> None:
    kari, ola = world.west.patient, (await add_patient(world, name="Ola Hansen", number=OTHER))["id"]
    place = world.west
    made = await meeting(world.database, place.clinic, place.practitioner, [kari, ola], starts=NOW + timedelta(days=1))
    listed = (await told(world, "GET", path_of(made), Role.SECRETARY))["items"]
    shown = {each["patient"]: each["shown_as"] for each in listed}
    assert (shown[kari], shown[ola], shown[None]) == ("P. V.", "O. H.", "Lege vest")
    entry = {each["patient"]: each["id"] for each in listed}
    chosen = await told(world, "PUT", path_of(made, entry[kari]) + "/label", Role.PATIENT, body={"label": " Sola "})
    assert (chosen["label"], chosen["shown_as"], chosen["mine"]) == ("Sola", "Sola", True)
    # Nobody chooses for another patient, save staff.
    body = {"label": "Tull"}
    await told(world, "PUT", path_of(made, entry[ola]) + "/label", Role.PATIENT, body=body, status=404)
    cleared = await told(world, "PUT", path_of(made, entry[kari]) + "/label", Role.SECRETARY, body={"label": None})
    assert cleared["shown_as"] == "P. V."


async def test_row_69_patients_of_a_group_never_see_each_other(world: World) -> None:
    kari, ola = world.west.patient, (await add_patient(world, name="Ola Hansen", number=OTHER))["id"]
    place = world.west
    made = await meeting(world.database, place.clinic, place.practitioner, [kari, ola], starts=NOW + timedelta(days=1))
    whose = await add(world, made, role="companion", name="Venn", status=422)
    assert whose["errors"] == [{"pointer": "/patient", "code": "missing"}]
    await add(world, made, role="companion", name="Per Hansen", patient=ola, phone="99000001")
    await add(world, made, role="companion", name="Liv Vest", patient=kari, phone="99000002")
    answer = await world.ask("GET", path_of(made), Role.PATIENT)
    assert {(each["role"], each["name"]) for each in answer.json["items"]} == {
        ("patient", "Pasient vest"),
        ("practitioner", "Lege vest"),
        ("companion", "L. V."),
    }
    for hidden in ("Hansen", "Ola", "O. H.", "P. H.", "9900000", ola):
        assert hidden not in answer.body.decode()
    # Nor by their own list of appointments.
    mine = await world.ask("GET", "/me/appointments", Role.PATIENT)
    assert len(mine.json["items"]) == 1
    assert "Hansen" not in mine.body.decode()
    assert ola not in mine.body.decode()
    # The log of the view names only whom it showed.
    assert await logged(world, "attendees.read") == [(world.west.people[Role.PATIENT], {kari})]
