"""What clinics do all day reads no large table whole, nor all of the clinic in one: each statement is explained."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.clinic import acts, past
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
    """The large tables that are read whole, or as far as they are the clinic's, and by which statement."""
    found = []
    is_sqlite = engine.dialect.name == "sqlite"
    async with engine.connect() as connection:
        if not is_sqlite:
            # With few rows the planner takes the whole table, and rightly; so this asks whether it could do otherwise.
            await connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in statements:
            explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
            plan = (await connection.exec_driver_sql(explain + statement, parameters)).all()
            lines = [str(row[-1]).strip() for row in plan]
            found += [f"{line}: {statement}" for line in (_sqlite(lines) if is_sqlite else _postgresql(lines))]
    return found


def _sqlite(lines: list[str]) -> list[str]:
    scan, of_clinic = re.compile(r"SCAN (\w+)"), re.compile(r"SEARCH (\w+) USING .*\(clinic_id=\?\)$")
    return [line for line in lines if (named := scan.match(line) or of_clinic.match(line)) and named[1] in LARGE]


def _postgresql(lines: list[str]) -> list[str]:
    table, found = "", []
    for line in lines:
        if named := re.search(r"(Seq Scan|(?<!Bitmap )Index (?:Only )?Scan.*|Bitmap Heap Scan) on (\w+)", line):
            table = named[2]
            if named[1] == "Seq Scan" and table in LARGE:
                found.append(line)
        elif "Index Cond" in line and table in LARGE and "clinic_id" in line and " AND " not in line:
            found.append(f"{table}: {line}")
    return found


async def test_joins_days_and_bookings_read_no_table_whole(database_url: URL, plain: AsyncEngine) -> None:
    database, ear = Database.open(database_url), Ear()
    try:
        names = await clinic_of_the_benchmark(database)
        await past.fill(database_url, 1, 12_000, names)
        day = await acts.prepare(database, names, NOW, 1)
        event.listen(database.engine.sync_engine, "before_cursor_execute", ear)
        await acts.join(database, day, SigningKey.generate(), 0)
        await acts.look(database, day)
        await acts.reserve(database, day, 0)
    finally:
        await database.close()
    assert len(ear.statements) > 15
    assert await whole(plain, ear.statements) == []


async def _clinic(url: URL) -> dict[str, str]:
    database = Database.open(url)
    try:
        return await clinic_of_the_benchmark(database)
    finally:
        await database.close()


async def test_a_table_that_is_read_whole_is_found(database_url: URL, plain: AsyncEngine) -> None:
    names = await _clinic(database_url)
    await past.fill(database_url, 1, 2_000, names)
    of_clinic = f"clinic_id = '{names['clinic']}' AND comment = 'x'"
    for where in ("comment = 'x'", "clinic_id = 'c' AND comment = 'x'", of_clinic):
        assert await whole(plain, [(f"SELECT id FROM attendee WHERE {where}", ())]) != [], where


def test_a_bitmap_of_a_whole_clinic_is_found() -> None:
    found = [
        "Bitmap Heap Scan on attendee  (cost=8.19..12.21 rows=1 width=27)",
        "Recheck Cond: ((clinic_id)::text = 'c'::text)",
        "->  Bitmap Index Scan on ix_attendee_clinic_id_patient_id  (cost=0.00..8.19 rows=5 width=0)",
        "Index Cond: ((clinic_id)::text = 'c'::text)",
    ]
    assert _postgresql(found) == [f"attendee: {found[-1]}"]
