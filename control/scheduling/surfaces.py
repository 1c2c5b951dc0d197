"""From physical to video and back: one appointment, or a practitioner's whole day with its free slots (row 7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.notifications import outbox
from control.notifications.outbox import Kind
from control.scheduling.changing import Booked, booked
from control.scheduling.errors import refuse_booking, refuse_change
from control.scheduling.meetings import close_room, phase_of, plan_meeting
from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.recurrence import day_bounds
from control.scheduling.rows import acts_by, expect, find, hold_times, note, only_staff, own_clinic
from control.scheduling.rules import By, Phase
from control.scheduling.surface import Surface
from control.scheduling.telling import remind, tell
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    Clinic,
    Practitioner,
    Schedule,
    Slot,
    SlotOrigin,
    SlotState,
)


async def make_video(
    session: AsyncSession,
    actor: Reference,
    appointment_id: str,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> Appointment:
    """Makes an appointment one by video and tells its patients.

    Raises VideoOffError, BookingRefusedError for a type without video, ChangeRefusedError for what is over.
    """
    only_staff(actor)
    found = await _open(session, actor, appointment_id, versions)
    refuse_booking(_without_video(await own_clinic(session), found.type), mend=True)
    await _switch(session, actor, found, Surface.VIDEO, now)
    await _tell(session, Kind.TO_VIDEO, found, found.attendees, now)
    return found.appointment


async def make_physical(
    session: AsyncSession,
    actor: Reference,
    appointment_id: str,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> Appointment:
    """Makes an appointment a physical visit at any time before its end, and closes its room (row 40).

    Whether a patient who acts is expected there is for the caller to know. Raises ChangeRefusedError for what is over.
    """
    found = await _open(session, actor, appointment_id, versions)
    await _switch(session, actor, found, Surface.PHYSICAL, now)
    await _tell(session, Kind.TO_PHYSICAL, found, found.attendees, now)
    return found.appointment


@dataclass(frozen=True, slots=True)
class DaySwitch:
    """What became of a day: how many appointments and free slots are by video now, and what could not be."""

    appointments: int
    slots: int
    left: tuple[str, ...]
    """Appointments of types that are not held by video."""


async def day_to_video(
    session: AsyncSession, actor: Reference, schedule_id: str, day: date, now: datetime
) -> DaySwitch:
    """Makes what is still to come of a schedule's day one by video; each patient is told once, of all of it.

    Free slots are the practitioner's own from then on: an update of their work plan leaves them alone.
    Raises VideoOffError.
    """
    only_staff(actor)
    clinic = await own_clinic(session)
    schedule = await find(session, Schedule, schedule_id)
    practitioner = await find(session, Practitioner, schedule.practitioner_id)
    await hold_times(session, [practitioner.person_id])
    if not clinic.video_enabled:
        refuse_booking([Obstacle(Code.VIDEO_OFF)], mend=True)
    since, until = day_bounds(day, ZoneInfo(clinic.zone))
    span = (max(since, now), until)
    slots = await _free_slots(session, schedule, span)
    for slot in slots:
        slot.surface, slot.origin, slot.work_plan_id = Surface.VIDEO, SlotOrigin.HAND, None
    switched, left = [], []
    for appointment_id in await _appointments(session, schedule, span):
        found = await booked(session, appointment_id)
        if not found.type.supports_video:
            left.append(appointment_id)
            continue
        await _switch(session, actor, found, Surface.VIDEO, now)
        switched.append(found)
    await _tell_once(session, switched, now)
    counts = {"appointments": len(switched), "slots": len(slots), "left": len(left)}
    await note(session, actor, "schedule.day_to_video", now, [("schedule", schedule.id)], counts)
    return DaySwitch(len(switched), len(slots), tuple(left))


async def _free_slots(session: AsyncSession, schedule: Schedule, span: tuple[datetime, datetime]) -> list[Slot]:
    """The day's free slots of types that may be by video, and are not."""
    statement = (
        select(Slot)
        .join(AppointmentType, AppointmentType.id == Slot.type_id)
        .where(
            Slot.schedule_id == schedule.id,
            Slot.starts >= span[0],
            Slot.starts < span[1],
            Slot.state == SlotState.FREE,
            Slot.surface != Surface.VIDEO,
            AppointmentType.supports_video,
        )
        .execution_options(populate_existing=True)
    )
    return list((await session.scalars(statement)).all())


