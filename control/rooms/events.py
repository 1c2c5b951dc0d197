"""Events of rooms: each is applied once, in one transaction with the mark that says so, and then acknowledged."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.consultation.about import about
from control.consultation.planning import expected_at
from control.identity.roles import Role
from control.rooms.port import Rooms
from control.store.database import Database
from control.store.models import (
    Admission,
    Attendee,
    Consultation,
    ConsultationMessage,
    ConsultationState,
    IssuedGrant,
    MessageKind,
)
from signalling.inputs import Act, End, Enter, Move, Open, Pause, Recorded, Resume, SetNotice
from signalling.records import Record
from signalling.roles import is_host
from signalling.room import STANDINGS, Standing

RETRY_S: Final = 1.0
_ACROSS: Final = {"across": "operation"}
_log = structlog.get_logger(__name__)

_AUDITED: Final[Mapping[Act, str]] = {
    Act.ADMIT: "room.admit",
    Act.DENY: "room.deny",
    Act.TO_LOBBY: "room.to_lobby",
    Act.REMOVE: "room.remove",
    Act.HOLD: "room.hold",
    Act.RELEASE: "room.release",
    Act.LEAVE: "room.leave",
}

_BARRING: Final = frozenset({Act.DENY, Act.REMOVE, Act.REVOKE})


class Listener:
    """Hears what happens in rooms and writes it down. `run` until it is cancelled."""

    def __init__(self, database: Database, rooms: Rooms) -> None:
        self._database = database
        self._rooms = rooms

    async def run(self) -> None:
        """An event that the database doesn't take now is kept at, for the next ones follow from it."""
        while True:
            await self._persist(await self._rooms.next_event())

    async def catch_up(self) -> None:
        """Applies what an earlier process left. Before anything follows the rosters, which are ahead of it."""
        while self._rooms.pending():
            await self._take(await self._rooms.next_event())

    async def _take(self, record: Record) -> None:
        """An event that a bug of ours does not get through would come again for ever, and keep all others waiting."""
        try:
            await self.hear(record)
        except (DBAPIError, OSError):
            raise
        except Exception as error:
            _log.error("room_event_dropped", kind=record.event.kind, error=type(error).__name__)
            self._rooms.acknowledge(record)

    async def _persist(self, record: Record) -> None:
        while True:
            try:
                return await self._take(record)
            except (DBAPIError, OSError) as error:
                _log.warning("room_event_waits", reason=type(error).__name__)
            await asyncio.sleep(RETRY_S)

    async def hear(self, record: Record) -> None:
        """Applies an event, unless it has been, and acknowledges it."""
        owner = select(Consultation.clinic_id).where(Consultation.room == record.room)
        async with self._database.look(None) as session:
            clinic = await session.scalar(owner, execution_options=_ACROSS)
        if clinic is not None:  # rooms of front ends with grants of their own are none of ours
            await self._database.transact(clinic, lambda session: _apply(session, record))
        self._rooms.acknowledge(record)


async def _apply(session: AsyncSession, record: Record) -> None:
    statement = select(Consultation).where(Consultation.room == record.room).with_for_update()
    consultation = (await session.scalars(statement)).one()
    if (record.epoch, record.sequence) <= (consultation.epoch, consultation.sequence):
        return
    consultation.epoch, consultation.sequence = record.epoch, record.sequence
    await _Application(session, consultation, record).apply(record.event)


