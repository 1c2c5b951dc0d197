"""A group: whatever one patient asks for, nothing of it tells who the others are."""

import json
from typing import Final

from sqlalchemy import select

from control.api.endpoint import EVERYONE, PUBLIC, Route
from control.identity.roles import Role
from control.store.models import Appointment, Attendee
from tests.control.api.world import World
from tests.control.consultation.asking import landing, link, meeting
from tests.control.store.rows import Meeting

OTHER: Final = "Ola Medpasient"


def for_patients(route: Route) -> bool:
    """Whether patients may ask it, and it changes nothing."""
    return route.is_safe and (route.access is PUBLIC or Role.PATIENT in (route.access or EVERYONE))


async def group(world: World) -> tuple[Meeting, list[str]]:
    """The west's patient with another, and what must not be told of that one."""
    made = await meeting(world, patients=2)
    async with world.database.begin(world.west.clinic) as session:
        other = await session.get_one(Attendee, (world.west.clinic, made.patients[1]))
        other.comment, other.email, other.phone = "Kommentar om Medpasient", "medpasient@example.org", "+4791234567"
        assert other.patient_id is not None
        secret = [other.id, other.patient_id, "medpasient", "91234567"]
    return made, secret


async def test_row_38_no_answer_to_one_patient_names_another_of_the_group(world: World) -> None:
    made, secret = await group(world)
    async with world.database.look(world.west.clinic) as session:
        slot = await session.scalar(select(Appointment.slot_id).where(Appointment.id == made.appointment))
    known = [made.appointment, made.consultation, made.type, *made.patients, world.west.patient, secret[1], slot]
    answered = set()
    for route in filter(for_patients, world.routes):
        query = f"?clinic={world.west.clinic}" if route.name == "list_slots" else ""
        for first in known if route.parameters else [None]:
            ids = dict.fromkeys(route.parameters, first or "")
            answer = await world.ask(route.method, route.path.format_map(ids) + query, Role.PATIENT)
            told = answer.body.decode().lower()
            assert not [word for word in secret if word in told], f"{route.name}: {told}"
            if answer.status == 200:
                answered.add(route.name)
    assert answered >= {
        "list_my_appointments",
        "list_attendees",
        "read_appointment",
        "read_consultation",
        "list_looks",
        "read_me",
    }


async def test_row_38_nor_does_the_page_behind_a_link_or_the_way_into_the_room(world: World) -> None:
    made, secret = await group(world)
    told = [json.dumps(await landing(world, link(world, made.patients[0])))]
    joined = await world.ask("POST", f"/consultations/{made.consultation}/join", Role.PATIENT, body={})
    assert joined.status == 200, joined.body
    told.append(joined.body.decode())
    for text in told:
        assert not [word for word in secret if word in text.lower()], text
