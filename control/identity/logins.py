"""Sessions in the database. Who comes into a clinic, and who leaves it, is in that clinic's audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.identity.callers import LoggedIn
from control.identity.roles import STAFF, Role
from control.identity.sessions import Session
from control.store.database import Database
from control.store.models import LoginSession, Membership

_ACROSS: Final = {"across": "login"}


@dataclass(frozen=True, slots=True)
class StoredSessions:
    """The store of `Sessions`."""

    database: Database

    async def find(self, digest: bytes) -> Session | None:
        membership = and_(
            Membership.clinic_id == LoginSession.clinic_id,
            Membership.person_id == LoginSession.person_id,
            Membership.role == LoginSession.role,
            Membership.active,
        )
        statement = (
            select(LoginSession)
            .outerjoin(Membership, membership)
            .where(LoginSession.digest == digest)
            .where(or_(LoginSession.role.not_in(STAFF), Membership.id.is_not(None)))
        )
        async with self.database.look(None) as session:
            row = await session.scalar(statement, execution_options=_ACROSS)
            return None if row is None else _session(row)

    async def add(self, session: Session, instead_of: LoggedIn | None) -> None:
        if instead_of is not None and instead_of.clinic not in (None, session.clinic):
            # Each clinic's log is written in a transaction of its own. The one that is left comes first: nobody is in
            # two, and whoever comes no further logs in again.
            await self.end(instead_of, session.created_at)
            instead_of = None

        async def add(transaction: AsyncSession) -> None:
            if instead_of is not None:
                await _close(transaction, instead_of, session.created_at)
            transaction.add(_row(session))
            if session.clinic is not None:
                values = log.detail({"acr": session.acr})
                actor = Reference(session.role, session.person)
                await log.record(transaction, Event(session.created_at, actor, "session.open", detail=values))

        await self.database.transact(session.clinic, add)

    async def touch(self, digest: bytes, seen_at: datetime) -> None:
        async def touch(transaction: AsyncSession) -> None:
            used = update(LoginSession).where(LoginSession.digest == digest).values(seen_at=seen_at)
            await transaction.execute(used, execution_options=_ACROSS)

        await self.database.transact(None, touch)

    async def end(self, caller: LoggedIn, at: datetime) -> None:
        await self.database.transact(caller.clinic, lambda transaction: _close(transaction, caller, at))

    async def forget_dead(self, now: datetime, idle: timedelta) -> None:
        """Removes sessions that nobody can use any longer."""

        async def forget(transaction: AsyncSession) -> None:
            dead = or_(LoginSession.expires_at < now, LoginSession.seen_at < now - idle)
            await transaction.execute(delete(LoginSession).where(dead), execution_options=_ACROSS)

        await self.database.transact(None, forget)


async def _close(transaction: AsyncSession, caller: LoggedIn, at: datetime) -> None:
    """Forgets a session, in a transaction of its clinic, whose log is told once however often it is ended."""
    removal = delete(LoginSession).where(LoginSession.digest == caller.session).returning(LoginSession.digest)
    removed = await transaction.scalar(removal, execution_options=_ACROSS)
    if caller.clinic is not None and removed is not None:
        await log.record(transaction, Event(at, Reference(caller.role, caller.person), "session.close"))


def _row(session: Session) -> LoginSession:
    return LoginSession(
        digest=session.digest,
        person_id=session.person,
        clinic_id=session.clinic,
        role=session.role,
        acr=session.acr,
        csrf=session.csrf,
        authenticated_at=session.authenticated_at,
        created_at=session.created_at,
        seen_at=session.seen_at,
        expires_at=session.expires_at,
    )


def _session(row: LoginSession) -> Session:
    return Session(
        digest=row.digest,
        person=row.person_id,
        role=Role(row.role),
        clinic=row.clinic_id,
        acr=row.acr,
        csrf=row.csrf,
        authenticated_at=row.authenticated_at,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )
