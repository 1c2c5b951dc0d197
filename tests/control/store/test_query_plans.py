"""What clinics do all day reads no large table whole: each statement is explained on both databases."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.clinic import acts
from benchmarks.clinic.run import NOW, clinic_of_the_benchmark
from control.store.database import Database
from signalling.keys import SigningKey

LARGE = ("slot", "appointment", "attendee", "consultation", "audit_event", "audit_subject", "issued_grant", "patient")
Statement = tuple[str, Any]


class Ear:
    """Hears every statement of an engine."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    def __call__(self, connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            self.statements.append((statement, parameters))


@pytest_asyncio.fixture
async def plain(database_url: URL) -> AsyncIterator[AsyncEngine]:
    """The database without the scope's guard, which lets nothing be explained."""
    engine = create_async_engine(database_url)
    yield engine
    await engine.dispose()


async def whole(engine: AsyncEngine, statements: list[Statement]) -> list[str]:
    """The large tables that are read whole, and by which statement."""
    found = []
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            # With few rows the planner takes the whole table, and rightly; so this asks whether it could do otherwise.
            await connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in statements:
            explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
            plan = (await connection.exec_driver_sql(explain + statement, parameters)).all()
            for row in plan:
                line = str(row[-1])
                named = re.search(r"(?:^SCAN |Seq Scan on )(\w+)", line)
                if named is not None and named[1] in LARGE:
                    found.append(f"{line.strip()}: {statement}")
    return found


async def test_joins_days_and_bookings_read_no_table_whole(database_url: URL, plain: AsyncEngine) -> None:
    database, ear = Database.open(database_url), Ear()
    try:
        day = await acts.prepare(database, await clinic_of_the_benchmark(database), NOW, 1)
        event.listen(database.engine.sync_engine, "before_cursor_execute", ear)
        await acts.join(database, day, SigningKey.generate(), 0)
        await acts.look(database, day)
        await acts.reserve(database, day, 0)
    finally:
        await database.close()
    assert len(ear.statements) > 15
    assert await whole(plain, ear.statements) == []


async def test_a_table_that_is_read_whole_is_found(plain: AsyncEngine) -> None:
    assert await whole(plain, [("SELECT attendee.id FROM attendee WHERE attendee.comment = 'x'", ())]) != []
