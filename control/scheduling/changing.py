"""Cancelling and moving, by staff and by patients: the time is free again, old links are dead, and all are told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from control.audit.chain import Reference
from control.errors import NotFoundError
from control.identity.links import MAX_VERSION
from control.notifications import outbox
from control.notifications.outbox import Kind
from control.scheduling import rules
from control.scheduling.booking import Book, book, guardian_of, host
from control.scheduling.errors import refuse_booking, refuse_change
from control.scheduling.meetings import close_room, end_meeting, phase_of, plan_meeting, revoke
from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.offers import offer, standing
from control.scheduling.rows import acts_by, expect, find, hold_times, note, only_staff
from control.scheduling.rules import By
from control.scheduling.telling import remind, tell
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    Outcome,
    Patient,
    Practitioner,
    Slot,
    SlotState,
)
from signalling.roles import Role


@dataclass(frozen=True, slots=True)
class Cancel:
    """An appointment to be cancelled; with a patient, one patient's place in a group."""

    appointment: str
    patient: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """An appointment to be moved to a free slot of the same type."""

    appointment: str
    slot: str


@dataclass(frozen=True, slots=True)
class Booked:
    """An appointment with what belongs to it."""

    appointment: Appointment
    type: AppointmentType
    attendees: Sequence[Attendee]
    """Who is expected now."""

    @property
    def patients(self) -> list[Attendee]:
        """Those of them who are patients."""
        return [attendee for attendee in self.attendees if attendee.role is Role.PATIENT]

    def of_patient(self, patient: str) -> list[Attendee]:
        """A patient, and who comes with that patient."""
        return [each for each in self.attendees if patient in (each.patient_id, each.for_patient_id)]


