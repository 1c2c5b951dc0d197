"""Persons by number: found, made once, and derived again while keys rotate."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import select, update

from control.errors import SealError
from control.identity import persons
from control.identity.keyring import SecretKeys
from control.identity.numbers import LAB, NationalNumber, parse
from control.identity.persons import Rotation, check_keys, find_person, number_of, patient_of, person_of, rotate
from control.identity.pseudonyms import Pseudonyms
from control.store.database import Database
from control.store.models import Person
from tests.control.store.rows import NOW, open_clinic, patient

KARI, OLA, PER = (parse(text, LAB, date(2026, 11, 27)) for text in ("47906701517", "23906398699", "24856399504"))
OLD = Pseudonyms(SecretKeys.generate(), SecretKeys.generate())
NEW = Pseudonyms(
    SecretKeys(SecretKeys.generate().current, OLD.matching.all),
    SecretKeys(SecretKeys.generate().current, OLD.sealing.all),
)
WITHOUT_OLD = Pseudonyms(SecretKeys(NEW.matching.current), SecretKeys(NEW.sealing.current))


async def add(
    database: Database, number: NationalNumber, *, keys: Pseudonyms = OLD, shown: bool = True, name: str = "Kari"
) -> str:
    async with database.begin(None) as session:
        return (await person_of(session, keys, number, name=name, shown=shown, now=NOW)).id


async def find(database: Database, number: NationalNumber, keys: Pseudonyms = OLD) -> str | None:
    async with database.begin(None) as session:
        person = await find_person(session, keys, number)
        return None if person is None else person.id


async def read(database: Database, person: str) -> Person:
    async with database.look(None) as session:
        return (
            await session.scalars(select(Person).where(Person.id == person), execution_options={"across": "login"})
        ).one()


async def test_a_number_has_one_person(database: Database) -> None:
    kari, ola = await add(database, KARI), await add(database, OLA)
    assert await add(database, KARI, name="Another name") == kari != ola
    assert [await find(database, number) for number in (KARI, OLA, PER)] == [kari, ola, None]
    assert (await read(database, kari)).name == "Kari"


async def test_two_that_ask_at_once_get_the_same_person(database: Database) -> None:
    assert len(set(await asyncio.gather(*(add(database, KARI) for _ in range(5))))) == 1


async def test_a_number_is_sealed_only_where_it_must_be_shown(database: Database) -> None:
    kari = await add(database, KARI, shown=False)
    assert number_of(OLD, await read(database, kari)) is None
    await add(database, KARI, shown=True)
    assert number_of(OLD, await read(database, kari)) == KARI


async def test_a_sealed_number_opens_for_its_person_alone(database: Database) -> None:
    kari, ola = await read(database, await add(database, KARI)), await read(database, await add(database, OLA))
    ola.number_sealed = kari.number_sealed
    with pytest.raises(SealError):
        number_of(OLD, ola)


async def test_a_patient_is_found_in_its_own_clinic(database: Database) -> None:
    vest, nord = await open_clinic(database), await open_clinic(database, "nord")
    kari = await add(database, KARI)
    async with database.begin(vest) as session:
        record = patient(vest, person_id=kari)
        session.add(record)
    for clinic, number, expected in ((vest, KARI, record.id), (nord, KARI, None), (vest, OLA, None)):
        async with database.begin(clinic) as session:
            found = await patient_of(session, OLD, number)
            assert (None if found is None else found.id) == expected


async def test_while_keys_rotate_old_rows_are_found_and_put_under_the_new_key(database: Database) -> None:
    kari = await add(database, KARI)
    assert await find(database, KARI, WITHOUT_OLD) is None
    assert await find(database, KARI, NEW) == kari
    assert await find(database, KARI, WITHOUT_OLD) == kari
    assert await add(database, KARI, keys=NEW) == kari


@pytest.mark.parametrize("batch", [1, 2, 3, 200])
async def test_rotation_derives_every_row_again(
    database: Database, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(persons, "_BATCH", batch)
    sealed = [await add(database, KARI), await add(database, OLA)]
    unsealed = await add(database, PER, shown=False)
    async with database.begin(None) as session:
        session.add(Person(name="Without a number", created_at=NOW))
    assert await rotate(database, OLD) == Rotation(0, 0)
    assert await rotate(database, NEW) == Rotation(2, 1)
    assert await rotate(database, NEW) == Rotation(0, 1)
    assert [await find(database, number, WITHOUT_OLD) for number in (KARI, OLA, PER)] == [*sealed, None]
    assert number_of(WITHOUT_OLD, await read(database, sealed[0])) == KARI
    assert await find(database, PER, NEW) == unsealed
    assert await rotate(database, NEW) == Rotation(0, 0)
    assert await rotate(database, WITHOUT_OLD) == Rotation(0, 0)


@pytest.mark.parametrize(
    "keys", [Pseudonyms(NEW.matching, OLD.sealing), Pseudonyms(OLD.matching, NEW.sealing)], ids=["matching", "sealing"]
)
async def test_either_key_may_be_changed_alone(database: Database, keys: Pseudonyms) -> None:
    await add(database, KARI)
    assert await rotate(database, keys) == Rotation(1, 0)
    assert await rotate(database, keys) == Rotation(0, 0)


async def test_a_key_that_rows_need_is_missed_before_anything_is_done(database: Database) -> None:
    await check_keys(database, OLD)
    kari = await add(database, KARI)
    await check_keys(database, NEW)
    for keys in (Pseudonyms(WITHOUT_OLD.matching, OLD.sealing), Pseudonyms(OLD.matching, WITHOUT_OLD.sealing)):
        with pytest.raises(SealError, match="in no file"):
            await rotate(database, keys)
    assert number_of(OLD, await read(database, kari)) == KARI


async def test_a_row_that_was_tampered_with_stops_the_rotation(database: Database) -> None:
    kari = await add(database, KARI)
    await add(database, OLA)
    async with database.begin(None) as session:
        changed = update(Person).where(Person.id == kari).values(number_digest=bytes(32))
        await session.execute(changed, execution_options={"across": "operation"})
    with pytest.raises(SealError, match="not of one person"):
        await rotate(database, NEW)
