"""`lab/clock`: what time it is, and another time from now on; only in a lab."""

from dataclasses import dataclass

from control.api.endpoint import PUBLIC, Call, Endpoint, Route
from control.api.models import Input, Instant, Output
from control.clock import LabClock


class ClockAnswer(Output):
    """The moment that rules go by."""

    now: Instant


class ClockInput(Input):
    """From now on it is this moment, and goes on from there."""

    now: Instant


@dataclass(frozen=True, slots=True)
class LabClockResource:
    """The routes' acts."""

    clock: LabClock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/lab/clock", "read_clock", "What time it is", PUBLIC, self.read),
                answer=ClockAnswer,
                lab_only=True,
            ),
            Endpoint(
                *("PUT", "/lab/clock", "set_clock", "Sets the clock", PUBLIC, self.set),
                body=ClockInput,
                answer=ClockAnswer,
                lab_only=True,
            ),
            Endpoint(
                *("DELETE", "/lab/clock", "reset_clock", "The host's time again", PUBLIC, self.reset),
                answer=ClockAnswer,
                lab_only=True,
            ),
        )

    async def read(self, call: Call[None, None]) -> ClockAnswer:
        return ClockAnswer(now=self.clock())

    async def set(self, call: Call[ClockInput, None]) -> ClockAnswer:
        self.clock.set(call.body.now)
        return ClockAnswer(now=self.clock())

    async def reset(self, call: Call[None, None]) -> ClockAnswer:
        self.clock.reset()
        return ClockAnswer(now=self.clock())
