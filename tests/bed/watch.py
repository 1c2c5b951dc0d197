"""Who may see what, kept apart from the server: what passes a closed gate is caught where it leaves the wire."""

from dataclasses import dataclass, field

from sfu.commands import Route
from tests.bed.content import Stamp


class PassedGateError(AssertionError):
    """The wire sent what it must not."""


@dataclass(slots=True)
class GateWatch:
    """Counts steps rather than time, so that what happens in one microsecond still has an order."""

    _step: int = 0
    _opened: dict[int, int] = field(default_factory=dict)
    """Peers whose gate is open, and since when."""
    _unmuted: dict[int, int] = field(default_factory=dict)
    """Tracks that were muted and no longer are, and since when."""
    _muted: set[int] = field(default_factory=set)
    _routes: dict[int, frozenset[Route]] = field(default_factory=dict)
    _arrived: dict[Stamp, int] = field(default_factory=dict)
    checked: int = 0
    """Packets that were let pass."""

    def gate(self, peer: int, is_open: bool) -> None:
        step = self._tick()
        if is_open:
            self._opened.setdefault(peer, step)
        else:
            self._opened.pop(peer, None)

    def mute(self, track: int, muted: bool) -> None:
        step = self._tick()
        if muted:
            self._muted.add(track)
        elif track in self._muted:
            self._muted.discard(track)
            self._unmuted[track] = step

    def routes(self, room: int, routes: frozenset[Route]) -> None:
        self._routes[room] = routes

    def open_peers(self) -> frozenset[int]:
        return frozenset(self._opened)

    def arrived(self, stamp: Stamp) -> None:
        """The server was handed a packet of this content."""
        # A copy of what came before is as old as that.
        self._arrived.setdefault(stamp, self._tick())

    def left(self, viewer: int, stamp: Stamp) -> None:
        """The server sent this content to a viewer, just now."""
        opened, source = self._opened.get(viewer), self._opened.get(stamp.sender)
        arrived = self._arrived.get(stamp)
        where = f"{stamp} to {viewer}"
        if opened is None or source is None:
            raise PassedGateError(f"a closed gate was passed: {where}")
        if stamp.track in self._muted:
            raise PassedGateError(f"a muted track was passed on: {where}")
        if arrived is None:
            raise PassedGateError(f"content that never arrived: {where}")
        if arrived < max(opened, source, self._unmuted.get(stamp.track, 0)):
            raise PassedGateError(f"content from before the opening: {where}")
        self.checked += 1

    def routed(self, room: int, viewer: int, slot: int, stamp: Stamp) -> None:
        """The content had a way into that slot."""
        if Route(stamp.track, viewer, slot) not in self._routes.get(room, frozenset()):
            raise PassedGateError(f"no route: {stamp} to {viewer}, slot {slot}")

    def _tick(self) -> int:
        self._step += 1
        return self._step
