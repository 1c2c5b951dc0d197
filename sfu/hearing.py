"""A room's speakers on the event loop: feeds them, wakes them in time, and tells when they change."""

from collections.abc import Callable, Collection, Mapping

from sfu.speakers import Speakers
from sfu.transport import CallLater, Timer


class Hearing:
    """`changed` is told whenever others speak than it was told last."""

    def __init__(
        self, clock: Callable[[], float], call_later: CallLater, changed: Callable[[tuple[str, ...]], None]
    ) -> None:
        self._speakers = Speakers()
        self._clock = clock
        self._call_later = call_later
        self._changed = changed
        self._told: tuple[str, ...] = ()
        self._timer: Timer | None = None

    @property
    def current(self) -> tuple[str, ...]:
        """Who speaks now, whoever has spoken the longest first."""
        return self._speakers.current

    def hear(self, levels: Mapping[str, float]) -> None:
        """How loud people have been since the last call, in dBov; who is not named was silent."""
        self._speakers.hear(self._clock(), levels)
        self._settle()

    def keep(self, audible: Collection[str]) -> None:
        """Nobody else can be heard."""
        self._speakers.keep(self._clock(), audible)
        self._settle()

    def close(self) -> None:
        """Stops its clock."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._speakers.handle_timeout(self._clock())
        self._settle()

    def _settle(self) -> None:
        self.close()
        now, due = self._clock(), self._speakers.next_timeout()
        if due is not None:
            self._timer = self._call_later(max(0.0, due - now), self._wake)
        if self.current != self._told:
            self._told = self.current
            self._changed(self._told)
