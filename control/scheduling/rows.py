"""What the services of scheduling share: to find rows, hold versions and practitioners' times, and log what is done."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.errors import ForbiddenError, NotFoundError, PreconditionFailedError
from control.identity.roles import STAFF, Role
from control.scheduling.rules import By
from control.store.base import Base
from control.store.models import Clinic, Person

RowT = TypeVar("RowT", bound=Base)

CROSS_TIMES: Final = {"across": "busy_intervals"}
"""Why the times of a practitioner are looked at past the clinic."""


_STAFF: Final = STAFF | {Role.INTEGRATOR}


class _Versioned(Protocol):
    version: Any


async def find(session: AsyncSession, kind: type[RowT], id_: str) -> RowT:
    """The clinic's row as it is in the database now (raises NotFoundError)."""
    column: Any = kind.__table__.c.id
    row = await session.scalar(select(kind).where(column == id_).execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError
    return row


async def own_clinic(session: AsyncSession) -> Clinic:
    """The clinic of the session."""
    return (await session.scalars(select(Clinic))).one()


def expect(row: _Versioned, versions: frozenset[int] | None) -> None:
    """Holds a row to the versions that the caller means to change (raises PreconditionFailedError)."""
    if versions is not None and row.version not in versions:
        raise PreconditionFailedError("somebody else has changed it meanwhile")


def acts_by(actor: Reference) -> By:
    """Whose rules bind the actor; whoever does not work for the clinic is bound as patients are."""
    return By.STAFF if actor.kind in _STAFF else By.PATIENT


def only_staff(actor: Reference) -> None:
    """Raises ForbiddenError for anybody else."""
    if acts_by(actor) is By.PATIENT:
        raise ForbiddenError("staff do this")


def only_administrator(actor: Reference) -> None:
    """Raises ForbiddenError for anybody else."""
    if actor.kind != Role.ADMINISTRATOR:
        raise ForbiddenError("an administrator does this")


async def hold_times(session: AsyncSession, persons: Iterable[str]) -> None:
    """Until the transaction ends nobody else, in whichever clinic, books a time of these practitioners.

    Always before anything is written and in one order, so that two who hold never wait for each other.
    """
    for person in sorted(set(persons)):
        await session.execute(
            update(Person)
            .where(Person.id == person)
            .values(busy_version=Person.busy_version + 1)
            .execution_options(synchronize_session=False),
            execution_options=CROSS_TIMES,
        )


async def note(
    session: AsyncSession,
    actor: Reference,
    action: str,
    now: datetime,
    subjects: Iterable[tuple[str, str | None]],
    detail: Mapping[str, object] | None = None,
) -> None:
    """Writes the act into the audit log; subjects are kinds and identifiers, those that are None left out."""
    references = tuple(Reference(kind, id_) for kind, id_ in subjects if id_ is not None)
    await log.record(session, Event(now, actor, action, references, None if detail is None else log.detail(detail)))
