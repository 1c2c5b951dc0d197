"""An appointment by video has a consultation: its room, made with the appointment and grown with its attendees."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.rooms import commands
from control.rooms.port import End, Open, Revoke
from control.store.base import new_id
from control.store.models import Attendee, Consultation, ConsultationState
from signalling.grant import MAX_SIZE

_LEAST: Final = 2


async def plan(session: AsyncSession, appointment: str, now: datetime) -> Consultation:
    """The consultation of an appointment, made if there is none yet; its room grows where more are expected now."""
    found = await session.scalar(select(Consultation).where(Consultation.appointment_id == appointment))
    if found is None:
        found = Consultation(appointment_id=appointment, room=new_id(), created_at=now)
        session.add(found)
        await session.flush()
    await grow(session, found)
    return found


async def grow(session: AsyncSession, consultation: Consultation) -> None:
    """Makes the room as large as the attendees need; an open one hears of it."""
    expected = await session.scalar(
        select(func.count()).select_from(Attendee).where(expected_at(consultation), Attendee.removed_at.is_(None))
    )
    size = min(max(_LEAST, expected or 0), MAX_SIZE)
    if size > consultation.size and consultation.state is ConsultationState.RUNNING:
        commands.give(session, consultation.room, Open(size))
    consultation.size = max(size, consultation.size)


async def dismiss(session: AsyncSession, consultation: Consultation, attendee: Attendee) -> None:
    """Takes somebody out of the room who is no longer expected, with every grant given so far."""
    commands.give(session, consultation.room, Revoke(attendee.id))


async def call_off(session: AsyncSession, consultation: Consultation, reason: str | None = None) -> None:
    """Ends the room: the waiting are told, and no grant given so far opens it again."""
    commands.give(session, consultation.room, End(reason))


def expected_at(consultation: Consultation) -> ColumnElement[bool]:
    """Which attendees are of this consultation."""
    if consultation.appointment_id is None:
        return Attendee.consultation_id == consultation.id
    return Attendee.appointment_id == consultation.appointment_id
