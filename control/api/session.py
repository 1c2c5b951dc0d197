"""`session`: who is logged in, lab login, change of clinic, logout."""

from dataclasses import dataclass
from typing import Literal

from control.api.endpoint import EVERYONE, PUBLIC, Call, Endpoint, NewSession, Route
from control.api.models import Id, Input, Instant, Output
from control.errors import ForbiddenError
from control.identity import places
from control.identity.callers import LoggedIn
from control.identity.roles import Role
from control.identity.sessions import Sessions

PersonsRole = Literal[Role.ADMINISTRATOR, Role.SECRETARY, Role.PRACTITIONER, Role.PATIENT]


class SessionAnswer(Output):
    """Who is logged in, and what the session's pages send beside the cookie."""

    person: Id
    role: Role
    clinic: Id | None
    acr: str | None
    authenticated_at: Instant
    csrf: str


class PlaceInput(Input):
    """What to be logged in as; a patient is in no clinic."""

    role: PersonsRole
    clinic: Id | None = None


class LabLogin(PlaceInput):
    """A login without any proof."""

    person: Id
    acr: Literal["selfregistered-email", "idporten-loa-low", "idporten-loa-substantial", "idporten-loa-high"] | None = (
        "idporten-loa-high"
    )


@dataclass(frozen=True, slots=True)
class SessionResource:
    """The routes' acts."""

    sessions: Sessions

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/session", "read_session", "Who is logged in", EVERYONE, self.read),
                answer=SessionAnswer,
            ),
            Endpoint(
                *("POST", "/session", "log_in", "Logs somebody in without proof, in a lab", PUBLIC, self.log_in),
                body=LabLogin,
                answer=SessionAnswer,
                problems=(ForbiddenError,),
                lab_only=True,
            ),
            Endpoint(
                *("PUT", "/session/place", "change_place", "Another clinic or role, same login", EVERYONE, self.change),
                body=PlaceInput,
                answer=SessionAnswer,
                description="The cookie and `csrf` are new ones afterwards.",
            ),
            Endpoint("DELETE", "/session", "log_out", "Logs out", EVERYONE, self.log_out, status=204),
        )

    async def read(self, call: Call[None, None]) -> SessionAnswer:
        return _answer(call.login)

    async def log_in(self, call: Call[LabLogin, None]) -> NewSession[SessionAnswer]:
        asked = call.body
        async with call.store.look(None) as session:
            await places.check(session, asked.person, asked.role, asked.clinic)
        token = await self.sessions.open(asked.person, asked.role, asked.clinic, asked.acr, instead_of=call.caller)
        return await self._entered(token)

    async def change(self, call: Call[PlaceInput, None]) -> NewSession[SessionAnswer]:
        asked = call.body
        async with call.store.look(None) as session:
            await places.check(session, call.login.person, asked.role, asked.clinic)
        return await self._entered(await self.sessions.change(call.login, asked.role, asked.clinic))

    async def log_out(self, call: Call[None, None]) -> NewSession[None]:
        await self.sessions.end(call.login)
        return NewSession(None, None)

    async def _entered(self, token: str) -> NewSession[SessionAnswer]:
        caller = await self.sessions.find(token)
        if caller is None:  # the place was lost between the two looks
            raise ForbiddenError("this person has no such place")
        return NewSession(_answer(caller), token)


def _answer(caller: LoggedIn) -> SessionAnswer:
    return SessionAnswer(
        person=caller.person,
        role=caller.role,
        clinic=caller.clinic,
        acr=caller.acr,
        authenticated_at=caller.authenticated_at,
        csrf=caller.csrf,
    )
