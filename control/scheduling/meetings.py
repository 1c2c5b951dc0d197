"""The consultation that belongs to an appointment by video: planned with it, and its room closed when it falls away."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.consultation import planning
from control.scheduling.rules import Phase
from control.scheduling.surface import Surface
from control.store.base import new_id
from control.store.models import (
    Appointment,
    AppointmentState,
    Attendee,
    Consultation,
    ConsultationState,
)
from signalling.roles import Role
from signalling.room import Standing


async def meeting_of(session: AsyncSession, appointment: Appointment) -> Consultation | None:
    """The consultation of an appointment, where one was ever planned."""
    statement = select(Consultation).where(Consultation.appointment_id == appointment.id)
    return await session.scalar(statement.execution_options(populate_existing=True))


async def plan_meeting(session: AsyncSession, appointment: Appointment, now: datetime) -> None:
    """Makes the consultation of an appointment by video, or a place more in it; of any other it does nothing."""
    if appointment.surface is Surface.VIDEO:
        await planning.plan(session, appointment.id, now)


async def close_room(session: AsyncSession, appointment: Appointment, reason: str) -> None:
    """Ends the room: grants given out for it are dead, and who waits there is told why.

    The consultation is planned anew in another room, which none of them has been in.
    """
    if (meeting := await meeting_of(session, appointment)) is None:
        return
    await planning.call_off(session, meeting, reason)
    meeting.room, meeting.epoch, meeting.sequence = new_id(), 0, 0
    meeting.state, meeting.started_at = ConsultationState.PLANNED, None
    for attendee in (await session.scalars(select(Attendee).where(Attendee.appointment_id == appointment.id))).all():
        attendee.entered_at = attendee.standing = attendee.waiting_since = None
        attendee.grant_id = attendee.entered_by = attendee.entered_acr = None
        attendee.barred = False


async def end_meeting(session: AsyncSession, appointment: Appointment, reason: str, now: datetime) -> None:
    """Ends the room and the consultation for good."""
    meeting = await meeting_of(session, appointment)
    if meeting is None or meeting.state is ConsultationState.ENDED:
        return
    await planning.call_off(session, meeting, reason)
    meeting.state, meeting.ended_at = ConsultationState.ENDED, now


async def revoke(session: AsyncSession, appointment: Appointment, attendees: Iterable[Attendee]) -> None:
    """Takes seats and grants from attendees; the room goes on."""
    if (meeting := await meeting_of(session, appointment)) is None:
        return
    for attendee in attendees:
        await planning.dismiss(session, meeting, attendee)


async def phase_of(session: AsyncSession, appointment: Appointment) -> Phase:
    """Where the appointment is; it runs once a patient or who comes along was let in, not while people wait."""
    match appointment.state:
        case AppointmentState.CANCELLED:
            return Phase.CANCELLED
        case AppointmentState.ENDED:
            return Phase.ENDED
        case AppointmentState.BOOKED:
            pass
    meeting = await meeting_of(session, appointment)
    if meeting is not None and meeting.state is ConsultationState.ENDED:
        return Phase.ENDED
    inside = select(Attendee.id).where(
        Attendee.appointment_id == appointment.id,
        Attendee.role != Role.PRACTITIONER,
        Attendee.standing.in_((Standing.ADMITTED, Standing.HELD)),
    )
    return Phase.RUNNING if await session.scalar(inside.limit(1)) is not None else Phase.BOOKED
