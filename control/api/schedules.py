"""`schedules`: practitioners' times, read and changed by the clinic's people."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import CLINIC, Call, Endpoint, Route
from control.api.models import Id, Input, Line, Page, PageQuery, Versioned
from control.api.paging import identifier_of, page
from control.api.types import Age, Minutes
from control.audit.actors import actor
from control.clock import Clock
from control.errors import NotFoundError
from control.identity.roles import STAFF
from control.scheduling.catalogue import listed
from control.scheduling.rows import find
from control.scheduling.schedules import ScheduleFields, change_schedule, create_schedule
from control.store.models import Schedule


class ScheduleInput(Input):
    """What staff decide of a schedule; restrictions are those of a type, for this practitioner's times."""

    name: Line
    published: Annotated[bool, Field(description="Shown to patients who book")] = False
    age_from: Age | None = None
    age_to: Age | None = None
    new_patients: bool = True
    own_list_only: bool = False
    referral_needed: bool = False
    lead_minutes: Minutes = 0
    horizon_days: Annotated[int | None, Field(ge=1, le=1000)] = None


class NewSchedule(ScheduleInput):
    """A schedule, and whose it is."""

    practitioner: Id


class ScheduleAnswer(Versioned):
    """A schedule."""

    id: Id
    practitioner: Id = Field(validation_alias="practitioner_id")
    name: str
    published: bool
    age_from: int | None
    age_to: int | None
    new_patients: bool
    own_list_only: bool
    referral_needed: bool
    lead_minutes: int
    horizon_days: int | None


@dataclass(frozen=True, slots=True)
class SchedulesResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/schedules", "list_schedules", "The clinic's schedules", CLINIC, self.list),
                query=PageQuery,
                answer=Page[ScheduleAnswer],
            ),
            Endpoint(
                *("POST", "/schedules", "create_schedule", "Makes a schedule", STAFF, self.create),
                body=NewSchedule,
                answer=ScheduleAnswer,
                problems=(NotFoundError,),
                status=201,
                location="/schedules/{id}",
                idempotent=True,
            ),
            Endpoint(
                *("GET", "/schedules/{id}", "read_schedule", "A schedule", CLINIC, self.read),
                answer=ScheduleAnswer,
            ),
            Endpoint(
                *("PUT", "/schedules/{id}", "change_schedule", "Makes a schedule what is given", STAFF, self.change),
                body=ScheduleInput,
                answer=ScheduleAnswer,
                conditional=True,
            ),
        )

    async def list(self, call: Call[None, PageQuery]) -> Page[ScheduleAnswer]:
        after = identifier_of(call.query.cursor)
        async with call.store.look(call.clinic) as session:
            limit = call.query.limit
            rows = await listed(session, Schedule, limit=limit + 1, after=after)
        return page(rows, limit, _answer, lambda row: (row.id,))

    async def create(self, call: Call[NewSchedule, None]) -> ScheduleAnswer:
        async def act(session: AsyncSession) -> ScheduleAnswer:
            given = ScheduleFields(**call.body.model_dump(exclude={"practitioner"}))
            by = actor(call.caller)
            return _answer(await create_schedule(session, by, call.body.practitioner, given, self.now()))

        return await call.store.transact(call.clinic, act)

    async def read(self, call: Call[None, None]) -> ScheduleAnswer:
        async with call.store.look(call.clinic) as session:
            return _answer(await find(session, Schedule, call.id))

    async def change(self, call: Call[ScheduleInput, None]) -> ScheduleAnswer:
        async def act(session: AsyncSession) -> ScheduleAnswer:
            row = await find(session, Schedule, call.id)
            given = ScheduleFields(**call.body.model_dump(), key=row.key)
            changed = await change_schedule(session, actor(call.caller), row.id, given, self.now(), call.versions)
            return _answer(changed)

        return await call.store.transact(call.clinic, act)


def _answer(row: Schedule) -> ScheduleAnswer:
    return ScheduleAnswer.model_validate(row, from_attributes=True)
