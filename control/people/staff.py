"""Who works in a clinic, and what they chose about their own view."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.store.models import MemberRole, Membership, Person, Practitioner, Preference
from control.store.scope import clinic_of

_LOGIN = {"across": "login"}


@dataclass(frozen=True, slots=True)
class Member:
    """A person in one of their roles."""

    id: str
    person: str
    name: str = field(repr=False)
    role: MemberRole
    active: bool


async def practitioners(session: AsyncSession) -> Sequence[Practitioner]:
    """All of the clinic, in order of name; former ones too, since appointments name them."""
    return (await session.scalars(select(Practitioner).order_by(Practitioner.name, Practitioner.id))).all()


async def members(session: AsyncSession, actor: Reference, now: datetime) -> Sequence[Member]:
    """All of the clinic, in order of name; looking at it is logged."""
    found = (await session.scalars(select(Membership))).all()
    persons = sorted({each.person_id for each in found})
    statement = select(Person.id, Person.name).where(Person.id.in_(persons))
    names = {person: name for person, name in await session.execute(statement, execution_options=_LOGIN)}
    await log.record(session, Event(now, actor, "members.read"))
    listed = [Member(each.id, each.person_id, names[each.person_id], each.role, each.active) for each in found]
    return sorted(listed, key=lambda member: (member.name, member.person, member.role))


DAY_VIEW = "day_view"


@dataclass(frozen=True, slots=True)
class DayView:
    """How somebody likes to see the day."""

    video_icons: bool = True
    """Appointments by video are marked so."""


async def day_view(session: AsyncSession, person: str) -> DayView:
    """What the person chose in this clinic, or else what everybody begins with."""
    kept = await session.get(Preference, (clinic_of(session), person, DAY_VIEW))
    return DayView() if kept is None else DayView(**kept.value)


async def choose_day_view(session: AsyncSession, person: str, chosen: DayView, actor: Reference, now: datetime) -> None:
    """Keeps the choice, which is logged."""
    await _keep(session, person, {"video_icons": chosen.video_icons})
    await log.record(session, Event(now, actor, "day_view.choose"))


async def _keep(session: AsyncSession, person: str, value: dict[str, bool]) -> None:
    key = (clinic_of(session), person, DAY_VIEW)
    kept = await session.get(Preference, key)
    if kept is None:
        try:
            async with session.begin_nested():
                session.add(Preference(person_id=person, name=DAY_VIEW, value=value))
            return
        except IntegrityError:  # chosen twice at once, on two pages
            kept = await session.get_one(Preference, key)
    kept.value = value
