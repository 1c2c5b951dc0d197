"""`consultations/{id}`: the way into the room, a test of sound and picture, and what the sides tell each other.

A request comes by a login, or by a link token in its body; nothing of either is ever in an address.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import EVERYONE, PUBLIC, Call, Endpoint, Route
from control.api.landings import LandingAnswer, landing_answer
from control.api.models import Input, Line, Output, Words
from control.clock import Clock
from control.consultation import joining, landing, places, testing, waiting
from control.consultation.errors import REFUSALS, refusal
from control.consultation.joining import Entry, Issuer
from control.consultation.places import Place
from control.consultation.rules import Refuse
from control.consultation.testing import Verdict
from control.errors import ForbiddenError, LinkUnknownError, NotFoundError
from control.identity.links import Links
from control.rooms.port import RoomsUnavailableError
from control.scheduling.errors import ChangeRefusedError

T = TypeVar("T")
PlaceT = TypeVar("PlaceT", bound="PlaceInput")

REFUSED = (*REFUSALS.values(), NotFoundError, LinkUnknownError)
Token = Annotated[str, Field(min_length=1, max_length=200)]


class PlaceInput(Input):
    """Whose place it is: that of a link, or without one that of who is logged in."""

    link: Token | None = None


class JoinInput(PlaceInput):
    """The way in."""

    label: Line | None = Field(None, description="what the others shall see instead of the name")


class WordsInput(PlaceInput):
    """Something to say about a wait."""

    minutes: Annotated[int, Field(ge=0, le=600)] | None = None
    text: Words | None = None


class VerdictInput(PlaceInput):
    """How a test came out."""

    verdict: Verdict


class JoinAnswer(Output):
    """Where to connect, and the grant to join with, within two minutes and once."""

    ws_url: str
    grant: str
    room: str


@dataclass(frozen=True, slots=True)
class ConsultationResource:
    """The routes' acts."""

    issuer: Issuer
    links: Links
    now: Clock
    websocket_path: str

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        one = "/consultations/{id}"
        return (
            Endpoint(
                *("GET", one, "read_consultation", "A consultation that I am expected at", EVERYONE, self.read),
                answer=LandingAnswer,
                problems=REFUSED,
            ),
            Endpoint(
                *("POST", f"{one}/join", "join_consultation", "A grant for the room", PUBLIC, self.join),
                body=JoinInput,
                answer=JoinAnswer,
                problems=(*REFUSED, RoomsUnavailableError),
            ),
            Endpoint(
                *("POST", f"{one}/test", "test_consultation", "A grant for a test room, any day", PUBLIC, self.test),
                body=PlaceInput,
                answer=JoinAnswer,
                problems=(*REFUSED, RoomsUnavailableError),
            ),
            Endpoint(
                *("PUT", f"{one}/test", "record_test", "How the test came out, for staff to see", PUBLIC, self.verdict),
                body=VerdictInput,
                problems=REFUSED,
                status=204,
            ),
            Endpoint(
                *("POST", f"{one}/notice", "tell_delay", "I am delayed, or late", PUBLIC, self.notice),
                body=WordsInput,
                problems=REFUSED,
                status=204,
            ),
            Endpoint(
                *("POST", f"{one}/cant-wait", "tell_cant_wait", "I can't wait any longer", PUBLIC, self.cant_wait),
                body=WordsInput,
                problems=REFUSED,
                status=204,
            ),
            Endpoint(
                *("POST", f"{one}/physical", "change_to_physical", "I would rather come", PUBLIC, self.physical),
                body=WordsInput,
                problems=(*REFUSED, ForbiddenError, ChangeRefusedError),
                status=204,
                description="Show `physical_text` of the landing first: the clinic's own words on what this means."
                " For the patient, a guardian and the practitioner. In a group a patient's wish changes nothing by"
                " itself: the worklist shows it.",
            ),
        )

    async def read(self, call: Call[None, None]) -> LandingAnswer:
        async with call.store.look(None) as session:
            place = await places.by_login(session, call.id, call.caller)
        return landing_answer(
            await call.store.transact(
                place.clinic, lambda session: landing.view(session, place, call.caller, self.now())
            )
        )

    async def join(self, call: Call[JoinInput, None]) -> JoinAnswer:
        place = await self._place(call)
        return await self._entry(
            call,
            place,
            lambda session: joining.join(session, place, call.caller, self.issuer, self.now(), call.body.label),
        )

    async def test(self, call: Call[PlaceInput, None]) -> JoinAnswer:
        place = await self._place(call)
        return await self._entry(
            call, place, lambda session: testing.grant_test(session, place, call.caller, self.issuer, self.now())
        )

    async def verdict(self, call: Call[VerdictInput, None]) -> None:
        place = await self._place(call)
        _pass(
            await call.store.transact(
                place.clinic,
                lambda session: testing.record(session, place, call.caller, call.body.verdict, self.now()),
            )
        )

    async def notice(self, call: Call[WordsInput, None]) -> None:
        await self._tell(call, waiting.tell)

    async def cant_wait(self, call: Call[WordsInput, None]) -> None:
        await self._tell(call, waiting.give_up)

    async def physical(self, call: Call[WordsInput, None]) -> None:
        await self._tell(call, waiting.to_physical)

    async def _tell(self, call: Call[WordsInput, None], how: Callable[..., Awaitable[Refuse | None]]) -> None:
        place = await self._place(call)
        words = waiting.Words(call.body.minutes, call.body.text)
        _pass(
            await call.store.transact(place.clinic, lambda session: how(session, place, call.caller, words, self.now()))
        )

    async def _entry(
        self, call: Call[PlaceT, None], place: Place, act: Callable[[AsyncSession], Awaitable[Entry | Refuse]]
    ) -> JoinAnswer:
        entry = _pass(await call.store.transact(place.clinic, act))
        ws_url = f"ws{call.base_url.removeprefix('http')}{self.websocket_path}"
        return JoinAnswer(ws_url=ws_url, grant=entry.grant, room=entry.room)

    async def _place(self, call: Call[PlaceT, None]) -> Place:
        """A link for another consultation than the path's is as good as none."""
        async with call.store.look(None) as session:
            if call.body.link is None:
                return await places.by_login(session, call.id, call.caller)
            place = await places.by_link(session, self.links, call.body.link, call.caller)
        if place.consultation != call.id:
            raise NotFoundError
        return place


def _pass(result: T | Refuse) -> T:
    """What came of it, or the error of the refusal, by now outside of the transaction that has logged it."""
    if isinstance(result, Refuse):
        raise refusal(result.obstacle)
    return result
