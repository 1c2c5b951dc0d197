"""What only looks can't write."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control.store.database import Database
from control.store.models import Patient
from control.store.reading import WriteRefusedError
from control.store.scope import UnscopedError
from tests.control.store.rows import clinic, patient

Write = Callable[[AsyncSession, str], Awaitable[object]]


async def _add(session: AsyncSession, ours: str) -> None:
    session.add(patient(ours))
    await session.flush()


async def _change(session: AsyncSession, _: str) -> None:
    (await session.scalars(select(Patient))).one().name = "Ola"
    await session.scalars(select(Patient))  # which would write what was changed before it


async def _remove(session: AsyncSession, _: str) -> None:
    await session.delete((await session.scalars(select(Patient))).one())
    await session.commit()


async def _insert(session: AsyncSession, ours: str) -> None:
    await session.execute(insert(Patient), [{"clinic_id": ours, "name": "Ola", "search_name": "ola"}])


async def _update(session: AsyncSession, _: str) -> None:
    await session.execute(update(Patient).values(name="Ola"))


async def _delete(session: AsyncSession, _: str) -> None:
    await session.execute(delete(Patient))


@pytest.fixture
async def ours(database: Database) -> str:
    async with database.begin(None) as session:
        row = clinic()
        session.add(row)
    async with database.begin(row.id) as session:
        session.add(patient(row.id))
    return row.id


@pytest.mark.parametrize("write", [_add, _change, _remove, _insert, _update, _delete])
async def test_every_way_to_write_is_refused(database: Database, ours: str, write: Write) -> None:
    with pytest.raises(WriteRefusedError):
        async with database.look(ours) as session:
            await write(session, ours)
    async with database.look(ours) as session:
        (kept,) = (await session.scalars(select(Patient))).all()
    assert kept.name == patient(ours).name


async def test_what_only_looks_is_scoped_too(database: Database, ours: str) -> None:
    async with database.look(None) as session:
        with pytest.raises(UnscopedError):
            await session.scalars(select(Patient))
    async with database.look("another") as session:
        assert (await session.scalars(select(Patient))).all() == []
