"""What a server in virtual time is given instead of the real thing: time, an executor, a plane with a record."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar

from sfu.commands import ClosePeer, Command, SetGate, SetKeys, SetRoutes, SetSections
from sfu.plane import Snapshot, VirtualPlane
from sfu.stats import WireStatistics
from tests.bed.clock import SECOND, Clock
from tests.bed.network import Network
from tests.bed.srtp import Opening, Profile

_WALL = 1_800_000_000
"""Seconds since 1970 at virtual time 0."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Inline(Executor):
    """Does the work at once: threads have no place in virtual time."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        future: Future[_T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class AtOnce:
    """The journal's worker: a crash is between two pieces of its work, never within one."""

    async def do(self, work: Callable[[], None]) -> None:
        work()

    def close(self) -> None:
        """There is no thread to end."""


@dataclass(slots=True)
class _Timer:
    callback: Callable[[], None] | None

    def cancel(self) -> None:
        self.callback = None

    def fire(self) -> None:
        if self.callback is not None:
            self.callback()


class ServerClock:
    """The server's time is the bed's; a server that has crashed hears no more of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.stopped = False

    def monotonic(self) -> float:
        return self._clock.now / SECOND

    def wall(self) -> float:
        return _WALL + self._clock.now / SECOND

    def call_at(self, when: float, callback: Callable[[], None]) -> _Timer:
        timer = _Timer(lambda: None if self.stopped else callback())
        self._clock.at(round(when * SECOND), timer.fire)
        return timer

    def call_later(self, delay: float, callback: Callable[[], None]) -> _Timer:
        return self.call_at(self.monotonic() + delay, callback)


class Witness(Protocol):
    """Who hears what the wire was told."""

    def wire_gate(self, peer: int, is_open: bool) -> None: ...

    def wire_keys(self, peer: int, tap: Opening) -> None: ...


class WatchedPlane:
    """Passes commands on and keeps what they say, for comparison."""

    def __init__(self, network: Network, plane: VirtualPlane, witness: Witness) -> None:
        self._network = network
        self._plane = plane
        self._witness = witness
        self.sections: dict[int, SetSections] = {}
        self.gates: dict[int, bool] = {}
        self.owners: dict[int, int] = {}
        """The peer of each track."""
        self.shown: dict[tuple[int, int], int] = {}
        """The track in each viewer's slot."""

    @property
    def port(self) -> int:
        return self._plane.port

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        return self._plane.tcp_ports

    def snapshot(self) -> Snapshot:
        return self._plane.snapshot()

    def statistics(self) -> WireStatistics:
        return self._plane.statistics()

    def apply(self, command: Command) -> None:
        network = self._network
        if network.plane is not self._plane:
            return  # a task of the server that has crashed
        network.settle()
        match command:
            case SetSections(peer=peer, tracks=tracks):
                self.sections[peer] = command
                self.owners.update((section.track, peer) for section in tracks)
            case ClosePeer(peer=peer):
                self.sections.pop(peer, None)
                self._gate(peer, False)
            case SetGate(peer=peer, open=is_open):
                self._gate(peer, is_open)
            case SetKeys(peer=peer, profile=profile, local=local):
                self._witness.wire_keys(peer, Opening(Profile(profile), local))
            case SetRoutes(routes=routes):
                self.shown = {(route.viewer, route.slot): route.track for route in routes}
            case _:
                pass
        self._plane.apply(command)
        network.drain()

    def _gate(self, peer: int, is_open: bool) -> None:
        self.gates[peer] = is_open
        self._witness.wire_gate(peer, is_open)
