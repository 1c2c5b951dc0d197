"""SQLite for SQLAlchemy's asyncio side, with one visit to the connection's thread a statement.

SQLAlchemy's own adapter of aiosqlite goes there for the cursor, the statement, the rows and the closing, each time
through the event loop: of a short transaction of ten statements that is a third of its time.
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import EMPTY_DICT


class _Finished:
    """What is left of a cursor that was closed with its statement."""

    def __init__(self, cursor: sqlite3.Cursor | None = None) -> None:
        self.description = None if cursor is None else cursor.description
        self.rowcount = -1 if cursor is None else cursor.rowcount
        self.lastrowid = None if cursor is None else cursor.lastrowid
        self.arraysize = 1

    def close(self) -> None:
        """It is already."""


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()
    _awaitable_cursor_close = False

    def __init__(self, connection: Any) -> None:
        self._adapt_connection = connection
        self._connection = connection._connection
        self._cursor: Any = _Finished()
        self._soft_closed_memoized = EMPTY_DICT
        self._rows = deque()

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        await self._visit(lambda cursor: cursor.execute(operation, () if parameters is None else parameters))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        await self._visit(lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _visit(self, act: Callable[[sqlite3.Cursor], object]) -> None:
        driver: Any = self._connection
        opened: sqlite3.Connection = driver._conn

        def run() -> tuple[_Finished, list[Any]]:
            cursor = opened.cursor()
            try:
                act(cursor)
                rows = [] if cursor.description is None else cursor.fetchall()
                return _Finished(cursor), rows
            finally:
                cursor.close()

        async with self._adapt_connection._execute_mutex:
            self._cursor, rows = await driver._execute(run)
            self._rows = deque(rows)


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor  # type: ignore[assignment]  # generic in the base, to no end


class _Driver(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *arguments: Any, **options: Any) -> _Connection:
        opened = super().connect(*arguments, **options)
        return _Connection(self, opened._connection)


DRIVER: Final = _Driver(aiosqlite, sqlite3)
"""For `create_async_engine(module=...)`."""
