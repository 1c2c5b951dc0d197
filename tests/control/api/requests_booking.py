"""Good requests about slots, appointments, and what stands in their way."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

from control.identity.roles import Role
from control.scheduling.surface import Surface
from control.store.models import AppointmentType, Schedule, Slot
from tests.control.api.request import Builder, Request
from tests.control.api.world import NOW, Place, World
from tests.control.store.rows import Meeting, meeting

_ANY: Final = {"If-Match": "*"}
_TYPE: Final[Mapping[str, Any]] = {"published": True, "supports_video": True}
_times = count(1)


def _later() -> datetime:
    """A time that nobody has yet, within the days in which free slots are looked for."""
    return NOW + timedelta(days=1, minutes=30 * next(_times))


async def _schedule(world: World, place: Place) -> str:
    async with world.database.begin(place.clinic) as session:
        row = Schedule(practitioner_id=place.practitioner, name="Timebok", published=True)
        session.add(row)
    return row.id


async def _type(world: World, place: Place) -> str:
    async with world.database.begin(place.clinic) as session:
        row = AppointmentType(name="Kontroll", minutes=20, **_TYPE)
        session.add(row)
    return row.id


async def _slot(world: World, place: Place, kind: str | None = None) -> str:
    schedule, kind = await _schedule(world, place), kind or await _type(world, place)
    starts = _later()
    async with world.database.begin(place.clinic) as session:
        row = Slot(
            schedule_id=schedule,
            practitioner_id=place.practitioner,
            person_id=place.people[Role.PRACTITIONER],
            type_id=kind,
            starts=starts,
            ends=starts + timedelta(minutes=20),
            surface=Surface.VIDEO,
        )
        session.add(row)
    return row.id


async def _meeting(world: World, place: Place) -> Meeting:
    return await meeting(
        world.database, place.clinic, place.practitioner, [place.patient], starts=_later(), of_type=_TYPE
    )


async def _list_slots(world: World, place: Place) -> Request:
    return Request(query=f"?clinic={place.clinic}&schedule={await _schedule(world, place)}")


async def _insert_slot(world: World, place: Place) -> Request:
    schedule, kind = await _schedule(world, place), await _type(world, place)
    return Request(body={"schedule": schedule, "type": kind, "starts": _later().isoformat()})


async def _retype_slot(world: World, place: Place) -> Request:
    return Request({"id": await _slot(world, place)}, {"type": await _type(world, place)}, headers=_ANY)


async def _withdraw_slot(world: World, place: Place) -> Request:
    return Request({"id": await _slot(world, place)}, headers=_ANY)


async def _book(world: World, place: Place) -> Request:
    return Request(body={"slot": await _slot(world, place), "clinic": place.clinic, "patient": place.patient})


async def _move(world: World, place: Place) -> Request:
    made = await _meeting(world, place)
    body = {"slot": await _slot(world, place, made.type)}
    return Request({"id": made.appointment}, body, headers=_ANY)


def _appointment(body: Any = None) -> Builder:
    async def build(world: World, place: Place) -> Request:
        return Request({"id": (await _meeting(world, place)).appointment}, body, headers=_ANY)

    return build


async def _day(world: World, place: Place) -> Request:
    return Request({"id": await _schedule(world, place)}, {"day": "2026-03-02"})


async def _why_not_book(world: World, place: Place) -> Request:
    schedule, kind = await _schedule(world, place), await _type(world, place)
    return Request(query=f"?patient={place.patient}&schedule={schedule}&type={kind}")


async def _why_not(world: World, place: Place) -> Request:
    return Request(query=f"?attendee={(await _meeting(world, place)).patients[0]}")


BOOKING: Final[Mapping[str, Builder]] = {
    "list_slots": _list_slots,
    "insert_slot": _insert_slot,
    "retype_slot": _retype_slot,
    "withdraw_slot": _withdraw_slot,
    "book": _book,
    "read_appointment": _appointment(),
    "move": _move,
    "cancel": _appointment({}),
    "postpone": _appointment({}),
    "make_video": _appointment(),
    "make_physical": _appointment(),
    "make_day_video": _day,
    "why_not_book": _why_not_book,
    "why_not_start": _why_not,
    "why_not_notified": _why_not,
}
