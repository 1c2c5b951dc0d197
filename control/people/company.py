"""Whom somebody may know of at an appointment: staff all, patients those who come with them and who treat them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.errors import NotFoundError
from control.people import rules
from control.people.attendees import APPOINTMENT, appointment_of, expected_at
from control.people.guardians import relation_holds, zone_of
from control.scheduling.recurrence import local_day
from control.store.models import AppointmentType, Attendee, GuardianRelation
from signalling.roles import Role


@dataclass(frozen=True, slots=True)
class Company:
    """Who is expected at an appointment, as far as somebody may know."""

    attendees: Sequence[Attendee]
    group: bool
    """Patients meet each other there, so that they are shown by initials."""


async def listing(session: AsyncSession, appointment: str, actor: Reference, now: datetime) -> Company:
    """All, for staff (raises NotFoundError)."""
    await appointment_of(session, appointment)
    found = await expected_at(session, appointment)
    await _view(session, appointment, found, actor, now)
    return Company(found, await is_group(session, appointment))


async def company(session: AsyncSession, appointment: str, person: str, actor: Reference, now: datetime) -> Company:
    """Whom somebody who is expected may know of: patients of a group never each other, nor who comes with them.

    Raises NotFoundError, also for a guardian whose time is over.
    """
    await appointment_of(session, appointment)
    expected = await expected_at(session, appointment)
    today = local_day(now, await zone_of(session))
    own = [each for each in expected if each.person_id == person and await may_act(session, each, today)]
    if not own:
        raise NotFoundError
    seen = [each for each in expected if any(rules.sees(_place(one), _place(each)) for one in own)]
    await _view(session, appointment, seen, actor, now)
    return Company(seen, await is_group(session, appointment))


async def may_act(session: AsyncSession, attendee: Attendee, day: date) -> bool:
    """Whether a guardian's relation holds on that day; true of everybody else."""
    if attendee.role is not Role.GUARDIAN:
        return True
    statement = select(GuardianRelation).where(
        GuardianRelation.person_id == attendee.person_id, GuardianRelation.patient_id == attendee.for_patient_id
    )
    return any(relation_holds(relation, day) for relation in await session.scalars(statement))


async def is_group(session: AsyncSession, appointment: str) -> bool:
    """Whether patients meet each other there (raises NotFoundError)."""
    held = await appointment_of(session, appointment)
    statement = select(AppointmentType.capacity).where(AppointmentType.id == held.type_id)
    return (await session.scalars(statement)).one() > 1


def _place(attendee: Attendee) -> rules.Expected:
    return rules.Expected(attendee.id, attendee.role, attendee.patient_id or attendee.for_patient_id)


async def _view(
    session: AsyncSession, appointment: str, seen: Sequence[Attendee], actor: Reference, now: datetime
) -> None:
    about = tuple(Reference(log.PATIENT, each.patient_id) for each in seen if each.patient_id is not None)
    await log.record(session, Event(now, actor, "attendees.read", (Reference(APPOINTMENT, appointment), *about)))
