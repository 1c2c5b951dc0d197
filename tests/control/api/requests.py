"""A good request of every route, about the things of one clinic: what tests of access and of bad input begin with."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any, Final

from control.identity.roles import Role
from control.store.models import (
    AppointmentType,
    Attendee,
    GuardianRelation,
    Schedule,
    TemplateEntry,
    WeekTemplate,
    WorkPlan,
)
from signalling.roles import Role as RoomRole
from tests.control.api.request import Builder, Request
from tests.control.api.requests_booking import BOOKING
from tests.control.api.world import Place, World
from tests.control.people.made_up import national_numbers
from tests.control.store import rows
from tests.control.store.rows import Meeting, meeting


async def _plain(world: World, place: Place) -> Request:
    return Request()


async def _log_in(world: World, place: Place) -> Request:
    person = place.people[Role.SECRETARY]
    return Request(body={"person": person, "role": "secretary", "clinic": world.west.clinic})


async def _change_place(world: World, place: Place) -> Request:
    return Request(body={"role": "secretary", "clinic": place.clinic})


async def _audit(world: World, place: Place) -> Request:
    return Request(query=f"?patient={place.patient}")


async def _set_clock(world: World, place: Place) -> Request:
    return Request(body={"now": "2026-03-02T09:00:00Z"})


async def _meeting(world: World, place: Place) -> Meeting:
    return await meeting(world.database, place.clinic, place.practitioner, [place.patient])


async def _unplanned(world: World, place: Place) -> Request:
    return Request(body={"invited": [{"role": "patient", "patient": place.patient}]})


async def _place(world: World, place: Place) -> Request:
    return Request({"id": (await _meeting(world, place)).consultation}, body={})


async def _consultation(world: World, place: Place) -> Request:
    return Request({"id": (await _meeting(world, place)).consultation})


async def _verdict(world: World, place: Place) -> Request:
    return Request({"id": (await _meeting(world, place)).consultation}, body={"verdict": "good"})


async def _identification(world: World, place: Place) -> Request:
    made = await _meeting(world, place)
    return Request({"id": made.consultation}, body={"attendee": made.patients[0], "method": "known"})


async def _attendance(world: World, place: Place) -> Request:
    made = await _meeting(world, place)
    body = {"attendee": made.patients[0], "attended": True, "method": "known"}
    return Request({"id": made.consultation}, body=body)


async def _link(world: World, place: Place) -> Request:
    made = await _meeting(world, place)
    return Request(body={"link": world.links.token(place.clinic, made.patients[0], 1)})


_ANY: Final = {"If-Match": "*"}
_FIRST: Final = date(2026, 3, 2)
_LAST: Final = date(2026, 3, 6)
_DAYS: Final = {"first_day": str(_FIRST), "last_day": str(_LAST)}
_TYPE: Final = {"name": "Kontroll", "minutes": 20}


async def _type_id(world: World, place: Place) -> str:
    async with world.database.begin(place.clinic) as session:
        row = AppointmentType(name="Kontroll", minutes=20)
        session.add(row)
    return row.id


async def _schedule_id(world: World, place: Place) -> str:
    async with world.database.begin(place.clinic) as session:
        row = Schedule(practitioner_id=place.practitioner, name="Timebok")
        session.add(row)
    return row.id


async def _template_id(world: World, place: Place) -> str:
    kind = await _type_id(world, place)
    async with world.database.begin(place.clinic) as session:
        row = WeekTemplate(name="Uke")
        session.add(row)
        await session.flush()
        session.add(TemplateEntry(template_id=row.id, weekday=0, starts="09:00", minutes=20, type_id=kind))
    return row.id


async def _plan_id(world: World, place: Place) -> str:
    schedule, template = await _schedule_id(world, place), await _template_id(world, place)
    async with world.database.begin(place.clinic) as session:
        row = WorkPlan(schedule_id=schedule, template_id=template, first_day=_FIRST, last_day=_LAST)
        session.add(row)
    return row.id


def _about(identifier: Callable[[World, Place], Awaitable[str]], body: Any = None) -> Builder:
    async def build(world: World, place: Place) -> Request:
        return Request({"id": await identifier(world, place)}, body, headers=_ANY)

    return build


async def _create_type(world: World, place: Place) -> Request:
    return Request(body=_TYPE)


async def _create_schedule(world: World, place: Place) -> Request:
    return Request(body={"practitioner": place.practitioner, "name": "Timebok"})


def _template(kind: str) -> Mapping[str, Any]:
    return {"name": "Uke", "entries": [{"weekday": 0, "starts": "09:00", "count": 3, "minutes": 20, "type": kind}]}


async def _create_template(world: World, place: Place) -> Request:
    return Request(body=_template(await _type_id(world, place)))


async def _change_template(world: World, place: Place) -> Request:
    body = _template(await _type_id(world, place))
    return Request({"id": await _template_id(world, place)}, body, headers=_ANY)


async def _list_plans(world: World, place: Place) -> Request:
    return Request(query=f"?schedule={await _schedule_id(world, place)}")


async def _create_plan(world: World, place: Place) -> Request:
    schedule, template = await _schedule_id(world, place), await _template_id(world, place)
    return Request(body={"schedule": schedule, "template": template, **_DAYS})


async def _change_plan(world: World, place: Place) -> Request:
    body = {"template": await _template_id(world, place), **_DAYS}
    return Request({"id": await _plan_id(world, place)}, body, headers=_ANY)


async def _new_patient(world: World, place: Place) -> Request:
    return Request(body={"name": "Kari Nordmann", "list_of": place.practitioner})


async def _search(world: World, place: Place) -> Request:
    return Request(body={"name": "Pasient"})


def _patient(body: Any = None) -> Builder:
    async def build(world: World, place: Place) -> Request:
        return Request({"id": place.patient}, body, headers={"If-Match": "*"})

    return build


async def _identify_patient(world: World, place: Place) -> Request:
    return Request({"id": await _child(world, place)}, {"number": next(_NUMBERS)}, headers={"If-Match": "*"})


async def _add_guardian(world: World, place: Place) -> Request:
    return Request({"id": await _child(world, place)}, _GUARDIAN)


def _guardian(body: Any = None) -> Builder:
    async def build(world: World, place: Place) -> Request:
        child = await _child(world, place)
        guardian = rows.person("Verge")
        async with world.database.begin(place.clinic) as session:
            session.add(guardian)
            await session.flush()
            relation = GuardianRelation(
                patient_id=child, person_id=guardian.id, name="Verge", ends_on=date(2099, 1, 1), created_at=rows.NOW
            )
            session.add(relation)
        return Request({"id": relation.id}, body, headers={"If-Match": "*"})

    return build


async def _child(world: World, place: Place) -> str:
    child = rows.patient(place.clinic, "Barn")
    async with world.database.begin(place.clinic) as session:
        session.add(child)
    return child.id


def _attendees(body: Any = None) -> Builder:
    async def build(world: World, place: Place) -> Request:
        return Request({"id": (await _meeting(world, place)).appointment}, body)

    return build


def _attendee(body: Any = None) -> Builder:
    """The patient's."""

    async def build(world: World, place: Place) -> Request:
        made = await _meeting(world, place)
        return Request({"id": made.appointment, "attendee": made.patients[0]}, body)

    return build


