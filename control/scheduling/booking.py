"""Booking: by staff for any patient, by patients for themselves, and by guardians for their children."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.errors import ForbiddenError, NotFoundError
from control.notifications.outbox import Kind
from control.people.rules import search_form
from control.scheduling import rules
from control.scheduling.errors import refuse_booking
from control.scheduling.meetings import plan_meeting
from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.offers import Offer, offer, standing
from control.scheduling.recurrence import local_day
from control.scheduling.rows import acts_by, find, hold_times, note, own_clinic
from control.scheduling.rules import By
from control.scheduling.surface import Surface
from control.scheduling.telling import hush, remind, tell
from control.store.models import (
    Appointment,
    Attendee,
    GuardianRelation,
    Patient,
    Person,
    Practitioner,
    Slot,
    SlotState,
)
from signalling.roles import Role


@dataclass(frozen=True, slots=True)
class Book:
    """A time for a patient; without one, for the patient who asks."""

    slot: str
    patient: str | None = None
    surface: Surface | None = None
    """The appointment's own contact surface, where it is not the slot's; staff alone choose it."""
    comment: str | None = field(default=None, repr=False)
    """By the patient, for the practitioner."""
    remark: str | None = field(default=None, repr=False)
    """By staff or by another system."""
    external: bool = False
    """Booked in another system: a remark that says video marks the appointment for staff (row 12)."""
    follows: str | None = None
    """The appointment from which this one is booked (rows 62, 75)."""


@dataclass(frozen=True, slots=True)
class Booker:
    """For whom, and who came to book it: the guardian, where it was one."""

    patient: Patient
    known: bool
    guardian: GuardianRelation | None = None


async def book(session: AsyncSession, actor: Reference, command: Book, now: datetime) -> Appointment:
    """Books, tells the patient and logs it.

    Raises NotFoundError, BookingRefusedError with every obstacle, SlotTakenError, VideoOffError, and ForbiddenError for
    a patient who chooses what only staff do.
    """
    by = acts_by(actor)
    if by is By.PATIENT and (command.surface, command.remark, command.external) != (None, None, False):
        raise ForbiddenError("staff choose this")
    holder = await session.scalar(select(Slot.person_id).where(Slot.id == command.slot))
    if holder is None:
        raise NotFoundError
    await hold_times(session, [holder])
    slot = await find(session, Slot, command.slot)
    found = await offer(session, slot, command.surface)
    booker = await _booker(session, actor, command.patient, now)
    if command.follows is not None:
        await _check_follows(session, command.follows, booker.patient)
    facts = await standing(session, booker.patient, found, now, known=booker.known)
    refuse_booking(rules.to_book(found.chain, found.restrictions, facts, by, now), mend=by is By.STAFF)
    appointment = found.meeting or await _appointment(session, found, command, now)
    return await enter(session, actor, found, appointment, booker, now, command.comment)


async def enter(
    session: AsyncSession,
    actor: Reference,
    found: Offer,
    appointment: Appointment,
    booker: Booker,
    now: datetime,
    comment: str | None,
) -> Appointment:
    """Makes the patient an attendee of what was found to be free, and tells them."""
    patient = booker.patient
    comers = [
        Attendee(
            appointment_id=appointment.id,
            role=Role.PATIENT,
            person_id=patient.person_id,
            patient_id=patient.id,
            name=patient.name,
            comment=comment,
            level=found.type.level,
        )
    ]
    if (guardian := booker.guardian) is not None:
        comers.append(
            Attendee(
                appointment_id=appointment.id,
                role=Role.GUARDIAN,
                person_id=guardian.person_id,
                for_patient_id=patient.id,
                name=guardian.name,
                phone=guardian.phone,
                email=guardian.email,
                level=found.type.level,
            )
        )
    session.add_all(comers)
    if len(found.patients) + 1 >= found.type.capacity:
        found.slot.state = SlotState.BOOKED
    if appointment.surface is Surface.VIDEO:
        patient.wants_video = False  # the wish of row 77 is met
    await session.flush()
    await plan_meeting(session, appointment, now)
    await tell(session, Kind.BOOKED, appointment, found.type, comers, now)
    await remind(session, appointment, found.type, comers, now)
    await hush(session, patient)  # in a group, what waits for who comes with all of them
    subjects = [("appointment", appointment.id), ("patient", patient.id), ("practitioner", appointment.practitioner_id)]
    await note(session, actor, "appointment.book", now, subjects)
    return appointment


async def _appointment(session: AsyncSession, found: Offer, command: Book, now: datetime) -> Appointment:
    """The first booking of a slot: the appointment, and its practitioner as attendee."""
    slot = found.slot
    practitioner = await find(session, Practitioner, slot.practitioner_id)
    appointment = Appointment(
        slot_id=slot.id,
        type_id=slot.type_id,
        practitioner_id=practitioner.id,
        person_id=slot.person_id,
        starts=slot.starts,
        ends=slot.ends,
        surface=found.chain.surface,
        external=command.external,
        remark=command.remark,
        video_hinted=command.external
        and found.chain.surface is not Surface.VIDEO
        and rules.hints_at_video(command.remark),
        follows_id=command.follows,
        created_at=now,
    )
    session.add(appointment)
    await session.flush()
    session.add(host(appointment, practitioner))
    return appointment


def host(appointment: Appointment, practitioner: Practitioner) -> Attendee:
    """The practitioner as attendee."""
    return Attendee(
        appointment_id=appointment.id,
        role=Role.PRACTITIONER,
        person_id=practitioner.person_id,
        practitioner_id=practitioner.id,
        name=practitioner.name,
    )


async def _booker(session: AsyncSession, actor: Reference, patient_id: str | None, now: datetime) -> Booker:
    if acts_by(actor) is By.STAFF:
        if patient_id is None:
            raise NotFoundError
        return Booker(await find(session, Patient, patient_id), known=True)
    if patient_id is None:
        return await _oneself(session, actor.id, now)
    patient = await find(session, Patient, patient_id)
    if patient.person_id == actor.id:
        return Booker(patient, known=True)
    return Booker(patient, True, await guardian_of(session, patient.id, actor.id, now))


async def guardian_of(session: AsyncSession, patient: str, person: str, now: datetime) -> GuardianRelation:
    """The relation by which a person acts for a patient today.

    Raises NotFoundError: strangers do not learn that there is such a patient.
    """
    today = local_day(now, ZoneInfo((await own_clinic(session)).zone))
    relation = await session.scalar(
        select(GuardianRelation)
        .where(
            GuardianRelation.patient_id == patient,
            GuardianRelation.person_id == person,
            GuardianRelation.revoked_at.is_(None),
            GuardianRelation.ends_on.is_(None) | (GuardianRelation.ends_on > today),
        )
        .limit(1)
    )
    if relation is None:
        raise NotFoundError
    return relation


async def _oneself(session: AsyncSession, person_id: str, now: datetime) -> Booker:
    """The patient record of who is logged in; where the clinic takes unknown patients, made from the login (row 67).

    Whoever books two times at once gets one record.
    """
    record = select(Patient).where(Patient.person_id == person_id)
    known = await session.scalar(record)
    if known is not None:
        return Booker(known, known=True)
    if not (await own_clinic(session)).unknown_patients_book:
        refuse_booking([Obstacle(Code.NEW_PATIENTS_CLOSED)], mend=False)
    named = select(Person).where(Person.id == person_id)
    person = (await session.scalars(named, execution_options={"across": "login"})).one()
    patient = Patient(person_id=person.id, name=person.name, search_name=search_form(person.name), created_at=now)
    try:
        async with session.begin_nested():
            session.add(patient)
    except IntegrityError:
        made = await session.scalar(record)
        if made is None:
            raise
        return Booker(made, known=True)
    return Booker(patient, known=False)


async def _check_follows(session: AsyncSession, appointment: str, patient: Patient) -> None:
    """Only an appointment of the same patient is followed up (raises NotFoundError)."""
    was_there = select(Attendee.id).where(Attendee.appointment_id == appointment, Attendee.patient_id == patient.id)
    if await session.scalar(was_there.limit(1)) is None:
        raise NotFoundError
