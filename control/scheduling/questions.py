"""Why can't this patient book, start or be notified? Staff ask, and every broken precondition is named (row 9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.consultation.rules import ByLink, Link, Login, Staff, to_start
from control.consultation.scene import Scene
from control.errors import NotFoundError
from control.identity.levels import Level
from control.scheduling import rules
from control.scheduling.meetings import meeting_of
from control.scheduling.obstacles import Obstacle
from control.scheduling.offers import of_clinic, of_type, offer, open_bookings, restrictions, standing
from control.scheduling.recurrence import local_day
from control.scheduling.rows import find, note, only_staff, own_clinic
from control.scheduling.rules import By
from control.scheduling.telling import unnotified
from control.store.models import (
    Appointment,
    AppointmentType,
    Attendee,
    Consultation,
    ConsultationState,
    Patient,
    Schedule,
    Slot,
    SlotState,
    TemplateEntry,
    WeekTemplate,
    WorkPlan,
)
from signalling.roles import is_host


@dataclass(frozen=True, slots=True)
class AboutBooking:
    """A patient, and what they wanted to book by themselves: a slot, or any of a schedule's type."""

    patient: str
    schedule: str
    type: str
    slot: str | None = None


async def why_not_book(
    session: AsyncSession, actor: Reference, question: AboutBooking, now: datetime
) -> Sequence[Obstacle]:
    """Every obstacle; without a slot, those of the next free one, or that there is none."""
    only_staff(actor)
    patient = await find(session, Patient, question.patient)
    schedule = await find(session, Schedule, question.schedule)
    kind = await find(session, AppointmentType, question.type)
    slot = await _slot(session, question, now)
    if slot is None:
        found = await _without_slot(session, patient, schedule, kind, now)
    else:
        there = await offer(session, slot)
        standing_ = await standing(session, patient, there, now, known=True)
        found = rules.to_book(there.chain, there.restrictions, standing_, By.PATIENT, now)
    await note(session, actor, "obstacles.booking", now, [("patient", patient.id)])
    return found


async def _slot(session: AsyncSession, question: AboutBooking, now: datetime) -> Slot | None:
    if question.slot is not None:
        return await find(session, Slot, question.slot)
    statement = (
        select(Slot)
        .where(
            Slot.schedule_id == question.schedule,
            Slot.type_id == question.type,
            Slot.state == SlotState.FREE,
            Slot.starts > now,
        )
        .order_by(Slot.starts)
        .limit(1)
    )
    return await session.scalar(statement)


async def _without_slot(
    session: AsyncSession, patient: Patient, schedule: Schedule, kind: AppointmentType, now: datetime
) -> Sequence[Obstacle]:
    clinic = of_clinic(await own_clinic(session))
    today = local_day(now, clinic.zone)
    origin = await _planned(session, schedule, kind, today)
    chain = rules.Chain(clinic, schedule.published, of_type(kind), origin, None, kind.surface)
    asks = rules.Patient(
        born=patient.born,
        known=True,
        listed=patient.list_of_id == schedule.practitioner_id,
        referred=patient.referred_until is not None and patient.referred_until >= today,
        open_bookings=await open_bookings(session, patient.id, kind.id, now),
        booked_already=False,
    )
    return rules.to_book(chain, restrictions(schedule, kind), asks, By.PATIENT, now)


async def _planned(session: AsyncSession, schedule: Schedule, kind: AppointmentType, today: date) -> rules.Planned:
    """What could make slots of this type in this schedule.

    A template is the schedule's where one of its plans applies it, and anybody's where no plan does.
    """
    of_type_ = (
        select(WeekTemplate.id)
        .join(TemplateEntry, TemplateEntry.template_id == WeekTemplate.id)
        .outerjoin(WorkPlan, WorkPlan.template_id == WeekTemplate.id)
        .where(TemplateEntry.type_id == kind.id)
        .limit(1)
    )
    ours = or_(WorkPlan.schedule_id == schedule.id, WorkPlan.id.is_(None))
    template = await session.scalar(of_type_.where(ours, WeekTemplate.active)) is not None
    plan = of_type_.where(WorkPlan.schedule_id == schedule.id, WorkPlan.active, WorkPlan.last_day >= today)
    if template:
        # The plan of a hidden template is no help to one that is shown.
        plan = plan.where(WeekTemplate.active)
    return rules.Planned(template=template, work_plan=await session.scalar(plan) is not None)


async def why_not_start(session: AsyncSession, actor: Reference, attendee_id: str, now: datetime) -> Sequence[Obstacle]:
    """What would stop an attendee of an appointment now, who comes by the newest link and logs in as well as can be.

    So a login that is asked for is an obstacle to somebody alone who has no person to log in as.
    """
    only_staff(actor)
    row = await find(session, Attendee, attendee_id)
    if row.appointment_id is None:
        raise NotFoundError
    appointment = await find(session, Appointment, row.appointment_id)
    kind = await find(session, AppointmentType, appointment.type_id)
    clinic = await own_clinic(session)
    # A visit that is not by video has no consultation; the rest of what stands against a start is told all the same.
    meeting = await meeting_of(session, appointment) or Consultation(state=ConsultationState.PLANNED)
    scene = Scene(clinic, meeting, appointment, kind)
    found = to_start(await scene.expected(session, row, now), _best(row), scene.meeting(), scene.terms(), now)
    await note(session, actor, "obstacles.start", now, [("attendee", row.id), ("patient", row.patient_id)])
    return found


def _best(row: Attendee) -> ByLink | Login | Staff:
    link = Link.CURRENT if row.removed_at is None else Link.REVOKED
    if row.person_id is None:
        return ByLink(link)
    if is_host(row.role):
        return Staff(row.person_id, max(Level))
    return Login(row.person_id, max(Level), link)


async def why_not_notified(
    session: AsyncSession, actor: Reference, attendee_id: str, now: datetime
) -> Sequence[Obstacle]:
    """Why an attendee of an appointment gets no messages about it."""
    only_staff(actor)
    row = await find(session, Attendee, attendee_id)
    if row.appointment_id is None:
        raise NotFoundError
    appointment = await find(session, Appointment, row.appointment_id)
    kind = await find(session, AppointmentType, appointment.type_id)
    found = await unnotified(session, kind.notifies, row)
    whose = row.patient_id or row.for_patient_id
    await note(session, actor, "obstacles.notify", now, [("attendee", row.id), ("patient", whose)])
    return found
