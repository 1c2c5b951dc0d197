"""Schedules of practitioners and week templates."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from control.audit.chain import Reference
from control.scheduling.errors import invalid
from control.scheduling.recurrence import Weekday
from control.scheduling.rows import expect, find, note, only_staff
from control.scheduling.slots import Entry, clashes
from control.scheduling.surface import Surface
from control.store.models import AppointmentType, Practitioner, Schedule, TemplateEntry, WeekTemplate


@dataclass(frozen=True, slots=True)
class ScheduleFields:
    """What staff decide of a schedule; restrictions are those of a type, for this practitioner's times."""

    name: str
    published: bool = False
    age_from: int | None = None
    age_to: int | None = None
    new_patients: bool = True
    own_list_only: bool = False
    referral_needed: bool = False
    lead_minutes: int = 0
    horizon_days: int | None = None
    key: str | None = None


async def create_schedule(
    session: AsyncSession, actor: Reference, practitioner_id: str, given: ScheduleFields, now: datetime
) -> Schedule:
    """A schedule for a practitioner of the clinic."""
    only_staff(actor)
    await find(session, Practitioner, practitioner_id)
    row = Schedule(practitioner_id=practitioner_id, **asdict(given))
    session.add(row)
    await session.flush()
    await note(session, actor, "schedule.create", now, [("schedule", row.id)])
    return row


async def change_schedule(
    session: AsyncSession,
    actor: Reference,
    schedule_id: str,
    given: ScheduleFields,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> Schedule:
    """Makes the schedule what is given; published or not takes effect at once."""
    only_staff(actor)
    row = await find(session, Schedule, schedule_id)
    expect(row, versions)
    for name, value in asdict(given).items():
        setattr(row, name, value)
    await session.flush()
    await note(session, actor, "schedule.change", now, [("schedule", row.id)])
    return row


@dataclass(frozen=True, slots=True)
class EntryFields:
    """Some slots in a row: `starts` is a local time of day; without a surface they have the type's."""

    weekday: Weekday
    starts: time
    minutes: int
    type: str
    count: int = 1
    week: int = 0
    surface: Surface | None = None


@dataclass(frozen=True, slots=True)
class TemplateFields:
    """A week template, or one of several weeks in turn."""

    name: str
    entries: tuple[EntryFields, ...]
    weeks: int = 1
    active: bool = True
    key: str | None = None


async def create_template(
    session: AsyncSession, actor: Reference, given: TemplateFields, now: datetime
) -> WeekTemplate:
    """A template; it makes no slots by itself."""
    only_staff(actor)
    await _check(session, given)
    row = WeekTemplate(key=given.key, name=given.name, weeks=given.weeks, active=given.active)
    session.add(row)
    await session.flush()
    session.add_all(_entries(row.id, given.entries))
    await session.flush()
    await note(session, actor, "template.create", now, [("template", row.id)])
    return row


async def change_template(
    session: AsyncSession,
    actor: Reference,
    template_id: str,
    given: TemplateFields,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> WeekTemplate:
    """Makes the template what is given; slots follow when a work plan is updated, `active` takes effect at once."""
    only_staff(actor)
    row = await find(session, WeekTemplate, template_id)
    expect(row, versions)
    await _check(session, given)
    row.key, row.name, row.weeks, row.active = given.key, given.name, given.weeks, given.active
    flag_modified(row, "name")  # other entries alone are a new version as well
    await session.execute(delete(TemplateEntry).where(TemplateEntry.template_id == row.id))
    session.add_all(_entries(row.id, given.entries))
    await session.flush()
    await note(session, actor, "template.change", now, [("template", row.id)])
    return row


def _entries(template: str, given: Sequence[EntryFields]) -> list[TemplateEntry]:
    return [
        TemplateEntry(
            template_id=template,
            week=entry.week,
            weekday=int(entry.weekday),
            starts=f"{entry.starts:%H:%M}",
            count=entry.count,
            minutes=entry.minutes,
            type_id=entry.type,
            surface=entry.surface,
        )
        for entry in given
    ]


async def _check(session: AsyncSession, given: TemplateFields) -> None:
    """What can't be meant: weeks that the turn has not, types that are not there, entries over each other."""
    known = set((await session.scalars(select(AppointmentType.id))).all())
    for number, entry in enumerate(given.entries):
        if not 0 <= entry.week < given.weeks:
            raise invalid(f"entries/{number}/week", "week_unknown")
        if entry.type not in known:
            raise invalid(f"entries/{number}/type", "type_unknown")
    entries = [
        Entry(
            entry.week, entry.weekday, entry.starts, timedelta(minutes=entry.minutes), entry.type, surface, entry.count
        )
        for entry in given.entries
        for surface in (entry.surface or Surface.PHYSICAL,)
    ]
    if clashes(entries, given.weeks):
        raise invalid("entries", "entries_overlap")
