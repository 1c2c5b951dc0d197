"""Reads the audit log: who looked at a patient's record, the heads of all chains, and whether they are whole."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import GENESIS, Detail, Head, Reference, Row
from control.audit.checkpoints import CheckpointSink
from control.audit.log import PATIENT
from control.audit.verify import Fault, Finding, Verification
from control.store.database import Database
from control.store.models import AuditEvent, AuditHead, AuditSubject, Clinic, Patient, Person
from signalling.keys import KeySource

_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class Look:
    """One act or view that a patient's record was part of."""

    clinic: str
    clinic_name: str
    sequence: int
    at: datetime
    actor: Reference
    actor_name: str | None
    """None where the actor is no person, as the server itself."""
    action: str

    @property
    def place(self) -> "Place":
        """Where the next page begins."""
        return Place(self.at, self.clinic, self.sequence)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list of looks."""

    at: datetime
    clinic: str
    sequence: int


async def who_looked(session: AsyncSession, person: str, *, limit: int, after: Place | None = None) -> list[Look]:
    """Who did or saw anything of this person as a patient, in every clinic, the newest first.

    The session is of no clinic. It is for the person alone; asking is itself an act to be recorded by the caller.
    """
    statement = (
        select(AuditEvent, Clinic.name, Person.name)
        .join(
            AuditSubject,
            and_(AuditSubject.clinic_id == AuditEvent.clinic_id, AuditSubject.sequence == AuditEvent.sequence),
        )
        .join(Patient, and_(Patient.clinic_id == AuditSubject.clinic_id, Patient.id == AuditSubject.patient_id))
        .join(Clinic, Clinic.id == AuditEvent.clinic_id)
        .outerjoin(Person, Person.id == AuditEvent.actor_id)
        .where(Patient.person_id == person)
        .order_by(AuditEvent.at.desc(), AuditEvent.clinic_id.desc(), AuditEvent.sequence.desc())
        .limit(limit)
    )
    if after is not None:
        place = tuple_(AuditEvent.at, AuditEvent.clinic_id, AuditEvent.sequence)
        statement = statement.where(place < tuple_(after.at, after.clinic, after.sequence))
    found = await session.execute(statement, execution_options={"across": "my_access_log"})
    return [
        Look(
            clinic=event.clinic_id,
            clinic_name=clinic,
            sequence=event.sequence,
            at=event.at,
            actor=Reference(event.actor_kind, event.actor_id),
            actor_name=name,
            action=event.action,
        )
        for event, clinic, name in found
    ]


async def heads(database: Database) -> list[Head]:
    """Where each clinic's chain ends."""
    async with database.look(None) as session:
        found = await session.scalars(select(AuditHead), execution_options={"across": "operation"})
        return [Head(head.clinic_id, head.sequence, head.hash) for head in found]


@dataclass(frozen=True, slots=True)
class Report:
    """What verification says of a clinic."""

    clinic: str
    rows: int
    checkpoints: int
    signed: int
    """The last row that a checkpoint covers: what comes after it is only known to hang together."""
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was tampered with."""
        return not any(finding.tampering for finding in self.findings)


async def verify_all(database: Database, sink: CheckpointSink, keys: KeySource) -> list[Report]:
    """Verifies every clinic that the database or the sink has anything of. Raises OSError of the sink."""
    # In this order: a row may be written meanwhile, a checkpoint of it must not be known before.
    kept = {clinic: sink.read(clinic) for clinic in await asyncio.to_thread(sink.clinics)}
    async with database.look(None) as session:
        known = set(await session.scalars(select(Clinic.id), execution_options={"across": "operation"}))
    reports: list[Report] = []
    for clinic in sorted(known | kept.keys()):
        has = kept.get(clinic)
        checkpoints = has.checkpoints if has is not None else ()
        verification = Verification(clinic, checkpoints, keys)
        findings = await _verify_rows(database, clinic, verification)
        findings += [Finding(clinic, Fault.UNREADABLE, 0, 0)] * (has.unreadable if has is not None else 0)
        reports.append(
            Report(
                clinic,
                rows=verification.head.sequence,
                checkpoints=len(checkpoints),
                signed=max((each.sequence for each in checkpoints if each.genuine(keys)), default=0),
                findings=tuple(findings),
            )
        )
    return reports


async def _verify_rows(database: Database, clinic: str, verification: Verification) -> list[Finding]:
    findings: list[Finding] = []
    async with database.look(clinic) as session:
        head = await session.scalar(select(AuditHead))
    # Rows may be written meanwhile: the head is held to the row that was the last one when it was read.
    agrees = head is not None and (head.sequence, head.hash) == (0, GENESIS)
    while True:
        async with database.look(clinic) as session:
            rows = await _rows(session, after=verification.head.sequence)
            listed = await _listed(session, rows)
        for row in rows:
            verification.add(row)
            agrees = agrees or (head is not None and (head.sequence, head.hash) == (row.sequence, row.hash))
            patients = {subject.id for subject in row.subjects if subject.kind == PATIENT}
            if patients != listed.get(row.sequence, set()):
                findings.append(Finding(clinic, Fault.UNLISTED, row.sequence, row.sequence))
        if len(rows) < _CHUNK:
            break
    if not agrees and (head is not None or verification.head.sequence > 0):
        findings.append(Finding(clinic, Fault.HEAD, 0 if head is None else head.sequence, verification.head.sequence))
    return [*verification.finish(), *findings]


async def _rows(session: AsyncSession, *, after: int) -> list[Row]:
    statement = select(AuditEvent).where(AuditEvent.sequence > after).order_by(AuditEvent.sequence).limit(_CHUNK)
    return [_row(event) for event in await session.scalars(statement)]


async def _listed(session: AsyncSession, rows: Sequence[Row]) -> dict[int, set[str]]:
    listed: dict[int, set[str]] = {}
    if rows:
        statement = select(AuditSubject).where(AuditSubject.sequence.between(rows[0].sequence, rows[-1].sequence))
        for subject in await session.scalars(statement):
            listed.setdefault(subject.sequence, set()).add(subject.patient_id)
    return listed


def _row(event: AuditEvent) -> Row:
    return Row(
        clinic=event.clinic_id,
        sequence=event.sequence,
        previous=event.previous,
        at=event.at,
        actor=Reference(event.actor_kind, event.actor_id),
        action=event.action,
        subjects=tuple(Reference(kind, id_) for kind, id_ in event.subjects),
        detail_hash=event.detail_hash,
        detail=None if event.detail is None else Detail(event.detail, event.detail_salt or b""),
        hash=event.hash,
    )
