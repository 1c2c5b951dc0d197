"""`appointments/{id}/attendees`: who is expected; staff add, remove and invite, and each may choose their label."""

from dataclasses import dataclass
from typing import Annotated, Literal, assert_never

from pydantic import Field, RootModel
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import EVERYONE, Call, Endpoint, Route
from control.api.fields import Email, Name, Phone
from control.api.models import Id, Input, Output
from control.audit.actors import actor
from control.clock import Clock
from control.consultation.rules import shown_as
from control.errors import NotFoundError
from control.identity.levels import of_acr
from control.identity.links import Links, link_address
from control.identity.roles import STAFF
from control.identity.roles import Role as LoginRole
from control.people import attendees, company, mine
from control.people.errors import (
    AppointmentClosedError,
    AttendeeExistsError,
    AttendeeNeededError,
    AttendeesFullError,
    GuardianEndedError,
    GuestsNotAllowedError,
    LinksUsedUpError,
)
from control.store.models import Attendee
from signalling.roles import Role

Acr = Literal["selfregistered-email", "idporten-loa-low", "idporten-loa-substantial", "idporten-loa-high"]


class NewGuardian(Input):
    """A guardian, whose relation holds on the day."""

    role: Literal[Role.GUARDIAN]
    guardian: Id


class NewPractitioner(Input):
    """A colleague."""

    role: Literal[Role.PRACTITIONER]
    practitioner: Id


class NewNamed(Input):
    """Somebody known by name alone."""

    role: Literal[Role.COMPANION, Role.INTERPRETER, Role.GUEST]
    name: Name
    phone: Phone | None = None
    email: Email | None = None
    patient: Id | None = Field(default=None, description="With whom they come; in a group a companion's must be said")
    level: Acr | None = Field(default=None, description="The level of login asked of them; null: the link is enough")


class NewAttendee(RootModel[Annotated[NewGuardian | NewPractitioner | NewNamed, Field(discriminator="role")]]):
    """Somebody more."""


class LabelInput(Input):
    """What the others see; null for the name, or in a group for initials."""

    label: Name | None


class LinkInput(Input):
    """`renew`: another link, which ends those given out before."""

    renew: bool = False


class AttendeeAnswer(Output):
    """Who is expected. Of others, patients and those who come with them see names alone, as rooms show them."""

    id: Id
    role: Role
    name: str
    label: str | None
    shown_as: str = Field(description="What others see in the room")
    mine: bool = Field(description="Whether it is who asks")
    patient: Id | None = Field(description="The patient that this is, or comes with")
    practitioner: Id | None
    phone: str | None
    email: str | None
    level: str | None
    entered: bool


class AttendeesAnswer(Output):
    """All whom the caller may know of."""

    items: list[AttendeeAnswer]


class LinkAnswer(Output):
    """The link; whoever has it stands for the attendee."""

    link: str
    sent: bool = Field(
        description="Whether it goes out; not to who wants no messages, nor where the patient's address is protected"
    )


