"""`types`: appointment types, read by the clinic and changed by its administrators."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import ADMINISTRATOR, CLINIC, Call, Endpoint, Route
from control.api.models import Id, Input, Line, Page, PageQuery, Versioned, Words
from control.api.paging import identifier_of, page
from control.audit.actors import actor
from control.clock import Clock
from control.scheduling.catalogue import listed
from control.scheduling.rows import find
from control.scheduling.surface import Surface
from control.scheduling.types import TypeFields, change_type, create_type
from control.store.models import AppointmentType

Level = Literal["selfregistered-email", "idporten-loa-low", "idporten-loa-substantial", "idporten-loa-high"]
Age = Annotated[int, Field(ge=0, le=150)]
Minutes = Annotated[int, Field(ge=0, le=525_600)]


class TypeInput(Input):
    """Everything that an administrator decides of a type."""

    name: Line
    minutes: Annotated[int, Field(ge=1, le=1440)]
    active: bool = True
    published: Annotated[bool, Field(description="Shown to patients who book")] = False
    supports_video: bool = False
    surface: Annotated[Surface, Field(description="Unless slot or appointment say otherwise")] = Surface.PHYSICAL
    capacity: Annotated[int, Field(ge=1, le=50, description="Patients; a group has more than one")] = 1
    opens_minutes: Annotated[int, Field(ge=0, le=240, description="Before the start, from when one may enter")] = 15
    closes_minutes: Annotated[int, Field(ge=0, le=720, description="After the start, until when one may enter")] = 120
    change_minutes: Annotated[Minutes, Field(description="Before the start, until when patients cancel and move")] = 0
    level: Annotated[
        Level | None, Field(description="The login that the meeting asks for; null for the link alone")
    ] = None
    guests: bool = True
    age_from: Age | None = None
    age_to: Age | None = None
    new_patients: bool = True
    own_list_only: bool = False
    referral_needed: bool = False
    max_open: Annotated[int | None, Field(ge=1, le=1000)] = None
    lead_minutes: Annotated[Minutes, Field(description="Before the start, by when patients must have booked")] = 0
    horizon_days: Annotated[int | None, Field(ge=1, le=1000)] = None
    booking_text: Words | None = None
    notifies: bool = True
    reminds: bool = True
    message_after_booking: Words | None = None
    message_to_video: Words | None = None


class TypeAnswer(Versioned):
    """A type."""

    id: Id
    name: str
    minutes: int
    active: bool
    published: bool
    supports_video: bool
    surface: Surface
    capacity: int
    opens_minutes: int
    closes_minutes: int
    change_minutes: int
    level: str | None
    guests: bool
    age_from: int | None
    age_to: int | None
    new_patients: bool
    own_list_only: bool
    referral_needed: bool
    max_open: int | None
    lead_minutes: int
    horizon_days: int | None
    booking_text: str | None
    notifies: bool
    reminds: bool
    message_after_booking: str | None
    message_to_video: str | None


@dataclass(frozen=True, slots=True)
class TypesResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/types", "list_types", "The clinic's appointment types", CLINIC, self.list),
                query=PageQuery,
                answer=Page[TypeAnswer],
            ),
            Endpoint(
                *("POST", "/types", "create_type", "Makes a type", ADMINISTRATOR, self.create),
                body=TypeInput,
                answer=TypeAnswer,
                status=201,
                location="/types/{id}",
                idempotent=True,
            ),
            Endpoint("GET", "/types/{id}", "read_type", "A type", CLINIC, self.read, answer=TypeAnswer),
            Endpoint(
                *("PUT", "/types/{id}", "change_type", "Makes a type what is given", ADMINISTRATOR, self.change),
                body=TypeInput,
                answer=TypeAnswer,
                conditional=True,
                description="What is booked stays as it was agreed on; rules count from now on.",
            ),
        )

    async def list(self, call: Call[None, PageQuery]) -> Page[TypeAnswer]:
        after = identifier_of(call.query.cursor)
        async with call.store.look(call.clinic) as session:
            limit = call.query.limit
            rows = await listed(session, AppointmentType, limit=limit + 1, after=after)
        return page(rows, limit, _answer, lambda row: (row.id,))

    async def create(self, call: Call[TypeInput, None]) -> TypeAnswer:
        async def act(session: AsyncSession) -> TypeAnswer:
            given = TypeFields(**call.body.model_dump())
            return _answer(await create_type(session, actor(call.caller), given, self.now()))

        return await call.store.transact(call.clinic, act)

    async def read(self, call: Call[None, None]) -> TypeAnswer:
        async with call.store.look(call.clinic) as session:
            return _answer(await find(session, AppointmentType, call.id))

    async def change(self, call: Call[TypeInput, None]) -> TypeAnswer:
        async def act(session: AsyncSession) -> TypeAnswer:
            row = await find(session, AppointmentType, call.id)
            given = TypeFields(**call.body.model_dump(), key=row.key)
            changed = await change_type(session, actor(call.caller), row.id, given, self.now(), call.versions)
            return _answer(changed)

        return await call.store.transact(call.clinic, act)


def _answer(row: AppointmentType) -> TypeAnswer:
    return TypeAnswer.model_validate(row, from_attributes=True)
