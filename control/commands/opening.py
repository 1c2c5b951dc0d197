"""The database of a command that runs beside the server, or instead of it."""

import contextlib
from collections.abc import AsyncIterator

from sqlalchemy import URL

from control.errors import DatabaseOutdatedError
from control.store import migrate
from control.store.database import Database


@contextlib.asynccontextmanager
async def opened(url: URL) -> AsyncIterator[Database]:
    """The database, whose tables must be those of this version, else DatabaseOutdatedError."""
    if not await migrate.is_current(url):
        raise DatabaseOutdatedError("the tables are of another version: venterom db upgrade")
    database = Database.open(url)
    try:
        yield database
    finally:
        await database.close()
