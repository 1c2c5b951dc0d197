"""What patients, or their guardians, say to a clinic of themselves: video next time, and no messages."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.people import loading
from control.scheduling import telling
from control.scheduling.booking import guardian_of
from control.store.models import Patient


async def read(session: AsyncSession, person: str, patient: str, actor: Reference, now: datetime) -> Patient:
    """The record of the person, or of whom they may act for (raises NotFoundError)."""
    found = await _theirs(session, person, patient, now)
    await log.record(session, Event(now, actor, "patient.read", (Reference(log.PATIENT, patient),)))
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
    """Changes what is not None (raises NotFoundError). The wish for video is met by the next booking by video."""
    found = await _theirs(session, person, patient, now)
    if video is not None:
        found.wants_video = video
    if no_messages is not None:
        found.opted_out = no_messages
        await telling.hush(session, found)
    await session.flush()
    wanted = log.detail({"video": video, "no_messages": no_messages})
    await log.record(session, Event(now, actor, "patient.wish", (Reference(log.PATIENT, patient),), wanted))
    return found


async def _theirs(session: AsyncSession, person: str, patient: str, now: datetime) -> Patient:
    found = await loading.hold(session, Patient, patient)
    if found.person_id != person:
        await guardian_of(session, patient, person, now)
    return found
