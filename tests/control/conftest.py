"""Databases for the tests of control: each test that asks for `database` runs on SQLite and on PostgreSQL."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

import control.store.models  # noqa: F401  all tables are known by it
from control.store import migrate
from control.store.base import Base
from control.store.database import Database
from tests.control.postgres import Postgres, running

_EMPTY = "; ".join(
    # References are not looked at, so the order is any.
    ["SET session_replication_role = replica", *(f"DELETE FROM {table}" for table in Base.metadata.tables)]
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of the process."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def _tables(postgres: Postgres) -> URL:
    url = postgres.create("tests")
    asyncio.run(migrate.upgrade(url))
    return url


@pytest.fixture(scope="session")
def _empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "empty.db"
    asyncio.run(migrate.upgrade(_sqlite(file)))
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A database with all tables and no rows."""
    if request.param == "sqlite":
        file = tmp_path / "venterom.db"
        shutil.copy(request.getfixturevalue("_empty_sqlite"), file)
        yield _sqlite(file)
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url: URL = request.getfixturevalue("_tables")
        yield url
        # A database of its own for each test would take a second.
        server.run("psql", "--quiet", "--command", _EMPTY, str(url.database))


@pytest.fixture
async def database(database_url: URL) -> AsyncIterator[Database]:
    """Opened, and closed at the end."""
    opened = Database.open(database_url)
    yield opened
    await opened.close()


def _sqlite(file: Path) -> URL:
    return URL.create("sqlite+aiosqlite", database=str(file))
