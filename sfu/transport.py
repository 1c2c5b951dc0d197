"""One participant's transport: its DTLS handshake, step by step off the event loop, and its keys to the wire."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final, Protocol, assert_never

from sfu import dtls
from sfu.commands import SendDtls, SetKeys
from sfu.errors import DtlsError
from sfu.plane import Plane

_MOST_WAITING: Final = 64
"""Datagrams that wait for a step; a handshake has a handful."""

Outcome = dtls.Connected | dtls.Failed | dtls.Closed
"""What a transport comes to: one of the first two, and Closed after Connected."""


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], None]], Timer]
"""Seconds, and what to do then, on the event loop."""


def on_loop(delay: float, callback: Callable[[], None]) -> Timer:
    """The running loop's own timers."""
    return asyncio.get_running_loop().call_later(delay, callback)


@dataclass(slots=True)
class Transport:
    """Drives a handshake: one step at a time, each in the executor; what it sends and yields comes back on the loop."""

    peer: int
    plane: Plane
    handshake: dtls.Handshake
    tell: Callable[[Outcome], None]
    """Called on the loop, once for each outcome, after the wire has what follows from it."""
    executor: Executor
    clock: Callable[[], float]
    call_later: CallLater = on_loop
    began: float = field(init=False)
    """When the first datagram came, or else when the transport was made."""
    _waiting: deque[bytes] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _heard: bool = False
    _running: bool = False
    _secured: bool = False
    _over: bool = False
    _timer: Timer | None = None

    def __post_init__(self) -> None:
        self.began = self.clock()

    def receive(self, datagram: bytes) -> None:
        """A DTLS datagram from the peer's validated address. Too many at once are dropped, as a network would."""
        if not self._heard:
            self._heard, self.began = True, self.clock()
        size = self._waiting_bytes + len(datagram)
        if not self._over and len(self._waiting) < _MOST_WAITING and size <= dtls.MAX_BYTES:
            self._waiting.append(datagram)
            self._waiting_bytes = size
            self._run()

    def close(self) -> None:
        """Nothing more is sent or told."""
        self._over = True
        self._waiting.clear()
        self._disarm()

    def _run(self) -> None:
        if self._running or self._over:
            return
        batch = tuple(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._disarm()
        loop = asyncio.get_running_loop()
        try:
            step = loop.run_in_executor(self.executor, self._step, batch)
        except RuntimeError as error:  # the executor takes no more
            self._break_down(error)
            return
        self._running = True
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
        if self._over:
            if not step.cancelled():
                step.exception()  # whatever it was, nobody waits for it
            return
        if step.cancelled():
            self._break_down(RuntimeError("the executor was shut down during a handshake"))
            return
        error = step.exception()
        if error is not None:
            self._break_down(error)
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
            case dtls.New() | dtls.Handshaking():
                pass
            case dtls.Connected(keys):
                if not self._secured:
                    self._secured = True
                    self.plane.apply(SetKeys(self.peer, keys.profile, keys.local, keys.remote))
                    self.tell(state)
            case dtls.Failed() | dtls.Closed():
                self.close()
                self.tell(state)
            case _:
                assert_never(state)

    def _break_down(self, error: BaseException) -> None:
        """Our own fault; the loop's handler of exceptions hears of it. A call that stands does not need us any more."""
        self.close()
        context = {"message": "a DTLS handshake broke down", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
        if not self._secured:
            self.tell(dtls.Failed("dtls_internal"))

    def _arm(self) -> None:
        due = None if self._over else self.handshake.next_timeout()
        if due is not None:
            self._timer = self.call_later(max(0.0, due - self.clock()), self._run)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
