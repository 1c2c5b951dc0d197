"""What is measured: one join, one look at a day, one booking, each a whole transaction with its audit event."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.consultation import joining, places, worklist
from control.consultation.joining import Entry, Issuer
from control.identity.callers import Nobody
from control.identity.keyring import SecretKeys
from control.identity.links import Links
from control.identity.roles import Role
from control.scheduling.booking import Book, book
from control.scheduling.openings import Insert, insert_slot
from control.store.database import Database
from control.store.models import Attendee, Patient, Slot
from signalling.keys import SigningKey

ACTOR = Reference(Role.SECRETARY, "benchmark")
PATIENTS = 40
"""Who comes on the day, and books."""


@dataclass(frozen=True, slots=True)
class Day:
    """The day that is measured: forty appointments, and free slots after it."""

    clinic: str
    links: Links
    tokens: tuple[str, ...]
    free: tuple[str, ...]
    patients: tuple[str, ...]
    now: datetime


async def prepare(database: Database, names: dict[str, str], now: datetime, slots: int) -> Day:
    """Books the day's forty appointments from now on, and makes so many free slots on the days after."""
    links = Links(SecretKeys.generate())
    clinic = names["clinic"]
    async with database.begin(clinic) as session:
        rows = [
            Patient(name=f"Kari Nordmann {number}", search_name=f"kari nordmann {number}", created_at=now)
            for number in range(PATIENTS)
        ]
        session.add_all(rows)
    patients = tuple(row.id for row in rows)

    async def make(session: AsyncSession, starts: datetime) -> Slot:
        return await insert_slot(session, ACTOR, Insert(names["schedule"], names["type"], starts), now)

    tokens = []
    for number in range(40):
        async with database.begin(clinic) as session:
            slot = await make(session, now + timedelta(minutes=1 + 5 * number))
            appointment = await book(session, ACTOR, Book(slot.id, patients[number % PATIENTS]), now)
            attendee = select(Attendee.id).where(
                Attendee.appointment_id == appointment.id, Attendee.patient_id.is_not(None)
            )
            tokens.append(links.token(clinic, (await session.scalars(attendee)).one(), 1))
    free = []
    async with database.begin(clinic) as session:
        for number in range(slots):
            free.append((await make(session, now + timedelta(days=2, minutes=5 * number))).id)
    return Day(clinic, links, tuple(tokens), tuple(free), patients, now)


async def join(database: Database, day: Day, key: SigningKey, number: int) -> None:
    """From a link to a grant, for one of the first appointments, whose window is open."""
    async with database.look(None) as session:
        place = await places.by_link(session, day.links, day.tokens[number % 3], Nobody())

    async def decide(session: AsyncSession) -> object:
        return await joining.join(session, place, Nobody(), Issuer(key, time.time), day.now)

    assert isinstance(await database.transact(day.clinic, decide), Entry)


async def look(database: Database, day: Day) -> None:
    """The worklist of the day."""

    async def see(session: AsyncSession) -> int:
        return len(await worklist.day_of(session, day.now.date(), None, ACTOR, day.now))

    assert await database.transact(day.clinic, see) >= 40


async def reserve(database: Database, day: Day, number: int) -> None:
    """Books a free slot."""

    async def act(session: AsyncSession) -> None:
        await book(session, ACTOR, Book(day.free[number], day.patients[number % PATIENTS]), day.now)

    await database.transact(day.clinic, act)
