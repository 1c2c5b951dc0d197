"""The journal's file: append-only, checked, compacted, with some disk kept aside.

A line is one write: a CRC and the records that were waiting. Only the last line can be torn by a crash, and it was
never acknowledged; a bad line before that is damage, and nothing starts on it.
"""

import contextlib
import fcntl
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from signalling.errors import JournalError
from signalling.inputs import End
from signalling.records import Record, Snapshot, Untold
from signalling.room import Ended

Compact = Callable[[Iterable[Record]], Iterable[Record]]
"""What of these records is worth keeping."""

# Nearly every string in it is of one record alone: kept for the next, as pydantic does, they would fill a table.
_LINE: Final = TypeAdapter(list[Record], config=ConfigDict(cache_strings="keys"))
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
        """The last number of each life of a room that goes on."""

    def read(self) -> list[Record]:
        """All records; cuts off a torn last line."""
        return list(self._read())

    def _read(self) -> Iterator[Record]:
        """One line after another: taken apart, a record is many times as large as in the file."""
        data = self._path.read_bytes()
        self._sequences.clear()
        good = 0
        while good < len(data):
            end = data.find(b"\n", good)
            line = None if end < 0 else _decode(data[good:end])
            if line is None:
                if any(_decode(rest) is not None for rest in data[good:].split(b"\n")[1:]):
                    raise JournalError("journal_corrupt", f"at byte {good}")
                break
            for record in line:
                self._number(record)
                yield record
            good = end + 1
        os.ftruncate(self._file, good)
        os.fsync(self._file)
        self.size = good

    def _number(self, record: Record) -> None:
        """Notes the number of a record on disk."""
        key = record.room, record.epoch
        if _is_last(record):
            self._sequences.pop(key, None)
        else:
            self._sequences[key] = record.sequence

    def append(self, records: Iterable[Record]) -> list[Record]:
        """Numbers the records and writes them, all or none (raises OSError); gives them back as they are on disk."""
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
        for record in numbered:
            self._number(record)
        return numbered

    def compact(self, keep: Compact) -> None:
        """Replaces the file by what is worth keeping of it (raises OSError; then the old file stays)."""
        part = self._path.with_name(self._path.name + ".part")
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            size = 0
            kept = set()
            for record in keep(self._read()):
                line = _encode([record])
                _write(file, line, size)
                size += len(line)
                kept.add((record.room, record.epoch))
            os.fsync(file)
            os.rename(part, self._path)
        except (OSError, JournalError):
            os.close(file)
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        os.close(self._file)
        self._file = file
        self.size = size
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


def _is_last(record: Record) -> bool:
    """Whether none follows in this life of the room."""
    match record.event:
        case End() | Untold(event=End()):
            return True
        case Snapshot(room=room):
            return isinstance(room.life, Ended)
        case _:
            return False


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