async def cancel(
    session: AsyncSession,
    actor: Reference,
    command: Cancel,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> Appointment:
    """Cancels for all, or in a group for the one patient who is named or asks; the last one's leaving cancels it.

    Raises NotFoundError, ChangeRefusedError with every obstacle.
    """
    found = await _held(session, command.appointment)
    leaver = await _whose(session, actor, found, command.patient, now)
    expect(found.appointment, versions)
    await _may_change(session, actor, found, now)
    if leaver is not None and len(found.patients) > 1:
        await _leave(session, actor, found, leaver, now)
        return found.appointment
    appointment = found.appointment
    appointment.state, appointment.cancelled_at, appointment.cancelled_by = AppointmentState.CANCELLED, now, actor.id
    await _let_go(session, found)
    await end_meeting(session, appointment, "cancelled", now)
    await tell(session, Kind.CANCELLED, appointment, found.type, found.attendees, now)
    await session.flush()
    await note(session, actor, "appointment.cancel", now, _subjects(found))
    return appointment


async def move(
    session: AsyncSession, actor: Reference, command: Move, now: datetime, versions: frozenset[int] | None = None
) -> Appointment:
    """Moves an appointment with all who are expected; a patient in a group moves alone, and has a new appointment.

    Raises NotFoundError, ChangeRefusedError, and what `book` raises of the new time.
    """
    by = acts_by(actor)
    slot = await find(session, Slot, command.slot)
    found = await _held(session, command.appointment, slot.person_id)
    slot = await find(session, Slot, command.slot)
    mover = await _whose(session, actor, found, None, now)
    expect(found.appointment, versions)
    await _may_change(session, actor, found, now)
    if slot.type_id != found.type.id:
        refuse_booking([Obstacle(Code.SLOT_MISSING)], mend=by is By.STAFF)
    if mover is not None and found.type.capacity > 1:
        moved = await book(session, actor, Book(slot.id, mover, follows=found.appointment.id), now)
        await cancel(session, actor, Cancel(found.appointment.id, mover), now)
        return moved
    await _check_target(session, found, slot, by, now)
    return await _to_slot(session, actor, found, slot, now)


async def _check_target(session: AsyncSession, found: Booked, slot: Slot, by: By, now: datetime) -> None:
    there = await offer(session, slot)
    if there.meeting is not None:
        there = replace(there, chain=replace(there.chain, slot=rules.Slot(slot.starts, slot.ends, taken=True)))
    for attendee in found.patients:
        patient = await find(session, Patient, attendee.patient_id or "")
        facts = await standing(session, patient, there, now, known=True, moving=found.appointment.id)
        refuse_booking(rules.to_book(there.chain, there.restrictions, facts, by, now), mend=by is By.STAFF)


async def _to_slot(session: AsyncSession, actor: Reference, found: Booked, slot: Slot, now: datetime) -> Appointment:
    appointment = found.appointment
    await _let_go(session, found)
    await close_room(session, appointment, "moved")
    if slot.practitioner_id != appointment.practitioner_id:
        for attendee in found.attendees:
            if attendee.practitioner_id == appointment.practitioner_id:
                attendee.removed_at = now
        practitioner = await find(session, Practitioner, slot.practitioner_id)
        session.add(host(appointment, practitioner))
    slot.state = SlotState.BOOKED if len(found.patients) >= found.type.capacity else SlotState.FREE
    appointment.slot_id, appointment.surface = slot.id, slot.surface
    appointment.practitioner_id, appointment.person_id = slot.practitioner_id, slot.person_id
    appointment.starts, appointment.ends = slot.starts, slot.ends
    await session.flush()
    await plan_meeting(session, appointment, now)
    await tell(session, Kind.MOVED, appointment, found.type, found.attendees, now)
    await remind(session, appointment, found.type, found.attendees, now)
    await note(session, actor, "appointment.move", now, _subjects(found))
    return appointment


async def postpone(
    session: AsyncSession,
    actor: Reference,
    appointment_id: str,
    slot_id: str | None,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> list[Appointment]:
    """Ends an appointment as postponed (row 75), even one that runs; with a slot, books the next for its patients.

    Without one they are told that there is no new time yet.
    """
    only_staff(actor)
    slot = None if slot_id is None else await find(session, Slot, slot_id)
    found = await _held(session, appointment_id, *([] if slot is None else [slot.person_id]))
    expect(found.appointment, versions)
    if found.appointment.state is not AppointmentState.BOOKED:
        refuse_change(await _change_obstacles(session, actor, found, now), mend=True)
    appointment = found.appointment
    appointment.state, appointment.outcome = AppointmentState.ENDED, Outcome.POSTPONED
    await _let_go(session, found)
    await end_meeting(session, appointment, "postponed", now)
    await session.flush()
    await note(session, actor, "appointment.postpone", now, _subjects(found))
    if slot is None:
        await tell(session, Kind.POSTPONED, appointment, found.type, found.attendees, now)
        return []
    return [
        await book(session, actor, Book(slot.id, attendee.patient_id, follows=appointment.id), now)
        for attendee in found.patients
    ]


async def _held(session: AsyncSession, appointment_id: str, *more: str) -> Booked:
    """The appointment with its practitioner's times held, and those of more persons."""
    appointment = await find(session, Appointment, appointment_id)
    await hold_times(session, [appointment.person_id, *more])
    return await booked(session, appointment_id)


async def booked(session: AsyncSession, appointment_id: str) -> Booked:
    """An appointment, its type and who is expected."""
    appointment = await find(session, Appointment, appointment_id)
    statement = (
        select(Attendee)
        .where(Attendee.appointment_id == appointment.id, Attendee.removed_at.is_(None))
        .order_by(Attendee.id)
        .execution_options(populate_existing=True)
    )
    attendees = (await session.scalars(statement)).all()
    return Booked(appointment, await find(session, AppointmentType, appointment.type_id), attendees)


async def _whose(
    session: AsyncSession, actor: Reference, found: Booked, patient: str | None, now: datetime
) -> str | None:
    """The one patient whom the act is about; none where it is about all.

    A patient acts for themselves, a guardian for the child; others get NotFoundError, as for what is not there.
    """
    ids = [attendee.patient_id for attendee in found.patients if attendee.patient_id is not None]
    if patient is not None and patient not in ids:
        raise NotFoundError
    if acts_by(actor) is By.STAFF:
        return patient
    own = [each.patient_id for each in found.patients if each.person_id == actor.id and each.patient_id is not None]
    for each in own:
        if patient in (None, each):
            return each
    for each in ids if patient is None else [patient]:
        if await _guards(session, each, actor.id, now):
            return each
    raise NotFoundError


async def _guards(session: AsyncSession, patient: str, person: str, now: datetime) -> bool:
    try:
        await guardian_of(session, patient, person, now)
    except NotFoundError:
        return False
    return True


async def _may_change(session: AsyncSession, actor: Reference, found: Booked, now: datetime) -> None:
    refuse_change(await _change_obstacles(session, actor, found, now), mend=acts_by(actor) is By.STAFF)


async def _change_obstacles(
    session: AsyncSession, actor: Reference, found: Booked, now: datetime
) -> tuple[Obstacle, ...]:
    notice = timedelta(minutes=found.type.change_minutes)
    phase = await phase_of(session, found.appointment)
    return rules.to_change(phase, found.appointment.starts, notice, acts_by(actor), now)


async def _let_go(session: AsyncSession, found: Booked) -> None:
    """Frees the slot, makes the links dead and takes back what was to be sent."""
    if found.appointment.slot_id is not None:
        slot = await find(session, Slot, found.appointment.slot_id)
        if slot.state is SlotState.BOOKED:
            slot.state = SlotState.FREE
    for attendee in found.attendees:
        attendee.link_version = min(attendee.link_version + 1, MAX_VERSION)
    await outbox.withdraw(session, found.appointment.id)


async def _leave(session: AsyncSession, actor: Reference, found: Booked, patient: str, now: datetime) -> None:
    """One patient of a group, and who comes with that patient, are no longer expected; there is a place left."""
    appointment, leavers = found.appointment, found.of_patient(patient)
    for attendee in leavers:
        await outbox.withdraw(session, appointment.id, attendee.id)
    await tell(session, Kind.CANCELLED, appointment, found.type, leavers, now)
    for attendee in leavers:
        attendee.removed_at = now
        attendee.link_version = min(attendee.link_version + 1, MAX_VERSION)
    await revoke(session, appointment, leavers)
    if appointment.slot_id is not None:
        (await find(session, Slot, appointment.slot_id)).state = SlotState.FREE
    flag_modified(appointment, "state")  # who is expected belongs to its version
    await session.flush()
    subjects = [("appointment", appointment.id), ("patient", patient)]
    await note(session, actor, "appointment.leave", now, subjects)


def _subjects(found: Booked) -> list[tuple[str, str | None]]:
    appointment = found.appointment
    patients = [("patient", attendee.patient_id) for attendee in found.patients]
    return [("appointment", appointment.id), ("practitioner", appointment.practitioner_id), *patients]
