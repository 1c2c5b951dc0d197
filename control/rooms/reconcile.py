"""After a restart of either side: what the database and the rooms say of each other is made one again."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clock import Clock
from control.consultation.planning import dismiss, expected_at
from control.rooms.port import Rooms
from control.store.database import Database
from control.store.models import Attendee, Consultation, ConsultationState
from signalling.room import Ended, Room, Standing

_ACROSS: Final = {"across": "operation"}
_INSIDE: Final = frozenset({Standing.LOBBY, Standing.ADMITTED, Standing.HELD})


async def reconcile(database: Database, rooms: Rooms, now: Clock) -> int:
    """Holds every running consultation to its room's roster; how many differed.

    Events and commands that were under way come again by themselves. What is left is what got lost with a journal or
    with a database that was restored: rooms that are gone, and people inside who are not expected any longer.
    """
    running = select(Consultation.clinic_id, Consultation.id).where(Consultation.state == ConsultationState.RUNNING)
    async with database.look(None) as session:
        found = (await session.execute(running, execution_options=_ACROSS)).all()
    differed = 0
    for clinic, consultation in found:

        async def settle(session: AsyncSession, consultation: str = consultation) -> bool:
            return await _settle(session, consultation, rooms, now)

        differed += await database.transact(clinic, settle)
    return differed


async def _settle(session: AsyncSession, id_: str, rooms: Rooms, now: Clock) -> bool:
    consultation = (await session.scalars(select(Consultation).where(Consultation.id == id_).with_for_update())).one()
    roster = rooms.roster(consultation.room)
    if roster is None:
        return await _stand_outside(session, consultation)
    if isinstance(roster.life, Ended):
        if roster.life.expired:
            return await _stand_outside(session, consultation)
        consultation.state, consultation.ended_at = ConsultationState.ENDED, consultation.ended_at or now()
        await _stand_outside(session, consultation)
        return True
    return await _follow(session, consultation, roster)


async def _stand_outside(session: AsyncSession, consultation: Consultation) -> bool:
    """Nobody is in a room that is not there."""
    differed = False
    for attendee in (await session.scalars(select(Attendee).where(expected_at(consultation)))).all():
        differed = differed or attendee.standing is not None
        attendee.standing = attendee.waiting_since = None
    return differed


async def _follow(session: AsyncSession, consultation: Consultation, roster: Room) -> bool:
    differed = False
    for attendee in (await session.scalars(select(Attendee).where(expected_at(consultation)))).all():
        person = roster.people.get(attendee.id)
        standing = None if person is None else person.standing
        if standing is not attendee.standing:
            attendee.standing, differed = standing, True
        if attendee.removed_at is not None and standing in _INSIDE:
            await dismiss(session, consultation, attendee)
            differed = True
    return differed
