"""How late the event loop is: a tick is due at equal intervals, and what it comes late everything else waits too."""

from collections import deque
from statistics import median
from typing import Final

from sfu.stats import Distribution, Histogram, doubling

EVERY: Final = 0.1
"""Seconds between ticks."""

_WINDOW: Final = 50
"""Ticks that `recent` looks at: 5 s."""


class LagMeter:
    """Takes the times of ticks; times are seconds of a steady clock."""

    def __init__(self, now: float) -> None:
        self._due = now + EVERY
        self._recent: deque[float] = deque([0.0] * _WINDOW, _WINDOW)
        self._all = Histogram(tuple(doubling(0.001, 5.0)))

    @property
    def due(self) -> float:
        """When the next tick is to come."""
        return self._due

    def tick(self, now: float) -> None:
        """A tick came."""
        late = max(0.0, now - self._due)
        self._recent.append(late)
        self._all.observe(late)
        # Ticks that a long stall has swallowed are not made up for: it was one stall.
        self._due = now + EVERY

    @property
    def recent(self) -> float:
        """Seconds by which half of the last ticks were late: one long pause does not show, being busy does."""
        return median(self._recent)

    def read(self) -> Distribution:
        """All ticks so far."""
        return self._all.read()
