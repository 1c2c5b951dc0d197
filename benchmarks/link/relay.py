"""The emulated path between real browsers and a real server: a UDP relay in a thread, a path of its own per client.

The server advertises the relay alone (`media.announce`). To the server each client is a port of the relay's, so a NAT
that forgets its binding is that port changing.
"""

import heapq
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, TypeVar

from benchmarks.link.core import LinkConfig, Path

Address = tuple[str, int]

_T = TypeVar("_T")
_LARGEST: Final = 65_536
_BURST: Final = 64
"""Datagrams taken from a socket before the others, and what is due, get their turn."""
_KERNEL_BUFFER: Final = 4 << 20
_REMEMBERED: Final = 1 << 17
_EARLY_S: Final = 0.000_4
"""The kernel wakes a sleeper some 50 to 300 us late: the rest is waited out awake."""


@dataclass(slots=True, eq=False)
class Flow:
    """One client's way through the relay."""

    client: Address
    path: Path
    server_side: socket.socket
    ports: list[int] = field(default_factory=list)
    """The relay's ports that the server has seen for it, the present one last."""
    carried: int = 0
    """Datagrams handed on, both ways."""


class Relay:
    """Used as a context. All methods may be called from any thread; times on the links count from the start."""

    def __init__(self, server: Address, config: LinkConfig, *, seed: int = 0, host: str = "127.0.0.1") -> None:
        self._server = server
        self._config = config
        self._seed = seed
        self._host = host
        self._front = self._open()
        self.address: Final[Address] = (host, self._front.getsockname()[1])
        """What the server is to announce."""
        self._flows: dict[Address, Flow] = {}
        self._by_socket: dict[socket.socket, Flow] = {}
        self._due: list[tuple[int, int, socket.socket, Address, bytes, Flow]] = []
        self._order = 0
        self._calls: deque[Callable[[], None]] = deque()
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._is_open = True
        self._is_cut = False
        self.on_sent: Callable[[Address, bytes], None] = _ignore
        """A client sent a datagram, lost on the way or not; called in the relay's thread."""
        self._start = time.monotonic_ns()
        self.late: deque[int] = deque(maxlen=_REMEMBERED)
        """By how many microseconds each of the last datagrams left after it was due."""
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._stop)
        self._thread.join()
        for opened in (self._front, self._wake, self._woken, *self._by_socket):
            opened.close()

    @property
    def announce(self) -> str:
        """The entry for `media.announce`."""
        return f"{self.address[0]}:{self.address[1]}"

    def flow(self, port: int) -> Flow:
        """Of the client that sends from that port of its own, or that the server sees there: a browser may name either.

        LookupError: there is none.
        """
        for flow in self.flows():
            if port in (flow.client[1], *flow.ports):
                return flow
        raise LookupError(f"no client at port {port}")

    def flows(self) -> tuple[Flow, ...]:
        """All, in order of their first datagram."""
        return self._call(lambda: tuple(self._flows.values()))

    def set(self, config: LinkConfig, *, down: LinkConfig | None = None) -> None:
        """From now on all paths are so, both ways or differently towards the clients; new clients' too."""

        def act() -> None:
            self._config = config
            for flow in self._flows.values():
                flow.path.set(up=config, down=down or config)

        self._call(act)

    def cut(self, is_cut: bool = True) -> None:
        """Begins an outage for all, who comes anew too, or ends it. What was on its way arrives."""

        def act() -> None:
            self._is_cut = is_cut
            for flow in self._flows.values():
                flow.path.cut(is_cut)

        self._call(act)

    def rebind(self, flow: Flow) -> None:
        """The server sees another port from now on; what it sends to the old one is lost."""

        def act() -> None:
            old = flow.server_side
            del self._by_socket[old]
            flow.server_side = self._server_side(flow)
            old.close()

        self._call(act)

    # In the thread

    def _run(self) -> None:
        while self._is_open:
            readable, _, _ = select.select([self._woken, self._front, *self._by_socket], [], [], self._patience())
            for ready in readable:
                self._take(ready)
            self._release()

    def _now(self) -> int:
        return (time.monotonic_ns() - self._start) // 1000

    def _patience(self) -> float | None:
        if not self._due:
            return None
        return max(0.0, (self._due[0][0] - self._now()) / 1e6 - _EARLY_S)

    def _take(self, ready: socket.socket) -> None:
        if ready is self._woken:
            self._woken.recv(_LARGEST)
            while self._calls:
                self._calls.popleft()()
            return
        for _ in range(_BURST):
            if ready is not self._front and ready not in self._by_socket:
                return  # rebound meanwhile
            try:
                data, source = ready.recvfrom(_LARGEST)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if ready is self._front:
                self._carry_up(source, data)
            elif source == self._server:
                self._carry_down(self._by_socket[ready], data)

    def _carry_up(self, client: Address, data: bytes) -> None:
        self.on_sent(client, data)
        flow = self._flows.get(client)
        if flow is None:
            flow = Flow(client, Path.of(self._config, self._seed + len(self._flows)), self._front)
            flow.path.cut(self._is_cut)
            flow.server_side = self._server_side(flow)
            self._flows[client] = flow
        for when in flow.path.up.carry(self._now(), len(data)):
            self._push(when, flow.server_side, self._server, data, flow)

    def _carry_down(self, flow: Flow, data: bytes) -> None:
        for when in flow.path.down.carry(self._now(), len(data)):
            self._push(when, self._front, flow.client, data, flow)

    def _push(self, when: int, way: socket.socket, to: Address, data: bytes, flow: Flow) -> None:
        self._order += 1
        heapq.heappush(self._due, (when, self._order, way, to, data, flow))

    def _release(self) -> None:
        while self._due and self._due[0][0] - self._now() < _EARLY_S * 1e6:
            when, _, way, to, data, flow = heapq.heappop(self._due)
            while (late := self._now() - when) < 0:
                pass
            if way.fileno() < 0:
                way = flow.server_side  # rebound while it was on its way
            self.late.append(late)
            try:
                way.sendto(data, to)
            except (BlockingIOError, ConnectionRefusedError):
                continue  # a full buffer, or nobody at home: lost, as on any path
            flow.carried += 1

    def _server_side(self, flow: Flow) -> socket.socket:
        opened = self._open()
        self._by_socket[opened] = flow
        flow.ports.append(opened.getsockname()[1])
        return opened

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER)
        opened.setblocking(False)
        opened.bind((self._host, 0))
        return opened

    def _stop(self) -> None:
        self._is_open = False

    def _call(self, act: Callable[[], _T]) -> _T:
        """Has the thread do it, and gives what it gave."""
        done: Future[_T] = Future()

        def run() -> None:
            try:
                done.set_result(act())
            except BaseException as error:
                done.set_exception(error)

        self._calls.append(run)
        self._wake.send(b"!")
        return done.result(5.0)


def _ignore(_client: Address, _data: bytes) -> None:
    """Nobody watches."""
