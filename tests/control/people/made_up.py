"""Made-up people and appointments for tests."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from control.errors import NationalNumberError
from control.identity import numbers
from control.identity.numbers import LAB
from control.scheduling.surface import Surface
from control.store.base import new_id
from control.store.database import Database
from control.store.models import Appointment, AppointmentType, Attendee, Consultation, Patient, Practitioner
from signalling.roles import Role
from tests.control.store.rows import NOW


def national_numbers() -> Iterator[str]:
    """Synthetic numbers (month + 80), one after the other."""
    for place in range(100_000):
        text = f"018190{place:05d}"
        try:
            numbers.parse(text, LAB, NOW.date())
        except NationalNumberError:
            continue
        yield text


def take(count: int) -> list[str]:
    """So many numbers."""
    made = national_numbers()
    return [next(made) for _ in range(count)]


async def book(
    database: Database,
    clinic: str,
    practitioner: str,
    patients: list[str],
    *,
    starts: datetime = NOW + timedelta(days=1),
    room: bool = True,
    **of_type: Any,
) -> tuple[str, list[str]]:
    """An appointment by video, with its consultation: its identifier, and those of the patients' attendees."""
    async with database.begin(clinic) as session:
        doctor = await session.get_one(Practitioner, (clinic, practitioner))
        kind = AppointmentType(**{"name": "Videotime", "minutes": 20, "level": "idporten-loa-high", **of_type})
        session.add(kind)
        await session.flush()
        appointment = Appointment(
            id=new_id(),
            type_id=kind.id,
            practitioner_id=practitioner,
            person_id=doctor.person_id,
            starts=starts,
            ends=starts + timedelta(minutes=20),
            surface=Surface.VIDEO,
            created_at=NOW,
        )
        session.add(appointment)
        await session.flush()
        made = [await _expected(session, clinic, patient, appointment.id, kind.level) for patient in patients]
        session.add(
            Attendee(
                appointment_id=appointment.id,
                role=Role.PRACTITIONER,
                practitioner_id=practitioner,
                person_id=doctor.person_id,
                name=doctor.name,
            )
        )
        if room:
            session.add(Consultation(appointment_id=appointment.id, room=new_id(), created_at=NOW))
        return appointment.id, made


async def _expected(session: AsyncSession, clinic: str, patient: str, appointment: str, level: str | None) -> str:
    row = await session.get_one(Patient, (clinic, patient))
    attendee = Attendee(
        id=new_id(),
        appointment_id=appointment,
        role=Role.PATIENT,
        patient_id=patient,
        person_id=row.person_id,
        name=row.name,
        level=level,
    )
    session.add(attendee)
    await session.flush()
    return attendee.id
