"""The timers of one room: one for each thing that may be waited for, started and stopped as wanted."""

from collections.abc import Callable, Hashable

from signalling.clock import Clock, Timer


class Timers:
    """Timers by name. A callback finds its own timer gone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._timers: dict[Hashable, Timer] = {}

    def start(self, name: Hashable, after: float, callback: Callable[[], None]) -> None:
        """Calls back `after` seconds from now; the name's earlier timer is stopped."""

        def due() -> None:
            del self._timers[name]
            callback()

        self.stop(name)
        self._timers[name] = self._clock.call_at(self._clock.monotonic() + after, due)

    def keep(self, name: Hashable, after: float | None, callback: Callable[[], None]) -> None:
        """Has the timer run, from now on if it does not yet, or stops it (None)."""
        if after is None:
            self.stop(name)
        elif name not in self._timers:
            self.start(name, after, callback)

    def stop(self, name: Hashable) -> None:
        """Stops the timer, if it runs."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def stop_all(self) -> None:
        """Stops all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
