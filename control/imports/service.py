"""Brings the file of a clinic into the database: what its keys don't find is made, what differs is changed.

What the file doesn't name is left alone: nobody loses a booked appointment because a line was deleted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from control.audit import log
from control.audit.chain import Event, Reference
from control.errors import ImportConflictError
from control.identity.numbers import NationalNumber, NumberPolicy, parse
from control.identity.persons import find_person, person_of
from control.identity.pseudonyms import Pseudonyms
from control.imports.file import ClinicFile, Day, PlanPart, SchedulePart, StaffPart, TemplatePart, TypePart
from control.store.base import new_id
from control.store.database import Database
from control.store.models import (
    AppointmentType,
    Clinic,
    MemberRole,
    Membership,
    Person,
    Practitioner,
    Schedule,
    TemplateEntry,
    WeekTemplate,
    WorkPlan,
)

ACTOR: Final = Reference("operator", "")
RowT = TypeVar("RowT", Clinic, Practitioner, AppointmentType, Schedule, WeekTemplate, WorkPlan)


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it."""

    clinic: str
    made: int
    changed: int


async def import_clinic(
    database: Database, file: ClinicFile, pseudonyms: Pseudonyms, policy: NumberPolicy, now: datetime
) -> Imported:
    """All of it in one transaction, or nothing.

    Raises NationalNumberError for an identity number that is none, ImportConflictError where keys and numbers say that
    two people are one.
    """
    numbers = {
        person.key: parse(person.number, policy, now.date()) for person in file.staff if person.number is not None
    }
    async with database.look(None) as session:
        known = await session.scalar(
            select(Clinic.id).where(Clinic.key == file.clinic.key), execution_options={"across": "operation"}
        )
    clinic = known or new_id()

    async def act(session: AsyncSession) -> Imported:
        work = _Import(session, clinic, pseudonyms, numbers, now)
        await work.everything(file)
        return Imported(clinic, work.made, work.changed)

    return await database.transact(clinic, act)


