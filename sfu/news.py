"""Events on their way to whoever keeps the room."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sfu.room_events import NodeEvent


@dataclass(slots=True)
class News:
    """Gathers events while the state changes and tells them when it is consistent: the listener may call back in."""

    _waiting: deque[tuple[NodeEvent, Callable[[], bool]]] = field(default_factory=deque)
    _telling: bool = False

    def add(self, event: NodeEvent, is_current: Callable[[], bool]) -> None:
        """An event to tell, unless it has become untrue by then."""
        self._waiting.append((event, is_current))

    def tell(self, listener: Callable[[NodeEvent], None]) -> None:
        """Tells all in order; what the listener causes by calling back in comes after that.

        Whatever the listener raises goes to the caller, and what is left waits for the next time.
        """
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                event, is_current = self._waiting.popleft()
                if is_current():
                    listener(event)
        finally:
            self._telling = False
