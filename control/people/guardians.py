"""Guardians: staff say who may act for a patient and until when; nothing is ever inferred."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.identity import persons
from control.identity.numbers import NationalNumber
from control.identity.pseudonyms import Pseudonyms
from control.people import loading
from control.people.dismissal import dismiss
from control.people.errors import (
    EndDateNeededError,
    EndDatePassedError,
    GuardianExistsError,
    OwnGuardianError,
)
from control.people.rules import default_end, holds
from control.scheduling.recurrence import day_bounds, local_day
from control.store.models import Appointment, AppointmentState, Attendee, Clinic, GuardianRelation, Patient
from signalling.roles import Role

GUARDIAN = "guardian"
"""The kind of reference by which the log names a relation."""


@dataclass(frozen=True, slots=True)
class NewGuardian:
    """Who is to act for a patient."""

    number: NationalNumber
    name: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    ends_on: date | None = None
    """The first day on which it no longer holds; None for the patient's 16th birthday."""


async def add(
    session: AsyncSession, pseudonyms: Pseudonyms, patient: str, new: NewGuardian, actor: Reference, now: datetime
) -> GuardianRelation:
    """A relation (raises NotFoundError, EndDateNeededError, EndDatePassedError, OwnGuardianError,
    GuardianExistsError)."""
    whose = await loading.hold(session, Patient, patient)
    today = local_day(now, await zone_of(session))
    ends_on = new.ends_on or default_end(whose.born)
    if ends_on is None:
        raise EndDateNeededError("the patient's date of birth is not known: say until when")
    if ends_on <= today:
        raise EndDatePassedError("the end date must be a day to come")
    person = await persons.person_of(session, pseudonyms, new.number, name=new.name, shown=False, now=now)
    await session.flush()
    if person.id == whose.person_id:
        raise OwnGuardianError("a patient can't be their own guardian")
    for other in await _relations(session, GuardianRelation.patient_id == patient):
        if other.person_id == person.id and relation_holds(other, today):
            raise GuardianExistsError("this person is the patient's guardian already", guardian=other.id)
    relation = GuardianRelation(
        patient_id=patient,
        person_id=person.id,
        name=new.name,
        phone=new.phone,
        email=new.email,
        ends_on=ends_on,
        created_at=now,
    )
    session.add(relation)
    await session.flush()
    await _record(session, "guardian.add", relation, actor, now, ends_on=ends_on.isoformat())
    return relation


async def of_patient(
    session: AsyncSession, patient: str, actor: Reference, now: datetime
) -> Sequence[GuardianRelation]:
    """A patient's guardians, former ones among them (raises NotFoundError)."""
    await loading.find(session, Patient, patient)
    about = (Reference(log.PATIENT, patient),)
    await log.record(session, Event(now, actor, "guardians.read", about))
    return await _relations(session, GuardianRelation.patient_id == patient)


async def read(session: AsyncSession, identifier: str, actor: Reference, now: datetime) -> GuardianRelation:
    """A relation, seen by somebody (raises NotFoundError)."""
    relation = await loading.find(session, GuardianRelation, identifier)
    await _record(session, "guardian.read", relation, actor, now)
    return relation


async def end_on(
    session: AsyncSession,
    identifier: str,
    versions: frozenset[int] | None,
    ends_on: date,
    actor: Reference,
    now: datetime,
) -> GuardianRelation:
    """Another end date; at appointments from then on the guardian is no longer expected.

    Raises NotFoundError, PreconditionFailedError, EndDatePassedError (also for a revoked relation).
    """
    relation = await loading.hold(session, GuardianRelation, identifier)
    loading.check_version(relation.version, versions)
    zone = await zone_of(session)
    if relation.revoked_at is not None or ends_on <= local_day(now, zone):
        raise EndDatePassedError("the end date must be a day to come, and the relation not be revoked")
    relation.ends_on = ends_on
    first_without, _ = day_bounds(ends_on, zone)
    await dismiss(session, await _expected(session, relation, Appointment.starts >= first_without), now)
    await _record(session, "guardian.change", relation, actor, now, ends_on=ends_on.isoformat())
    return relation


async def revoke(session: AsyncSession, identifier: str, actor: Reference, now: datetime) -> GuardianRelation:
    """Ends a relation at once: links and grants die, and a room that the guardian is in is told.

    It waits for no version: whoever revokes means it. Raises NotFoundError; revoked already, it stays as it is.
    """
    relation = await loading.hold(session, GuardianRelation, identifier)
    if relation.revoked_at is not None:
        return relation
    # One whose time is over opens nothing; the same guardian may have a newer one, which stays.
    held = relation_holds(relation, local_day(now, await zone_of(session)))
    relation.revoked_at = now
    if held:
        standing = or_(Appointment.id.is_(None), Appointment.state == AppointmentState.BOOKED)
        await dismiss(session, await _expected(session, relation, standing), now)
    await _record(session, "guardian.revoke", relation, actor, now)
    return relation


def relation_holds(relation: GuardianRelation, day: date) -> bool:
    """Whether the guardian may act on that day of the clinic's calendar."""
    return holds(relation.ends_on, revoked=relation.revoked_at is not None, day=day)


async def zone_of(session: AsyncSession) -> ZoneInfo:
    """What the clinic of the session means by a day."""
    return ZoneInfo((await session.scalars(select(Clinic.zone))).one())


async def _relations(session: AsyncSession, condition: ColumnElement[bool]) -> Sequence[GuardianRelation]:
    statement = select(GuardianRelation).where(condition).order_by(GuardianRelation.created_at, GuardianRelation.id)
    return (await session.scalars(statement)).all()


async def _expected(
    session: AsyncSession, relation: GuardianRelation, condition: ColumnElement[bool]
) -> Sequence[Attendee]:
    """Where the guardian is expected with the patient."""
    statement = (
        select(Attendee)
        .outerjoin(Appointment, Appointment.id == Attendee.appointment_id)
        .where(
            Attendee.role == Role.GUARDIAN,
            Attendee.person_id == relation.person_id,
            Attendee.for_patient_id == relation.patient_id,
            Attendee.removed_at.is_(None),
            condition,
        )
    )
    return (await session.scalars(statement)).all()


async def _record(
    session: AsyncSession,
    action: str,
    relation: GuardianRelation,
    actor: Reference,
    now: datetime,
    **detail: str,
) -> None:
    about = (Reference(log.PATIENT, relation.patient_id), Reference(GUARDIAN, relation.id))
    await log.record(session, Event(now, actor, action, about, log.detail(detail) if detail else None))
