"""Databases for the tests of control: each test that asks for `database` runs on SQLite and on PostgreSQL."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import URL

from control.store import migrate
from control.store.database import Database
from tests.control.postgres import Postgres, running

_numbers = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of the process."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def _empty_postgres(postgres: Postgres) -> str:
    asyncio.run(migrate.upgrade(postgres.create("empty")))
    return "empty"


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
        name = f"test{next(_numbers)}"
        yield server.create(name, request.getfixturevalue("_empty_postgres"))
        server.drop(name)


@pytest.fixture
async def database(database_url: URL) -> AsyncIterator[Database]:
    """Opened, and closed at the end."""
    opened = Database.open(database_url)
    yield opened
    await opened.close()


def _sqlite(file: Path) -> URL:
    return URL.create("sqlite+aiosqlite", database=str(file))
