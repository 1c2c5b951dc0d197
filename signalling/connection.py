"""The sending side of one WebSocket: a bounded queue, and an end for whoever does not read."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from aiohttp import web

from signalling import messages
from signalling.clock import Clock, Timer
from signalling.config import SignallingConfig
from signalling.session import CLOSE_ABUSE, CLOSE_NORMAL

KERNEL_BUFFER: Final = 64 * 1024
"""The kernel doubles it; left alone it would grow to megabytes and hide a slow reader."""
WRITE_BUFFER: Final = 32 * 1024


class Connection:
    """A Link over aiohttp. Whatever is sent after `close` is dropped."""

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        transport: asyncio.Transport,
        config: SignallingConfig,
        clock: Clock,
    ) -> None:
        self._websocket = websocket
        self._transport = transport
        self._config = config
        self._clock = clock
        self._queue: deque[str] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._close_code: int | None = None
        self._gone = False
        self._stalled_at = 0
        self._watch: Timer | None = None
        self._abort: Timer | None = None
        self.on_close: Callable[[], None] = lambda: None
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)

    @property
    def closed(self) -> bool:
        """Closing, or closed by the other side."""
        return self._close_code is not None or self._gone

    def send(self, message: messages.ServerMessage) -> None:
        """Queues a message; who lets too much pile up is cut."""
        if self.closed:
            return
        text = message.encode()
        size = len(text.encode())
        waiting = self._bytes + self._transport.get_write_buffer_size()
        if len(self._queue) >= self._config.queue_messages or waiting + size > self._config.queue_bytes:
            self.cut()
            return
        self._queue.append(text)
        self._bytes += size
        self._wake.set()

    def dismiss(self, reason: messages.EndReason) -> None:
        """Says that it is over, and closes."""
        self.send(messages.Ended(reason=reason))
        self.close(CLOSE_NORMAL)

    def close(self, code: int) -> None:
        """Closes once what waits has been sent."""
        if self.closed:
            return
        self._close_code = code
        self._wake.set()
        self._arm_abort(self._config.slow_reader)
        self.on_close()

    def cut(self) -> None:
        """Closes for slowness: what waits is dropped; whoever still doesn't read gets no close frame either."""
        self._queue.clear()
        if not self.closed:
            self._close_code = CLOSE_ABUSE
            self.on_close()
        self._wake.set()
        self._arm_abort(self._config.slow_reader / 2)

    def lost(self) -> None:
        """The other side is gone."""
        self._gone = True
        self._queue.clear()
        self._wake.set()

    async def write(self) -> int | None:
        """Sends what is queued until the end; returns the code to close with, None where the other side is gone."""
        try:
            while not self._gone:
                if self._queue:
                    text = self._queue.popleft()
                    self._start_watch()
                    await self._websocket.send_str(text)
                    self._bytes -= len(text.encode())
                    self._stop_watch()
                elif self._close_code is not None:
                    return self._close_code
                else:
                    self._wake.clear()
                    await self._wake.wait()
        except (ConnectionError, RuntimeError):
            self.lost()
        finally:
            self._stop_watch()
        return None

    def finish(self) -> None:
        """The WebSocket is closed, or lost; whatever could not be delivered is not kept."""
        self.lost()
        if self._abort is not None:
            self._abort.cancel()
        if self._transport.get_write_buffer_size():
            self._transport.abort()

    def abort(self) -> None:
        """Ends the connection without ceremony."""
        self.lost()
        self._transport.abort()

    def _arm_abort(self, after: float) -> None:
        due = self._clock.monotonic() + after
        if self._abort is not None:
            self._abort.cancel()
        self._abort = self._clock.call_at(due, self.abort)

    def _start_watch(self) -> None:
        self._stalled_at = -1
        self._look()

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self) -> None:
        """Cuts who has taken nothing since the last look: a thin link takes little, but it takes."""
        size = self._transport.get_write_buffer_size()
        if size == self._stalled_at:
            self._watch = None
            self.cut()
            return
        self._stalled_at = size
        self._watch = self._clock.call_at(self._clock.monotonic() + self._config.slow_reader / 2, self._look)