@dataclass(frozen=True, slots=True)
class AttendeesResource:
    """The routes' acts."""

    links: Links
    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        one = "/appointments/{id}/attendees/{attendee}"
        return (
            Endpoint(
                *("GET", "/appointments/{id}/attendees", "list_attendees", "Who is expected", EVERYONE, self.list),
                answer=AttendeesAnswer,
                description="Patients see themselves, who comes with them, and who treats them: never each other.",
            ),
            Endpoint(
                *("POST", "/appointments/{id}/attendees", "add_attendee", "Invites somebody more", STAFF, self.add),
                body=NewAttendee,
                answer=AttendeeAnswer,
                problems=(
                    AppointmentClosedError,
                    AttendeeExistsError,
                    AttendeesFullError,
                    GuardianEndedError,
                    GuestsNotAllowedError,
                ),
                status=201,
                idempotent=True,
            ),
            Endpoint(
                *("DELETE", one, "remove_attendee", "Takes an invitation back", STAFF, self.remove),
                problems=(AttendeeNeededError,),
                status=204,
                description="The link is dead, and a room that they are in lets them go.",
            ),
            Endpoint(
                *("PUT", f"{one}/label", "label_attendee", "Chooses what the others see", EVERYONE, self.label),
                body=LabelInput,
                answer=AttendeeAnswer,
                description="Staff for everybody, others for themselves.",
            ),
            Endpoint(
                *("POST", f"{one}/link", "invite_attendee", "Sends the link again, or another one", STAFF, self.invite),
                body=LinkInput,
                answer=LinkAnswer,
                problems=(AppointmentClosedError, LinksUsedUpError),
            ),
        )

    async def list(self, call: Call[None, None]) -> AttendeesAnswer:
        login, now = call.login, self.now()
        if login.role is not LoginRole.PATIENT:

            async def all_of_them(session: AsyncSession) -> AttendeesAnswer:
                found = await company.listing(session, call.id, actor(login), now)
                return AttendeesAnswer(items=[_answer(each, login.person, found.group) for each in found.attendees])

            return await call.store.transact(call.clinic, all_of_them)

        async def own(session: AsyncSession) -> AttendeesAnswer:
            found = await company.company(session, call.id, login.person, actor(login), now)
            return AttendeesAnswer(items=[_known(each, login.person, found.group) for each in found.attendees])

        return await call.store.transact(await self._clinic(call), own)

    async def add(self, call: Call[NewAttendee, None]) -> AttendeeAnswer:
        new = _new(call.body)

        async def act(session: AsyncSession) -> AttendeeAnswer:
            made = await attendees.add(session, call.id, new, actor(call.caller), self.now())
            return _answer(made, call.login.person, await company.is_group(session, call.id))

        return await call.store.transact(call.clinic, act)

    async def remove(self, call: Call[None, None]) -> None:
        async def act(session: AsyncSession) -> None:
            await attendees.remove(session, call.id, call.path["attendee"], actor(call.caller), self.now())

        await call.store.transact(call.clinic, act)

    async def label(self, call: Call[LabelInput, None]) -> AttendeeAnswer:
        login, now = call.login, self.now()
        alone = login.person if login.role is LoginRole.PATIENT else None

        async def act(session: AsyncSession) -> AttendeeAnswer:
            attendee = await attendees.label(
                session, call.id, call.path["attendee"], call.body.label, actor(login), now, alone=alone
            )
            group = await company.is_group(session, call.id)
            return (_answer if alone is None else _known)(attendee, login.person, group)

        return await call.store.transact(call.clinic if alone is None else await self._clinic(call), act)

    async def invite(self, call: Call[LinkInput, None]) -> LinkAnswer:
        async def act(session: AsyncSession) -> LinkAnswer:
            attendee, sent = await attendees.invite(
                session, call.id, call.path["attendee"], actor(call.caller), self.now(), anew=call.body.renew
            )
            token = self.links.token(call.clinic, attendee.id, attendee.link_version)
            return LinkAnswer(link=link_address(call.base_url, token), sent=sent)

        return await call.store.transact(call.clinic, act)

    async def _clinic(self, call: Call[LabelInput, None] | Call[None, None]) -> str:
        """Where somebody who is logged in as a patient is expected (raises NotFoundError)."""
        async with call.store.look(None) as session:
            clinic = await mine.clinic_of_appointment(session, call.login.person, call.id)
        if clinic is None:
            raise NotFoundError
        return clinic


def _new(body: NewAttendee) -> attendees.New:
    match body.root:
        case NewGuardian(guardian=relation):
            return attendees.NewGuardian(relation)
        case NewPractitioner(practitioner=practitioner):
            return attendees.NewPractitioner(practitioner)
        case NewNamed() as named:
            return attendees.NewNamed(
                named.role, named.name, named.phone, named.email, named.patient, of_acr(named.level)
            )
        case _:
            assert_never(body.root)


def _answer(attendee: Attendee, asks: str, group: bool) -> AttendeeAnswer:
    return AttendeeAnswer(
        id=attendee.id,
        role=attendee.role,
        name=attendee.name,
        label=attendee.label,
        shown_as=shown_as(attendee.role, attendee.name, attendee.label, group=group),
        mine=attendee.person_id == asks,
        patient=attendee.patient_id or attendee.for_patient_id,
        practitioner=attendee.practitioner_id,
        phone=attendee.phone,
        email=attendee.email,
        level=attendee.level,
        entered=attendee.entered_at is not None,
    )


def _known(attendee: Attendee, asks: str, group: bool) -> AttendeeAnswer:
    """As it is told to somebody who is expected too: their own entry whole, of the others the shown name."""
    whole = _answer(attendee, asks, group)
    if whole.mine:
        return whole
    return whole.model_copy(update={"name": whole.shown_as, "label": None, "phone": None, "email": None, "level": None})
