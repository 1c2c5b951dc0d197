"""`venterom bench control`: on SQLite and PostgreSQL, at 1k, 100k and 1M past appointments."""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, event

from benchmarks.clinic import acts, past
from benchmarks.report import Result, Table, percentile
from control.audit import log
from control.memory import settle
from control.store import migrate
from control.store.database import Database
from control.store.models import AppointmentType, Clinic, Person, Practitioner, Schedule
from signalling.keys import SigningKey
from tests.control.postgres import running

NOW: Final = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
RATE: Final = 50.0
"""Joins a second."""

_TIMER_S: Final = 0.002
"""A timer of the loop comes up to so late; the rest is waited for by looking at the clock."""

_ACTS: Final = ("join", "day", "booking")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: so many of each in every round, and as many rounds with each past."""

    past: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    rounds: int = 10
    joins: int = 50
    looks: int = 20
    bookings: int = 30
    warm_up: int = 20


FULL: Final = Size()
QUICK: Final = Size(past=(1_000,), rounds=1, joins=50, looks=20, bookings=20, warm_up=3)


@dataclass(slots=True)
class _Measured:
    """An act, many times, in milliseconds."""

    whole: list[float] = field(default_factory=list)
    """From when it was due to when it was on the disk."""
    before: list[float] = field(default_factory=list)
    """From its beginning to the commit, which is the disk's."""

    def cells(self) -> tuple[str, ...]:
        return tuple(f"{ms:.1f}" for ms in (_at(self.whole, 0.5), _at(self.whole, 0.99), _at(self.before, 0.99)))


@dataclass(slots=True)
class _Site:
    """A clinic with so many appointments behind it, and what was measured there."""

    past: int
    database: Database
    day: acts.Day
    commits: "_Commits"
    measured: dict[str, _Measured] = field(default_factory=lambda: {act: _Measured() for act in (*_ACTS, "fsync")})
    booked: int = 0


def _at(times: Iterable[float], share: float) -> float:
    return percentile(sorted(times), share)


async def run(size: Size, parent: Path) -> Result:
    """Fills databases below `parent`, measures, and lays the sizes side by side."""
    figures: dict[str, float] = {}
    rows: list[tuple[str, ...]] = []
    cores = os.sched_getaffinity(0)
    with (
        tempfile.TemporaryDirectory(prefix="venterom-bench-", dir=parent) as folder,
        (Path(folder) / "sync").open("wb", buffering=0) as file,
    ):
        for kind, create in _servers(Path(folder), parent):
            os.sched_setaffinity(0, {min(cores)})  # after PostgreSQL was started, which has the others
            try:
                rows += await _server(kind, create, size, figures, _Probe(file))
            finally:
                os.sched_setaffinity(0, cores)
    caption = (
        f"Milliseconds, each with its audit event committed; joins at {RATE:.0f}/s. *Before*: p99 without waiting for "
        "a turn and for the disk. An fsync of 4 KiB to the same disk, as often as a join and between the joins and the "
        "rest, is what one costs. Rounds with each past take turns, so that a host that slows down slows all."
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

    async def __call__(self, _: int = 0) -> None:
        self._file.write(b"\0" * 4096)
        os.fdatasync(self._file.fileno())


class _Commits:
    """When the last commit began."""

    def __init__(self, database: Database) -> None:
        self.began = 0.0
        event.listen(database.engine.sync_engine, "commit", self._begin)

    def _begin(self, _: Connection) -> None:
        self.began = time.perf_counter()


def _servers(folder: Path, parent: Path) -> Iterator[tuple[str, Callable[[str], URL]]]:
    """Each kind of database, and how a new one is made there."""
    yield "SQLite", lambda name: URL.create("sqlite+aiosqlite", database=str(folder / f"{name}.db"))
    with running(durable=True, parent=parent) as server:
        yield "PostgreSQL", server.create


async def _server(
    kind: str, create: Callable[[str], URL], size: Size, figures: dict[str, float], probe: _Probe
) -> list[tuple[str, ...]]:
    sites: list[_Site] = []
    try:
        for count in size.past:
            sites.append(await _site(create(f"clinic_{count}"), count, size))
        os.sync()  # what was filled in is not the acts' to write
        settle()  # as the server does once it has started
        for _ in range(size.rounds):
            for site in sites:
                await _round(site, size, probe)
    finally:
        for site in sites:
            await site.database.close()
    return [_row(kind, site, figures) for site in sites]


async def _site(url: URL, count: int, size: Size) -> _Site:
    await migrate.upgrade(url)
    database = Database.open(url)
    names = await clinic_of_the_benchmark(database)
    day = await acts.prepare(database, names, NOW, size.bookings * size.rounds + size.warm_up)
    await past.fill(url, 1, count, names)
    site = _Site(count, database, day, _Commits(database))
    key = SigningKey.generate()
    for number in range(size.warm_up):
        await acts.join(database, day, key, number)
        await acts.look(database, day)
        await _reserve(site)
    return site


async def _round(site: _Site, size: Size, probe: _Probe) -> None:
    """So many of each, one kind after another."""
    key = SigningKey.generate()
    await _paced(site, "join", RATE, size.joins, lambda n: acts.join(site.database, site.day, key, n))
    await _paced(site, "fsync", RATE, size.joins, probe)
    await _paced(site, "day", None, size.looks, lambda _: acts.look(site.database, site.day))
    await _paced(site, "booking", None, size.bookings, lambda _: _reserve(site))


async def _reserve(site: _Site) -> None:
    site.booked += 1
    await acts.reserve(site.database, site.day, site.booked - 1)


def _row(kind: str, site: _Site, figures: dict[str, float]) -> tuple[str, ...]:
    name = f"{kind.lower()}_{site.past}"
    for act in _ACTS:
        measured = site.measured[act]
        figures[f"{name}_{act}_p50_ms"], figures[f"{name}_{act}_p99_ms"] = (
            _at(measured.whole, share) for share in (0.5, 0.99)
        )
        figures[f"{name}_{act}_before_p99_ms"] = _at(measured.before, 0.99)
    booked = site.measured["booking"].whole
    figures[f"{name}_bookings_per_s"] = rate = 1000 * len(booked) / sum(booked)
    syncs = site.measured["fsync"].whole
    figures[f"{name}_fsync_p99_ms"] = _at(syncs, 0.99)
    cells = (cell for act in _ACTS for cell in site.measured[act].cells())
    last = f"{rate:.0f}", f"{_at(syncs, 0.5):.1f}", f"{_at(syncs, 0.99):.1f}"
    return kind, f"{site.past:,}", *cells, *last


async def _paced(site: _Site, name: str, rate: float | None, count: int, act: Callable[[int], Awaitable[None]]) -> None:
    """One after another; at a rate each is begun in its turn, and late is late: what it waited counts."""
    measured = site.measured[name]
    start = time.perf_counter()
    for number in range(count):
        due = time.perf_counter() if rate is None else start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter() - _TIMER_S))
        while time.perf_counter() < due:  # noqa: ASYNC110 - a clock is no event
            await asyncio.sleep(0)
        began = time.perf_counter()
        await act(number)
        measured.whole.append((time.perf_counter() - due) * 1000)
        measured.before.append((site.commits.began - began) * 1000)


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
