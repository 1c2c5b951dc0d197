"""Brings a database's tables to this version (`venterom db upgrade`), by Alembic.

Alembic is loaded only where there is something to bring: a server that restarts finds its tables as they should be.
"""

from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from control.errors import DatabaseOutdatedError

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS: Final = Path(__file__).with_name("migrations")
_VERSION_TABLE: Final = "alembic_version"


class Tables(Enum):
    """Of what version the tables of a database are."""

    NONE = auto()
    """There are none yet."""
    OLDER = auto()
    CURRENT = auto()
    UNKNOWN = auto()
    """Of one that this version does not know: a newer one."""


async def upgrade(url: URL) -> None:
    """To the newest version; a database that is there already does nothing. DatabaseOutdatedError of a newer one."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def is_current(url: URL) -> bool:
    """Whether the tables are those of this version."""
    return await tables(url) is Tables.CURRENT


async def tables(url: URL) -> Tables:
    """Looks, and changes nothing."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_tables)
    finally:
        await engine.dispose()


def revisions() -> frozenset[str]:
    """All versions of the tables that this version knows: the names of the migrations begin with them."""
    return frozenset(script.name.partition("_")[0] for script in (_SCRIPTS / "versions").glob("[0-9]*_*.py"))


def _config(connection: Connection | None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    found = _tables(connection)
    if found is Tables.CURRENT:
        return
    if found is Tables.UNKNOWN:
        raise DatabaseOutdatedError("the tables are of a version that this one does not know")
    from alembic import command

    command.upgrade(_config(connection), "head")


def _tables(connection: Connection) -> Tables:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return Tables.NONE
    found = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalars().all()
    if found == [max(revisions())]:
        return Tables.CURRENT
    return Tables.OLDER if revisions().issuperset(found) else Tables.UNKNOWN