async def _appointments(session: AsyncSession, schedule: Schedule, span: tuple[datetime, datetime]) -> list[str]:
    """The day's appointments of the schedule that are not by video, by start."""
    statement = (
        select(Appointment.id)
        .join(Slot, Slot.id == Appointment.slot_id)
        .where(
            Slot.schedule_id == schedule.id,
            Appointment.starts >= span[0],
            Appointment.starts < span[1],
            Appointment.state == AppointmentState.BOOKED,
            Appointment.surface != Surface.VIDEO,
        )
        .order_by(Appointment.starts)
    )
    return list((await session.scalars(statement)).all())


async def _tell_once(session: AsyncSession, switched: Iterable[Booked], now: datetime) -> None:
    """One message for each patient, at the first of their appointments."""
    of_patient: dict[str, list[str]] = {}
    for found in switched:
        for attendee in found.patients:
            of_patient.setdefault(attendee.patient_id or attendee.id, []).append(found.appointment.id)
    for found in switched:
        for attendee in found.patients:
            appointments = of_patient[attendee.patient_id or attendee.id]
            first = appointments[0] == found.appointment.id
            comers = found.of_patient(attendee.patient_id) if attendee.patient_id else [attendee]
            if first:
                await _tell(session, Kind.TO_VIDEO, found, comers, now, {"appointments": appointments})
            else:
                await remind(session, found.appointment, found.type, comers, now)


async def _tell(
    session: AsyncSession,
    kind: Kind,
    found: Booked,
    attendees: Iterable[Attendee],
    now: datetime,
    arguments: dict[str, object] | None = None,
) -> None:
    attendees = list(attendees)
    await tell(session, kind, found.appointment, found.type, attendees, now, arguments)
    await remind(session, found.appointment, found.type, attendees, now)


def _without_video(clinic: Clinic, kind: AppointmentType) -> list[Obstacle]:
    obstacles = []
    if not clinic.video_enabled:
        obstacles.append(Obstacle(Code.VIDEO_OFF))
    if not kind.supports_video:
        obstacles.append(Obstacle(Code.TYPE_NOT_VIDEO))
    return obstacles


async def _open(
    session: AsyncSession, actor: Reference, appointment_id: str, versions: frozenset[int] | None
) -> Booked:
    """An appointment that is neither cancelled nor over."""
    appointment = await find(session, Appointment, appointment_id)
    await hold_times(session, [appointment.person_id])
    found = await booked(session, appointment_id)
    expect(found.appointment, versions)
    over = {Phase.CANCELLED: Code.APPOINTMENT_CANCELLED, Phase.ENDED: Code.CONSULTATION_ENDED}
    if (code := over.get(await phase_of(session, found.appointment))) is not None:
        refuse_change([Obstacle(code)], mend=acts_by(actor) is By.STAFF)
    return found


async def _switch(session: AsyncSession, actor: Reference, found: Booked, surface: Surface, now: datetime) -> None:
    """Changes the surface, and room and messages with it: what was to be sent tells of the old one."""
    appointment = found.appointment
    appointment.surface = surface
    appointment.video_hinted = False
    await outbox.withdraw(session, appointment.id)
    if surface is Surface.VIDEO:
        await plan_meeting(session, appointment, now)
    else:
        await close_room(session, appointment, surface)
    await session.flush()
    subjects = [("appointment", appointment.id), *(("patient", each.patient_id) for each in found.patients)]
    await note(session, actor, f"appointment.to_{surface}", now, subjects)
