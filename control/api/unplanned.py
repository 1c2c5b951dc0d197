"""`POST /consultations`: a consultation without an appointment."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.attendance import PRACTITIONER
from control.api.attendees import Acr
from control.api.endpoint import Call, Endpoint, Route
from control.api.fields import Name
from control.api.models import Id, Input, Instant, Output
from control.audit.actors import actor
from control.clock import Clock
from control.consultation.unplanned import Invited, Opened, open_unplanned
from control.errors import ForbiddenError, InvalidInputError
from control.identity.links import Links, link_address
from signalling.roles import Role


class PatientInput(Input):
    """A patient of the clinic."""

    role: Literal["patient"]
    patient: Id
    level: Acr | None = None


class NamedInput(Input):
    """Somebody who is known by name."""

    role: Literal["companion", "interpreter", "guest"]
    name: Name
    level: Acr | None = None


class UnplannedInput(Input):
    """Who is to come, and when: without a time the door is open until the consultation has ended."""

    starts: Instant | None = None
    invited: Annotated[
        list[Annotated[PatientInput | NamedInput, Field(discriminator="role")]], Field(min_length=1, max_length=24)
    ]


class InvitedAnswer(Output):
    """Who is expected, and the link that stands for them; the practitioner comes by login."""

    attendee: Id
    role: Role
    name: str
    link: str | None


class UnplannedAnswer(Output):
    """The consultation."""

    id: Id
    attendees: list[InvitedAnswer]


@dataclass(frozen=True, slots=True)
class UnplannedResource:
    """The route's act."""

    links: Links
    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("POST", "/consultations", "open_consultation", "Opens one without an appointment", PRACTITIONER),
                self.open,
                body=UnplannedInput,
                answer=UnplannedAnswer,
                problems=(ForbiddenError, InvalidInputError),
                status=201,
                location="/consultations/{id}",
                idempotent=True,
            ),
        )

    async def open(self, call: Call[UnplannedInput, None]) -> UnplannedAnswer:
        who, asked, person = actor(call.caller), call.body, call.login.person
        invited = [
            Invited(Role.PATIENT, patient=one.patient, level=one.level)
            if isinstance(one, PatientInput)
            else Invited(Role(one.role), name=one.name, level=one.level)
            for one in asked.invited
        ]

        async def act(session: AsyncSession) -> UnplannedAnswer:
            return self._answer(call, await open_unplanned(session, person, invited, asked.starts, who, self.now()))

        return await call.store.transact(call.clinic, act)

    def _answer(self, call: Call[UnplannedInput, None], opened: Opened) -> UnplannedAnswer:
        items = []
        for attendee in opened.attendees:
            token = self.links.token(call.clinic, attendee.id, attendee.link_version)
            link = None if attendee.role is Role.PRACTITIONER else link_address(call.base_url, token)
            items.append(InvitedAnswer(attendee=attendee.id, role=attendee.role, name=attendee.name, link=link))
        return UnplannedAnswer(id=opened.consultation.id, attendees=items)
