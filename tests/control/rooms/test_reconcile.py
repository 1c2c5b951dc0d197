"""What got lost with a journal or a restored database is made good at the start."""

from typing import Any

import pytest_asyncio
from sqlalchemy import select

from control.rooms.commands import Dispatcher
from control.rooms.port import Revoke
from control.rooms.reconcile import reconcile
from control.store.database import Database
from control.store.models import Attendee, Consultation, ConsultationState, Practitioner
from signalling.roles import Role
from signalling.room import Ended, Person, Room, Standing
from tests.control.rooms.doubles import Told
from tests.control.store import rows
from tests.control.store.rows import NOW, Meeting


@pytest_asyncio.fixture
async def made(database: Database) -> Meeting:
    """A consultation that runs, as the database has it, with its patient admitted."""
    clinic = await rows.open_clinic(database)
    async with database.begin(clinic) as session:
        person = rows.person()
        session.add(person)
        await session.flush()
        doctor, patient = Practitioner(person_id=person.id, name="Ola Lege"), rows.patient(clinic)
        session.add_all([doctor, patient])
    made = await rows.meeting(database, clinic, doctor.id, [patient.id])
    async with database.begin(clinic) as session:
        (await session.scalars(select(Consultation))).one().state = ConsultationState.RUNNING
        row = (await session.scalars(select(Attendee).where(Attendee.id == made.patients[0]))).one()
        row.standing = Standing.ADMITTED
    return made


def roster(made: Meeting, standing: Standing, **given: Any) -> Room:
    who = Person(made.patients[0], Role.PATIENT, "N", standing, 1, NOW.timestamp(), 1)
    return Room(made.room, 1, people={who.id: who}, **given)


async def after(database: Database, made: Meeting, room: Room | None) -> tuple[int, str, str | None]:
    """How many differed, the consultation's state, the patient's standing; and that once is enough."""
    rooms = Told()
    if room is not None:
        rooms.rosters[made.room] = room
    differed = await reconcile(database, rooms, lambda: NOW)
    async with database.look(made.clinic) as session:
        consultation = (await session.scalars(select(Consultation))).one()
        row = (await session.scalars(select(Attendee).where(Attendee.id == made.patients[0]))).one()
    return differed, consultation.state, row.standing


async def test_what_agrees_is_left_alone(database: Database, made: Meeting) -> None:
    assert await after(database, made, roster(made, Standing.ADMITTED)) == (0, "running", "admitted")


async def test_in_a_room_that_is_gone_nobody_stands(database: Database, made: Meeting) -> None:
    assert await after(database, made, None) == (1, "running", None)
    assert await after(database, made, None) == (0, "running", None)


async def test_a_room_that_ended_ends_the_consultation_and_an_expired_one_does_not(
    database: Database, made: Meeting
) -> None:
    expired = roster(made, Standing.ADMITTED, life=Ended(1.0, expired=True))
    assert await after(database, made, expired) == (1, "running", None)
    assert await after(database, made, roster(made, Standing.ADMITTED, life=Ended(1.0, expired=False))) == (
        1,
        "ended",
        None,
    )


async def test_who_stands_elsewhere_is_followed(database: Database, made: Meeting) -> None:
    assert await after(database, made, roster(made, Standing.LOBBY)) == (1, "running", "lobby")


async def test_somebody_inside_who_is_no_longer_expected_is_taken_out(database: Database, made: Meeting) -> None:
    async with database.begin(made.clinic) as session:
        (await session.scalars(select(Attendee).where(Attendee.id == made.patients[0]))).one().removed_at = NOW
    assert (await after(database, made, roster(made, Standing.ADMITTED)))[0] == 1
    rooms = Told()
    await Dispatcher(database, rooms).settle()
    assert rooms.commands == [(made.room, Revoke(made.patients[0]))]
