"""Finds what an act is about, held until the act is done."""

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.errors import InvalidInputError, NotFoundError, PreconditionFailedError
from control.store.models import Attendee, GuardianRelation, Patient, Practitioner

RowT = TypeVar("RowT", Patient, GuardianRelation, Attendee, Practitioner)


async def find(session: AsyncSession, kind: type[RowT], identifier: str) -> RowT:
    """The row (raises NotFoundError)."""
    return _there(await session.scalar(select(kind).where(kind.id == identifier)))


async def hold(session: AsyncSession, kind: type[RowT], identifier: str) -> RowT:
    """The row, which other writers wait for until the act is done (raises NotFoundError)."""
    return _there(await session.scalar(select(kind).where(kind.id == identifier).with_for_update()))


def _there(row: RowT | None) -> RowT:
    if row is None:
        raise NotFoundError
    return row


async def check_reference(session: AsyncSession, kind: type[RowT], identifier: str | None, pointer: str) -> None:
    """Refuses a reference to what is not there (raises InvalidInputError at the pointer)."""
    if identifier is None:
        return
    if await session.scalar(select(kind.id).where(kind.id == identifier)) is None:
        raise unknown(pointer)


def unknown(pointer: str) -> InvalidInputError:
    """What a body names and is not here, or belongs to another clinic: both look the same from outside."""
    return InvalidInputError("it names something that is not here", errors=[{"pointer": pointer, "code": "unknown"}])


def check_version(version: int, expected: frozenset[int] | None) -> None:
    """Holds a change to the versions that it is meant for (raises PreconditionFailedError)."""
    if expected is not None and version not in expected:
        raise PreconditionFailedError("it was changed meanwhile")
