"""The tables that migrations make are those of the models, on both databases."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import create_async_engine

from control.store import migrate
from control.store.base import Base


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
