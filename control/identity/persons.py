"""Persons by their national identity number, for which pseudonyms stand in the database; and the change of keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from control.identity.numbers import NationalNumber
from control.identity.pseudonyms import Pseudonym, Pseudonyms, Row, Sealed
from control.store.base import new_id
from control.store.database import Database
from control.store.models import Patient, Person

_LOGIN: Final = {"across": "login"}
_OPERATION: Final = {"across": "operation"}
_BATCH: Final = 200


async def find_person(session: AsyncSession, pseudonyms: Pseudonyms, number: NationalNumber) -> Person | None:
    """Whose number this is. While keys rotate, a row of an old key is found too, and put under the one in use."""
    candidates = pseudonyms.candidates(number)
    statement = select(Person).where(
        or_(
            *(and_(Person.number_digest_key == each.key_id, Person.number_digest == each.digest) for each in candidates)
        )
    )
    person = await session.scalar(statement, execution_options=_LOGIN)
    if person is not None and person.number_digest_key != pseudonyms.matching.current.id:
        person.number_digest, person.number_digest_key = candidates[0].digest, candidates[0].key_id
    return person


async def person_of(
    session: AsyncSession, pseudonyms: Pseudonyms, number: NationalNumber, *, name: str, shown: bool, now: datetime
) -> Person:
    """Whose number this is, or a new person of that name. `shown`: staff must be able to read the number later.

    Two that ask at once get the same person.
    """
    person = await find_person(session, pseudonyms, number)
    if person is None:
        made = pseudonyms.of(number)
        person = Person(
            id=new_id(), name=name, number_digest=made.digest, number_digest_key=made.key_id, created_at=now
        )
        try:
            async with session.begin_nested():
                session.add(person)
        except IntegrityError:
            other = await find_person(session, pseudonyms, number)
            if other is None:
                raise
            person = other
    if shown and person.number_sealed is None:
        sealed = pseudonyms.seal(number, _row(person))
        person.number_sealed, person.number_sealed_key = sealed.data, sealed.key_id
    return person


async def patient_of(session: AsyncSession, pseudonyms: Pseudonyms, number: NationalNumber) -> Patient | None:
    """The patient of the session's clinic who has this number."""
    person = await find_person(session, pseudonyms, number)
    if person is None:
        return None
    return await session.scalar(select(Patient).where(Patient.person_id == person.id))


def number_of(pseudonyms: Pseudonyms, person: Person) -> NationalNumber | None:
    """The number, for who must read it; None where it isn't kept. Raises SealError where it can't be opened."""
    if person.number_sealed is None or person.number_sealed_key is None:
        return None
    return pseudonyms.open(Sealed(person.number_sealed_key, person.number_sealed), _row(person))


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a change of keys has come to."""

    derived: int
    """Rows that were put under the keys in use."""
    waiting: int
    """Rows without a sealed number: they are matched by the old key until their person brings the number again."""


async def rotate(database: Database, pseudonyms: Pseudonyms) -> Rotation:
    """Puts every row that can be under the keys in use, some at a time, while the server runs.

    Raises SealKeyUnknownError before anything is done, where a row is of a key that is in no file.
    """
    await check_keys(database, pseudonyms)
    derived = 0
    statement = select(Person).where(_old(pseudonyms), Person.number_sealed.is_not(None)).limit(_BATCH)
    while True:
        async with database.begin(None) as session:
            batch = list(await session.scalars(statement.with_for_update(), execution_options=_OPERATION))
            for person in batch:
                _derive_again(pseudonyms, person)
        derived += len(batch)
        if len(batch) < _BATCH:
            break
    async with database.look(None) as session:
        left = select(func.count()).select_from(Person).where(_old(pseudonyms))
        return Rotation(derived, await session.scalar(left, execution_options=_OPERATION) or 0)


async def check_keys(database: Database, pseudonyms: Pseudonyms) -> None:
    """Raises SealKeyUnknownError where rows are of keys that are in no file: their persons would not be found."""
    async with database.look(None) as session:
        matching, sealing = [
            [
                key
                for key in await session.scalars(select(column).distinct(), execution_options=_OPERATION)
                if key is not None
            ]
            for column in (Person.number_digest_key, Person.number_sealed_key)
        ]
    pseudonyms.check(matching, sealing)


def _derive_again(pseudonyms: Pseudonyms, person: Person) -> None:
    kept = Pseudonym(person.number_digest_key or "", person.number_digest or b"")
    sealed = Sealed(person.number_sealed_key or "", person.number_sealed or b"")
    made, sealed = pseudonyms.rederive(kept, sealed, _row(person))
    person.number_digest, person.number_digest_key = made.digest, made.key_id
    person.number_sealed, person.number_sealed_key = sealed.data, sealed.key_id


def _old(pseudonyms: Pseudonyms) -> ColumnElement[bool]:
    """Not of the keys in use; a column without a key is of none."""
    return or_(
        Person.number_digest_key != pseudonyms.matching.current.id,
        Person.number_sealed_key != pseudonyms.sealing.current.id,
    )


def _row(person: Person) -> Row:
    return Row(Person.__tablename__, person.id)
