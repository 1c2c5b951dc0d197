"""What must be told is laid by once, and taken back while it waits."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from control.notifications import outbox
from control.notifications.outbox import Kind
from control.store.database import Database
from control.store.models import (
    Appointment,
    AppointmentType,
    Attendee,
    OutboxEntry,
    OutboxState,
    Person,
    Practitioner,
    Surface,
)
from signalling.roles import Role
from tests.control.store.rows import NOW, open_clinic, person


@pytest.fixture
async def expected(database: Database) -> tuple[str, str, list[str]]:
    """A clinic, an appointment in it, and two attendees."""
    clinic = await open_clinic(database)
    async with database.begin(None) as session:
        doctor: Person = person("Lege")
        session.add(doctor)
    async with database.begin(clinic) as session:
        kind = AppointmentType(name="Time", minutes=20)
        practitioner = Practitioner(person_id=doctor.id, name="Lege")
        session.add_all([kind, practitioner])
        await session.flush()
        appointment = Appointment(
            type_id=kind.id,
            practitioner_id=practitioner.id,
            person_id=doctor.id,
            starts=NOW,
            ends=NOW + timedelta(minutes=20),
            surface=Surface.VIDEO,
            created_at=NOW,
        )
        session.add(appointment)
        await session.flush()
        attendees = [Attendee(appointment_id=appointment.id, role=Role.PATIENT, name=name) for name in ("Kari", "Ola")]
        session.add_all(attendees)
        await session.flush()
        return clinic, appointment.id, [each.id for each in attendees]


async def test_the_same_is_laid_by_once(database: Database, expected: tuple[str, str, list[str]]) -> None:
    clinic, appointment, (kari, ola) = expected
    for attendee in (kari, kari, ola):
        async with database.begin(clinic) as session:
            await outbox.queue(session, Kind.TO_VIDEO, appointment=appointment, attendee=attendee, now=NOW)
    async with database.look(clinic) as session:
        entries = (await session.scalars(select(OutboxEntry))).all()
    assert sorted(entry.attendee_id or "" for entry in entries) == sorted([kari, ola])
    assert {entry.due_at for entry in entries} == {NOW}


async def test_what_waits_can_be_taken_back(database: Database, expected: tuple[str, str, list[str]]) -> None:
    clinic, appointment, (kari, ola) = expected
    async with database.begin(clinic) as session:
        for attendee in (kari, ola):
            await outbox.queue(session, Kind.BOOKED, appointment=appointment, attendee=attendee, now=NOW)
    async with database.begin(clinic) as session:
        assert await outbox.withdraw(session, appointment, kari) == 1
        assert await outbox.withdraw(session, appointment) == 1
        assert await outbox.withdraw(session, appointment) == 0
    async with database.look(clinic) as session:
        states = (await session.scalars(select(OutboxEntry.state))).all()
    assert set(states) == {OutboxState.WITHDRAWN}
