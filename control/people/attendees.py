"""Who is expected at an appointment, beside those it was booked for: guardians, companions, interpreters, guests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, assert_never

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.consultation import planning
from control.errors import InvalidInputError, NotFoundError
from control.identity.levels import Level
from control.people import loading
from control.people.dismissal import dismiss, renew
from control.people.errors import (
    AppointmentClosedError,
    AttendeeExistsError,
    AttendeeNeededError,
    AttendeesFullError,
    GuardianEndedError,
    GuestsNotAllowedError,
)
from control.people.guardians import relation_holds, zone_of
from control.scheduling import telling
from control.scheduling.recurrence import local_day
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    Consultation,
    GuardianRelation,
    Practitioner,
)
from signalling.grant import MAX_SIZE
from signalling.roles import Role

APPOINTMENT = "appointment"
ATTENDEE = "attendee"
"""Kinds of reference in the log."""


@dataclass(frozen=True, slots=True)
class NewGuardian:
    """A guardian by a relation that staff made before."""

    relation: str


@dataclass(frozen=True, slots=True)
class NewPractitioner:
    """A colleague."""

    practitioner: str


@dataclass(frozen=True, slots=True)
class NewNamed:
    """Somebody known by name alone."""

    role: Literal[Role.COMPANION, Role.INTERPRETER, Role.GUEST]
    name: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    patient: str | None = None
    """With whom they come; None for the only patient, or nobody in particular."""
    level: Level | None = None
    """The level of login asked of them; None where the link is enough."""


New = NewGuardian | NewPractitioner | NewNamed


async def add(session: AsyncSession, appointment: str, new: New, actor: Reference, now: datetime) -> Attendee:
    """Somebody more, invited by a message where the patient's address is not protected; the room is made larger.

    Raises NotFoundError, InvalidInputError for a reference to what is not here, AppointmentClosedError,
    AttendeesFullError, AttendeeExistsError, GuardianEndedError, GuestsNotAllowedError.
    """
    held = await _open(session, appointment)
    kind = (await session.scalars(select(AppointmentType).where(AppointmentType.id == held.type_id))).one()
    expected = await expected_at(session, appointment)
    if len(expected) >= MAX_SIZE:
        raise AttendeesFullError(f"an appointment has at most {MAX_SIZE} attendees")
    match new:
        case NewGuardian(relation):
            attendee = await _guardian(session, relation, held, kind, expected)
        case NewPractitioner(practitioner):
            attendee = await _practitioner(session, practitioner, expected)
        case NewNamed():
            attendee = _named(new, kind, expected)
        case _:
            assert_never(new)
    attendee.appointment_id = appointment
    session.add(attendee)
    await session.flush()
    meeting = await session.scalar(select(Consultation).where(Consultation.appointment_id == appointment))
    if meeting is not None:
        await planning.grow(session, meeting)
    if attendee.phone or attendee.email:
        await telling.invite(session, appointment, attendee, now)
    await _record(session, "attendee.add", attendee, actor, now, role=attendee.role)
    return attendee


async def remove(session: AsyncSession, appointment: str, identifier: str, actor: Reference, now: datetime) -> None:
    """No longer expected: the link is dead, the room is told (raises NotFoundError, AttendeeNeededError)."""
    held = await appointment_of(session, appointment)
    attendee = await _holding(session, appointment, identifier)
    if attendee.role is Role.PATIENT or attendee.practitioner_id == held.practitioner_id:
        raise AttendeeNeededError("cancel or move the appointment instead")
    await dismiss(session, [attendee], now)
    await _record(session, "attendee.remove", attendee, actor, now)


async def label(
    session: AsyncSession,
    appointment: str,
    identifier: str,
    label: str | None,
    actor: Reference,
    now: datetime,
    *,
    alone: str | None,
) -> Attendee:
    """What the others see instead of the name; None for the name again.

    `alone` is the person who may do so for no other entry than their own; None for staff. Raises NotFoundError.
    """
    attendee = await _holding(session, appointment, identifier)
    if alone is not None and attendee.person_id != alone:
        raise NotFoundError
    attendee.label = label
    await _record(session, "attendee.label", attendee, actor, now)
    return attendee


async def invite(
    session: AsyncSession, appointment: str, identifier: str, actor: Reference, now: datetime, *, anew: bool
) -> tuple[Attendee, bool]:
    """Sends the link once more, or (`anew`) another one that ends those given out before; and whether it is sent.

    Nothing is, to a patient who wants no messages, nor to anybody about one whose address is protected.

    Raises NotFoundError, AppointmentClosedError, LinksUsedUpError.
    """
    await _open(session, appointment)
    attendee = await _holding(session, appointment, identifier)
    if anew:
        renew(attendee)
    sent = await telling.invite(session, appointment, attendee, now)
    await _record(session, "attendee.renew_link" if anew else "attendee.invite", attendee, actor, now)
    return attendee, sent


async def _holding(session: AsyncSession, appointment: str, identifier: str) -> Attendee:
    """Somebody who is expected, held until the act is done (raises NotFoundError)."""
    attendee = await loading.hold(session, Attendee, identifier)
    if attendee.appointment_id != appointment or attendee.removed_at is not None:
        raise NotFoundError
    return attendee


async def _record(
    session: AsyncSession, action: str, attendee: Attendee, actor: Reference, now: datetime, **detail: str
) -> None:
    """Writes down an act about somebody who is expected."""
    about = [Reference(ATTENDEE, attendee.id)]
    if attendee.appointment_id is not None:
        about.append(Reference(APPOINTMENT, attendee.appointment_id))
    whose = attendee.patient_id or attendee.for_patient_id
    if whose is not None:
        about.append(Reference(log.PATIENT, whose))
    await log.record(session, Event(now, actor, action, tuple(about), log.detail(detail) if detail else None))


async def _guardian(
    session: AsyncSession, relation: str, held: Appointment, kind: AppointmentType, expected: Sequence[Attendee]
) -> Attendee:
    try:
        found = await loading.hold(session, GuardianRelation, relation)
    except NotFoundError:
        raise loading.unknown("/guardian") from None
    if all(each.patient_id != found.patient_id for each in expected):
        raise loading.unknown("/guardian")
    if not relation_holds(found, local_day(held.starts, await zone_of(session))):
        raise GuardianEndedError("the guardian's time is over on that day")
    for other in expected:
        if (other.role, other.person_id, other.for_patient_id) == (Role.GUARDIAN, found.person_id, found.patient_id):
            raise AttendeeExistsError("this guardian is expected already", attendee=other.id)
    return Attendee(
        role=Role.GUARDIAN,
        person_id=found.person_id,
        for_patient_id=found.patient_id,
        name=found.name,
        phone=found.phone,
        email=found.email,
        level=kind.level,
    )


async def _practitioner(session: AsyncSession, practitioner: str, expected: Sequence[Attendee]) -> Attendee:
    try:
        found = await loading.find(session, Practitioner, practitioner)
    except NotFoundError:
        raise loading.unknown("/practitioner") from None
    if not found.active:
        raise loading.unknown("/practitioner")
    for other in expected:
        if other.practitioner_id == found.id:
            raise AttendeeExistsError("this practitioner is expected already", attendee=other.id)
    return Attendee(role=Role.PRACTITIONER, person_id=found.person_id, practitioner_id=found.id, name=found.name)


def _named(new: NewNamed, kind: AppointmentType, expected: Sequence[Attendee]) -> Attendee:
    if new.role is Role.GUEST and not kind.guests:
        raise GuestsNotAllowedError("appointments of this type take no guests")
    patients = [each.patient_id for each in expected if each.patient_id is not None]
    if new.patient is not None and new.patient not in patients:
        raise loading.unknown("/patient")
    patient = new.patient
    if patient is None and kind.capacity == 1:
        patient = next(iter(patients), None)
    if patient is None and new.role is Role.COMPANION:
        raise InvalidInputError("say whose companion it is", errors=[{"pointer": "/patient", "code": "missing"}])
    return Attendee(
        role=new.role,
        name=new.name,
        phone=new.phone,
        email=new.email,
        for_patient_id=patient,
        level=None if new.level is None else new.level.acr,
    )


async def appointment_of(session: AsyncSession, identifier: str) -> Appointment:
    """The appointment (raises NotFoundError)."""
    found = await session.scalar(select(Appointment).where(Appointment.id == identifier))
    if found is None:
        raise NotFoundError
    return found


async def _open(session: AsyncSession, identifier: str) -> Appointment:
    """The appointment where somebody can still come; whoever cancels or moves it meanwhile waits."""
    found = await session.scalar(select(Appointment).where(Appointment.id == identifier).with_for_update())
    if found is None:
        raise NotFoundError
    if found.state is not AppointmentState.BOOKED:
        raise AppointmentClosedError("the appointment is cancelled or over")
    return found


async def expected_at(session: AsyncSession, appointment: str) -> Sequence[Attendee]:
    """Who is expected."""
    statement = select(Attendee).where(Attendee.appointment_id == appointment, Attendee.removed_at.is_(None))
    return (await session.scalars(statement.order_by(Attendee.id))).all()
