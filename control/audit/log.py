"""Writes the audit log, each event in the transaction of the act that it tells of."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Detail, Event, Head, Row, follow
from control.store.models import AuditEvent, AuditHead, AuditSubject

PATIENT = "patient"
"""The kind of reference by which patients find who looked."""

_HEAD: Final = select(AuditHead).with_for_update()


def detail(values: Mapping[str, Any]) -> Detail:
    """What may be erased later, as JSON of one form."""
    return Detail.of(json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


async def begin(session: AsyncSession, clinic: str) -> None:
    """Starts the chain of a new clinic; belongs into the transaction that makes it."""
    start = Head.start(clinic)
    session.add(AuditHead(clinic_id=clinic, sequence=start.sequence, hash=start.hash))
    await session.flush()


async def record(session: AsyncSession, event: Event) -> None:
    """Appends an event to the chain of the session's clinic; the clinic's other writers wait until the act is done."""
    # What the act has written goes out before: whoever holds the end of the chain waits for no other row.
    await session.flush()
    head = (await session.scalars(_HEAD)).one()
    row = follow(Head(head.clinic_id, head.sequence, head.hash), event)
    head.sequence, head.hash = row.sequence, row.hash
    session.add(_stored(row))
    await session.flush()
    patients = sorted({subject.id for subject in row.subjects if subject.kind == PATIENT})
    if patients:
        rows = [{"clinic_id": row.clinic, "sequence": row.sequence, "patient_id": patient} for patient in patients]
        await session.execute(insert(AuditSubject), rows)


def _stored(row: Row) -> AuditEvent:
    return AuditEvent(
        sequence=row.sequence,
        at=row.at,
        actor_kind=row.actor.kind,
        actor_id=row.actor.id,
        action=row.action,
        subjects=[[subject.kind, subject.id] for subject in row.subjects],
        detail=None if row.detail is None else row.detail.text,
        detail_salt=None if row.detail is None else row.detail.salt,
        detail_hash=row.detail_hash,
        previous=row.previous,
        hash=row.hash,
    )
