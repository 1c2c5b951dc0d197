"""One participant's transport: its DTLS handshake, step by step off the event loop, and its keys to the wire."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from sfu import dtls
from sfu.commands import SendDtls, SetKeys
from sfu.errors import DtlsError
from sfu.plane import Plane

_MOST_WAITING: Final = 64
"""Datagrams that wait for a step; a handshake has a handful."""


@dataclass(slots=True)
class Transport:
    """Drives a handshake: one call at a time, each in the executor; what it sends and yields comes back on the loop."""

    peer: int
    plane: Plane
    executor: Executor
    clock: Callable[[], float]
    handshake: dtls.Handshake
    connected: Callable[[], None]
    failed: Callable[[str], None]
    _waiting: deque[bytes] = field(default_factory=deque)
    _running: bool = False
    _closed: bool = False
    _done: bool = False
    _timer: asyncio.TimerHandle | None = None

    def receive(self, datagram: bytes) -> None:
        """A DTLS datagram from the peer's validated address."""
        if not self._closed and len(self._waiting) < _MOST_WAITING:
            self._waiting.append(datagram)
            self._run()

    def close(self) -> None:
        """Nothing more is sent or told."""
        self._closed = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        if self._running or self._closed:
            return
        self._running = True
        batch = tuple(self._waiting)
        self._waiting.clear()
        loop = asyncio.get_running_loop()
        step = loop.run_in_executor(self.executor, self._step, batch)
        step.add_done_callback(self._stepped)

    def _step(self, batch: tuple[bytes, ...]) -> list[bytes]:
        """In the executor. A failure shows in the handshake's state; what it still wanted to say, an alert, is sent."""
        try:
            for datagram in batch:
                self.handshake.receive(self.clock(), datagram)
            self.handshake.handle_timeout(self.clock())
        except DtlsError:
            pass
        return self.handshake.transmits()

    def _stepped(self, step: asyncio.Future[list[bytes]]) -> None:
        self._running = False
        if self._closed or step.cancelled():
            return
        datagrams = step.result()
        if datagrams:
            self.plane.apply(SendDtls(self.peer, tuple(datagrams)))
        self._follow(self.handshake.state)
        if self._waiting:
            self._run()
        else:
            self._arm()

    def _follow(self, state: dtls.State) -> None:
        match state:
            case dtls.Connected(keys) if not self._done:
                self._done = True
                self.plane.apply(SetKeys(self.peer, keys.profile, keys.local, keys.remote))
                self.connected()
            case dtls.Failed(code):
                self.close()
                self.failed(code)
            case _:
                pass

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = None if self._closed else self.handshake.next_timeout()
        if due is not None:
            delay = max(0.0, due - self.clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._run)
