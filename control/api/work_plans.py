"""`work-plans`: a template put out on a schedule for some days, and the slots that follow from it."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import CLINIC, Call, Endpoint, Route
from control.api.models import Id, Input, Instant, Output, Page, PageQuery, Versioned
from control.api.paging import identifier_of, page
from control.audit.actors import actor
from control.clock import Clock
from control.errors import NotFoundError
from control.identity.roles import STAFF
from control.scheduling.catalogue import listed, plans_of
from control.scheduling.plans import Applied, PlanFields, change_plan, create_plan, update_plan
from control.scheduling.rows import find
from control.store.models import WorkPlan


def _in_range(day: date) -> date:
    if not 1900 <= day.year <= 2200:
        raise PydanticCustomError("out_of_range", "years 1900 to 2200")
    return day


Day = Annotated[date, AfterValidator(_in_range), Field(examples=["2026-03-02"])]


class PlanInput(Input):
    """Which template, for which days, both included; without `active` its free slots are not shown."""

    template: Id
    first_day: Day
    last_day: Day
    active: bool = True


class NewPlan(PlanInput):
    """A plan, and on which schedule."""

    schedule: Id


class PlanQuery(PageQuery):
    """Whose plans."""

    schedule: Id | None = None


class PlanAnswer(Versioned):
    """A work plan."""

    id: Id
    schedule: Id
    template: Id
    first_day: date
    last_day: date
    active: bool
    applied_version: int | None = Field(description="The template's version of which the slots are")


class HinderedAnswer(Output):
    """A slot that was not made, since another slot of the practitioner lies there."""

    type: Id
    starts: Instant
    ends: Instant


class AppliedAnswer(PlanAnswer):
    """A work plan, and what became of its slots."""

    added: int
    removed: int
    hindered: list[HinderedAnswer]


@dataclass(frozen=True, slots=True)
class WorkPlansResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/work-plans", "list_work_plans", "The clinic's work plans", CLINIC, self.list),
                query=PlanQuery,
                answer=Page[PlanAnswer],
            ),
            Endpoint(
                *("POST", "/work-plans", "create_work_plan", "Makes a plan and its slots", STAFF, self.create),
                body=NewPlan,
                answer=AppliedAnswer,
                problems=(NotFoundError,),
                status=201,
                location="/work-plans/{id}",
                idempotent=True,
            ),
            Endpoint(
                *("GET", "/work-plans/{id}", "read_work_plan", "A work plan", CLINIC, self.read),
                answer=PlanAnswer,
            ),
            Endpoint(
                *("PUT", "/work-plans/{id}", "change_work_plan", "Makes a plan what is given", STAFF, self.change),
                body=PlanInput,
                answer=AppliedAnswer,
                conditional=True,
                description="Free slots to come follow; what is booked, past or made by hand stays.",
            ),
            Endpoint(
                *("POST", "/work-plans/{id}/update", "update_work_plan", "Puts the template out anew", STAFF),
                self.update,
                answer=AppliedAnswer,
            ),
        )

    async def list(self, call: Call[None, PlanQuery]) -> Page[PlanAnswer]:
        after, limit = identifier_of(call.query.cursor), call.query.limit
        async with call.store.look(call.clinic) as session:
            if call.query.schedule is None:
                rows = await listed(session, WorkPlan, limit=limit + 1, after=after)
            else:
                rows = await plans_of(session, call.query.schedule, limit=limit + 1, after=after)
        return page(rows, limit, _answer, lambda row: (row.id,))

    async def create(self, call: Call[NewPlan, None]) -> AppliedAnswer:
        async def act(session: AsyncSession) -> AppliedAnswer:
            by, given = actor(call.caller), _fields(call.body)
            return _applied(await create_plan(session, by, call.body.schedule, given, self.now()))

        return await call.store.transact(call.clinic, act)

    async def read(self, call: Call[None, None]) -> PlanAnswer:
        async with call.store.look(call.clinic) as session:
            return _answer(await find(session, WorkPlan, call.id))

    async def change(self, call: Call[PlanInput, None]) -> AppliedAnswer:
        async def act(session: AsyncSession) -> AppliedAnswer:
            row = await find(session, WorkPlan, call.id)
            by, given = actor(call.caller), replace(_fields(call.body), key=row.key)
            return _applied(await change_plan(session, by, row.id, given, self.now(), call.versions))

        return await call.store.transact(call.clinic, act)

    async def update(self, call: Call[None, None]) -> AppliedAnswer:
        async def act(session: AsyncSession) -> AppliedAnswer:
            return _applied(await update_plan(session, actor(call.caller), call.id, self.now()))

        return await call.store.transact(call.clinic, act)


def _fields(given: PlanInput) -> PlanFields:
    return PlanFields(given.template, given.first_day, given.last_day, given.active)


def _answer(row: WorkPlan) -> PlanAnswer:
    return PlanAnswer(
        id=row.id,
        version=row.version,
        schedule=row.schedule_id,
        template=row.template_id,
        first_day=row.first_day,
        last_day=row.last_day,
        active=row.active,
        applied_version=row.applied_version,
    )


def _applied(done: Applied) -> AppliedAnswer:
    hindered = [HinderedAnswer(type=each.type, starts=each.start, ends=each.end) for each in done.hindered]
    plan = _answer(done.plan).model_dump()
    return AppliedAnswer(**plan, added=done.added, removed=done.removed, hindered=hindered)
