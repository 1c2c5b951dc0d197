"""A good request of every route, about the things of one clinic: what tests of access and of bad input begin with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from control.identity.roles import Role
from control.store.models import AppointmentType, Schedule, TemplateEntry, WeekTemplate, WorkPlan
from tests.control.api.world import Place, World
from tests.control.store.rows import Meeting, meeting


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for beside method and path."""

    ids: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Builder = Callable[[World, Place], Awaitable[Request]]
"""Makes what the request needs in the database, anew each time."""


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


REQUESTS: Final[Mapping[str, Builder]] = {
    "read_session": _plain,
    "log_in": _log_in,
    "change_place": _change_place,
    "log_out": _plain,
    "read_me": _plain,
    "list_looks": _plain,
    "list_audit_events": _audit,
    "read_consultation": _consultation,
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
    "read_clock": _plain,
    "set_clock": _set_clock,
    "reset_clock": _plain,
}
