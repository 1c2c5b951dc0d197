"""A clinic's rows for tests: what is not said is ordinary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import select

from control.audit import log
from control.consultation.planning import plan
from control.people.rules import search_form
from control.scheduling.surface import Surface
from control.store.database import Database
from control.store.models import Appointment, AppointmentType, Attendee, Clinic, Patient, Person, Practitioner
from signalling.roles import Role

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Meeting:
    """An appointment by video and its consultation, by identifiers."""

    clinic: str
    type: str
    appointment: str
    consultation: str
    room: str
    practitioner: str
    """The attendee of the practitioner."""
    patients: tuple[str, ...]
    """The attendees of the patients."""


def clinic(key: str = "vest", **given: Any) -> Clinic:
    """With video."""
    return Clinic(**{"key": key, "name": f"Klinikk {key}", "video_enabled": True, **given})


def person(name: str = "Kari Nordmann", **given: Any) -> Person:
    """Somebody without an identity number."""
    return Person(**{"name": name, "created_at": NOW, **given})


def patient(clinic: str, name: str = "Kari Nordmann", **given: Any) -> Patient:
    """Somebody who never logged in."""
    return Patient(**{"clinic_id": clinic, "name": name, "search_name": search_form(name), "created_at": NOW, **given})


async def open_clinic(database: Database, key: str = "vest", **given: Any) -> str:
    """A clinic whose audit log has begun; its id."""
    async with database.begin(None) as session:
        row = clinic(key, **given)
        session.add(row)
        await session.flush()
        await log.begin(session, row.id)
        return row.id


async def meeting(
    database: Database,
    clinic: str,
    practitioner: str,
    patients: Sequence[str],
    *,
    starts: datetime = NOW,
    level: str | None = None,
    of_type: Mapping[str, Any] = MappingProxyType({}),
) -> Meeting:
    """An appointment by video, planned as booking does; `level` is what its patients must log in by."""
    async with database.begin(clinic) as session:
        doctor = (await session.scalars(select(Practitioner).where(Practitioner.id == practitioner))).one()
        kind = AppointmentType(
            **{"name": "Kontroll", "minutes": 20, "supports_video": True, "capacity": len(patients), **of_type}
        )
        session.add(kind)
        await session.flush()
        appointment = Appointment(
            type_id=kind.id,
            practitioner_id=doctor.id,
            person_id=doctor.person_id,
            starts=starts,
            ends=starts + timedelta(minutes=20),
            surface=Surface.VIDEO,
            created_at=NOW,
        )
        session.add(appointment)
        await session.flush()
        expected = [
            Attendee(
                appointment_id=appointment.id,
                role=Role.PRACTITIONER,
                person_id=doctor.person_id,
                practitioner_id=doctor.id,
                name=doctor.name,
            )
        ]
        known = {
            each.id: each for each in (await session.scalars(select(Patient).where(Patient.id.in_(patients)))).all()
        }
        for each in (known[patient] for patient in patients):
            expected.append(
                Attendee(
                    appointment_id=appointment.id,
                    role=Role.PATIENT,
                    person_id=each.person_id,
                    patient_id=each.id,
                    name=each.name,
                    phone="90000000",
                    level=level,
                )
            )
        session.add_all(expected)
        await session.flush()
        consultation = await plan(session, appointment.id, NOW)
        return Meeting(
            clinic,
            kind.id,
            appointment.id,
            consultation.id,
            consultation.room,
            expected[0].id,
            tuple(each.id for each in expected[1:]),
        )
