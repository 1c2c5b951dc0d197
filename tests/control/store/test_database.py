"""Addresses, transactions, and what the databases promise."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from control.errors import ConfigError
from control.store.database import Database, address
from control.store.models import Clinic, Patient
from tests.control.store.rows import clinic, patient


def test_without_a_url_it_is_a_file_in_the_data_directory(tmp_path: Path) -> None:
    assert address(None, None, tmp_path).render_as_string() == f"sqlite+aiosqlite:///{tmp_path}/venterom.db"


def test_a_password_comes_from_a_file_and_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hemmelig\n")
    url = address("postgresql://v@db/name", file, tmp_path)
    assert (url.drivername, url.password) == ("postgresql+asyncpg", "hemmelig")
    assert "hemmelig" not in str(url)


@pytest.mark.parametrize("url", ["mysql://db/name", "no url"])
def test_other_addresses_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"database\.url"):
        address(url, None, tmp_path)


def test_a_missing_password_file_is_named_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="password_file"):
        address("postgresql://v@db/name", tmp_path / "none", tmp_path)


async def test_an_error_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.begin(None) as session:
            session.add(clinic())
            await session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with database.look(None) as session:
        assert (await session.scalars(select(Clinic), execution_options={"across": "operation"})).all() == []


async def test_references_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.begin("nowhere") as session:
            session.add(patient("nowhere"))


async def test_writers_wait_for_each_other(database: Database) -> None:
    async with database.begin(None) as session:
        row = clinic()
        session.add(row)
        await session.flush()
        ours = row.id

    async def add(number: int) -> None:
        async with database.begin(ours) as session:
            await session.scalars(select(Patient))
            session.add(patient(ours, f"P{number}"))

    await asyncio.gather(*(add(number) for number in range(40)))
    async with database.look(ours) as session:
        assert len((await session.scalars(select(Patient))).all()) == 40