async def _remove_attendee(world: World, place: Place) -> Request:
    appointment = (await _meeting(world, place)).appointment
    guest = Attendee(appointment_id=appointment, role=RoomRole.GUEST, name="Gjest")
    async with world.database.begin(place.clinic) as session:
        session.add(guest)
    return Request({"id": appointment, "attendee": guest.id})


async def _choose_day_view(world: World, place: Place) -> Request:
    return Request(body={"video_icons": True})


_NUMBERS: Final = national_numbers()
_GUARDIAN: Final = {"number": next(_NUMBERS), "name": "Verge", "ends_on": "2099-01-01"}

REQUESTS: Final[Mapping[str, Builder]] = {
    "read_session": _plain,
    "log_in": _log_in,
    "change_place": _change_place,
    "log_out": _plain,
    "read_me": _plain,
    "list_looks": _plain,
    "list_audit_events": _audit,
    "read_consultation": _consultation,
    "open_consultation": _unplanned,
    "join_consultation": _place,
    "test_consultation": _place,
    "record_test": _verdict,
    "tell_delay": _place,
    "tell_cant_wait": _place,
    "change_to_physical": _place,
    "identify": _identification,
    "read_attendance": _consultation,
    "register_attendance": _attendance,
    "read_link": _link,
    "read_worklist": _plain,
    **BOOKING,
    "list_types": _plain,
    "create_type": _create_type,
    "read_type": _about(_type_id),
    "change_type": _about(_type_id, _TYPE),
    "list_schedules": _plain,
    "create_schedule": _create_schedule,
    "read_schedule": _about(_schedule_id),
    "change_schedule": _about(_schedule_id, {"name": "Timebok"}),
    "list_templates": _plain,
    "create_template": _create_template,
    "read_template": _about(_template_id),
    "change_template": _change_template,
    "list_work_plans": _list_plans,
    "create_work_plan": _create_plan,
    "read_work_plan": _about(_plan_id),
    "change_work_plan": _change_plan,
    "update_work_plan": _about(_plan_id),
    "create_patient": _new_patient,
    "search_patients": _search,
    "read_patient": _patient(),
    "change_patient": _patient({"phone": None}),
    "read_number": _patient(),
    "identify_patient": _identify_patient,
    "list_guardians": _patient(),
    "add_guardian": _add_guardian,
    "read_guardian": _guardian(),
    "change_guardian": _guardian({"ends_on": "2098-01-01"}),
    "revoke_guardian": _guardian(),
    "list_attendees": _attendees(),
    "add_attendee": _attendees({"role": "guest", "name": "Gjest"}),
    "remove_attendee": _remove_attendee,
    "label_attendee": _attendee({"label": "Sola"}),
    "invite_attendee": _attendee({}),
    "list_my_appointments": _plain,
    "list_my_guardianships": _plain,
    "read_my_wishes": _patient(),
    "change_my_wishes": _patient({"wants_video": True}),
    "list_practitioners": _plain,
    "list_members": _plain,
    "read_day_view": _plain,
    "choose_day_view": _choose_day_view,
    "read_clock": _plain,
    "set_clock": _set_clock,
    "reset_clock": _plain,
}
