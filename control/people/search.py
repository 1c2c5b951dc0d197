"""Finds patients of a clinic, by the beginning of the name or by identity number. Each list is one act in the log."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.identity import persons
from control.identity.numbers import NationalNumber
from control.identity.pseudonyms import Pseudonyms
from control.people.rules import prefix_range
from control.store.models import Patient


def named(prefix: str, *, limit: int, after: Patient | None = None) -> Select[Patient] | None:
    """Whose names begin so, in order of name; None where nobody is named. One range of one index."""
    bounds = prefix_range(prefix)
    if bounds is None:
        return None
    low, high = bounds
    if after is not None:
        low = after.search_name  # later pages begin where the last one ended, not at the beginning
    statement = (
        select(Patient)
        .where(Patient.search_name >= low, Patient.search_name < high)
        .order_by(Patient.search_name, Patient.id)
        .limit(limit)
    )
    if after is not None:
        place = tuple_(Patient.search_name, Patient.id)
        statement = statement.where(place > tuple_(after.search_name, after.id))
    return statement


async def by_name(
    session: AsyncSession, prefix: str, *, limit: int, after: str | None, actor: Reference, now: datetime
) -> tuple[Sequence[Patient], bool]:
    """At most `limit` patients after the one of this identifier, and whether there are more."""
    last = None
    if after is not None:
        last = await session.scalar(select(Patient).where(Patient.id == after))
        if last is None:
            return (), False
    statement = named(prefix, limit=limit + 1, after=last)
    found = [] if statement is None else (await session.scalars(statement)).all()
    await _record(session, found[:limit], actor, now)
    return found[:limit], len(found) > limit


async def by_number(
    session: AsyncSession, pseudonyms: Pseudonyms, number: NationalNumber, actor: Reference, now: datetime
) -> Sequence[Patient]:
    """The patient of this number, or nobody."""
    patient = await persons.patient_of(session, pseudonyms, number)
    found = () if patient is None else (patient,)
    await _record(session, found, actor, now)
    return found


async def _record(session: AsyncSession, seen: Sequence[Patient], actor: Reference, now: datetime) -> None:
    about = tuple(Reference(log.PATIENT, patient.id) for patient in seen)
    await log.record(session, Event(now, actor, "patients.read", about))
