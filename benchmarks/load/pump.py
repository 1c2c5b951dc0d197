"""One thread that sends each frame at its own moment, and reads what came in between.

It spins shortly before something is due: a browser's packets do not come in step with a timer, and a server that they
wake one by one must not be shown batches. It never sleeps in a call that a datagram would end, so that the server does
not pay for waking us, as it would not on a network.
"""

import heapq
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol

from benchmarks.load.tally import Tally

Action = Callable[[int], int | None]
"""Does what was due at a moment; gives the next one, or nothing."""

_SPIN: Final = 150_000
"""Nanoseconds: timers come that late."""
_NAP: Final = 1_000_000
_SOCKETS_AT_ONCE: Final = 8


class Readable(Protocol):
    """Something with a socket."""

    def fileno(self) -> int: ...

    def drain(self) -> None:
        """Reads some of what has come."""


class Pump:
    """Everything but `run` may be called from another thread."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._inbox: deque[Callable[[], None]] = deque()
        self._order = count()
        self._heap: list[tuple[int, int, Action]] = []
        self._epoll = select.epoll()
        self._readable: dict[int, Readable] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._thread.join()

    def add(self, readable: Readable, *actions: tuple[int, Action]) -> None:
        """Reads its socket from now on, and does those actions at their times."""

        def take() -> None:
            self._readable[readable.fileno()] = readable
            self._epoll.register(readable.fileno(), select.EPOLLIN)
            for due, action in actions:
                heapq.heappush(self._heap, (due, next(self._order), action))

        self._inbox.append(take)

    def at(self, *actions: tuple[int, Action]) -> None:
        """Does more at their times."""

        def take() -> None:
            for due, action in actions:
                heapq.heappush(self._heap, (due, next(self._order), action))

        self._inbox.append(take)

    def remove(self, readable: Readable, done: Callable[[], None]) -> None:
        """Reads its socket no more; `done` is called on the thread."""

        def take() -> None:
            self._epoll.unregister(readable.fileno())
            del self._readable[readable.fileno()]
            done()

        self._inbox.append(take)

    def reset(self) -> Tally:
        """Begins a new tally, and gives the old one."""
        done, self.tally = self.tally, Tally()
        return done

    def _run(self) -> None:
        while not self._stopped:
            while self._inbox:
                self._inbox.popleft()()
            now = time.monotonic_ns()
            if self._heap and self._heap[0][0] <= now:
                due, order, action = heapq.heappop(self._heap)
                later = action(due)
                if later is not None:
                    heapq.heappush(self._heap, (later, order, action))
                continue
            ready = self._epoll.poll(0, _SOCKETS_AT_ONCE)
            if ready:
                for number, _ in ready:
                    self._readable[number].drain()
                continue
            left = self._heap[0][0] - now if self._heap else _NAP
            if left > _SPIN:
                time.sleep(min(left - _SPIN, _NAP) / 1e9)
