"""A consultation without an appointment: a practitioner opens a room at once, or for a time, and invites."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.consultation.planning import grow
from control.errors import ForbiddenError, InvalidInputError
from control.store.base import new_id
from control.store.models import Attendee, Consultation, Patient, Practitioner
from signalling.roles import Role


@dataclass(frozen=True, slots=True)
class Invited:
    """Who is to come: a patient of the clinic, or somebody known by name alone."""

    role: Role
    name: str | None = field(default=None, repr=False)
    """None for a patient, whose record has it."""
    patient: str | None = None
    level: str | None = None
    """The `acr` that they must log in with; None where the link alone leads to the lobby."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The consultation and its attendees, the practitioner first."""

    consultation: Consultation
    attendees: Sequence[Attendee]


async def open_unplanned(
    session: AsyncSession,
    person: str,
    invited: Sequence[Invited],
    starts: datetime | None,
    actor: Reference,
    now: datetime,
) -> Opened:
    """Opens it for the practitioner who is this person (raises ForbiddenError; InvalidInputError for no such patient).

    Without `starts` there is no window: the links are good until it has ended.
    """
    host = await session.scalar(select(Practitioner).where(Practitioner.person_id == person, Practitioner.active))
    if host is None:
        raise ForbiddenError("practitioners open consultations")
    consultation = Consultation(room=new_id(), starts=starts, created_at=now)
    session.add(consultation)
    await session.flush()
    attendees = [
        Attendee(
            consultation_id=consultation.id,
            role=Role.PRACTITIONER,
            person_id=person,
            practitioner_id=host.id,
            name=host.name,
        )
    ]
    for number, one in enumerate(invited):
        attendees.append(await _attendee(session, consultation, one, number))
    session.add_all(attendees)
    await session.flush()
    await grow(session, consultation)
    subjects = [Reference("consultation", consultation.id)]
    subjects += [Reference(log.PATIENT, one.patient) for one in invited if one.patient is not None]
    await log.record(session, Event(now, actor, "consultation.open", tuple(subjects)))
    return Opened(consultation, attendees)


async def _attendee(session: AsyncSession, consultation: Consultation, one: Invited, number: int) -> Attendee:
    if one.patient is None:
        assert one.name is not None
        return Attendee(consultation_id=consultation.id, role=one.role, name=one.name, level=one.level)
    patient = await session.scalar(select(Patient).where(Patient.id == one.patient))
    if patient is None:
        pointer = f"/invited/{number}/patient"
        raise InvalidInputError("no such patient here", errors=[{"pointer": pointer, "code": "unknown"}])
    return Attendee(
        consultation_id=consultation.id,
        role=Role.PATIENT,
        person_id=patient.person_id,
        patient_id=patient.id,
        name=patient.name,
        level=one.level,
    )
