"""`appointments`: booked, moved, cancelled, postponed and made video; by staff, and by patients their own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import CLINIC, PATIENT, BodyT, Call, Endpoint, Route
from control.api.models import Id, Input, Instant, Output, Versioned, Words
from control.api.slots import REFUSED, clinic_for
from control.api.work_plans import Day
from control.audit.actors import actor
from control.audit.chain import Reference
from control.clock import Clock
from control.errors import ForbiddenError, NotFoundError
from control.identity.callers import LoggedIn
from control.identity.roles import STAFF, Role
from control.people.mine import clinic_of_appointment
from control.scheduling.booking import Book, book
from control.scheduling.catalogue import is_clinic
from control.scheduling.changing import Cancel, Move, booked, cancel, move, postpone
from control.scheduling.errors import ChangeRefusedError, VideoOffError
from control.scheduling.rows import note
from control.scheduling.surface import Surface
from control.scheduling.surfaces import day_to_video, make_physical, make_video
from control.store.models import Appointment, AppointmentState, Outcome

_CHANGE: Final = (*REFUSED, VideoOffError, ChangeRefusedError)
_ALL: Final = CLINIC | PATIENT


class Booking(Input):
    """A time for a patient. Patients leave out who they are, name a child as guardians, and name the clinic."""

    slot: Id
    clinic: Id | None = None
    patient: Id | None = None
    surface: Surface | None = Field(default=None, description="By staff, where it is not the slot's")
    comment: Words | None = Field(default=None, description="By the patient, for the practitioner")
    remark: Words | None = Field(default=None, description="By staff or another system")
    external: bool = Field(default=False, description="Booked in another system")
    follows: Id | None = Field(default=None, description="The appointment that this one follows up")


class Moving(Input):
    """Where an appointment is to be: a free slot of the same type."""

    slot: Id


class Cancelling(Input):
    """Of a group, one patient's place; patients leave it out."""

    patient: Id | None = None


class Postponing(Input):
    """The next time, where there is one already."""

    slot: Id | None = None


class DayInput(Input):
    """A day of the clinic's calendar."""

    day: Day


class AppointmentAnswer(Versioned):
    """An appointment."""

    id: Id
    slot: Id | None
    type: Id
    practitioner: Id
    starts: Instant
    ends: Instant
    surface: Surface
    state: AppointmentState
    outcome: Outcome | None
    follows: Id | None
    external: bool
    remark: str | None = Field(description="For the clinic alone")
    video_hinted: bool = Field(description="Booked elsewhere with a remark that says video: staff shall look")


class PostponedAnswer(AppointmentAnswer):
    """An appointment that was postponed, and those that were booked in its place."""

    next: list[Id]


class DayAnswer(Output):
    """What became of a day."""

    appointments: int
    slots: int
    left: list[Id] = Field(description="Appointments of types that are not held by video")


Change = Callable[[AsyncSession, Reference], Awaitable[Appointment]]


