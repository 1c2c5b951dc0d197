"""The journal: an append-only log of all that changes a gate or spends a grant, on disk before an opening counts.

A line is one write: a CRC and the records that were waiting. Only the last line can be torn by a crash, and it was
never acknowledged; a bad line before that is damage, and nothing starts on it.
"""

import asyncio
import contextlib
import fcntl
import os
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol

from pydantic import Field, TypeAdapter, ValidationError

from signalling.clock import Clock
from signalling.errors import JournalError
from signalling.grant import GrantId
from signalling.inputs import Recorded
from signalling.room import Room


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A room as it was, in place of the records that led there."""

    room: Room
    kind: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True)
class Spent:
    """A grant that was used, remembered until wall time `forget_at`."""

    grant: GrantId
    forget_at: float
    kind: Literal["spent"] = "spent"


@dataclass(frozen=True, slots=True)
class Record:
    """What happened to a room, at wall time `at`; numbered without gaps within one life of the room."""

    room: str
    epoch: int
    sequence: int
    at: float
    event: Annotated[Recorded | Snapshot | Spent, Field(discriminator="kind")]


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


Compact = Callable[[Iterable[Record]], Iterable[Record]]
"""What of these records is worth keeping."""

_LINE: Final = TypeAdapter(list[Record])
_RESERVE: Final = 256 * 1024


class LogFile:
    """The file itself. Blocking; owned by one process (flock) and used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserve = path.with_name(path.name + ".reserve")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise JournalError("journal_locked") from error
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _sync_directory(path.parent)
        self.size = 0
        """Bytes that count; what a failed write left behind them does not."""
        self._sequences: dict[tuple[str, int], int] = {}

    def read(self) -> list[Record]:
        """All records; cuts off a torn last line."""
        data = self._path.read_bytes()
        records: list[Record] = []
        good = 0
        while good < len(data):
            end = data.find(b"\n", good)
            line = None if end < 0 else _decode(data[good:end])
            if line is None:
                if any(_decode(rest) is not None for rest in data[good:].split(b"\n")[1:]):
                    raise JournalError("journal_corrupt", f"at byte {good}")
                break
            records += line
            good = end + 1
        os.ftruncate(self._file, good)
        os.fsync(self._file)
        self.size = good
        self._sequences.clear()
        for record in records:
            self._sequences[record.room, record.epoch] = record.sequence
        return records

    def append(self, records: Iterable[Record]) -> None:
        """Numbers the records and writes them, all or none (raises OSError)."""
        sequences: dict[tuple[str, int], int] = {}
        numbered = []
        for record in records:
            key = record.room, record.epoch
            sequences[key] = sequences.get(key, self._sequences.get(key, 0)) + 1
            numbered.append(replace(record, sequence=sequences[key]))
        line = _encode(numbered)
        try:
            _write(self._file, line, self.size)
            os.fdatasync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise
        self.size += len(line)
        self._sequences.update(sequences)

    def compact(self, keep: Compact) -> None:
        """Replaces the file by what is worth keeping of it (raises OSError; then the old file stays)."""
        records = list(keep(self.read()))
        part = self._path.with_name(self._path.name + ".part")
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            size = 0
            for record in records:
                line = _encode([record])
                _write(file, line, size)
                size += len(line)
            os.fsync(file)
            os.rename(part, self._path)
        except OSError:
            os.close(file)
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        os.close(self._file)
        self._file = file
        self.size = size
        kept = {(record.room, record.epoch) for record in records}
        self._sequences = {key: number for key, number in self._sequences.items() if key in kept}
        _sync_directory(self._path.parent)

    def reserve(self) -> None:
        """Keeps some of the disk aside for closings (raises OSError where there is no room)."""
        file = os.open(self._reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(file).st_size < _RESERVE:
                os.posix_fallocate(file, 0, _RESERVE)
                os.fsync(file)
        finally:
            os.close(file)

    def release(self) -> None:
        """Gives the reserve to whoever writes next."""
        with contextlib.suppress(OSError):
            os.truncate(self._reserve, 0)

    def close(self) -> None:
        """Gives the file free."""
        os.close(self._file)
        os.close(self._lock)


@dataclass(frozen=True, slots=True)
class _Item:
    record: Record
    opening: bool
    done: Done


Run = Callable[[Callable[[], None]], Awaitable[None]]
"""How blocking work is done: one at a time."""


class _Thread:
    """A thread of its own: the disk may hang, and nothing else shall wait behind it."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "journal")

    async def __call__(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, work)


class FileJournal:
    """A LogFile behind a queue: written in a thread, many records a write, in the order they came.

    When the disk refuses, all openings that wait are refused (they were decided one upon the other), closings are kept
    and tried again, and the journal stays unhealthy until the disk takes a reserve for closings again.
    """

    RETRY = 1.0
    COMPACT_AT = 1 << 20

    def __init__(self, log: LogFile, clock: Clock, compact: Compact, run: Run | None = None) -> None:
        self._log = log
        self._clock = clock
        self._compact = compact
        self._run = run or _Thread()
        self._queue: deque[_Item] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._healthy = True
        self._compact_at = self.COMPACT_AT
        self._closed = False
        self.on_recovery: Callable[[], None] = lambda: None

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
            await self._run(read)
        except OSError:
            self._fail()
        return records

    def submit(self, record: Record, *, opening: bool, done: Done) -> None:
        """Queues the record."""
        if opening and not self.healthy:
            asyncio.get_running_loop().call_soon(done, False)
            return
        self._queue.append(_Item(record, opening, done))
        self._wake()

    async def close(self) -> None:
        """Writes what waits, and gives the file free."""
        if self._closed:
            return
        self._closed = True
        while self._writer is not None:
            await self._writer
        if self._queue:
            await self._recover()
        await self._run(self._log.close)

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
        try:
            await self._run(lambda: self._log.append(item.record for item in batch))
        except OSError:
            await self._refuse(batch)
            return
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

        def write() -> None:
            self._log.release()
            self._log.append(item.record for item in closings)

        if closings:
            try:
                await self._run(write)
            except OSError:
                self._queue.extendleft(reversed(closings))
                return
            for item in closings:
                item.done(True)

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

        def write() -> None:
            if batch:
                self._log.release()
                self._log.append(item.record for item in batch)
            self._log.reserve()

        try:
            await self._run(write)
        except OSError:
            self._queue.extendleft(reversed(batch))
            self._writer = None
            self._fail()
            return
        self._healthy = True
        self._writer = None
        for item in batch:
            item.done(True)
        self._wake()
        self.on_recovery()

    async def _try_compact(self) -> None:
        with contextlib.suppress(OSError):
            await self._run(lambda: self._log.compact(self._compact))
        self._compact_at = max(self.COMPACT_AT, 2 * self._log.size)


def _encode(records: list[Record]) -> bytes:
    text = _LINE.dump_json(records)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _decode(line: bytes) -> list[Record] | None:
    crc, _, text = line.partition(b" ")
    if len(crc) != 8 or crc != b"%08x" % zlib.crc32(text):
        return None
    try:
        return _LINE.validate_json(text)
    except ValidationError as error:
        # Whole, yet not ours: written by a newer version.
        raise JournalError("journal_corrupt", "unknown record") from error


def _write(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
