"""`consultations/{id}/identification|attendance`: how somebody was identified, and who attended."""

from dataclasses import dataclass

from control.api.endpoint import Call, Endpoint, Route
from control.api.models import Id, Input, Instant, Output
from control.audit.actors import actor
from control.clock import Clock
from control.consultation import evidence
from control.consultation.evidence import Method, Presence
from control.errors import InvalidInputError, NotFoundError
from control.identity.roles import Role
from signalling.roles import Role as RoomRole

PRACTITIONER = frozenset({Role.PRACTITIONER})
_PROBLEMS = (NotFoundError, InvalidInputError)


class IdentificationInput(Input):
    """How the practitioner knows who it is."""

    attendee: Id
    method: Method


class AttendanceInput(Input):
    """Whether somebody attended; without a login also how they were identified."""

    attendee: Id
    attended: bool
    method: Method | None = None


class PresenceAnswer(Output):
    """What is known of an attendee's attendance."""

    attendee: Id
    role: RoomRole
    name: str
    login_acr: str | None
    """The level of the login by which they were let in; null without one."""
    login_at: Instant | None
    identified: Method | None
    attended: bool | None
    """null until the practitioner has registered it."""
    method: str | None
    registered_at: Instant | None


class AttendanceAnswer(Output):
    """All who were expected."""

    items: list[PresenceAnswer]


@dataclass(frozen=True, slots=True)
class AttendanceResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        one = "/consultations/{id}"
        return (
            Endpoint(
                *("POST", f"{one}/identification", "identify", "How somebody was identified", PRACTITIONER),
                self.identify,
                body=IdentificationInput,
                problems=_PROBLEMS,
                status=204,
            ),
            Endpoint(
                *("GET", f"{one}/attendance", "read_attendance", "Who attended, and what proves it", PRACTITIONER),
                self.read,
                answer=AttendanceAnswer,
                problems=(NotFoundError,),
            ),
            Endpoint(
                *("POST", f"{one}/attendance", "register_attendance", "Somebody attended, or not", PRACTITIONER),
                self.register,
                body=AttendanceInput,
                answer=PresenceAnswer,
                problems=_PROBLEMS,
            ),
        )

    async def identify(self, call: Call[IdentificationInput, None]) -> None:
        who, asked = actor(call.caller), call.body
        await call.store.transact(
            call.clinic,
            lambda session: evidence.identify(session, call.id, asked.attendee, asked.method, who, self.now()),
        )

    async def read(self, call: Call[None, None]) -> AttendanceAnswer:
        who = actor(call.caller)
        found = await call.store.transact(
            call.clinic, lambda session: evidence.presences(session, call.id, who, self.now())
        )
        return AttendanceAnswer(items=[_answer(each) for each in found])

    async def register(self, call: Call[AttendanceInput, None]) -> PresenceAnswer:
        who, asked = actor(call.caller), call.body
        return _answer(
            await call.store.transact(
                call.clinic,
                lambda session: evidence.register(
                    session, call.id, asked.attendee, asked.attended, asked.method, who, self.now()
                ),
            )
        )


def _answer(presence: Presence) -> PresenceAnswer:
    registered = presence.registered
    return PresenceAnswer(
        attendee=presence.attendee.id,
        role=presence.attendee.role,
        name=presence.attendee.name,
        login_acr=None if presence.login is None else presence.login.acr,
        login_at=None if presence.login is None else presence.login.authenticated_at,
        identified=presence.identified,
        attended=None if registered is None else registered.attended,
        method=None if registered is None else registered.method or None,
        registered_at=None if registered is None else registered.registered_at,
    )
