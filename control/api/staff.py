"""`practitioners` and `members`: who works in the clinic; `me/day-view`: how each likes to see the day."""

from dataclasses import dataclass

from control.api.endpoint import ADMINISTRATOR, CLINIC, Call, Endpoint, Route
from control.api.models import Id, Input, Output
from control.audit.actors import actor
from control.clock import Clock
from control.identity.roles import STAFF
from control.people import staff
from control.people.staff import DayView
from control.store.models import MemberRole


class PractitionerAnswer(Output):
    """A practitioner of the clinic."""

    id: Id
    name: str
    title: str | None
    active: bool


class PractitionersAnswer(Output):
    """All, in order of name."""

    items: list[PractitionerAnswer]


class MemberAnswer(Output):
    """A person in one of their roles."""

    id: Id
    person: Id
    name: str
    role: MemberRole
    active: bool


class MembersAnswer(Output):
    """All, in order of name."""

    items: list[MemberAnswer]


class DayViewInput(Input):
    """How to see the day from now on."""

    video_icons: bool


class DayViewAnswer(Output):
    """How somebody sees the day."""

    video_icons: bool


@dataclass(frozen=True, slots=True)
class StaffResource:
    """The routes' acts."""

    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *(
                    "GET",
                    "/practitioners",
                    "list_practitioners",
                    "The clinic's practitioners",
                    CLINIC,
                    self.practitioners,
                ),
                answer=PractitionersAnswer,
            ),
            Endpoint(
                *("GET", "/members", "list_members", "Who works here, and as what", ADMINISTRATOR, self.members),
                answer=MembersAnswer,
            ),
            Endpoint(
                *("GET", "/me/day-view", "read_day_view", "How I see the day", STAFF, self.day_view),
                answer=DayViewAnswer,
            ),
            Endpoint(
                *("PUT", "/me/day-view", "choose_day_view", "How I want to see the day", STAFF, self.choose_day_view),
                body=DayViewInput,
                answer=DayViewAnswer,
            ),
        )

    async def practitioners(self, call: Call[None, None]) -> PractitionersAnswer:
        async with call.store.look(call.clinic) as session:
            found = await staff.practitioners(session)
        items = [PractitionerAnswer(id=each.id, name=each.name, title=each.title, active=each.active) for each in found]
        return PractitionersAnswer(items=items)

    async def members(self, call: Call[None, None]) -> MembersAnswer:
        who = actor(call.caller)
        found = await call.store.transact(call.clinic, lambda session: staff.members(session, who, self.now()))
        return MembersAnswer(
            items=[
                MemberAnswer(id=each.id, person=each.person, name=each.name, role=each.role, active=each.active)
                for each in found
            ]
        )

    async def day_view(self, call: Call[None, None]) -> DayViewAnswer:
        async with call.store.look(call.clinic) as session:
            return DayViewAnswer(video_icons=(await staff.day_view(session, call.login.person)).video_icons)

    async def choose_day_view(self, call: Call[DayViewInput, None]) -> DayViewAnswer:
        chosen = DayView(call.body.video_icons)
        who, person = actor(call.caller), call.login.person
        await call.store.transact(
            call.clinic, lambda session: staff.choose_day_view(session, person, chosen, who, self.now())
        )
        return DayViewAnswer(video_icons=chosen.video_icons)
