"""A clinic's own audit log, for its administrators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.store.models import AuditEvent, AuditSubject, Person


@dataclass(frozen=True, slots=True)
class Entry:
    """An act or a view."""

    sequence: int
    at: datetime
    actor: Reference
    actor_name: str | None
    """None where the actor is no person, as a journal system."""

    action: str
    subjects: tuple[Reference, ...]
    detail: str | None
    """JSON; None where there was none, or its time is over."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events; None stands for all."""

    patient: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Up to this moment, itself not included."""


async def events(session: AsyncSession, wanted: Filter, *, limit: int, before: int | None) -> list[Entry]:
    """The newest first, from before this number on. Looking is itself an act, to be recorded by the caller."""
    statement = select(AuditEvent).order_by(AuditEvent.sequence.desc()).limit(limit)
    if before is not None:
        statement = statement.where(AuditEvent.sequence < before)
    if wanted.since is not None:
        statement = statement.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEvent.at < wanted.until)
    if wanted.patient is not None:
        about = select(AuditSubject.sequence).where(AuditSubject.patient_id == wanted.patient)
        statement = statement.where(AuditEvent.sequence.in_(about))
    found = (await session.scalars(statement)).all()
    names = await _names(session, sorted({event.actor_id for event in found}))
    return [_entry(event, names) for event in found]


async def _names(session: AsyncSession, persons: Sequence[str]) -> Mapping[str, str]:
    statement = select(Person.id, Person.name).where(Person.id.in_(persons))
    found = await session.execute(statement, execution_options={"across": "login"})
    return {identifier: name for identifier, name in found}


def _entry(event: AuditEvent, names: Mapping[str, str]) -> Entry:
    return Entry(
        sequence=event.sequence,
        at=event.at,
        actor=Reference(event.actor_kind, event.actor_id),
        actor_name=names.get(event.actor_id),
        action=event.action,
        subjects=tuple(Reference(kind, identifier) for kind, identifier in event.subjects),
        detail=event.detail,
    )
