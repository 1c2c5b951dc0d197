"""The driver that visits the connection's thread once a statement does what SQLAlchemy expects of one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Column, Integer, MetaData, Table, event, func, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from control.store.sqlite_driver import DRIVER

THINGS = Table("thing", MetaData(), Column("id", Integer, primary_key=True), Column("size", Integer, nullable=False))


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'some.db'}", module=DRIVER)
    async with opened.begin() as connection:
        await connection.run_sync(THINGS.metadata.create_all)
        await connection.execute(insert(THINGS), [{"id": number, "size": 1} for number in range(5)])
    yield opened
    await opened.dispose()


async def count(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return (await connection.execute(select(func.count()).select_from(THINGS))).scalar_one()


async def test_rows_and_counts_come_as_from_any_driver(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        assert (await connection.execute(select(THINGS.c.id).order_by(THINGS.c.id))).scalars().all() == [0, 1, 2, 3, 4]
        assert (await connection.execute(update(THINGS).where(THINGS.c.id < 3).values(size=2))).rowcount == 3
        more = await connection.execute(insert(THINGS), [{"id": 8, "size": 1}, {"id": 9, "size": 1}])
        assert more.rowcount == 2
        changed = update(THINGS).where(THINGS.c.id > 7).values(size=3).returning(THINGS.c.id)
        assert sorted((await connection.execute(changed)).scalars()) == [8, 9]
        made = await connection.execute(insert(THINGS).values(size=7))
        assert made.inserted_primary_key == (10,)


async def test_a_statement_that_fails_takes_its_savepoint_along_and_no_more(engine: AsyncEngine) -> None:
    refused = False
    async with engine.begin() as connection:
        await connection.execute(insert(THINGS).values(id=20, size=1))
        try:
            async with connection.begin_nested():
                await connection.execute(insert(THINGS).values(id=21, size=1))
                await connection.execute(insert(THINGS).values(id=20, size=1))
        except IntegrityError:
            refused = True
        assert refused
    async with engine.connect() as connection:
        late = select(THINGS.c.id).where(THINGS.c.id >= 20)
        assert (await connection.execute(late)).scalars().all() == [20]


async def test_who_is_cancelled_in_a_statement_writes_nothing_and_is_in_nobodys_way(engine: AsyncEngine) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait() -> int:
        loop.call_soon_threadsafe(inside.set)
        return asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)

    def prepare(connection: object, _: object) -> None:
        connection.create_function("wait", 0, wait)  # type: ignore[attr-defined]

    event.listen(engine.sync_engine, "connect", prepare)
    await engine.dispose()

    async def act() -> None:
        async with engine.begin() as connection:
            await connection.execute(insert(THINGS).values(id=30, size=1))
            await connection.exec_driver_sql("SELECT wait()")

    task = asyncio.create_task(act())
    await inside.wait()
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(engine) == 5
    async with engine.begin() as connection:
        await connection.execute(insert(THINGS).values(id=31, size=1))
    assert await count(engine) == 6


async def test_a_connection_that_was_closed_says_so(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        assert driver is not None
        await driver.close()
        with pytest.raises(OperationalError):
            await connection.exec_driver_sql("SELECT 1")
