"""The wire as the node sees it: commands in, events out; on real sockets, or in virtual time."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, assert_never

from sfu import _wire
from sfu.commands import Command, Route
from sfu.config import MediaConfig
from sfu.events import (
    ConsentLost,
    ConsentRegained,
    DtlsReceived,
    Event,
    Levels,
    PathChanged,
    TrackStarted,
    Validated,
)
from sfu.stats import WireStatistics

Address = tuple[str, int]

_PLAIN: Final[Mapping[str, Callable[[int], Event]]] = {
    "Validated": Validated,
    "PathChanged": PathChanged,
    "ConsentLost": ConsentLost,
    "ConsentRegained": ConsentRegained,
    "TrackStarted": TrackStarted,
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The wire at one moment, as it sees itself."""

    counters: Mapping[str, int]
    history_bytes: int
    """Held for retransmission, in all."""
    peers: frozenset[int]
    routes: frozenset[Route]
    """The forwarding table, gates aside."""
    open_routes: frozenset[Route]
    """Those through which media passes: both gates open, the track not muted."""


class Plane(Protocol):
    """What the node needs of a wire."""

    @property
    def port(self) -> int:
        """The UDP port that clients send to."""

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        """The TCP ports that clients may connect to."""

    def apply(self, command: Command) -> None:
        """Carries out a command, after those before it."""

    def snapshot(self) -> Snapshot:
        """The wire's own view, all commands so far carried out."""

    def statistics(self) -> WireStatistics:
        """Numbers alone: cheap enough to be read every second."""


class ThreadPlane:
    """A media thread with real sockets. Events come on the event loop."""

    def __init__(self, config: MediaConfig, *, seed: int) -> None:
        """Opens the sockets; OSError when the port is taken."""
        self._wire = _wire.ThreadWire(config.port, list(config.tcp_ports), seed)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptor = self._wire.fileno()

    @property
    def port(self) -> int:
        return self._wire.port

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        return tuple(self._wire.tcp_ports)

    @property
    def raised_priority(self) -> bool:
        """Whether the system gave the media thread a raised priority."""
        return self._wire.raised_priority

    def listen(self, receive: Callable[[Event], None]) -> None:
        """Hands events to `receive`, on the running loop, until `close`; what fails there fails for one event."""
        loop = asyncio.get_running_loop()

        def drain() -> None:
            for event in self._wire.events():
                try:
                    receive(_event(event))
                except Exception as error:
                    loop.call_exception_handler({"message": "an event of the wire failed", "exception": error})

        self._loop = loop
        loop.add_reader(self._descriptor, drain)

    def apply(self, command: Command) -> None:
        self._wire.apply(command)

    def snapshot(self) -> Snapshot:
        return _snapshot(self._wire.snapshot())

    def statistics(self) -> WireStatistics:
        return _statistics(self._wire.statistics())

    def close(self) -> None:
        """Ends the thread and closes its sockets."""
        if self._loop is not None:
            self._loop.remove_reader(self._descriptor)
            self._loop = None
        self._wire.close()


class VirtualPlane:
    """The engine in virtual time: whoever holds it is the network and the clock. Times are int microseconds."""

    def __init__(self, config: MediaConfig, now: int = 0, seed: int = 0) -> None:
        self._config = config
        self._now = now
        # An NTP time far from zero (RFC 5905), the same in every run.
        self._wire = _wire.VirtualWire(3_900_000_000 << 32, seed)

    @property
    def port(self) -> int:
        return self._config.port

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        return ()

    def apply(self, command: Command) -> None:
        self._wire.apply(self._now, command)

    def advance(self, now: int) -> None:
        """Commands from here on are carried out at `now`."""
        self._now = now

    def receive(self, now: int, local: Address, remote: Address, datagram: bytes) -> None:
        """A datagram came to our address `local` from `remote`."""
        self._now = now
        self._wire.receive(now, local, remote, datagram)

    def handle_timeout(self, now: int) -> None:
        self._now = now
        self._wire.handle_timeout(now)

    def next_timeout(self) -> int | None:
        return self._wire.next_timeout()

    def transmits(self) -> list[tuple[Address, Address, bytes]]:
        """What is sent since the last call: from, to, datagram."""
        return self._wire.transmits()

    def events(self) -> list[Event]:
        """What happened since the last call."""
        return [_event(event) for event in self._wire.events()]

    def snapshot(self) -> Snapshot:
        return _snapshot(self._wire.snapshot())

    def statistics(self) -> WireStatistics:
        return _statistics(self._wire.statistics())

    def routes(self) -> frozenset[Route]:
        """The wire's own forwarding table, gates aside."""
        return self.snapshot().routes


def _event(event: tuple[str, int, bytes | list[tuple[int, int]] | None]) -> Event:
    match event:
        case _, peer, bytes(datagram):
            return DtlsReceived(peer, datagram)
        case _, _, list(levels):
            return Levels(tuple(levels))
        case name, subject, None:
            return _PLAIN[name](subject)
    assert_never(event)


def _statistics(taken: tuple[list[int], int, int]) -> WireStatistics:
    counters, history_bytes, cpu_us = taken
    # Some sixty numbers: a structured array of numpy would be built slower than it is read.
    return WireStatistics(dict(zip(_wire.COUNTERS, counters, strict=True)), history_bytes, cpu_us / 1e6)


def _snapshot(
    taken: tuple[list[int], int, list[int], list[tuple[int, int, int]], list[tuple[int, int, int]]],
) -> Snapshot:
    counters, history_bytes, peers, routes, open_routes = taken
    return Snapshot(
        counters=dict(zip(_wire.COUNTERS, counters, strict=True)),
        history_bytes=history_bytes,
        peers=frozenset(peers),
        routes=frozenset(Route(*route) for route in routes),
        open_routes=frozenset(Route(*route) for route in open_routes),
    )
