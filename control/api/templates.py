"""`templates`: what weeks look like; slots follow when a work plan is updated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import CLINIC, Call, Endpoint, Route
from control.api.models import Id, Input, Line, Output, Page, PageQuery, Versioned
from control.api.paging import identifier_of, page
from control.audit.actors import actor
from control.clock import Clock
from control.identity.roles import STAFF
from control.scheduling.catalogue import entries, listed
from control.scheduling.recurrence import Weekday
from control.scheduling.rows import find
from control.scheduling.schedules import EntryFields, TemplateFields, change_template, create_template
from control.scheduling.surface import Surface
from control.store.models import TemplateEntry, WeekTemplate

MAX_ENTRIES = 300


class EntryInput(Input):
    """Some slots in a row."""

    week: Annotated[int, Field(ge=0, le=51, description="Of the template's weeks, the first is 0")] = 0
    weekday: Annotated[int, Field(ge=0, le=6, description="Monday is 0")]
    starts: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Local time of day")]
    count: Annotated[int, Field(ge=1, le=300)] = 1
    minutes: Annotated[int, Field(ge=1, le=1440)]
    type: Id
    surface: Annotated[Surface | None, Field(description="null for the type's")] = None


class TemplateInput(Input):
    """A week, or several in turn."""

    name: Line
    weeks: Annotated[int, Field(ge=1, le=52)] = 1
    active: bool = True
    entries: Annotated[tuple[EntryInput, ...], Field(max_length=MAX_ENTRIES)]


class EntryAnswer(Output):
    """Some slots in a row."""

    week: int
    weekday: int
    starts: str
    count: int
    minutes: int
    type: Id = Field(validation_alias="type_id")
    surface: Surface | None


class TemplateAnswer(Versioned):
    """A template."""

    id: Id
    name: str
    weeks: int
    active: bool
    entries: list[EntryAnswer]


@dataclass(frozen=True, slots=True)
class TemplatesResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/templates", "list_templates", "The clinic's week templates", CLINIC, self.list),
                query=PageQuery,
                answer=Page[TemplateAnswer],
            ),
            Endpoint(
                *("POST", "/templates", "create_template", "Makes a template", STAFF, self.create),
                body=TemplateInput,
                answer=TemplateAnswer,
                status=201,
                location="/templates/{id}",
                idempotent=True,
            ),
            Endpoint(
                *("GET", "/templates/{id}", "read_template", "A template", CLINIC, self.read),
                answer=TemplateAnswer,
            ),
            Endpoint(
                *("PUT", "/templates/{id}", "change_template", "Makes a template what is given", STAFF, self.change),
                body=TemplateInput,
                answer=TemplateAnswer,
                conditional=True,
                description="Slots stay as they are until a work plan of it is updated.",
            ),
        )

    async def list(self, call: Call[None, PageQuery]) -> Page[TemplateAnswer]:
        after = identifier_of(call.query.cursor)
        async with call.store.look(call.clinic) as session:
            limit = call.query.limit
            rows = await listed(session, WeekTemplate, limit=limit + 1, after=after)
            found = await entries(session, [row.id for row in rows])
        return page(rows, limit, lambda row: _answer(row, found[row.id]), lambda row: (row.id,))

    async def create(self, call: Call[TemplateInput, None]) -> TemplateAnswer:
        async def act(session: AsyncSession) -> TemplateAnswer:
            return await _read(
                session, await create_template(session, actor(call.caller), _fields(call.body), self.now())
            )

        return await call.store.transact(call.clinic, act)

    async def read(self, call: Call[None, None]) -> TemplateAnswer:
        async with call.store.look(call.clinic) as session:
            return await _read(session, await find(session, WeekTemplate, call.id))

    async def change(self, call: Call[TemplateInput, None]) -> TemplateAnswer:
        async def act(session: AsyncSession) -> TemplateAnswer:
            row = await find(session, WeekTemplate, call.id)
            given = _fields(call.body, row.key)
            by = actor(call.caller)
            return await _read(session, await change_template(session, by, row.id, given, self.now(), call.versions))

        return await call.store.transact(call.clinic, act)


async def _read(session: AsyncSession, row: WeekTemplate) -> TemplateAnswer:
    return _answer(row, (await entries(session, [row.id]))[row.id])


def _answer(row: WeekTemplate, found: Sequence[TemplateEntry]) -> TemplateAnswer:
    return TemplateAnswer(
        id=row.id,
        version=row.version,
        name=row.name,
        weeks=row.weeks,
        active=row.active,
        entries=[EntryAnswer.model_validate(entry, from_attributes=True) for entry in found],
    )


def _fields(given: TemplateInput, key: str | None = None) -> TemplateFields:
    return TemplateFields(
        name=given.name,
        entries=tuple(_entry(entry) for entry in given.entries),
        weeks=given.weeks,
        active=given.active,
        key=key,
    )


def _entry(given: EntryInput) -> EntryFields:
    return EntryFields(
        weekday=Weekday(given.weekday),
        starts=time.fromisoformat(given.starts),
        minutes=given.minutes,
        type=given.type,
        count=given.count,
        week=given.week,
        surface=given.surface,
    )
