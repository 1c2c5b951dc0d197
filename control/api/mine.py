"""`me/appointments`, `me/guardianships`, `me/patients`: what is a person's own, in every clinic.

Each clinic's log is told of a list before it is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import PATIENT, Call, Endpoint, Route
from control.api.models import Id, Input, Instant, Output, Page, PageQuery
from control.api.paging import cursor_of, position_of
from control.api.transactions import Store
from control.audit import log
from control.audit.actors import actor
from control.audit.chain import Event
from control.clock import Clock
from control.errors import NotFoundError
from control.people import mine, wishes
from control.people.mine import Guardianship, MyAppointment
from control.store.models import AppointmentState, Patient, Surface
from signalling.roles import Role

RECENT: Final = timedelta(days=1)
"""From how long ago appointments are listed, where nothing else is asked for."""


class MyAppointmentsQuery(PageQuery):
    """Which appointments."""

    since: Instant | None = Field(default=None, description="Those that start then or later; a day ago by default")


class PlaceAnswer(Output):
    """The clinic, and how to reach it."""

    name: str
    phone: str | None
    contact: str | None


class MyAppointmentAnswer(Output):
    """An appointment at which who asks is expected."""

    clinic: Id | None = Field(description="null where `place` is")
    place: PlaceAnswer | None = Field(description="null for who comes with a patient whose address is protected")
    appointment: Id
    attendee: Id
    consultation: Id | None
    role: Role
    patient_name: str | None
    type_name: str
    practitioner_name: str | None = Field(description="null where `place` is")
    starts: Instant
    ends: Instant
    surface: Surface
    state: AppointmentState
    label: str | None
    level: str | None


class GuardianshipAnswer(Output):
    """Somebody for whom who asks may act."""

    guardian: Id
    clinic: Id | None = Field(description="null where `clinic_name` is")
    clinic_name: str | None = Field(description="null where the patient's address is protected")
    patient: Id
    patient_name: str
    ends_on: date | None


class GuardianshipsAnswer(Output):
    """All that hold today."""

    items: list[GuardianshipAnswer]


class WishesInput(Input):
    """What is null stays as it is."""

    wants_video: bool | None = None
    opted_out: bool | None = None


class WishesAnswer(Output):
    """What the clinic knows of the patient's wishes."""

    patient: Id
    wants_video: bool = Field(description="Video the next time; staff see it when they book")
    opted_out: bool = Field(description="No messages")


@dataclass(frozen=True, slots=True)
class MineResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/me/appointments", "list_my_appointments", "My appointments, in order of time", PATIENT),
                self.appointments,
                query=MyAppointmentsQuery,
                answer=Page[MyAppointmentAnswer],
                description="In every clinic, also those of others whom I come with. A page may hold fewer than asked.",
            ),
            Endpoint(
                *("GET", "/me/guardianships", "list_my_guardianships", "For whom I may act", PATIENT),
                self.guardianships,
                answer=GuardianshipsAnswer,
            ),
            Endpoint(
                *("GET", "/me/patients/{id}", "read_my_wishes", "What I told a clinic", PATIENT, self.read),
                answer=WishesAnswer,
                description="By the patient, or by a guardian for them.",
            ),
            Endpoint(
                *("PATCH", "/me/patients/{id}", "change_my_wishes", "What I want of a clinic", PATIENT, self.wish),
                body=WishesInput,
                answer=WishesAnswer,
            ),
        )

    async def appointments(self, call: Call[None, MyAppointmentsQuery]) -> Page[MyAppointmentAnswer]:
        now, asked = self.now(), call.query
        after = position_of(asked.cursor, datetime, str)
        async with call.store.look(None) as session:
            found = await mine.appointments(
                session,
                call.login.person,
                now,
                since=asked.since or now - RECENT,
                limit=asked.limit,
                after=None if after is None else (after[0], after[1]),
            )
        await _tell(call.store, mine.views(found.items, "appointments.read_own", actor(call.caller), now))
        following = None if found.last is None else cursor_of(found.last)
        return Page(items=[_appointment(each) for each in found.items], next=following)

    async def guardianships(self, call: Call[None, None]) -> GuardianshipsAnswer:
        now = self.now()
        async with call.store.look(None) as session:
            found = await mine.guardianships(session, call.login.person, now)
        await _tell(call.store, mine.views(found, "guardianships.read_own", actor(call.caller), now))
        return GuardianshipsAnswer(items=[_guardianship(each) for each in found])

    async def read(self, call: Call[None, None]) -> WishesAnswer:
        async def act(session: AsyncSession) -> WishesAnswer:
            return _wishes(await wishes.read(session, call.login.person, call.id, actor(call.caller), self.now()))

        return await call.store.transact(await _clinic(call.store, call.login.person, call.id), act)

    async def wish(self, call: Call[WishesInput, None]) -> WishesAnswer:
        async def act(session: AsyncSession) -> WishesAnswer:
            patient = await wishes.wish(
                session,
                call.login.person,
                call.id,
                video=call.body.wants_video,
                no_messages=call.body.opted_out,
                actor=actor(call.caller),
                now=self.now(),
            )
            return _wishes(patient)

        return await call.store.transact(await _clinic(call.store, call.login.person, call.id), act)


async def _clinic(store: Store, person: str, patient: str) -> str:
    async with store.look(None) as session:
        clinic = await mine.clinic_of_record(session, person, patient)
    if clinic is None:
        raise NotFoundError
    return clinic


async def _tell(store: Store, events: Mapping[str, Event]) -> None:
    for clinic, event in events.items():
        await store.transact(clinic, partial(_record, event))


async def _record(event: Event, session: AsyncSession) -> None:
    await log.record(session, event)


def _appointment(found: MyAppointment) -> MyAppointmentAnswer:
    place = found.place
    return MyAppointmentAnswer(
        clinic=None if place is None else found.clinic,
        place=None if place is None else PlaceAnswer(name=place.name, phone=place.phone, contact=place.contact),
        appointment=found.appointment,
        attendee=found.attendee,
        consultation=found.consultation,
        role=found.role,
        patient_name=found.patient_name,
        type_name=found.type_name,
        practitioner_name=found.practitioner_name,
        starts=found.starts,
        ends=found.ends,
        surface=found.surface,
        state=found.state,
        label=found.label,
        level=found.level,
    )


def _guardianship(found: Guardianship) -> GuardianshipAnswer:
    return GuardianshipAnswer(
        guardian=found.relation,
        clinic=None if found.clinic_name is None else found.clinic,
        clinic_name=found.clinic_name,
        patient=found.patient,
        patient_name=found.patient_name,
        ends_on=found.ends_on,
    )


def _wishes(patient: Patient) -> WishesAnswer:
    return WishesAnswer(patient=patient.id, wants_video=patient.wants_video, opted_out=patient.opted_out)
