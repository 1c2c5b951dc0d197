"""A database, and transactions in it: SQLite by default, PostgreSQL by URL; the same rules on both."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm.exc import StaleDataError

from control.errors import ConfigError
from control.store import pinging
from control.store.reading import ReadingSession
from control.store.scope import ScopedSession, guard
from control.store.sqlite_driver import DRIVER
from control.store.wal import AT_LATEST_PAGES, WriteAheadLog

T = TypeVar("T")

BUSY_S: Final = 10.0
"""How long a statement waits for another process that writes to the same SQLite file."""
_TRIES: Final = 4
_TOPICS: Final = "venterom_topics"
_REPEATABLE: Final = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock (PostgreSQL, appendix A): the transaction may be tried again."""
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


def address(url: str | None, password_file: Path | None, data: Path) -> URL:
    """The URL with driver and password; without one, a SQLite file in the data directory (raises ConfigError)."""
    if url is None:
        return URL.create("sqlite+aiosqlite", database=str(data / "venterom.db"))
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError("database.url: not a URL, as in postgresql://user@host/name") from error
    try:
        parsed = parsed.set(drivername=_DRIVERS[parsed.get_backend_name()])
    except KeyError:
        raise ConfigError("database.url: sqlite or postgresql") from None
    if password_file is None:
        return parsed
    try:
        return parsed.set(password=password_file.read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("database.password_file: missing or unreadable") from error


class Database:
    """Sessions come from here alone. `close` in the end."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # PostgreSQL's own level for a transaction lets each statement see what is there by then: so it needs none.
        alone = {} if engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self._reading = engine.execution_options(read_only=True, **alone)
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._writing: asyncio.Lock | None = asyncio.Lock() if engine.dialect.name == "sqlite" else None
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        self._wal = WriteAheadLog(Path(file)) if file is not None else None

    @classmethod
    def open(cls, url: URL, *, pool: int = 8) -> Self:
        """Connects when it is first used; call it inside the running loop."""
        is_sqlite = url.get_backend_name() == "sqlite"
        own = {"module": DRIVER} if is_sqlite else {}
        engine = create_async_engine(url, pool_size=pool, max_overflow=0, **own)
        if is_sqlite:
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_sqlite)
        else:
            pinging.watch(engine.sync_engine)
        guard(engine.sync_engine)
        return cls(engine)

    def subscribe(self, topic: str, listener: Callable[[], None]) -> None:
        """The listener is called whenever a transaction that announced the topic has been committed."""
        self._listeners.setdefault(topic, []).append(listener)

    @property
    def engine(self) -> AsyncEngine:
        """Guarded: it runs what comes by a scoped session, and nothing else."""
        return self._engine

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def url(self) -> URL:
        """Where it is; its text hides the password."""
        return self._engine.url

    async def close(self) -> None:
        """Gives the connections back."""
        try:
            if self._wal is not None:
                await self._wal.close()
        finally:
            await self._engine.dispose()

    @contextlib.asynccontextmanager
    async def begin(self, clinic: str | None) -> AsyncIterator[AsyncSession]:
        """A transaction for one clinic, committed at the end and rolled back by an error.

        With None, a transaction of no clinic: each of its statements must say why (`scope.CROSS_CLINIC`).
        SQLite has one writer at a time; those of this process queue up fairly here, not in its busy handler.
        """
        async with contextlib.AsyncExitStack() as stack:
            if self._writing is not None:
                await stack.enter_async_context(self._writing)
            session = await stack.enter_async_context(_session(self._engine, clinic))
            async with session.begin():
                yield session
            if self._wal is not None:
                self._wal.committed()
            for topic in session.info.get(_TOPICS, ()):
                for listener in self._listeners.get(topic, ()):
                    listener()

    @contextlib.asynccontextmanager
    async def look(self, clinic: str | None) -> AsyncIterator[AsyncSession]:
        """Reads without a writer's place, and can't write (raises WriteRefusedError). What is audited needs `begin`."""
        async with AsyncSession(
            self._reading, sync_session_class=ReadingSession, clinic=clinic, expire_on_commit=False
        ) as session:
            yield session

    async def transact(self, clinic: str | None, act: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Runs `act` in a transaction, again where the database says that another one was in the way."""
        for _ in range(_TRIES - 1):
            try:
                async with self.begin(clinic) as session:
                    return await act(session)
            except StaleDataError:
                pass  # somebody changed a row that was read here: what the act decides may be something else now
            except DBAPIError as error:
                if not _may_be_repeated(error):
                    raise
        async with self.begin(clinic) as session:
            return await act(session)


def announce(session: AsyncSession, topic: str) -> None:
    """Tells those who subscribed to the topic, once the session's transaction has been committed."""
    session.info.setdefault(_TOPICS, set()).add(topic)


def _session(engine: AsyncEngine, clinic: str | None) -> AsyncSession:
    return AsyncSession(engine, sync_session_class=ScopedSession, clinic=clinic, expire_on_commit=False)


def _may_be_repeated(error: DBAPIError) -> bool:
    if isinstance(error, OperationalError) and isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return getattr(error.orig, "sqlstate", None) in _REPEATABLE


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # with NORMAL a commit may be lost with the power, and with it an audit event
        "foreign_keys=ON",
        f"busy_timeout={int(BUSY_S * 1000)}",
        "cache_size=-16000",
        f"wal_autocheckpoint={AT_LATEST_PAGES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    """A transaction that begins by reading can't become a writer once another one has written."""
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
