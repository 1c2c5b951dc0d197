"""Virtual time: integer microseconds, and what is to happen when."""

import heapq
from collections.abc import Callable
from itertools import count

MILLISECOND = 1_000
SECOND = 1_000_000


class Clock:
    """Runs actions in order of time, those of one moment in the order in which they were asked for."""

    def __init__(self, now: int = 0) -> None:
        self.now = now
        self._order = count()
        self._actions: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, when: int, action: Callable[[], None]) -> None:
        """Ask for an action; a moment that has passed means now."""
        heapq.heappush(self._actions, (max(when, self.now), next(self._order), action))

    def after(self, delay: int, action: Callable[[], None]) -> None:
        self.at(self.now + delay, action)

    def next(self) -> int | None:
        return self._actions[0][0] if self._actions else None

    def step(self) -> bool:
        """Run the earliest action; false when there is none."""
        if not self._actions:
            return False
        self.now, _, action = heapq.heappop(self._actions)
        action()
        return True

    def run_until(self, when: int) -> None:
        """Run everything up to and including that moment, which then is now."""
        while self._actions and self._actions[0][0] <= when:
            self.step()
        self.now = max(self.now, when)
