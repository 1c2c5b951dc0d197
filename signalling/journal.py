"""The journal: a log of all that changes a gate or spends a grant, on disk before an opening counts."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

from sfu.stats import Histogram, doubling
from signalling.clock import Clock
from signalling.feed import Feed
from signalling.logfile import Compact, LogFile
from signalling.records import Record

__all__ = ["FileJournal", "Journal", "LogFile", "Record", "Worker"]

Done = Callable[[bool], None]
"""Called with True once the record is on disk, with False where it was refused."""


class Journal(Protocol):
    """What the rooms need of a journal."""

    @property
    def healthy(self) -> bool:
        """False while the disk takes nothing; then openings are refused."""
        ...

    on_recovery: Callable[[], None]
    """Set by the owner; called when the disk takes openings again."""

    def submit(self, record: Record, *, opening: bool, done: Done) -> None:
        """Takes a record in order; `sequence` is the journal's to set. An opening may be refused, another is kept."""
        ...

    def after(self, done: Callable[[], None]) -> None:
        """Calls back once nothing of what was submitted so far waits for the disk."""
        ...


@dataclass(frozen=True, slots=True)
class _Item:
    record: Record | None
    """None for who only waits for those before."""
    opening: bool
    done: Done


class Worker(Protocol):
    """Does blocking work, one piece at a time."""

    async def do(self, work: Callable[[], None]) -> None: ...
    def close(self) -> None: ...


class _Thread:
    """A thread of its own: the disk may hang, and nothing else shall wait behind it."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "journal")

    async def do(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        self._executor.shutdown(wait=True)


class FileJournal:
    """A LogFile behind a queue: written in a thread, many records a write, in the order they came.

    When the disk refuses, all openings that wait are refused (they were decided one upon the other), closings are kept
    and tried again, and the journal stays unhealthy until the disk takes a reserve for closings again.
    """

    RETRY = 1.0
    COMPACT_AT = 1 << 20

    def __init__(
        self, log: LogFile, clock: Clock, compact: Compact, worker: Worker | None = None, feed: Feed | None = None
    ) -> None:
        self._log = log
        self._feed = feed
        self._clock = clock
        self._compact = compact
        self._worker: Worker = worker or _Thread()
        self._queue: deque[_Item] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._healthy = True
        self._compact_at = self.COMPACT_AT
        self._closed = False
        self.on_recovery: Callable[[], None] = lambda: None
        self.writes: Final = Histogram(tuple(doubling(0.0005, 10.0)))
        """How long batches took until they were on disk."""

    @property
    def healthy(self) -> bool:
        """Whether the last write went through."""
        return self._healthy and not self._closed

    async def open(self) -> list[Record]:
        """All records so far, with a reserve laid aside."""
        records: list[Record] = []

        def read() -> None:
            records.extend(self._log.read())
            self._compact_at = max(self.COMPACT_AT, 2 * self._log.size)
            self._log.reserve()

        try:
            await self._worker.do(read)
        except OSError:
            self._fail()
        if self._feed is not None:
            self._feed.take(records)
        return records

    def submit(self, record: Record, *, opening: bool, done: Done) -> None:
        """Queues the record."""
        if opening and not self.healthy:
            asyncio.get_running_loop().call_soon(done, False)
            return
        self._queue.append(_Item(record, opening, done))
        self._wake()

    def after(self, done: Callable[[], None]) -> None:
        """Calls back once nothing of what was submitted so far waits for the disk."""
        if self._writer is None and not self._queue:
            done()
        else:
            self._queue.append(_Item(None, False, lambda _: done()))

    async def close(self) -> None:
        """Writes what waits, and gives the file free."""
        if self._closed:
            return
        self._closed = True
        while self._writer is not None:
            await self._writer
        if self._queue:
            await self._recover()
        await self._worker.do(self._log.close)
        self._worker.close()

    def _wake(self) -> None:
        if self._writer is None and self._queue and (self._healthy or self._closed):
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._queue and self._healthy:
                batch = list(self._queue)
                self._queue.clear()
                await self._write_batch(batch)
                if self._log.size > self._compact_at:
                    await self._try_compact()
        finally:
            self._writer = None

    async def _write_batch(self, batch: list[_Item]) -> None:
        began = self._clock.monotonic()
        try:
            written = await self._append(batch)
        except OSError:
            await self._refuse(batch)
            return
        self.writes.observe(self._clock.monotonic() - began)
        self._tell(batch, written)

    async def _append(self, batch: list[_Item], *, release: bool = False) -> list[Record]:
        """Writes the records, where asked with the reserve to help; they come back numbered (raises OSError)."""
        written: list[Record] = []
        records = [item.record for item in batch if item.record is not None]

        def write() -> None:
            if release:
                self._log.release()
            written.extend(self._log.append(records))

        if records:
            await self._worker.do(write)
        return written

    def _tell(self, batch: list[_Item], written: list[Record]) -> None:
        if self._feed is not None:
            self._feed.take(written)
        for item in batch:
            item.done(True)

    async def _refuse(self, batch: list[_Item]) -> None:
        """Refuses the openings, and lets the closings have the reserve."""
        self._fail()
        waiting = [*batch, *self._queue]
        closings = [item for item in waiting if not item.opening]
        self._queue.clear()
        for item in waiting:
            if item.opening:
                item.done(False)

        if closings:
            try:
                written = await self._append(closings, release=True)
            except OSError:
                self._queue.extendleft(reversed(closings))
                return
            self._tell(closings, written)

    def _fail(self) -> None:
        self._healthy = False
        if not self._closed:
            self._clock.call_at(self._clock.monotonic() + self.RETRY, self._retry)

    def _retry(self) -> None:
        if self._writer is None and not self._closed:
            self._writer = asyncio.get_running_loop().create_task(self._recover())

    async def _recover(self) -> None:
        batch = list(self._queue)
        self._queue.clear()
        try:
            if batch:
                written = await self._append(batch, release=True)
                self._tell(batch, written)
                batch = []  # on disk, once, whatever becomes of the reserve
            await self._worker.do(self._log.reserve)
        except OSError:
            self._queue.extendleft(reversed(batch))
            self._writer = None
            self._fail()
            return
        self._healthy = True
        self._writer = None
        self._wake()
        self.on_recovery()

    async def _try_compact(self) -> None:
        with contextlib.suppress(OSError):
            await self._worker.do(lambda: self._log.compact(self._compact))
        self._compact_at = max(self.COMPACT_AT, 2 * self._log.size)
