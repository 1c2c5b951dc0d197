"""Work plans: a template put out on a schedule for some days, and the slots that follow from it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.scheduling import slots
from control.scheduling.errors import invalid
from control.scheduling.recurrence import Period, Weekday
from control.scheduling.rows import expect, find, hold_times, note, only_staff, own_clinic
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Practitioner,
    Schedule,
    Slot,
    SlotOrigin,
    SlotState,
    TemplateEntry,
    WeekTemplate,
    WorkPlan,
)

MAX_DAYS: Final = 400
MAX_SLOTS: Final = 20_000
"""Of one plan: a year of ten-minute slots, round the clock on working days."""
LONGEST: Final = timedelta(days=1)
"""Of a slot: what began earlier than this before a moment is over by then."""


@dataclass(frozen=True, slots=True)
class PlanFields:
    """Which template, for which days, both included; without `active` its free slots are not shown."""

    template: str
    first_day: date
    last_day: date
    active: bool = True
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What an update of a plan did."""

    plan: WorkPlan
    added: int
    removed: int
    hindered: tuple[slots.Wanted, ...]
    """Not made, since another slot of the practitioner lies there."""


async def create_plan(
    session: AsyncSession, actor: Reference, schedule_id: str, given: PlanFields, now: datetime
) -> Applied:
    """Makes a plan and its slots."""
    only_staff(actor)
    await find(session, Schedule, schedule_id)
    await _check(session, given)
    plan = WorkPlan(
        key=given.key,
        schedule_id=schedule_id,
        template_id=given.template,
        first_day=given.first_day,
        last_day=given.last_day,
        active=given.active,
    )
    session.add(plan)
    await session.flush()
    return await _apply(session, actor, "work_plan.create", plan, now)


async def change_plan(
    session: AsyncSession,
    actor: Reference,
    plan_id: str,
    given: PlanFields,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> Applied:
    """Makes the plan what is given and its slots what the template says now (row 4).

    Free slots to come that no longer fit go, missing ones come; what is booked, past or made by hand stays.
    """
    only_staff(actor)
    plan = await find(session, WorkPlan, plan_id)
    expect(plan, versions)
    await _check(session, given)
    plan.key, plan.template_id, plan.active = given.key, given.template, given.active
    plan.first_day, plan.last_day = given.first_day, given.last_day
    return await _apply(session, actor, "work_plan.change", plan, now)


async def update_plan(session: AsyncSession, actor: Reference, plan_id: str, now: datetime) -> Applied:
    """Puts the template out anew as it is now."""
    only_staff(actor)
    return await _apply(session, actor, "work_plan.update", await find(session, WorkPlan, plan_id), now)


async def hide_plan(session: AsyncSession, actor: Reference, plan_id: str, active: bool, now: datetime) -> WorkPlan:
    """Hides the plan's free slots from who books, or shows them again; no slot is touched."""
    only_staff(actor)
    plan = await find(session, WorkPlan, plan_id)
    plan.active = active
    await note(session, actor, "work_plan.change", now, [("work_plan", plan.id)], {"active": active})
    return plan


async def _apply(session: AsyncSession, actor: Reference, action: str, plan: WorkPlan, now: datetime) -> Applied:
    schedule = await find(session, Schedule, plan.schedule_id)
    template = await find(session, WeekTemplate, plan.template_id)
    practitioner = await find(session, Practitioner, schedule.practitioner_id)
    await hold_times(session, [practitioner.person_id])
    zone = ZoneInfo((await own_clinic(session)).zone)
    period = Period(plan.first_day, plan.last_day, template.weeks)
    asked = slots.wanted(await _entries(session, template.id), period, zone)
    if len(asked) > MAX_SLOTS:
        raise invalid("last_day", "too_many_slots")
    existing = await _existing(session, practitioner.id, now)
    found = slots.difference(plan.id, asked, [_as_rule(slot, booked=booked) for slot, booked in existing], now)
    gone = {slot.id for slot in found.remove}
    for slot, _ in existing:
        if slot.id in gone:
            slot.state = SlotState.WITHDRAWN
    session.add_all(
        Slot(
            schedule_id=schedule.id,
            practitioner_id=practitioner.id,
            person_id=practitioner.person_id,
            type_id=wish.type,
            work_plan_id=plan.id,
            starts=wish.start,
            ends=wish.end,
            surface=wish.surface,
            origin=SlotOrigin.TEMPLATE,
        )
        for wish in found.add
    )
    plan.applied_version = template.version
    await session.flush()
    counts = {"added": len(found.add), "removed": len(found.remove), "hindered": len(found.hindered)}
    await note(session, actor, action, now, [("work_plan", plan.id), ("schedule", schedule.id)], counts)
    return Applied(plan, len(found.add), len(found.remove), found.hindered)


async def _entries(session: AsyncSession, template: str) -> list[slots.Entry]:
    statement = (
        select(TemplateEntry, AppointmentType.surface)
        .join(AppointmentType, AppointmentType.id == TemplateEntry.type_id)
        .where(TemplateEntry.template_id == template)
    )
    return [
        slots.Entry(
            entry.week,
            Weekday(entry.weekday),
            time.fromisoformat(entry.starts),
            timedelta(minutes=entry.minutes),
            entry.type_id,
            entry.surface or of_type,
            entry.count,
        )
        for entry, of_type in await session.execute(statement)
    ]


async def _existing(session: AsyncSession, practitioner: str, now: datetime) -> list[tuple[Slot, bool]]:
    """The practitioner's slots in the clinic that are not over for long, and whether each is booked."""
    booked = select(Appointment.slot_id).where(
        Appointment.practitioner_id == practitioner,
        Appointment.starts > now - LONGEST,
        Appointment.state != AppointmentState.CANCELLED,
        Appointment.slot_id.is_not(None),
    )
    taken = set((await session.scalars(booked)).all())
    statement = (
        select(Slot)
        .where(Slot.practitioner_id == practitioner, Slot.state != SlotState.WITHDRAWN, Slot.starts > now - LONGEST)
        .order_by(Slot.starts)
        .execution_options(populate_existing=True)
    )
    found = (await session.scalars(statement)).all()
    return [(slot, slot.state is SlotState.BOOKED or slot.id in taken) for slot in found]


def _as_rule(slot: Slot, *, booked: bool) -> slots.Existing:
    plan = slot.work_plan_id if slot.origin is SlotOrigin.TEMPLATE else None
    return slots.Existing(slot.id, slot.starts, slot.ends, slot.type_id, slot.surface, plan, booked)


async def _check(session: AsyncSession, given: PlanFields) -> None:
    await find(session, WeekTemplate, given.template)
    if given.last_day < given.first_day:
        raise invalid("last_day", "before_first_day")
    if (given.last_day - given.first_day).days > MAX_DAYS:
        raise invalid("last_day", "too_far")
