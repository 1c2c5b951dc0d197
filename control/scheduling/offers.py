"""What is on offer: the facts that decide on a slot and a patient, and the free slots that somebody may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from control.scheduling import rules
from control.scheduling.plans import LONGEST
from control.scheduling.recurrence import local_day
from control.scheduling.rows import CROSS_TIMES, find, own_clinic
from control.scheduling.surface import Surface
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    Clinic,
    Patient,
    Schedule,
    Slot,
    SlotState,
    WeekTemplate,
    WorkPlan,
)
from control.store.models.types import Restricted
from signalling.roles import Role


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot with all that a decision about it needs."""

    slot: Slot
    type: AppointmentType
    schedule: Schedule
    clinic: Clinic
    chain: rules.Chain
    meeting: Appointment | None
    """What is booked in it: of a group there may be places left."""
    patients: tuple[str, ...]
    """Who is booked in it."""

    @property
    def restrictions(self) -> tuple[rules.Restrictions, ...]:
        """Those of the schedule and of the type."""
        return restrictions(self.schedule, self.type)


async def offer(session: AsyncSession, slot: Slot, surface: Surface | None = None) -> Offer:
    """The facts about a slot; hold the practitioner's times first where something is to follow from them."""
    clinic = await own_clinic(session)
    kind = await find(session, AppointmentType, slot.type_id)
    schedule = await find(session, Schedule, slot.schedule_id)
    meeting = await session.scalar(
        select(Appointment)
        .where(Appointment.slot_id == slot.id, Appointment.state != AppointmentState.CANCELLED)
        .execution_options(populate_existing=True)
    )
    patients = () if meeting is None else await _patients(session, meeting.id)
    taken = (
        len(patients) >= kind.capacity
        or (meeting is not None and (kind.capacity == 1 or meeting.state is AppointmentState.ENDED))
        or await _busy_elsewhere(session, slot)
    )
    found = rules.Slot(slot.starts, slot.ends, taken) if slot.state is not SlotState.WITHDRAWN else None
    asked = surface or (slot.surface if meeting is None else meeting.surface)
    chain = rules.Chain(
        clinic=of_clinic(clinic),
        schedule_published=schedule.published,
        type=of_type(kind),
        origin=await _origin(session, slot),
        slot=found,
        surface=asked,
    )
    return Offer(slot, kind, schedule, clinic, chain, meeting, patients)


def of_clinic(clinic: Clinic) -> rules.Clinic:
    """What the rules know of a clinic."""
    return rules.Clinic(clinic.video_enabled, ZoneInfo(clinic.zone))


def of_type(kind: AppointmentType) -> rules.Type:
    """What the rules know of a type."""
    return rules.Type(kind.active, kind.published, kind.supports_video)


def restrictions(schedule: Schedule, kind: AppointmentType) -> tuple[rules.Restrictions, ...]:
    """Who may book, of both."""
    return _restrictions(schedule, None), _restrictions(kind, kind.max_open)


def _restrictions(row: Restricted, max_open: int | None) -> rules.Restrictions:
    return rules.Restrictions(
        age_from=row.age_from,
        age_to=row.age_to,
        new_patients=row.new_patients,
        own_list_only=row.own_list_only,
        referral_needed=row.referral_needed,
        max_open=max_open,
        lead_min=timedelta(minutes=row.lead_minutes),
        lead_max=None if row.horizon_days is None else timedelta(days=row.horizon_days),
    )


async def _origin(session: AsyncSession, slot: Slot) -> rules.Planned | rules.ByHand:
    if slot.work_plan_id is None:
        return rules.ByHand()
    statement = (
        select(WeekTemplate.active, WorkPlan.active)
        .join(WorkPlan, WorkPlan.template_id == WeekTemplate.id)
        .where(WorkPlan.id == slot.work_plan_id)
    )
    template, plan = (await session.execute(statement)).one()
    return rules.Planned(template, plan)


async def _patients(session: AsyncSession, appointment: str) -> tuple[str, ...]:
    statement = select(Attendee.patient_id).where(
        Attendee.appointment_id == appointment, Attendee.role == Role.PATIENT, Attendee.removed_at.is_(None)
    )
    return tuple(id_ for id_ in (await session.scalars(statement)).all() if id_ is not None)


