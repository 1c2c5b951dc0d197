"""Tests of sound, picture and network, on any day and as often as one likes: a room of one's own, nobody is told."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event
from control.consultation import rules
from control.consultation.about import about
from control.consultation.joining import Entry, Issuer, acting, refuse
from control.consultation.places import Place
from control.consultation.rules import Refuse
from control.consultation.scene import Scene
from control.errors import NotFoundError
from control.identity.callers import Caller
from control.scheduling.obstacles import Code, Obstacle
from control.store.base import new_id
from control.store.models import Attendee
from signalling import grant


class Verdict(StrEnum):
    """How a test came out."""

    GOOD = "good"
    POOR_NETWORK = "poor_network"
    NO_CAMERA = "no_camera"
    NO_MICROPHONE = "no_microphone"
    NO_CONNECTION = "no_connection"


async def grant_test(
    session: AsyncSession, place: Place, caller: Caller, issuer: Issuer, now: datetime
) -> Entry | Refuse:
    """A grant for a test room, or why not; of a refusal the transaction must be kept (raises NotFoundError)."""
    found = await _tester(session, place, caller, now)
    if isinstance(found, Refuse):
        return found
    attendee, name = found
    room = f"test-{new_id()}"
    signed = grant.issue(
        issuer.key,
        room=room,
        participant=attendee.id,
        role=attendee.role,
        name=name,
        gate="open",
        now=issuer.wall,
    )
    await _log(session, place, caller, "consultation.test_grant", attendee, now)
    return Entry(signed, room)


async def record(session: AsyncSession, place: Place, caller: Caller, verdict: Verdict, now: datetime) -> Refuse | None:
    """The last verdict shows on the appointment; of a refusal the transaction must be kept (raises NotFoundError)."""
    found = await _tester(session, place, caller, now)
    if isinstance(found, Refuse):
        return found
    attendee, _ = found
    attendee.tested_at, attendee.test_verdict = now, verdict
    await _log(session, place, caller, "consultation.test", attendee, now)
    return None


async def _log(
    session: AsyncSession, place: Place, caller: Caller, action: str, attendee: Attendee, now: datetime
) -> None:
    subjects = about(place.consultation, [attendee])
    await log.record(session, Event(now, acting(caller, place), action, subjects))


async def _tester(session: AsyncSession, place: Place, caller: Caller, now: datetime) -> tuple[Attendee, str] | Refuse:
    scene = await Scene.read(session, place.consultation)
    if scene is None:
        raise NotFoundError
    if place.attendee is None:
        return await refuse(session, place, caller, "test", Refuse(Obstacle(Code.WRONG_PERSON)), None, now)
    attendee = await session.scalar(select(Attendee).where(Attendee.id == place.attendee))
    if attendee is None:
        raise NotFoundError
    expected = await scene.expected(session, attendee, scene.consultation.created_at)
    refused = rules.to_test(expected, place.identity, scene.meeting(), scene.terms())
    if refused is not None:
        return await refuse(session, place, caller, "test", refused, attendee, now)
    return attendee, rules.shown_name(expected, scene.terms())
