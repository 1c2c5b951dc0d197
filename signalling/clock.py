"""Time as a parameter: steady time for timers, wall time for tokens and the journal."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call to come."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """What the package knows of time."""

    def monotonic(self) -> float:
        """Seconds that never jump."""
        ...

    def wall(self) -> float:
        """Seconds since 1970 in UTC; may jump when the host's clock is set."""
        ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Calls back once `monotonic()` has reached `when`."""
        ...


class LoopClock:
    """The clock of the running event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return time.time()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return self._loop.call_at(when, callback)
