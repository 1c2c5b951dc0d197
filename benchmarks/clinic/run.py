"""`venterom bench control`: on SQLite and PostgreSQL, at 1k, 100k and 1M past appointments."""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, event

from benchmarks.clinic import acts, past
from benchmarks.report import Result, Table, percentile
from control.audit import log
from control.store import migrate
from control.store.database import Database
from control.store.models import AppointmentType, Clinic, Person, Practitioner, Schedule
from signalling.keys import SigningKey
from tests.control.postgres import running

NOW: Final = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
RATE: Final = 50.0
"""Joins a second."""

_ACTS: Final = ("join", "day", "booking")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    past: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    joins: int = 500
    looks: int = 200
    bookings: int = 300
    warm_up: int = 20


FULL: Final = Size()
QUICK: Final = Size(past=(1_000,), joins=50, looks=20, bookings=20, warm_up=3)


class _Times:
    """Milliseconds, in order."""

    def __init__(self, values: Iterable[float]) -> None:
        self.values = sorted(values)

    def at(self, share: float) -> float:
        return percentile(self.values, share)


@dataclass(frozen=True, slots=True)
class _Measured:
    """An act, many times."""

    whole: _Times
    """From when it was due to when it was on the disk."""
    before: _Times
    """From its beginning to the commit, which is the disk's."""

    def cells(self) -> tuple[str, ...]:
        return tuple(f"{ms:.1f}" for ms in (self.whole.at(0.5), self.whole.at(0.99), self.before.at(0.99)))


async def run(size: Size) -> Result:
    """Fills, measures, and lays the sizes side by side."""
    figures: dict[str, float] = {}
    rows: list[tuple[str, ...]] = []
    cores = os.sched_getaffinity(0)
    with (
        tempfile.TemporaryDirectory(prefix="venterom-bench-") as folder,
        (Path(folder) / "sync").open("wb", buffering=0) as file,
    ):
        for kind, url in _databases(Path(folder)):
            os.sched_setaffinity(0, {min(cores)})  # after PostgreSQL was started, which has the others
            try:
                rows += await _database(kind, url, size, figures, _Probe(file))
            finally:
                os.sched_setaffinity(0, cores)
    caption = (
        f"Milliseconds, each with its audit event committed; joins at {RATE:.0f}/s. *Before*: p99 without waiting for "
        "a turn and for the disk. An fsync of 4 KiB to the same disk follows each act and counts for nothing."
    )
    acts_ = [f"{act} {what}".strip() for act in _ACTS for what in ("p50", "p99", "before")]
    columns = ("database", "past appointments", *acts_, "bookings/s", "fsync p50", "fsync p99")
    tables = Table(caption, columns, tuple(rows)), _growth(figures, size)
    return Result("control", figures, tables)


def _growth(figures: Mapping[str, float], size: Size) -> Table:
    few, many = size.past[0], size.past[-1]
    rows = []
    for name, kind in (("SQLite", "sqlite"), ("PostgreSQL", "postgresql")):
        ratios = (figures[f"{kind}_{many}_{act}_p50_ms"] / figures[f"{kind}_{few}_{act}_p50_ms"] for act in _ACTS)
        rows.append((name, *(f"{ratio:.2f}" for ratio in ratios)))
    return Table(f"p50 at {many:,} by p50 at {few:,}.", ("database", *_ACTS), tuple(rows))


