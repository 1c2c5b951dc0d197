"""The consultation that belongs to an appointment by video: planned with it, and its room closed when it falls away."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.scheduling.rules import Phase
from control.scheduling.surface import Surface
from control.store.base import new_id
from control.store.models import (
    Admission,
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    Consultation,
    ConsultationState,
    RoomCommand,
)


async def meeting_of(session: AsyncSession, appointment: Appointment) -> Consultation | None:
    """The consultation of an appointment, where one was ever planned."""
    statement = select(Consultation).where(Consultation.appointment_id == appointment.id)
    return await session.scalar(statement.execution_options(populate_existing=True))


async def plan_meeting(
    session: AsyncSession, appointment: Appointment, of_type: AppointmentType, now: datetime
) -> None:
    """Makes the consultation of an appointment by video that has none; of any other it does nothing."""
    if appointment.surface is not Surface.VIDEO or await meeting_of(session, appointment) is not None:
        return
    session.add(Consultation(appointment_id=appointment.id, room=new_id(), size=of_type.capacity + 1, created_at=now))


async def close_room(session: AsyncSession, appointment: Appointment, reason: str, now: datetime) -> None:
    """Ends the room: grants given out for it are dead, and who waits there is told why.

    The consultation is planned anew in another room.
    """
    if (meeting := await meeting_of(session, appointment)) is None:
        return
    _command(session, meeting, "end", {"reason": reason}, now)
    meeting.room, meeting.epoch, meeting.sequence = new_id(), 0, 0
    meeting.state, meeting.started_at = ConsultationState.PLANNED, None


async def end_meeting(session: AsyncSession, appointment: Appointment, reason: str, now: datetime) -> None:
    """Ends the room and the consultation for good."""
    meeting = await meeting_of(session, appointment)
    if meeting is None or meeting.state is ConsultationState.ENDED:
        return
    _command(session, meeting, "end", {"reason": reason}, now)
    meeting.state, meeting.ended_at = ConsultationState.ENDED, now


async def revoke(session: AsyncSession, appointment: Appointment, attendees: Iterable[Attendee], now: datetime) -> None:
    """Takes seats and grants from attendees; the room goes on."""
    if (meeting := await meeting_of(session, appointment)) is None:
        return
    for attendee in attendees:
        _command(session, meeting, "revoke", {"participant": attendee.id}, now)


def _command(session: AsyncSession, meeting: Consultation, kind: str, arguments: dict[str, Any], now: datetime) -> None:
    number = int(now.timestamp() * 1_000_000)
    session.add(RoomCommand(number=number, room=meeting.room, kind=kind, arguments=arguments))


async def phase_of(session: AsyncSession, appointment: Appointment) -> Phase:
    """Where the appointment is; it runs once somebody was let in, not while people wait."""
    match appointment.state:
        case AppointmentState.CANCELLED:
            return Phase.CANCELLED
        case AppointmentState.ENDED:
            return Phase.ENDED
        case AppointmentState.BOOKED:
            pass
    meeting = await meeting_of(session, appointment)
    if meeting is None:
        return Phase.BOOKED
    if meeting.state is ConsultationState.ENDED:
        return Phase.ENDED
    admitted = select(Admission.id).where(
        Admission.consultation_id == meeting.id, Admission.by_id.is_not(None), Admission.epoch == meeting.epoch
    )
    if meeting.state is ConsultationState.RUNNING and await session.scalar(admitted.limit(1)) is not None:
        return Phase.RUNNING
    return Phase.BOOKED