async def _busy_elsewhere(session: AsyncSession, slot: Slot) -> bool:
    """Whether the practitioner has another appointment at that time, in whichever clinic; more is never told."""
    statement = (
        select(Appointment.id)
        .where(
            Appointment.person_id == slot.person_id,
            Appointment.starts < slot.ends,
            Appointment.starts > slot.starts - LONGEST,
            Appointment.ends > slot.starts,
            Appointment.state == AppointmentState.BOOKED,
            (Appointment.slot_id.is_(None)) | (Appointment.slot_id != slot.id),
        )
        .limit(1)
    )
    return await session.scalar(statement, execution_options=CROSS_TIMES) is not None


async def standing(
    session: AsyncSession, patient: Patient, found: Offer, now: datetime, *, known: bool, moving: str | None = None
) -> rules.Patient:
    """What the rules know of a patient who wants the offer; the appointment that is being moved counts for nothing."""
    zone = ZoneInfo(found.clinic.zone)
    return rules.Patient(
        born=patient.born,
        known=known,
        listed=patient.list_of_id == found.slot.practitioner_id,
        referred=patient.referred_until is not None and patient.referred_until >= local_day(found.slot.starts, zone),
        open_bookings=await open_bookings(session, patient.id, found.type.id, now, moving),
        booked_already=patient.id in found.patients,
    )


async def open_bookings(
    session: AsyncSession, patient: str, kind: str, now: datetime, moving: str | None = None
) -> int:
    """How many appointments of the type are still to come for the patient."""
    # A patient has few appointments, a clinic many: as a join, SQLite begins with the clinic's.
    to_come = select(Appointment.id).where(
        Appointment.clinic_id == Attendee.clinic_id,
        Appointment.id == Attendee.appointment_id,
        Appointment.type_id == kind,
        Appointment.state == AppointmentState.BOOKED,
        Appointment.starts > now,
        true() if moving is None else Appointment.id != moving,
    )
    statement = (
        select(func.count())
        .select_from(Attendee)
        .where(
            Attendee.patient_id == patient,
            Attendee.role == Role.PATIENT,
            Attendee.removed_at.is_(None),
            to_come.exists(),
        )
    )
    return await session.scalar(statement) or 0


@dataclass(frozen=True, slots=True)
class Wish:
    """Which free slots: from one moment to another, and what else is given."""

    since: datetime
    until: datetime
    type: str | None = None
    practitioner: str | None = None
    schedule: str | None = None
    surface: Surface | None = None


async def free_slots(
    session: AsyncSession, wish: Wish, *, online: bool, limit: int, after: tuple[datetime, str] | None = None
) -> Sequence[Slot]:
    """Free slots by start, from after this start and identifier on; `online` those that patients are shown (row 4)."""
    statement = _free(wish, after).limit(limit)
    if online:
        clinic = await own_clinic(session)
        statement = _shown(statement, video=clinic.video_enabled)
    return (await session.scalars(statement)).all()


def _free(wish: Wish, after: tuple[datetime, str] | None) -> Select[Slot]:
    given: list[Any] = [Slot.state == SlotState.FREE, Slot.starts >= wish.since, Slot.starts < wish.until]
    for column, value in (
        (Slot.type_id, wish.type),
        (Slot.practitioner_id, wish.practitioner),
        (Slot.schedule_id, wish.schedule),
        (Slot.surface, wish.surface),
    ):
        if value is not None:
            given.append(column == value)
    if after is not None:
        starts, id_ = after
        given.append((Slot.starts > starts) | ((Slot.starts == starts) & (Slot.id > id_)))
    return select(Slot).where(*given).order_by(Slot.starts, Slot.id)


def _shown(statement: Select[Slot], *, video: bool) -> Select[Slot]:
    """The five links, and video where clinic and type have it, as `rules.shown_online` says it."""
    by_video = Slot.surface == Surface.VIDEO
    return (
        statement.join(Schedule, Schedule.id == Slot.schedule_id)
        .join(AppointmentType, AppointmentType.id == Slot.type_id)
        .outerjoin(WorkPlan, WorkPlan.id == Slot.work_plan_id)
        .outerjoin(WeekTemplate, WeekTemplate.id == WorkPlan.template_id)
        .where(
            Schedule.published,
            AppointmentType.active,
            AppointmentType.published,
            Slot.work_plan_id.is_(None) | (WorkPlan.active & WeekTemplate.active),
            ~by_video | (AppointmentType.supports_video if video else ~true()),
        )
    )