class _Application:
    """One event on one consultation."""

    def __init__(self, session: AsyncSession, consultation: Consultation, record: Record) -> None:
        self._session = session
        self._consultation = consultation
        self._record = record
        self._at = datetime.fromtimestamp(record.at, UTC)

    async def apply(self, event: Recorded | Any) -> None:
        match event:
            case Enter():
                await self._enter(event)
            case Move():
                await self._move(event)
            case End(expired=True):
                # Nobody was there for as long as seats last: the consultation itself may still come.
                await self._clear()
            case End(by=by, reason=reason):
                await self._clear()
                self._consultation.state = ConsultationState.ENDED
                self._consultation.ended_at = self._at
                await self._audit("room.end", by, reason=reason)
            case Pause(by=by, reason=reason):
                await self._audit("room.pause", by, reason=reason)
            case Resume(by=by):
                await self._audit("room.resume", by)
            case SetNotice(by=str(by), minutes=minutes, text=text):
                await self._notice(by, minutes, text)
            case Open() | _:
                pass

    async def _enter(self, event: Enter) -> None:
        attendee = await self._attendee(event.participant)
        if attendee is None:
            return
        attendee.entered_at = attendee.entered_at or self._at
        attendee.grant_id, attendee.entered_by, attendee.entered_acr = event.jti, event.issued, event.acr
        before = attendee.standing or Standing.ABSENT
        trusted = event.gate == "open" and not attendee.barred
        after = STANDINGS[before, Act.ENTER_OPEN if trusted else Act.ENTER]
        assert isinstance(after, Standing)
        self._stand(attendee, after)
        if self._consultation.state is ConsultationState.PLANNED:
            self._consultation.state = ConsultationState.RUNNING
        await self._audit("room.enter", attendee.id, attendee, gate=event.gate)
        if before is not Standing.ADMITTED and after is Standing.ADMITTED:
            await self._admit(attendee, None)

    async def _move(self, event: Move) -> None:
        attendee = await self._attendee(event.participant)
        if attendee is None:
            return
        after = STANDINGS[attendee.standing or Standing.ABSENT, event.act]
        if not isinstance(after, Standing):
            return  # what no longer fitted changed nothing in the room either
        if event.act in _BARRING:
            attendee.barred = True
        if event.before is not None and attendee.entered_by is not None and attendee.entered_by > event.before:
            return  # a repeated revocation, of before this entry
        self._stand(attendee, after)
        if event.act in _AUDITED:  # what control itself does is written down with its own acts
            await self._audit(_AUDITED[event.act], event.by, attendee)
        if event.act is Act.ADMIT:
            await self._admit(attendee, event.by)

    async def _admit(self, attendee: Attendee, by: str | None) -> None:
        """An admission, with what the login behind the grant proved."""
        self._consultation.started_at = self._consultation.started_at or self._at
        issued = select(IssuedGrant.authenticated_at).where(IssuedGrant.id == attendee.grant_id)
        self._session.add(
            Admission(
                consultation_id=self._consultation.id,
                attendee_id=attendee.id,
                at=self._at,
                by_id=by,
                epoch=self._record.epoch,
                sequence=self._record.sequence,
                acr=attendee.entered_acr,
                authenticated_at=await self._session.scalar(issued),
            )
        )

    async def _notice(self, by: str, minutes: int | None, text: str | None) -> None:
        self._consultation.notice_minutes, self._consultation.notice_text = minutes, text
        self._session.add(
            ConsultationMessage(
                consultation_id=self._consultation.id,
                attendee_id=by,
                kind=MessageKind.DELAYED,
                minutes=minutes,
                text=text,
                at=self._at,
            )
        )
        await self._audit("room.notice", by)

    async def _attendee(self, participant: str) -> Attendee | None:
        found = await self._session.scalar(select(Attendee).where(Attendee.id == participant))
        if found is None:
            _log.warning("room_event_of_nobody", kind=self._record.event.kind)
        return found

    def _stand(self, attendee: Attendee, standing: Standing) -> None:
        attendee.standing = standing
        attendee.waiting_since = (attendee.waiting_since or self._at) if standing is Standing.LOBBY else None

    async def _clear(self) -> None:
        """Nobody is in a room that is over."""
        ours = expected_at(self._consultation)
        await self._session.execute(update(Attendee).where(ours).values(standing=None, waiting_since=None))

    async def _audit(self, action: str, by: str | None, whom: Attendee | None = None, **detail: str | None) -> None:
        """What is done to nobody in particular is done to all who are expected."""
        ours = (expected_at(self._consultation), Attendee.removed_at.is_(None))
        concerned = (await self._session.scalars(select(Attendee).where(*ours))).all() if whom is None else [whom]
        subjects = about(self._consultation.id, concerned)
        actor = Reference("server", "room") if by is None else await self._actor(by)
        values = {name: value for name, value in detail.items() if value is not None}
        kept = log.detail(values) if values else None
        await log.record(self._session, Event(self._at, actor, action, subjects, kept))

    async def _actor(self, by: str) -> Reference:
        """Nobody hosts without the login of their own, so that the log can name the person."""
        attendee = await self._session.scalar(select(Attendee).where(Attendee.id == by))
        if attendee is None or attendee.person_id is None or not is_host(attendee.role):
            return Reference("attendee", by)
        return Reference(Role.PRACTITIONER, attendee.person_id)
