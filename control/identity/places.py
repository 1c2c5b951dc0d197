"""What a person may be logged in as: a role in a clinic where they work, or a patient, wherever they are one."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.errors import ForbiddenError
from control.identity.roles import STAFF, Role
from control.store.models import Clinic, Membership, Patient, Person

_ACROSS = {"across": "login"}


@dataclass(frozen=True, slots=True)
class Place:
    """A role in a clinic."""

    clinic: str
    name: str
    """Of the clinic."""

    role: Role


@dataclass(frozen=True, slots=True)
class Record:
    """A person as a patient of a clinic."""

    clinic: str
    name: str
    """Of the clinic."""

    patient: str


async def name_of(session: AsyncSession, person: str) -> str | None:
    """The person's name; None where there is no such person."""
    return await session.scalar(select(Person.name).where(Person.id == person), execution_options=_ACROSS)


async def places(session: AsyncSession, person: str) -> list[Place]:
    """Everywhere the person works, in order of the clinics' names."""
    statement = (
        select(Clinic.id, Clinic.name, Membership.role)
        .join(Membership, Membership.clinic_id == Clinic.id)
        .where(Membership.person_id == person, Membership.active, Membership.role.in_(STAFF))
        .order_by(Clinic.name, Clinic.id, Membership.role)
    )
    found = await session.execute(statement, execution_options=_ACROSS)
    return [Place(clinic, name, Role(role)) for clinic, name, role in found]


async def patient_in(session: AsyncSession, person: str) -> list[Record]:
    """Every clinic that has the person as a patient."""
    statement = (
        select(Clinic.id, Clinic.name, Patient.id)
        .join(Patient, Patient.clinic_id == Clinic.id)
        .where(Patient.person_id == person)
        .order_by(Clinic.name, Clinic.id)
    )
    found = await session.execute(statement, execution_options=_ACROSS)
    return [Record(*row) for row in found]


async def check(session: AsyncSession, person: str, role: Role, clinic: str | None) -> None:
    """Holds a person to what they may be; a patient is in no clinic (raises ForbiddenError)."""
    if await name_of(session, person) is not None:
        if role is Role.PATIENT and clinic is None:
            return
        if any((place.clinic, place.role) == (clinic, role) for place in await places(session, person)):
            return
    raise ForbiddenError("this person has no such place")
