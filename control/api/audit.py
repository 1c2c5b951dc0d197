"""`audit`: the clinic's log for its administrators; `me/looks`: for patients, who looked at what is kept of them."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import ADMINISTRATOR, PATIENT, Call, Endpoint, Route
from control.api.models import Id, Instant, Output, Page, PageQuery
from control.api.paging import page, position_of
from control.audit import log
from control.audit.actors import actor
from control.audit.chain import Event, Reference
from control.audit.events import Entry, Filter, events
from control.audit.reading import Look, Place, who_looked
from control.clock import Clock
from control.identity import places


class SubjectAnswer(Output):
    """What an act was about."""

    kind: str
    id: str


class EntryAnswer(Output):
    """An act or a view."""

    sequence: int
    at: Instant
    actor_role: str
    actor: str
    actor_name: str | None
    action: str
    subjects: list[SubjectAnswer]
    detail: dict[str, Any] | None


class EntriesQuery(PageQuery):
    """Which events."""

    patient: Id | None = None
    since: Instant | None = None
    until: Instant | None = None


class LookAnswer(Output):
    """Somebody did or saw something of who asks."""

    clinic: Id
    clinic_name: str
    at: Instant
    actor_role: str
    actor_name: str | None = Field(description="null for a journal system and for the server itself")
    action: str


@dataclass(frozen=True, slots=True)
class AuditResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/audit", "list_audit_events", "The clinic's audit log, newest first", ADMINISTRATOR),
                self.list_events,
                query=EntriesQuery,
                answer=Page[EntryAnswer],
            ),
            Endpoint(
                *("GET", "/me/looks", "list_looks", "Who looked at what is kept of me, newest first", PATIENT),
                self.list_looks,
                query=PageQuery,
                answer=Page[LookAnswer],
            ),
        )

    async def list_events(self, call: Call[None, EntriesQuery]) -> Page[EntryAnswer]:
        asked = call.query
        after = position_of(asked.cursor, int)
        wanted = Filter(asked.patient, asked.since, asked.until)

        async def look(session: AsyncSession) -> list[Entry]:
            found = await events(session, wanted, limit=asked.limit + 1, before=None if after is None else after[0])
            about = () if asked.patient is None else (Reference(log.PATIENT, asked.patient),)
            await log.record(session, Event(self.now(), actor(call.caller), "audit.read", about))
            return found

        found = await call.store.transact(call.clinic, look)
        return page(found, asked.limit, _entry, lambda entry: (entry.sequence,))

    async def list_looks(self, call: Call[None, PageQuery]) -> Page[LookAnswer]:
        person, asked = call.login.person, call.query
        after = position_of(asked.cursor, datetime, str, int)
        async with call.store.look(None) as session:
            clinics = await places.patient_in(session, person)
        for clinic in clinics:
            event = Event(self.now(), actor(call.caller), "looks.read", (Reference(log.PATIENT, clinic.patient),))
            await call.store.transact(clinic.clinic, partial(_record, event))
        async with call.store.look(None) as session:
            place = None if after is None else Place(*after)
            found = await who_looked(session, person, limit=asked.limit + 1, after=place)
        return page(found, asked.limit, _look, lambda look: (look.at, look.clinic, look.sequence))


async def _record(event: Event, session: AsyncSession) -> None:
    await log.record(session, event)


def _entry(entry: Entry) -> EntryAnswer:
    return EntryAnswer(
        sequence=entry.sequence,
        at=entry.at,
        actor_role=entry.actor.kind,
        actor=entry.actor.id,
        actor_name=entry.actor_name,
        action=entry.action,
        subjects=[SubjectAnswer(kind=subject.kind, id=subject.id) for subject in entry.subjects],
        detail=None if entry.detail is None else json.loads(entry.detail),
    )


def _look(look: Look) -> LookAnswer:
    return LookAnswer(
        clinic=look.clinic,
        clinic_name=look.clinic_name,
        at=look.at,
        actor_role=look.actor.kind,
        actor_name=look.actor_name,
        action=look.action,
    )
