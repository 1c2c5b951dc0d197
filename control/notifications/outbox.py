"""The outbox: what must be told is written with the act that makes it so, and sent later by whoever sends."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control.store.models import OutboxEntry, OutboxState


class Kind(StrEnum):
    """What there is to tell; the words and the link are made when it is sent."""

    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"
    POSTPONED = "postponed"
    """There is no new time yet; where there is one, `BOOKED` tells of it."""
    TO_VIDEO = "to_video"
    TO_PHYSICAL = "to_physical"
    REMINDER = "reminder"
    INVITATION = "invitation"


_WAITING: Final = (OutboxState.QUEUED, OutboxState.PAUSED)


async def queue(
    session: AsyncSession,
    kind: Kind,
    *,
    appointment: str,
    attendee: str,
    now: datetime,
    due: datetime | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Lays a message by, to be sent at `due`, or at once. An equal one that still waits is not laid by twice."""
    waiting = select(OutboxEntry.id).where(
        OutboxEntry.kind == kind,
        OutboxEntry.appointment_id == appointment,
        OutboxEntry.attendee_id == attendee,
        OutboxEntry.state == OutboxState.QUEUED,
    )
    if await session.scalar(waiting) is not None:
        return
    session.add(
        OutboxEntry(
            kind=kind,
            appointment_id=appointment,
            attendee_id=attendee,
            due_at=due or now,
            created_at=now,
            arguments=dict(arguments or {}),
        )
    )


async def withdraw(session: AsyncSession, appointment: str, attendee: str | None = None) -> int:
    """Takes back what waits about an appointment, or about one attendee of it; how many it was."""
    statement = (
        update(OutboxEntry)
        .where(
            OutboxEntry.appointment_id == appointment, OutboxEntry.state.in_((OutboxState.QUEUED, OutboxState.PAUSED))
        )
        .values(state=OutboxState.WITHDRAWN)
    )
    if attendee is not None:
        statement = statement.where(OutboxEntry.attendee_id == attendee)
    result = await session.execute(statement)
    return int(result.rowcount)  # type: ignore[attr-defined]
