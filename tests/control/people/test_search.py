"""A search by name reads one range of one index, however many patients there are."""

import json
from typing import Any

from sqlalchemy import URL, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from control.people.search import named
from control.store.database import Database
from control.store.models import Patient
from tests.control.store.rows import NOW, open_clinic, patient

MANY = 3000


async def _fill(database: Database, clinic: str) -> Patient:
    values = {"clinic_id": clinic, "created_at": NOW, "protected_address": False, "opted_out": False}
    rows = [
        {**values, "id": f"{number:026d}", "name": f"Navn {number}", "search_name": f"navn {number}"}
        | {"wants_video": False, "version": 1}
        for number in range(MANY)
    ]
    async with database.begin(clinic) as session:
        await session.execute(insert(Patient), rows)
        row = patient(clinic, "Navn 12")
        session.add(row)
    return row


async def test_a_search_by_name_scans_nothing(database: Database, database_url: URL) -> None:
    clinic = await open_clinic(database)
    after = await _fill(database, clinic)
    for statement in (named("Navn 12", limit=51), named("Navn 12", limit=51, after=after)):
        assert statement is not None
        plan = await _plan(database_url, statement.where(Patient.clinic_id == clinic))
        assert "ix_patient_clinic_id_search_name" in plan
        assert "SCAN patient" not in plan
        assert "Seq Scan" not in plan
        # The range bounds the walk through the index, rather than being looked at row by row.
        bounds = (
            ("search_name>?", "search_name<?")
            if database.dialect == "sqlite"
            else ("search_name)::text >=", "search_name)::text <")
        )
        assert all(bound in plan.partition('"Filter"')[0] for bound in bounds)


async def _plan(url: URL, statement: Any) -> str:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            compiled = statement.compile(engine.sync_engine, compile_kwargs={"literal_binds": True})
            if engine.dialect.name == "sqlite":
                found = await connection.execute(text(f"EXPLAIN QUERY PLAN {_escaped(str(compiled))}"))
                return "\n".join(str(row[3]) for row in found)
            await connection.execute(text("ANALYZE patient"))
            found = await connection.execute(text(f"EXPLAIN (FORMAT JSON) {_escaped(str(compiled))}"))
            return json.dumps(found.scalar_one())
    finally:
        await engine.dispose()


def _escaped(statement: str) -> str:
    return statement.replace(":", "\\:")
