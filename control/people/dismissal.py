"""Takes back what attendees were given: links, places in a room, messages that still wait."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.consultation import planning
from control.identity.links import MAX_VERSION
from control.notifications import outbox
from control.people.errors import LinksUsedUpError
from control.store.models import Attendee, Consultation, ConsultationState


async def dismiss(session: AsyncSession, attendees: Sequence[Attendee], now: datetime) -> None:
    """They are no longer expected: links and grants are dead, rooms are told, messages are withdrawn."""
    for attendee in attendees:
        attendee.removed_at = now
        # A removed attendee's link is dead whatever its version; a new one is for those who come back.
        attendee.link_version = min(attendee.link_version + 1, MAX_VERSION)
        if attendee.appointment_id is not None:
            await outbox.withdraw(session, attendee.appointment_id, attendee.id)
    await _tell_rooms(session, attendees)


async def shut_out(session: AsyncSession, attendees: Sequence[Attendee]) -> None:
    """They are expected still, but whoever had their links or sits in their places goes (raises LinksUsedUpError)."""
    for attendee in attendees:
        renew(attendee)
    await _tell_rooms(session, attendees)


def renew(attendee: Attendee) -> None:
    """Another link than before, which ends the old one (raises LinksUsedUpError)."""
    if attendee.link_version >= MAX_VERSION:
        raise LinksUsedUpError("this link was renewed too often")
    attendee.link_version += 1


async def _tell_rooms(session: AsyncSession, attendees: Sequence[Attendee]) -> None:
    appointments = {each.appointment_id for each in attendees if each.appointment_id is not None}
    consultations = {each.consultation_id for each in attendees if each.consultation_id is not None}
    if not appointments and not consultations:
        return
    statement = select(Consultation).where(
        or_(Consultation.appointment_id.in_(sorted(appointments)), Consultation.id.in_(sorted(consultations))),
        Consultation.state != ConsultationState.ENDED,
    )
    found = (await session.scalars(statement)).all()
    meetings: dict[str | None, Consultation] = {each.id: each for each in found}
    meetings |= {each.appointment_id: each for each in found if each.appointment_id is not None}
    for attendee in attendees:
        meeting = meetings.get(attendee.appointment_id or attendee.consultation_id)
        if meeting is not None:
            await planning.dismiss(session, meeting, attendee)
