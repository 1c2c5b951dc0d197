"""A connection that lay idle and is dead is replaced before anybody gets it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from control.store import pinging
from tests.control.postgres import Postgres


class Time:
    """Goes on when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def engine(postgres: Postgres, time: Time) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(postgres.url("postgres"), pool_size=2, max_overflow=0)
    pinging.watch(engine.sync_engine, time)
    yield engine
    await engine.dispose()


async def _backend(engine: AsyncEngine) -> int:
    """The number of the server's process at the other end."""
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


def _kill(postgres: Postgres, backend: int) -> None:
    postgres.run("psql", "--quiet", "--command", f"SELECT pg_terminate_backend({backend}, 5000)", "postgres")


async def test_a_dead_connection_that_lay_idle_is_never_given_out(
    engine: AsyncEngine, postgres: Postgres, time: Time
) -> None:
    first = await _backend(engine)
    time.now += pinging.IDLE_S
    assert await _backend(engine) == first
    _kill(postgres, first)
    time.now += pinging.IDLE_S
    assert await _backend(engine) != first


async def test_after_a_restart_one_look_replaces_all(engine: AsyncEngine, postgres: Postgres, time: Time) -> None:
    async with engine.connect(), engine.connect():
        pass
    time.now += pinging.IDLE_S
    backends = {await _backend(engine)}
    async with engine.connect() as one, engine.connect() as two:
        backends = {(await each.execute(text("SELECT pg_backend_pid()"))).scalar_one() for each in (one, two)}
    for backend in backends:
        _kill(postgres, backend)
    time.now += pinging.IDLE_S
    assert await _backend(engine) not in backends
    async with engine.connect() as one, engine.connect() as two:  # the second of them was not asked, and is new
        for each in (one, two):
            assert (await each.execute(text("SELECT pg_backend_pid()"))).scalar_one() not in backends


async def test_one_that_was_in_use_a_moment_ago_is_not_asked(
    engine: AsyncEngine, postgres: Postgres, time: Time
) -> None:
    _kill(postgres, await _backend(engine))
    time.now += pinging.IDLE_S / 2
    with pytest.raises(DBAPIError):
        await _backend(engine)
    assert await _backend(engine)  # the failure itself has cleared the pool
