"""What patients say of themselves: video next time, and no messages."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.errors import NotFoundError
from control.store.models import Patient


async def read(session: AsyncSession, person: str, patient: str, actor: Reference, now: datetime) -> Patient:
    """The person's own record (raises NotFoundError)."""
    found = await _own(session, person, patient)
    await _record(session, "patient.read", patient, actor, now)
    return found


async def wish(
    session: AsyncSession,
    person: str,
    patient: str,
    *,
    video: bool | None,
    no_messages: bool | None,
    actor: Reference,
    now: datetime,
) -> Patient:
    """Changes what is not None (raises NotFoundError)."""
    found = await _own(session, person, patient)
    if video is not None:
        found.wants_video = video
    if no_messages is not None:
        found.opted_out = no_messages
    await session.flush()
    await _record(session, "patient.wish", patient, actor, now)
    return found


async def _own(session: AsyncSession, person: str, patient: str) -> Patient:
    statement = select(Patient).where(Patient.id == patient, Patient.person_id == person).with_for_update()
    found = await session.scalar(statement)
    if found is None:
        raise NotFoundError
    return found


async def _record(session: AsyncSession, action: str, patient: str, actor: Reference, now: datetime) -> None:
    await log.record(session, Event(now, actor, action, (Reference(log.PATIENT, patient),)))
