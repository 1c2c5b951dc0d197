"""`worklist`: a day of the clinic, with who waits and what was said about it."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import Call, Endpoint, Route
from control.api.models import Id, Input, Instant, Output
from control.audit.actors import actor
from control.clock import Clock
from control.consultation import worklist
from control.consultation.worklist import Expected, Line, Said
from control.identity.roles import STAFF
from control.scheduling.recurrence import local_day
from control.scheduling.surface import Surface
from control.store.models import AppointmentState, Clinic, ConsultationState, MessageKind
from signalling.roles import Role
from signalling.room import Standing


class WorklistQuery(Input):
    """Which day in the clinic's own time (today, where none is said), and whose."""

    day: date | None = None
    practitioner: Id | None = None


class ExpectedLine(Output):
    """Who is expected."""

    attendee: Id
    role: Role
    name: str
    patient: Id | None
    comment: str | None
    """What the patient wrote while booking."""
    standing: Standing | None
    """Where in the room; null where not there."""
    waiting_since: Instant | None
    test_verdict: str | None
    tested_at: Instant | None


class MessageLine(Output):
    """What was said about a wait."""

    kind: MessageKind
    attendee: Id | None
    minutes: int | None
    text: str | None
    at: Instant


class AppointmentLine(Output):
    """An appointment of the day."""

    appointment: Id
    consultation: Id | None
    consultation_state: ConsultationState | None
    starts: Instant
    ends: Instant
    surface: Surface
    state: AppointmentState
    type: str
    practitioner: Id
    practitioner_name: str
    remark: str | None
    video_hinted: bool
    """The remark of a booking from another system says video, and the appointment is none."""
    attendees: list[ExpectedLine]
    messages: list[MessageLine]


class WorklistAnswer(Output):
    """A day."""

    day: date
    items: list[AppointmentLine]


@dataclass(frozen=True, slots=True)
class WorklistResource:
    """The route's act."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/worklist", "read_worklist", "A day of the clinic", STAFF, self.read),
                query=WorklistQuery,
                answer=WorklistAnswer,
            ),
        )

    async def read(self, call: Call[None, WorklistQuery]) -> WorklistAnswer:
        now, asked, who = self.now(), call.query, actor(call.caller)

        async def look(session: AsyncSession) -> tuple[date, list[Line]]:
            zone = (await session.scalars(select(Clinic.zone))).one()
            day = asked.day or local_day(now, ZoneInfo(zone))
            return day, await worklist.day_of(session, day, asked.practitioner, who, now)

        day, lines = await call.store.transact(call.clinic, look)
        return WorklistAnswer(day=day, items=[_line(each) for each in lines])


def _line(line: Line) -> AppointmentLine:
    planned = line.planned
    return AppointmentLine(
        appointment=planned.appointment,
        consultation=planned.consultation,
        consultation_state=planned.consultation_state,
        starts=planned.starts,
        ends=planned.ends,
        surface=planned.surface,
        state=planned.state,
        type=planned.type,
        practitioner=planned.practitioner,
        practitioner_name=planned.practitioner_name,
        remark=planned.remark,
        video_hinted=planned.video_hinted,
        attendees=[_expected(each) for each in line.attendees],
        messages=[_message(each) for each in line.said],
    )


def _expected(expected: Expected) -> ExpectedLine:
    return ExpectedLine(
        attendee=expected.attendee,
        role=expected.role,
        name=expected.name,
        patient=expected.patient,
        comment=expected.comment,
        standing=expected.standing,
        waiting_since=expected.waiting_since,
        test_verdict=expected.test_verdict,
        tested_at=expected.tested_at,
    )


def _message(said: Said) -> MessageLine:
    return MessageLine(kind=said.kind, attendee=said.attendee, minutes=said.minutes, text=said.text, at=said.at)
