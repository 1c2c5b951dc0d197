"""`obstacles`: why can't this patient book, start or be notified? Every broken precondition is named."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import Call, Endpoint, QueryT, Route
from control.api.models import Id, Input, Instant, Output
from control.audit.actors import actor
from control.audit.chain import Reference
from control.clock import Clock
from control.errors import NotFoundError
from control.identity.levels import Level
from control.identity.roles import STAFF
from control.scheduling.obstacles import WORDS, Code, Obstacle, Text
from control.scheduling.questions import AboutBooking, why_not_book, why_not_notified, why_not_start


class BookingQuestion(Input):
    """A patient, and what they wanted to book by themselves: a slot, or any of a schedule's type."""

    patient: Id
    schedule: Id
    type: Id
    slot: Id | None = None


class AttendeeQuestion(Input):
    """Somebody who is expected at an appointment."""

    attendee: Id


class TextAnswer(Output):
    """Plain words in both languages."""

    nb: str
    en: str


class LimitAnswer(Output):
    """What the precondition is held to."""

    name: str
    value: Instant | int | str


class ObstacleAnswer(Output):
    """A broken precondition."""

    code: Code
    reason: TextAnswer
    mend: TextAnswer | None = Field(description="What staff can do about it")
    limit: LimitAnswer | None


class ObstaclesAnswer(Output):
    """All of them; none where nothing stands in the way."""

    items: list[ObstacleAnswer]


@dataclass(frozen=True, slots=True)
class ObstaclesResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/obstacles/booking", "why_not_book", "Why can't this patient book?", STAFF, self.booking),
                query=BookingQuestion,
                answer=ObstaclesAnswer,
                problems=(NotFoundError,),
            ),
            Endpoint(
                *("GET", "/obstacles/start", "why_not_start", "Why can't this attendee start?", STAFF, self.start),
                query=AttendeeQuestion,
                answer=ObstaclesAnswer,
                problems=(NotFoundError,),
            ),
            Endpoint(
                *("GET", "/obstacles/notify", "why_not_notified", "Why is this attendee told nothing?", STAFF),
                self.notify,
                query=AttendeeQuestion,
                answer=ObstaclesAnswer,
                problems=(NotFoundError,),
            ),
        )

    async def booking(self, call: Call[None, BookingQuestion]) -> ObstaclesAnswer:
        question = AboutBooking(**call.query.model_dump())
        return await _ask(call, lambda session, by: why_not_book(session, by, question, self.now()))

    async def start(self, call: Call[None, AttendeeQuestion]) -> ObstaclesAnswer:
        return await _ask(call, lambda session, by: why_not_start(session, by, call.query.attendee, self.now()))

    async def notify(self, call: Call[None, AttendeeQuestion]) -> ObstaclesAnswer:
        return await _ask(call, lambda session, by: why_not_notified(session, by, call.query.attendee, self.now()))


async def _ask(
    call: Call[None, QueryT], question: Callable[[AsyncSession, Reference], Awaitable[Sequence[Obstacle]]]
) -> ObstaclesAnswer:
    async def act(session: AsyncSession) -> ObstaclesAnswer:
        return ObstaclesAnswer(items=[_answer(each) for each in await question(session, actor(call.caller))])

    return await call.store.transact(call.clinic, act)


def _answer(obstacle: Obstacle) -> ObstacleAnswer:
    wording, limit = WORDS[obstacle.code], None
    if wording.limit is not None and obstacle.limit is not None:
        value = obstacle.limit.acr if isinstance(obstacle.limit, Level) else obstacle.limit
        limit = LimitAnswer(name=wording.limit, value=value)
    mend = None if wording.mend is None else _text(wording.mend)
    return ObstacleAnswer(code=obstacle.code, reason=_text(wording.reason), mend=mend, limit=limit)


def _text(text: Text) -> TextAnswer:
    return TextAnswer(nb=text.nb, en=text.en)
