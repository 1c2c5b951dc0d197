"""Reads types, schedules, templates and work plans: nothing about a patient is in them, so nothing is logged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.store.models import (
    AppointmentType,
    Clinic,
    Practitioner,
    Schedule,
    Slot,
    TemplateEntry,
    WeekTemplate,
    WorkPlan,
)

RowT = TypeVar("RowT", AppointmentType, Schedule, WeekTemplate, WorkPlan)


async def listed(session: AsyncSession, kind: type[RowT], *, limit: int, after: str | None) -> Sequence[RowT]:
    """The clinic's, in order of identifier, from after this one on."""
    statement = select(kind).order_by(kind.id).limit(limit)
    if after is not None:
        statement = statement.where(kind.id > after)
    return (await session.scalars(statement)).all()


async def plans_of(session: AsyncSession, schedule: str, *, limit: int, after: str | None) -> Sequence[WorkPlan]:
    """A schedule's work plans, in the same order."""
    statement = select(WorkPlan).where(WorkPlan.schedule_id == schedule).order_by(WorkPlan.id).limit(limit)
    if after is not None:
        statement = statement.where(WorkPlan.id > after)
    return (await session.scalars(statement)).all()


async def entries(session: AsyncSession, templates: Sequence[str]) -> Mapping[str, Sequence[TemplateEntry]]:
    """What is in these templates, in order of time."""
    statement = (
        select(TemplateEntry)
        .where(TemplateEntry.template_id.in_(templates))
        .order_by(TemplateEntry.week, TemplateEntry.weekday, TemplateEntry.starts)
    )
    found: dict[str, list[TemplateEntry]] = {template: [] for template in templates}
    for entry in await session.scalars(statement):
        found[entry.template_id].append(entry)
    return found


@dataclass(frozen=True, slots=True)
class Named:
    """What people call the parts of a slot."""

    type: str
    booking_text: str | None
    practitioner: str


async def named(session: AsyncSession, slots: Sequence[Slot]) -> Mapping[str, Named]:
    """The names of these slots' types and practitioners, by slot."""
    types = select(AppointmentType).where(AppointmentType.id.in_({slot.type_id for slot in slots}))
    people = select(Practitioner).where(Practitioner.id.in_({slot.practitioner_id for slot in slots}))
    of_type = {row.id: row for row in await session.scalars(types)}
    of_person = {row.id: row.name for row in await session.scalars(people)}
    return {
        slot.id: Named(of_type[slot.type_id].name, of_type[slot.type_id].booking_text, of_person[slot.practitioner_id])
        for slot in slots
    }


async def is_clinic(session: AsyncSession) -> bool:
    """Whether the clinic of the session exists."""
    return await session.scalar(select(Clinic.id)) is not None
