"""What time it is: a parameter everywhere, real in production, and settable in a lab."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Gives the moment, aware and in UTC."""


def real() -> datetime:
    """The host's clock."""
    return datetime.now(UTC)


class LabClock:
    """Runs as the host's clock does, from whatever moment a test or a demo has set."""

    def __init__(self, clock: Clock = real) -> None:
        self._clock = clock
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        return self._clock() + self._ahead

    def set(self, now: datetime) -> None:
        """From now on it is this moment; ValueError for one without a zone."""
        if now.tzinfo is None:
            raise ValueError("a moment without a zone")
        self._ahead = now - self._clock()

    def reset(self) -> None:
        """As the host's clock again."""
        self._ahead = timedelta(0)
