"""Single slots, inserted, retyped and taken away by hand; work plans leave them alone from then on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.scheduling.errors import invalid, refuse_booking
from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.plans import LONGEST
from control.scheduling.rows import expect, find, hold_times, note, only_staff
from control.scheduling.surface import Surface
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Practitioner,
    Schedule,
    Slot,
    SlotOrigin,
    SlotState,
)


@dataclass(frozen=True, slots=True)
class Insert:
    """A slot to be made; without minutes or surface it has the type's."""

    schedule: str
    type: str
    starts: datetime
    minutes: int | None = None
    surface: Surface | None = None


async def insert_slot(session: AsyncSession, actor: Reference, command: Insert, now: datetime) -> Slot:
    """A free slot (raises SlotTakenError where another of the practitioner's lies)."""
    only_staff(actor)
    schedule = await find(session, Schedule, command.schedule)
    kind = await find(session, AppointmentType, command.type)
    practitioner = await find(session, Practitioner, schedule.practitioner_id)
    starts = command.starts.replace(microsecond=0)
    ends = starts + timedelta(minutes=command.minutes or kind.minutes)
    if not timedelta() < ends - starts <= LONGEST:
        raise invalid("minutes", "too_long")
    if ends <= now:
        raise invalid("starts", "past")
    await hold_times(session, [practitioner.person_id])
    over = select(Slot.id).where(
        Slot.practitioner_id == practitioner.id,
        Slot.state != SlotState.WITHDRAWN,
        Slot.starts < ends,
        Slot.starts > starts - LONGEST,
        Slot.ends > starts,
    )
    if await session.scalar(over.limit(1)) is not None:
        refuse_booking([Obstacle(Code.SLOT_TAKEN)], mend=True)
    slot = Slot(
        schedule_id=schedule.id,
        practitioner_id=practitioner.id,
        person_id=practitioner.person_id,
        type_id=kind.id,
        starts=starts,
        ends=ends,
        surface=command.surface or kind.surface,
        origin=SlotOrigin.HAND,
    )
    session.add(slot)
    await session.flush()
    await note(session, actor, "slot.insert", now, [("slot", slot.id)])
    return slot


async def retype_slot(
    session: AsyncSession,
    actor: Reference,
    slot_id: str,
    type_id: str,
    surface: Surface | None,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> Slot:
    """Gives a free slot another type or surface; its time stays. Raises SlotTakenError for a booked one."""
    only_staff(actor)
    slot = await _free(session, slot_id)
    expect(slot, versions)
    kind = await find(session, AppointmentType, type_id)
    slot.type_id, slot.surface = kind.id, surface or kind.surface
    slot.origin, slot.work_plan_id = SlotOrigin.HAND, None
    await session.flush()
    await note(session, actor, "slot.retype", now, [("slot", slot.id)])
    return slot


async def withdraw_slot(
    session: AsyncSession, actor: Reference, slot_id: str, now: datetime, versions: frozenset[int] | None = None
) -> None:
    """Takes a free slot away. Raises SlotTakenError for a booked one."""
    only_staff(actor)
    slot = await _free(session, slot_id)
    expect(slot, versions)
    slot.state = SlotState.WITHDRAWN
    await session.flush()
    await note(session, actor, "slot.withdraw", now, [("slot", slot.id)])


async def _free(session: AsyncSession, slot_id: str) -> Slot:
    """The slot, held, and with nobody in it; a group's may have places left and people in it."""
    slot = await find(session, Slot, slot_id)
    await hold_times(session, [slot.person_id])
    slot = await find(session, Slot, slot_id)
    booked = select(Appointment.id).where(
        Appointment.slot_id == slot.id, Appointment.state != AppointmentState.CANCELLED
    )
    if slot.state is SlotState.WITHDRAWN:
        refuse_booking([Obstacle(Code.SLOT_MISSING)], mend=True)
    if slot.state is SlotState.BOOKED or await session.scalar(booked.limit(1)) is not None:
        refuse_booking([Obstacle(Code.SLOT_TAKEN)], mend=True)
    return slot