class _Probe:
    """What it costs to have a page on the disk."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._times: list[float] = []

    def __call__(self) -> float:
        """Does so once; gives the seconds."""
        began = time.perf_counter()
        self._file.write(b"\0" * 4096)
        os.fdatasync(self._file.fileno())
        took = time.perf_counter() - began
        self._times.append(took * 1000)
        return took

    def take(self) -> _Times:
        """Those since the last time."""
        times, self._times = self._times, []
        return _Times(times)


class _Commits:
    """When the last commit began."""

    def __init__(self, database: Database) -> None:
        self.began = 0.0
        event.listen(database.engine.sync_engine, "commit", self._begin)

    def _begin(self, _: Connection) -> None:
        self.began = time.perf_counter()


def _databases(folder: Path) -> Iterator[tuple[str, URL]]:
    yield "SQLite", URL.create("sqlite+aiosqlite", database=str(folder / "clinic.db"))
    with _postgres() as url:
        yield "PostgreSQL", url


@contextmanager
def _postgres() -> Iterator[URL]:
    with running(durable=True) as server:
        yield server.create("clinic")


async def _database(kind: str, url: URL, size: Size, figures: dict[str, float], probe: _Probe) -> list[tuple[str, ...]]:
    await migrate.upgrade(url)
    rows, written = [], 0
    database = Database.open(url)
    try:
        names = await clinic_of_the_benchmark(database)
        day = await acts.prepare(database, names, NOW, size.bookings * len(size.past))
        key, commits = SigningKey.generate(), _Commits(database)
        for index, count in enumerate(size.past):
            await past.fill(url, written + 1, count, names)
            written = count
            os.sync()  # what was filled in is not the acts' to write
            pace = partial(_paced, commits, probe)
            for number in range(size.warm_up):
                await acts.join(database, day, key, number)
                await acts.look(database, day)
            probe.take()
            joins = await pace(RATE, size.joins, lambda number: acts.join(database, day, key, number))
            looks = await pace(None, size.looks, lambda _: acts.look(database, day))
            reserve = partial(_reserve, database, day, index * size.bookings)
            bookings = await pace(None, size.bookings, reserve)
            rate = 1000 * size.bookings / sum(bookings.whole.values)
            syncs = probe.take()
            name = f"{kind.lower()}_{count}"
            for act, measured in (("join", joins), ("day", looks), ("booking", bookings)):
                whole, before = measured.whole, measured.before
                figures[f"{name}_{act}_p50_ms"], figures[f"{name}_{act}_p99_ms"] = whole.at(0.5), whole.at(0.99)
                figures[f"{name}_{act}_before_p99_ms"] = before.at(0.99)
            figures[f"{name}_bookings_per_s"] = rate
            figures[f"{name}_fsync_p99_ms"] = syncs.at(0.99)
            cells = (cell for measured in (joins, looks, bookings) for cell in measured.cells())
            rows.append((kind, f"{count:,}", *cells, f"{rate:.0f}", f"{syncs.at(0.5):.1f}", f"{syncs.at(0.99):.1f}"))
    finally:
        await database.close()
    return rows


async def _reserve(database: Database, day: acts.Day, first: int, number: int) -> None:
    await acts.reserve(database, day, first + number)


async def _paced(
    commits: _Commits,
    probe: Callable[[], float],
    rate: float | None,
    count: int,
    act: Callable[[int], Awaitable[None]],
) -> _Measured:
    """One after another; at a rate each is begun in its turn, and late is late: what it waited counts."""
    whole, before = [], []
    start = time.perf_counter()
    for number in range(count):
        due = time.perf_counter() if rate is None else start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        await act(number)
        whole.append((time.perf_counter() - due) * 1000)
        before.append((commits.began - began) * 1000)
        start += probe()  # which nobody waits for
    return _Measured(_Times(whole), _Times(before))


async def clinic_of_the_benchmark(database: Database) -> dict[str, str]:
    """A clinic with one practitioner."""
    async with database.begin(None) as session:
        clinic, person = Clinic(key="bench", name="Klinikk", video_enabled=True), Person(name="Lege", created_at=NOW)
        session.add_all([clinic, person])
        await session.flush()
        await log.begin(session, clinic.id)
    async with database.begin(clinic.id) as session:
        practitioner = Practitioner(person_id=person.id, name="Lege")
        kind = AppointmentType(
            name="Time", minutes=5, supports_video=True, surface="video", published=True, active=True
        )
        session.add_all([practitioner, kind])
        await session.flush()
        schedule = Schedule(practitioner_id=practitioner.id, name="Lege", published=True)
        session.add(schedule)
        await session.flush()
        return {
            "clinic": clinic.id,
            "practitioner": practitioner.id,
            "person": person.id,
            "schedule": schedule.id,
            "type": kind.id,
            "now": f"{NOW:%Y-%m-%d %H:%M:%S}",
        }
