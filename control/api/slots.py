"""`slots`: free times, for who books; inserted, retyped and withdrawn by staff."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import CLINIC, PATIENT, Call, Endpoint, Route
from control.api.models import Id, Input, Instant, Output, Page, PageQuery, Versioned
from control.api.paging import page, position_of
from control.audit.actors import actor
from control.clock import Clock
from control.errors import InvalidInputError, NotFoundError
from control.identity.callers import Caller, Integrator, LoggedIn
from control.identity.roles import STAFF, Role
from control.scheduling.catalogue import Named, is_clinic, named
from control.scheduling.errors import BookingRefusedError, SlotTakenError
from control.scheduling.offers import Wish, free_slots
from control.scheduling.openings import Insert, insert_slot, retype_slot, withdraw_slot
from control.scheduling.surface import Surface
from control.store.models import Slot

AHEAD: Final = timedelta(days=28)
"""How far ahead free slots are looked for, where nothing else is asked for."""

REFUSED: Final = (NotFoundError, BookingRefusedError, SlotTakenError)


class SlotsQuery(PageQuery):
    """Which free slots. Patients name the clinic, and are shown what is published to them."""

    clinic: Id | None = None
    since: Instant | None = None
    until: Instant | None = None
    type: Id | None = None
    practitioner: Id | None = None
    schedule: Id | None = None
    surface: Surface | None = None


class NewSlot(Input):
    """A slot by hand; without minutes or surface it has the type's."""

    schedule: Id
    type: Id
    starts: Instant
    minutes: Annotated[int | None, Field(ge=1, le=1440)] = None
    surface: Surface | None = None


class Retyping(Input):
    """What a free slot is to be; without a surface it has the type's."""

    type: Id
    surface: Surface | None = None


class NamedAnswer(Output):
    """An identifier, and what people call it."""

    id: Id
    name: str


class SlotAnswer(Versioned):
    """A free slot."""

    id: Id
    starts: Instant
    ends: Instant
    surface: Surface
    schedule: Id
    type: NamedAnswer
    practitioner: NamedAnswer
    booking_text: str | None = Field(description="The clinic's own words, to be shown while booking")


@dataclass(frozen=True, slots=True)
class SlotsResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/slots", "list_slots", "Free slots, in order of time", CLINIC | PATIENT, self.list),
                query=SlotsQuery,
                answer=Page[SlotAnswer],
                problems=(NotFoundError,),
            ),
            Endpoint(
                *("POST", "/slots", "insert_slot", "Inserts a free slot", STAFF, self.insert),
                body=NewSlot,
                answer=SlotAnswer,
                problems=REFUSED,
                status=201,
                idempotent=True,
            ),
            Endpoint(
                *("PUT", "/slots/{id}", "retype_slot", "Gives a free slot another type", STAFF, self.retype),
                body=Retyping,
                answer=SlotAnswer,
                problems=REFUSED,
                conditional=True,
            ),
            Endpoint(
                *("DELETE", "/slots/{id}", "withdraw_slot", "Takes a free slot away", STAFF, self.withdraw),
                problems=REFUSED,
                conditional=True,
                status=204,
            ),
        )

    async def list(self, call: Call[None, SlotsQuery]) -> Page[SlotAnswer]:
        asked, now = call.query, self.now()
        online = isinstance(call.caller, LoggedIn) and call.caller.role is Role.PATIENT
        since = asked.since or now
        wish = Wish(
            since=max(since, now) if online else since,
            until=asked.until or since + AHEAD,
            type=asked.type,
            practitioner=asked.practitioner,
            schedule=asked.schedule,
            surface=asked.surface,
        )
        after = position_of(asked.cursor, datetime, str)
        place = None if after is None else (after[0], after[1])
        clinic = clinic_for(call.caller, asked.clinic)
        async with call.store.look(clinic) as session:
            if not await is_clinic(session):
                raise NotFoundError
            rows = await free_slots(session, wish, online=online, limit=asked.limit + 1, after=place)
            names = await named(session, rows)
        return page(rows, asked.limit, lambda row: _answer(row, names[row.id]), lambda row: (row.starts, row.id))

    async def insert(self, call: Call[NewSlot, None]) -> SlotAnswer:
        async def act(session: AsyncSession) -> SlotAnswer:
            command = Insert(**call.body.model_dump())
            return await _read(session, await insert_slot(session, actor(call.caller), command, self.now()))

        return await call.store.transact(call.clinic, act)

    async def retype(self, call: Call[Retyping, None]) -> SlotAnswer:
        async def act(session: AsyncSession) -> SlotAnswer:
            given, by = call.body, actor(call.caller)
            row = await retype_slot(session, by, call.id, given.type, given.surface, self.now(), call.versions)
            return await _read(session, row)

        return await call.store.transact(call.clinic, act)

    async def withdraw(self, call: Call[None, None]) -> None:
        async def act(session: AsyncSession) -> None:
            await withdraw_slot(session, actor(call.caller), call.id, self.now(), call.versions)

        await call.store.transact(call.clinic, act)


def clinic_for(caller: Caller, given: str | None) -> str:
    """The clinic that a request is about: the caller's own, or the one that a patient names.

    Raises NotFoundError for another clinic than one's own, InvalidInputError where a patient names none.
    """
    match caller:
        case LoggedIn(clinic=str(own)) | Integrator(clinic=own):
            if given not in (None, own):
                raise NotFoundError
            return own
        case _ if given is not None:
            return given
        case _:
            raise InvalidInputError("name the clinic", errors=[{"pointer": "/clinic", "code": "missing"}])


async def _read(session: AsyncSession, row: Slot) -> SlotAnswer:
    return _answer(row, (await named(session, [row]))[row.id])


def _answer(row: Slot, names: Named) -> SlotAnswer:
    return SlotAnswer(
        id=row.id,
        version=row.version,
        starts=row.starts,
        ends=row.ends,
        surface=row.surface,
        schedule=row.schedule_id,
        type=NamedAnswer(id=row.type_id, name=names.type),
        practitioner=NamedAnswer(id=row.practitioner_id, name=names.practitioner),
        booking_text=names.booking_text,
    )
