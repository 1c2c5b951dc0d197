"""Acts that happen once, on both databases: answers kept with what was done, or not at all."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.idempotency import Once, Recorded, Replay
from control.api.transactions import KEPT, DatabaseStores, OnceStore, forget_answers
from control.errors import IdempotencyConflictError
from control.store.database import Database
from control.store.models import IdempotencyRecord, Person

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REQUEST: Final = Once("person a", "make", "digest of a key", b"content")


def store(database: Database, once: Once = REQUEST, now: datetime = NOW) -> OnceStore:
    return DatabaseStores(database, lambda: now).once(once, lambda name: Recorded(201, {"ETag": '"1"'}, name))


async def make(session: AsyncSession) -> str:
    session.add(Person(name="Kari", created_at=NOW))
    await session.flush()
    return "Kari"


async def persons(database: Database) -> int:
    async with database.look(None) as session:
        found = await session.scalars(select(Person), execution_options={"across": "login"})
        return len(found.all())


async def test_the_second_time_the_answer_comes_from_the_first(database: Database) -> None:
    assert await store(database).transact(None, make) == "Kari"
    with pytest.raises(Replay) as replayed:
        await store(database).transact(None, make)
    assert replayed.value.recorded == Recorded(201, {"ETag": '"1"'}, "Kari")
    assert await persons(database) == 1


async def test_what_failed_left_nothing_and_may_be_tried_again(database: Database) -> None:
    async def fail(session: AsyncSession) -> str:
        await make(session)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await store(database).transact(None, fail)
    assert await persons(database) == 0
    assert await store(database).transact(None, make) == "Kari"
    assert await persons(database) == 1


async def test_another_content_under_the_same_key_is_refused(database: Database) -> None:
    await store(database).transact(None, make)
    other = Once(REQUEST.caller, REQUEST.route, REQUEST.key, b"other content")
    with pytest.raises(IdempotencyConflictError):
        await store(database, other).transact(None, make)
    assert await persons(database) == 1


@pytest.mark.parametrize("part", ["caller", "route", "key"])
async def test_another_caller_route_or_key_is_another_request(database: Database, part: str) -> None:
    await store(database).transact(None, make)
    parts = {"caller": REQUEST.caller, "route": REQUEST.route, "key": REQUEST.key} | {part: "another"}
    await store(database, Once(content=REQUEST.content, **parts)).transact(None, make)
    assert await persons(database) == 2


async def test_twins_at_once_do_it_once(database: Database) -> None:
    async def one() -> str:
        try:
            return await store(database).transact(None, make)
        except Replay as replay:
            return replay.recorded.body

    assert await asyncio.gather(*(one() for _ in range(12))) == ["Kari"] * 12
    assert await persons(database) == 1


async def test_a_twin_of_one_that_failed_does_it(database: Database) -> None:
    started, fails = asyncio.Event(), asyncio.Event()

    async def fail(session: AsyncSession) -> str:
        started.set()
        await fails.wait()
        raise RuntimeError

    first = asyncio.create_task(store(database).transact(None, fail))
    await started.wait()
    second = asyncio.create_task(store(database).transact(None, make))
    fails.set()
    with pytest.raises(RuntimeError):
        await first
    assert await second == "Kari"


async def test_after_a_day_a_key_is_as_good_as_new(database: Database) -> None:
    await store(database).transact(None, make)
    with pytest.raises(Replay):
        await store(database, now=NOW + KEPT).transact(None, make)
    await store(database, now=NOW + KEPT + timedelta(seconds=1)).transact(None, make)
    assert await persons(database) == 2


async def test_old_answers_are_forgotten(database: Database) -> None:
    async def kept() -> int | None:
        async with database.look(None) as session:
            counted = select(func.count(IdempotencyRecord.key))
            return await session.scalar(counted, execution_options={"across": "idempotency"})

    await store(database).transact(None, make)
    await forget_answers(database, NOW + KEPT)
    assert await kept() == 1
    await forget_answers(database, NOW + KEPT + timedelta(seconds=1))
    assert await kept() == 0