class _Import:
    """One run, within its transaction."""

    def __init__(
        self,
        session: AsyncSession,
        clinic: str,
        pseudonyms: Pseudonyms,
        numbers: Mapping[str, NationalNumber],
        now: datetime,
    ) -> None:
        self._session = session
        self._clinic = clinic
        self._pseudonyms = pseudonyms
        self._numbers = numbers
        self._now = now
        self._persons: dict[str, str] = {}
        self.made = 0
        self.changed = 0

    async def everything(self, file: ClinicFile) -> None:
        clinic = await self._session.scalar(select(Clinic))
        if clinic is None:
            clinic = Clinic(id=self._clinic, **file.clinic.model_dump())
            self._add(clinic)
            await self._session.flush()
            await log.begin(self._session, self._clinic)
        else:
            self._set(clinic, file.clinic.model_dump())
        practitioners = {part.key: await self._staff(part) for part in file.staff}
        types = {part.key: await self._type(part) for part in file.types}
        schedules = {part.key: await self._schedule(part, practitioners) for part in file.schedules}
        templates = {part.key: await self._template(part, types) for part in file.templates}
        for plan in file.work_plans:
            await self._plan(plan, schedules, templates)
        if self.made or self.changed:
            counts = log.detail({"made": self.made, "changed": self.changed})
            await log.record(self._session, Event(self._now, ACTOR, "clinic.import", detail=counts))

    async def _staff(self, part: StaffPart) -> str | None:
        """The practitioner, where the person is one."""
        practitioner = await self._session.scalar(select(Practitioner).where(Practitioner.key == part.key))
        members = list(await self._session.scalars(select(Membership).where(Membership.key == part.key)))
        person = await self._person(part, {each.person_id for each in (practitioner, *members) if each is not None})
        if person in self._persons:
            raise ImportConflictError(f"staff {part.key} and {self._persons[person]} are one person")
        self._persons[person] = part.key
        if not members:  # perhaps made by hand, so without a key
            members = list(await self._session.scalars(select(Membership).where(Membership.person_id == person)))
        for member in members:
            self._set(member, {"key": part.key, "active": part.active and member.role in part.roles})
        for role in part.roles:
            if role not in {member.role for member in members}:
                self._add(Membership(person_id=person, key=part.key, role=role, active=part.active))
        if practitioner is None:
            practitioner = await self._session.scalar(select(Practitioner).where(Practitioner.person_id == person))
        works = part.active and MemberRole.PRACTITIONER in part.roles
        values = {"key": part.key, "name": part.name, "title": part.title, "active": works}
        if practitioner is not None:
            self._set(practitioner, values)
        elif MemberRole.PRACTITIONER in part.roles:
            practitioner = Practitioner(id=new_id(), person_id=person, **values)
            self._add(practitioner)
        await self._session.flush()
        return None if practitioner is None else practitioner.id

    async def _person(self, part: StaffPart, known: set[str]) -> str:
        """Who it is: by key, else by number, else somebody new."""
        number = self._numbers.get(part.key)
        by_number = None if number is None else await find_person(self._session, self._pseudonyms, number)
        if not known:
            if number is not None:
                made = by_number or await person_of(
                    self._session, self._pseudonyms, number, name=part.name, shown=False, now=self._now
                )
            else:
                made = Person(id=new_id(), name=part.name, created_at=self._now)
                self._session.add(made)
            self.made += by_number is None
            await self._session.flush()
            return made.id
        if len(known) > 1:
            raise ImportConflictError(f"staff {part.key}: the key stands for two people here")
        (person,) = known
        if number is not None and by_number is None:
            await self._give_number(part, person, number)
        elif by_number is not None and by_number.id != person:
            raise ImportConflictError(f"staff {part.key}: the number is somebody else's than the key's")
        return person

    async def _give_number(self, part: StaffPart, person: str, number: NationalNumber) -> None:
        row = await self._session.scalar(
            select(Person).where(Person.id == person), execution_options={"across": "operation"}
        )
        assert row is not None  # memberships refer to it
        if row.number_digest is not None:
            raise ImportConflictError(f"staff {part.key}: whom the key stands for has another number")
        made = self._pseudonyms.of(number)
        self._set(row, {"number_digest": made.digest, "number_digest_key": made.key_id})

    async def _type(self, part: TypePart) -> AppointmentType:
        return await self._by_key(AppointmentType, part.key, part.model_dump())

    async def _schedule(self, part: SchedulePart, practitioners: Mapping[str, str | None]) -> Schedule:
        values = part.model_dump(exclude={"practitioner"})
        return await self._by_key(Schedule, part.key, values | {"practitioner_id": practitioners[part.practitioner]})

    async def _template(self, part: TemplatePart, types: Mapping[str, AppointmentType]) -> WeekTemplate:
        made = self.made
        template = await self._by_key(WeekTemplate, part.key, part.model_dump(exclude={"entries"}))
        wanted = sorted(
            (
                entry.week,
                Day[entry.weekday.upper()].value,
                entry.starts,
                entry.count,
                entry.minutes or types[entry.type].minutes,
                types[entry.type].id,
                entry.surface or "",
            )
            for entry in part.entries
        )
        entries = list(
            await self._session.scalars(select(TemplateEntry).where(TemplateEntry.template_id == template.id))
        )
        found = sorted(
            (each.week, each.weekday, each.starts, each.count, each.minutes, each.type_id, each.surface or "")
            for each in entries
        )
        if wanted != found:
            await self._session.execute(delete(TemplateEntry).where(TemplateEntry.template_id == template.id))
            for week, weekday, starts, count, minutes, type_id, surface in wanted:
                self._session.add(
                    TemplateEntry(
                        template_id=template.id,
                        week=week,
                        weekday=weekday,
                        starts=starts,
                        count=count,
                        minutes=minutes,
                        type_id=type_id,
                        surface=surface or None,
                    )
                )
            if self.made == made:
                flag_modified(template, "name")  # another version, so that plans are seen to be out of date
                self.changed += 1
            await self._session.flush()
        return template

    async def _plan(
        self, part: PlanPart, schedules: Mapping[str, Schedule], templates: Mapping[str, WeekTemplate]
    ) -> None:
        values: dict[str, Any] = {
            "key": part.key,
            "schedule_id": schedules[part.schedule].id,
            "template_id": templates[part.template].id,
            "first_day": part.first_day,
            "last_day": part.last_day,
            "active": part.active,
        }
        plan = await self._session.scalar(select(WorkPlan).where(WorkPlan.key == part.key))
        if plan is not None and any(getattr(plan, name) != value for name, value in values.items()):
            plan.applied_version = None  # its slots are not what it says now, until it is updated
        await self._by_key(WorkPlan, part.key, values)

    async def _by_key(self, table: type[RowT], key: str, values: Mapping[str, Any]) -> RowT:
        row = await self._session.scalar(select(table).where(table.key == key))
        if row is None:
            row = table(id=new_id(), **values)
            self._add(row)
        else:
            self._set(row, values)
        await self._session.flush()
        return row

    def _add(self, row: object) -> None:
        self._session.add(row)
        self.made += 1

    def _set(self, row: object, values: Mapping[str, Any]) -> None:
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        for name, value in changed.items():
            setattr(row, name, value)
        self.changed += bool(changed)
