"""The transaction of a request's act. A request with an idempotency key has its answer kept in the same one."""

import hmac
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.idempotency import Once, Recorded, Replay
from control.errors import IdempotencyBusyError, IdempotencyConflictError
from control.store.database import Database
from control.store.models import IdempotencyRecord

KEPT: Final = timedelta(hours=24)
_ACROSS: Final = {"across": "idempotency"}

ResultT = TypeVar("ResultT")
Act = Callable[[AsyncSession], Awaitable[ResultT]]


class Store(Protocol):
    """What an endpoint reaches the database by."""

    async def transact(self, clinic: str | None, act: Act[ResultT]) -> ResultT:
        """Runs the act in a transaction for one clinic, or for none; perhaps more than once, to be done once."""
        ...

    def look(self, clinic: str | None) -> AbstractAsyncContextManager[AsyncSession]:
        """For what is read and not audited."""
        ...


class Stores(Protocol):
    """Gives each request its store."""

    @property
    def plain(self) -> Store:
        """For requests without a key."""
        ...

    def once(self, once: Once, record: Callable[[Any], Recorded]) -> Store:
        """For one with a key. `record` makes the answer that will be given for a result of the act."""
        ...


@dataclass(frozen=True, slots=True)
class DatabaseStores:
    """The stores of a database. `now` is the true time, never the lab's."""

    plain: Database
    now: Callable[[], datetime]

    def once(self, once: Once, record: Callable[[Any], Recorded]) -> "OnceStore":
        return OnceStore(self.plain, once, record, self.now())


@dataclass(frozen=True, slots=True)
class OnceStore:
    """Lets a request's one transaction happen once, and replays what was answered (raises Replay)."""

    database: Database
    once: Once
    record: Callable[[Any], Recorded]
    now: datetime

    async def transact(self, clinic: str | None, act: Act[ResultT]) -> ResultT:
        async def once(session: AsyncSession) -> ResultT:
            kept = await self._begin(session)
            result = await act(session)
            answer = self.record(result)
            kept.status, kept.answer = answer.status, {"headers": dict(answer.headers), "body": answer.body}
            return result

        try:
            return await self.database.transact(clinic, once)
        except _TwinError:
            pass  # it is done by now: the second look finds its answer, or, where it failed, none
        try:
            return await self.database.transact(clinic, once)
        except _TwinError:
            raise IdempotencyBusyError("the first request with this key is still being answered") from None

    def look(self, clinic: str | None) -> AbstractAsyncContextManager[AsyncSession]:
        return self.database.look(clinic)

    async def _begin(self, session: AsyncSession) -> IdempotencyRecord:
        """Takes the key's place. PostgreSQL lets a twin wait here until we are done; SQLite let it wait before."""
        once = self.once
        found = await session.get(IdempotencyRecord, (once.caller, once.route, once.key), execution_options=_ACROSS)
        if found is not None and self.now - found.created_at <= KEPT:
            if not hmac.compare_digest(found.body_digest, once.content):
                raise IdempotencyConflictError("this idempotency key came with another request before")
            raise Replay(Recorded(found.status, found.answer["headers"], found.answer["body"]))
        if found is not None:
            await session.delete(found)
            await session.flush()
        kept = IdempotencyRecord(
            caller=once.caller,
            route=once.route,
            key=once.key,
            body_digest=once.content,
            status=0,
            answer={},
            created_at=self.now,
        )
        session.add(kept)
        try:
            await session.flush()
        except IntegrityError:
            raise _TwinError from None
        return kept


async def forget_answers(database: Database, now: datetime) -> None:
    """Removes answers whose time is over."""

    async def forget(session: AsyncSession) -> None:
        old = delete(IdempotencyRecord).where(IdempotencyRecord.created_at < now - KEPT)
        await session.execute(old, execution_options=_ACROSS)

    await database.transact(None, forget)


class _TwinError(Exception):
    """Another request with the same key has taken its place meanwhile."""
