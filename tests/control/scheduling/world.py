"""A clinic with a practitioner, types, a schedule and patients, for tests of the services."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.scheduling.booking import Book, book
from control.scheduling.openings import Insert, insert_slot
from control.scheduling.plans import Applied, PlanFields, create_plan
from control.scheduling.recurrence import Weekday
from control.scheduling.schedules import (
    EntryFields,
    ScheduleFields,
    TemplateFields,
    create_schedule,
    create_template,
)
from control.scheduling.surface import Surface
from control.scheduling.types import TypeFields, change_type, create_type
from control.store.database import Database
from control.store.models import (
    Appointment,
    Attendee,
    OutboxEntry,
    OutboxState,
    Person,
    Practitioner,
    Slot,
)
from tests.control.store.rows import NOW, open_clinic, patient, person

T = TypeVar("T")
MONDAY: Final = date(2026, 3, 9)
"""A week after `NOW`."""
NINE: Final = datetime.fromisoformat("2026-03-09T08:00:00+00:00")
"""Nine o'clock in Oslo on that day."""
MINUTE: Final = timedelta(minutes=1)
ADMIN: Final = Reference("administrator", "a" * 26)
SECRETARY: Final = Reference("secretary", "b" * 26)
VIDEO: Final = TypeFields("Videotime", 30, published=True, supports_video=True, surface=Surface.VIDEO)


@dataclass
class World:
    """What stands in the database, and short ways to act in it."""

    database: Database
    clinic: str
    practitioner: str
    doctor: str
    """The practitioner's person."""
    kind: str = ""
    """The type that slots have here."""
    schedule: str = ""
    patients: list[str] = field(default_factory=list)
    persons: list[str] = field(default_factory=list)

    admin: Reference = ADMIN
    secretary: Reference = SECRETARY

    def me(self, number: int = 0) -> Reference:
        """A patient, logged in."""
        return Reference("patient", self.persons[number])

    async def do(self, act: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """In a transaction of the clinic."""
        return await self.database.transact(self.clinic, act)

    async def all(self, kind: type[T], *where: Any) -> Sequence[T]:
        """Rows as they are."""
        async with self.database.look(self.clinic) as session:
            return (await session.scalars(select(kind).where(*where))).all()

    async def one(self, kind: type[T], id_: str) -> T:
        """The row as it is."""
        async with self.database.look(self.clinic) as session:
            column: Any = kind.__table__.c.id  # type: ignore[attr-defined]
            return (await session.scalars(select(kind).where(column == id_))).one()

    async def change(self, kind: type[Any], id_: str, **values: Any) -> None:
        """Writes a row past the services."""
        async with self.database.begin(self.clinic) as session:
            column: Any = kind.__table__.c.id
            row = (await session.scalars(select(kind).where(column == id_))).one()
            for name, value in values.items():
                setattr(row, name, value)

    async def new_patient(self, name: str = "Kari Nordmann", **given: Any) -> int:
        """Somebody who can log in; their number here."""
        async with self.database.begin(None) as session:
            row = person(name)
            session.add(row)
        async with self.database.begin(self.clinic) as session:
            given = {"born": date(1980, 5, 17), "phone": "+4790000000", **given}
            who = patient(self.clinic, name, person_id=row.id, **given)
            session.add(who)
        self.patients.append(who.id)
        self.persons.append(row.id)
        return len(self.patients) - 1

    async def new_type(self, **changes: Any) -> str:
        """Another type."""
        given = replace(VIDEO, **{"key": None, **changes})
        return (await self.do(lambda s: create_type(s, self.admin, given, NOW))).id

    async def new_schedule(self) -> str:
        """A published schedule of another practitioner."""
        async with self.database.begin(None) as session:
            doctor = person("Eva Lege")
            session.add(doctor)
        async with self.database.begin(self.clinic) as session:
            practitioner = Practitioner(person_id=doctor.id, name="Eva Lege")
            session.add(practitioner)
        given = ScheduleFields("Timebok", published=True)
        return (await self.do(lambda s: create_schedule(s, self.secretary, practitioner.id, given, NOW))).id

    async def set_type(self, **changes: Any) -> None:
        """Changes the type that slots have here."""
        await self.do(lambda s: change_type(s, self.admin, self.kind, replace(VIDEO, **changes), NOW))

    async def slot(self, minutes: int = 0, **given: Any) -> Slot:
        """A slot by hand, so long after nine."""
        command = Insert(**{"schedule": self.schedule, "type": self.kind, "starts": NINE + minutes * MINUTE, **given})
        return await self.do(lambda s: insert_slot(s, self.secretary, command, NOW))

    async def booked(self, minutes: int = 0, number: int = 0, now: datetime = NOW, **given: Any) -> Appointment:
        """An appointment that staff booked in a new slot."""
        slot = await self.slot(minutes)
        command = Book(slot.id, self.patients[number], **given)
        return await self.do(lambda s: book(s, self.secretary, command, now))

    async def template(self, *entries: EntryFields, weeks: int = 1) -> str:
        """A week template; without entries three half hours from nine on Mondays."""
        given = TemplateFields("Uke", entries or (self.entry(count=3),), weeks)
        return (await self.do(lambda s: create_template(s, self.secretary, given, NOW))).id

    def entry(self, starts: str = "09:00", count: int = 1, **given: Any) -> EntryFields:
        """On Mondays, half an hour each."""
        return EntryFields(
            **{
                "weekday": Weekday.MONDAY,
                "starts": time.fromisoformat(starts),
                "minutes": 30,
                "type": self.kind,
                "count": count,
                **given,
            }
        )

    async def plan(self, template: str, days: int = 1) -> Applied:
        """Puts a template out from `MONDAY` on."""
        given = PlanFields(template, MONDAY, MONDAY + timedelta(days=days - 1))
        return await self.do(lambda s: create_plan(s, self.secretary, self.schedule, given, NOW))

    async def messages(self, state: OutboxState = OutboxState.QUEUED) -> list[str]:
        """Kinds of what waits in the outbox, sorted."""
        return sorted(entry.kind for entry in await self.all(OutboxEntry, OutboxEntry.state == state))

    async def attendees(self, appointment: str) -> Sequence[Attendee]:
        """All who were ever expected."""
        return await self.all(Attendee, Attendee.appointment_id == appointment)


async def build(database: Database, key: str = "vest", doctor: str | None = None, **clinic: Any) -> World:
    """A world with one type by video, a published schedule and one patient; `doctor` is a person of another clinic."""
    clinic_id = await open_clinic(database, key, **clinic)
    if doctor is None:
        async with database.begin(None) as session:
            row: Person = person("Ola Lege")
            session.add(row)
        doctor = row.id
    async with database.begin(clinic_id) as session:
        practitioner = Practitioner(person_id=doctor, name="Ola Lege")
        session.add(practitioner)
    world = World(database, clinic_id, practitioner.id, doctor)
    world.kind = await world.new_type()
    given = ScheduleFields("Timebok", published=True)
    schedule = await world.do(lambda s: create_schedule(s, world.secretary, practitioner.id, given, NOW))
    world.schedule = schedule.id
    await world.new_patient()
    return world
