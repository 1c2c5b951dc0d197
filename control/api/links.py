"""`links`: what a link leads to. A request with the token in its body; nothing is changed by it, nothing spent.

Who is logged in is written down as having looked. A preview by a chat program is nobody's look, and leaves no trace.
"""

from dataclasses import dataclass

from control.api.consultations import Token
from control.api.endpoint import PUBLIC, Call, Endpoint, Route
from control.api.landings import LandingAnswer, landing_answer
from control.api.models import Input
from control.clock import Clock
from control.consultation import landing, places
from control.errors import LinkUnknownError
from control.identity.callers import Nobody
from control.identity.links import Links


class LinkInput(Input):
    """The token from the address's fragment."""

    link: Token


@dataclass(frozen=True, slots=True)
class LinkResource:
    """The route's act."""

    links: Links
    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("POST", "/links", "read_link", "What a link leads to", PUBLIC, self.read),
                body=LinkInput,
                answer=LandingAnswer,
                problems=(LinkUnknownError,),
            ),
        )

    async def read(self, call: Call[LinkInput, None]) -> LandingAnswer:
        async with call.store.look(None) as session:
            place = await places.by_link(session, self.links, call.body.link, call.caller)
        if not isinstance(call.caller, Nobody):
            return landing_answer(
                await call.store.transact(
                    place.clinic, lambda session: landing.view(session, place, call.caller, self.now())
                )
            )
        async with call.store.look(place.clinic) as session:
            return landing_answer(await landing.land(session, place, self.now()))