@dataclass(frozen=True, slots=True)
class AppointmentsResource:
    """The routes' acts."""

    now: Clock
    path: str = field(default="/appointments/{id}", init=False)

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("POST", "/appointments", "book", "Books a free slot", _ALL, self.book),
                body=Booking,
                answer=AppointmentAnswer,
                problems=(*_CHANGE, ForbiddenError),
                status=201,
                location=self.path,
                idempotent=True,
            ),
            Endpoint("GET", self.path, "read_appointment", "An appointment", _ALL, self.read, answer=AppointmentAnswer),
            Endpoint(
                *("POST", f"{self.path}/move", "move", "Moves an appointment", _ALL, self.move),
                body=Moving,
                answer=AppointmentAnswer,
                problems=_CHANGE,
                conditional=True,
                idempotent=True,
                description="A patient of a group moves alone, and has a new appointment.",
            ),
            Endpoint(
                *("POST", f"{self.path}/cancel", "cancel", "Cancels an appointment", _ALL, self.cancel),
                body=Cancelling,
                answer=AppointmentAnswer,
                problems=_CHANGE,
                conditional=True,
            ),
            Endpoint(
                *("POST", f"{self.path}/postpone", "postpone", "Ends it as postponed", STAFF, self.postpone),
                body=Postponing,
                answer=PostponedAnswer,
                problems=_CHANGE,
                conditional=True,
                idempotent=True,
            ),
            Endpoint(
                *("POST", f"{self.path}/video", "make_video", "Makes it one by video", STAFF, self.make_video),
                answer=AppointmentAnswer,
                problems=_CHANGE,
                conditional=True,
            ),
            Endpoint(
                *("POST", f"{self.path}/physical", "make_physical", "Makes it a visit", STAFF, self.make_physical),
                answer=AppointmentAnswer,
                problems=_CHANGE,
                conditional=True,
            ),
            Endpoint(
                *("POST", "/schedules/{id}/video-day", "make_day_video", "Makes a whole day video", STAFF),
                self.make_day_video,
                body=DayInput,
                answer=DayAnswer,
                problems=_CHANGE,
                idempotent=True,
                description="What is still to come of the day, free slots too; each patient is told once.",
            ),
        )

    async def book(self, call: Call[Booking, None]) -> AppointmentAnswer:
        clinic = clinic_for(call.caller, call.body.clinic)

        async def act(session: AsyncSession) -> AppointmentAnswer:
            if not await is_clinic(session):
                raise NotFoundError
            command = Book(**call.body.model_dump(exclude={"clinic"}))
            return _answer(await book(session, actor(call.caller), command, self.now()), call)

        return await call.store.transact(clinic, act)

    async def read(self, call: Call[None, None]) -> AppointmentAnswer:
        async def look(session: AsyncSession, by: Reference) -> Appointment:
            found = await booked(session, call.id)
            about = [("appointment", call.id)]
            if by.kind != Role.PATIENT:
                about += [("patient", each.patient_id) for each in found.patients if each.patient_id is not None]
            await note(session, by, "appointment.read", self.now(), about)
            return found.appointment

        return await self._change(call, look)

    async def move(self, call: Call[Moving, None]) -> AppointmentAnswer:
        command = Move(call.id, call.body.slot)
        return await self._change(call, lambda session, by: move(session, by, command, self.now(), call.versions))

    async def cancel(self, call: Call[Cancelling, None]) -> AppointmentAnswer:
        command = Cancel(call.id, call.body.patient)
        return await self._change(call, lambda session, by: cancel(session, by, command, self.now(), call.versions))

    async def make_video(self, call: Call[None, None]) -> AppointmentAnswer:
        return await self._change(call, lambda session, by: make_video(session, by, call.id, self.now(), call.versions))

    async def make_physical(self, call: Call[None, None]) -> AppointmentAnswer:
        return await self._change(
            call, lambda session, by: make_physical(session, by, call.id, self.now(), call.versions)
        )

    async def postpone(self, call: Call[Postponing, None]) -> PostponedAnswer:
        async def act(session: AsyncSession) -> PostponedAnswer:
            by = actor(call.caller)
            made = await postpone(session, by, call.id, call.body.slot, self.now(), call.versions)
            before = (await booked(session, call.id)).appointment
            return PostponedAnswer(**_answer(before, call).model_dump(), next=[each.id for each in made])

        return await call.store.transact(call.clinic, act)

    async def make_day_video(self, call: Call[DayInput, None]) -> DayAnswer:
        day: date = call.body.day

        async def act(session: AsyncSession) -> DayAnswer:
            done = await day_to_video(session, actor(call.caller), call.id, day, self.now())
            return DayAnswer(appointments=done.appointments, slots=done.slots, left=list(done.left))

        return await call.store.transact(call.clinic, act)

    async def _change(self, call: Call[BodyT, None], change: Change) -> AppointmentAnswer:
        async def act(session: AsyncSession) -> AppointmentAnswer:
            return _answer(await change(session, actor(call.caller)), call)

        return await call.store.transact(await _clinic_of(call), act)


async def _clinic_of(call: Call[BodyT, None]) -> str:
    """The caller's clinic; a patient's appointment is found wherever it is (raises NotFoundError)."""
    if not _is_patient(call):
        return call.clinic
    async with call.store.look(None) as session:
        clinic = await clinic_of_appointment(session, call.login.person, call.id)
    if clinic is None:
        raise NotFoundError
    return clinic


def _is_patient(call: Call[BodyT, None]) -> bool:
    return isinstance(call.caller, LoggedIn) and call.caller.role is Role.PATIENT


def _answer(row: Appointment, call: Call[BodyT, None]) -> AppointmentAnswer:
    own = not _is_patient(call)
    return AppointmentAnswer(
        id=row.id,
        version=row.version,
        slot=row.slot_id,
        type=row.type_id,
        practitioner=row.practitioner_id,
        starts=row.starts,
        ends=row.ends,
        surface=row.surface,
        state=row.state,
        outcome=row.outcome,
        follows=row.follows_id,
        external=row.external,
        remark=row.remark if own else None,
        video_hinted=row.video_hinted and own,
    )
