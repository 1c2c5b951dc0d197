"""From a place to a grant: the decision is the rules', the grant and the log are written here."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.actors import actor
from control.audit.chain import Event, Reference
from control.consultation import rules
from control.consultation.about import about
from control.consultation.places import Place
from control.consultation.rules import Admit, Refuse
from control.consultation.scene import Scene
from control.errors import NotFoundError
from control.identity.callers import Caller, LoggedIn, Nobody
from control.rooms.port import RoomsUnavailableError
from control.scheduling.obstacles import Code, Obstacle
from control.store.base import new_id
from control.store.database import Database
from control.store.models import Attendee, IssuedGrant
from signalling import grant
from signalling.keys import SigningKey
from signalling.roles import is_host

GRANTS_KEPT: Final = timedelta(days=7)
"""Rooms last for hours; what was proved stays with the admission."""
_ACROSS: Final = {"across": "operation"}
_ATTENDEE: Final = select(Attendee).where(Attendee.id == bindparam("attendee"))


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs grants. `wall` is the true time, never a lab's: signalling compares it with its own."""

    signing: SigningKey | None
    """None where no rooms are reached from this process, so that nobody can be let into one."""
    wall: Callable[[], float]

    @property
    def key(self) -> SigningKey:
        """What signs (raises RoomsUnavailableError)."""
        if self.signing is None:
            raise RoomsUnavailableError("this server has no rooms")
        return self.signing


@dataclass(frozen=True, slots=True)
class Entry:
    """The way in."""

    grant: str = field(repr=False)
    room: str


async def join(
    session: AsyncSession, place: Place, caller: Caller, issuer: Issuer, now: datetime, label: str | None = None
) -> Entry | Refuse:
    """A grant for the place, or why not; a wrong person's attempt is logged, so the transaction must be kept.

    `label` is the name that others shall see from now on. Raises NotFoundError.
    """
    scene, attendee = await _look(session, place)
    if attendee is None:
        return await refuse(session, place, caller, "join", Refuse(Obstacle(Code.WRONG_PERSON)), None, now)
    expected = await scene.expected(session, attendee, now)
    if label is not None and not is_host(attendee.role):
        expected = replace(expected, label=label)
    decision = rules.join(expected, place.identity, scene.meeting(), scene.terms(), now)
    if isinstance(decision, Refuse):
        return await refuse(session, place, caller, "join", decision, attendee, now)
    attendee.label = expected.label
    entry = _issue(session, scene, attendee, caller, decision, issuer, now)
    await _log(session, caller, "consultation.join", place, attendee, now)
    return entry


async def refuse(
    session: AsyncSession,
    place: Place,
    caller: Caller,
    what: str,
    refused: Refuse,
    attendee: Attendee | None,
    now: datetime,
) -> Refuse:
    """The refusal of `what` was asked for; a wrong person's attempt is logged, so the transaction must be kept."""
    if refused.audited:
        code = refused.obstacle.code.value
        await _log(session, caller, f"consultation.{what}_refused", place, attendee, now, code=code)
    return refused


async def forget_grants(database: Database, now: datetime) -> None:
    """Removes what was kept of grants whose rooms are over."""

    async def forget(session: AsyncSession) -> None:
        old = delete(IssuedGrant).where(IssuedGrant.issued_at < now - GRANTS_KEPT)
        await session.execute(old, execution_options=_ACROSS)

    await database.transact(None, forget)


async def _look(session: AsyncSession, place: Place) -> tuple[Scene, Attendee | None]:
    scene = await Scene.read(session, place.consultation)
    if scene is None:
        raise NotFoundError
    if place.attendee is None:
        return scene, None
    attendee = await session.scalar(_ATTENDEE, {"attendee": place.attendee})
    if attendee is None:
        raise NotFoundError
    return scene, attendee


def _issue(
    session: AsyncSession,
    scene: Scene,
    attendee: Attendee,
    caller: Caller,
    decision: Admit,
    issuer: Issuer,
    now: datetime,
) -> Entry:
    jti = new_id()
    evidence = decision.evidence
    session.add(
        IssuedGrant(
            id=jti,
            consultation_id=scene.consultation.id,
            attendee_id=attendee.id,
            authenticated_at=caller.authenticated_at if evidence is not None and isinstance(caller, LoggedIn) else None,
            issued_at=datetime.fromtimestamp(issuer.wall(), UTC),
        )
    )
    signed = grant.issue(
        issuer.key,
        room=scene.consultation.room,
        participant=attendee.id,
        role=decision.role,
        name=decision.name,
        gate=decision.gate,
        rename=decision.rename,
        size=scene.consultation.size,
        acr=None if evidence is None else evidence.acr,
        now=issuer.wall,
        new_id=lambda: jti,
    )
    return Entry(signed, scene.consultation.room)


async def _log(
    session: AsyncSession,
    caller: Caller,
    action: str,
    place: Place,
    attendee: Attendee | None,
    now: datetime,
    **detail: str,
) -> None:
    subjects = about(place.consultation, [] if attendee is None else [attendee])
    kept = log.detail(detail) if detail else None
    await log.record(session, Event(now, acting(caller, place), action, subjects, kept))


def acting(caller: Caller, place: Place) -> Reference:
    """Who acts: who is logged in, or whoever holds the attendee's link."""
    if isinstance(caller, Nobody) and place.attendee is not None:
        return Reference("attendee", place.attendee)
    return actor(caller)
