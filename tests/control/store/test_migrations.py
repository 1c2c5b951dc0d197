"""The tables that migrations make are those of the models, on both databases."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from control.errors import DatabaseOutdatedError
from control.store import migrate
from control.store.base import Base
from control.store.migrate import Tables


def _differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata))


async def test_tables_are_those_of_the_models(database_url: URL) -> None:
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(_differences) == []
    finally:
        await engine.dispose()


async def test_upgrading_twice_changes_nothing(database_url: URL) -> None:
    assert await migrate.is_current(database_url)
    await migrate.upgrade(database_url)
    assert await migrate.is_current(database_url)


def test_versions_are_known_without_alembic() -> None:
    scripts = ScriptDirectory.from_config(migrate._config(None))
    assert migrate.revisions() == {script.revision for script in scripts.walk_revisions()}
    assert scripts.get_heads() == [max(migrate.revisions())]


async def test_tables_of_a_newer_version_are_left_alone(database_url: URL) -> None:
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        assert await migrate.tables(database_url) is Tables.UNKNOWN
        with pytest.raises(DatabaseOutdatedError):
            await migrate.upgrade(database_url)
    finally:
        async with engine.begin() as connection:  # PostgreSQL's is that of all tests
            newest = max(migrate.revisions())
            await connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
        await engine.dispose()
