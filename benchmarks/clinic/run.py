"""`venterom bench control`: on SQLite and PostgreSQL, at 1k, 100k and 1M past appointments."""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from benchmarks.clinic import acts, past
from benchmarks.report import Result, Table, percentile
from control.audit import log
from control.store import migrate
from control.store.database import Database
from control.store.models import AppointmentType, Clinic, Patient, Person, Practitioner, Schedule
from signalling.keys import SigningKey
from tests.control.postgres import running

NOW: Final = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
RATE: Final = 50.0
"""Joins a second."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    past: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    joins: int = 500
    looks: int = 200
    bookings: int = 300
    syncs: int = 200


FULL: Final = Size()
QUICK: Final = Size(past=(1_000,), joins=50, looks=20, bookings=20, syncs=20)


@dataclass(frozen=True, slots=True)
class _Times:
    """Milliseconds, in order."""

    values: list[float]

    def at(self, share: float) -> float:
        return percentile(self.values, share)


async def run(size: Size) -> Result:
    """Fills, measures, and lays the sizes side by side."""
    figures: dict[str, float] = {}
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="venterom-bench-") as folder:
        sync = _syncs(Path(folder), size.syncs)
        figures["fsync_p50_ms"], figures["fsync_p99_ms"] = sync.at(0.5), sync.at(0.99)
        for kind, url in _databases(Path(folder)):
            rows += await _database(kind, url, size, figures)
    measured = ("join p50", "join p99", "day p50", "day p99", "booking p50", "bookings/s")
    caption = (
        f"Milliseconds, each with its audit event committed; joins at {RATE:.0f}/s. One fsync of 4 KiB here: "
        f"p50 {sync.at(0.5):.1f}, p99 {sync.at(0.99):.1f} ms."
    )
    return Result("control", figures, (Table(caption, ("database", "past appointments", *measured), tuple(rows)),))


def _syncs(folder: Path, count: int) -> _Times:
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return _Times(sorted(times))


def _databases(folder: Path) -> Iterator[tuple[str, URL]]:
    yield "SQLite", URL.create("sqlite+aiosqlite", database=str(folder / "clinic.db"))
    with _postgres() as url:
        yield "PostgreSQL", url


@contextmanager
def _postgres() -> Iterator[URL]:
    with running(durable=True) as server:
        yield server.create("clinic")


async def _database(kind: str, url: URL, size: Size, figures: dict[str, float]) -> list[tuple[str, ...]]:
    await migrate.upgrade(url)
    rows, written = [], 0
    database = Database.open(url)
    try:
        names = await clinic_of_the_benchmark(database)
        day = await acts.prepare(database, names, NOW, size.bookings * len(size.past))
        key = SigningKey.generate()
        for index, count in enumerate(size.past):
            await past.fill(url, written + 1, count, names)
            written = count
            joins = await _paced(RATE, size.joins, lambda number: acts.join(database, day, key, number))
            looks = await _paced(None, size.looks, lambda _: acts.look(database, day))
            reserve = partial(_reserve, database, day, index * size.bookings)
            began = time.perf_counter()
            bookings = await _paced(None, size.bookings, reserve)
            rate = size.bookings / (time.perf_counter() - began)
            name = f"{kind.lower()}_{count}"
            for act, times in (("join", joins), ("day", looks), ("booking", bookings)):
                figures[f"{name}_{act}_p50_ms"], figures[f"{name}_{act}_p99_ms"] = times.at(0.5), times.at(0.99)
            figures[f"{name}_bookings_per_s"] = rate
            cells = (joins.at(0.5), joins.at(0.99), looks.at(0.5), looks.at(0.99), bookings.at(0.5))
            rows.append((kind, f"{count:,}", *(f"{cell:.1f}" for cell in cells), f"{rate:.0f}"))
    finally:
        await database.close()
    return rows


async def _reserve(database: Database, day: acts.Day, first: int, number: int) -> None:
    await acts.reserve(database, day, first + number)


async def _paced(rate: float | None, count: int, act: Callable[[int], Awaitable[None]]) -> _Times:
    """One after another; at a rate each is begun in its turn, and late is late: what it waited counts."""
    times = []
    began = time.perf_counter()
    for number in range(count):
        due = time.perf_counter() if rate is None else began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await act(number)
        times.append((time.perf_counter() - due) * 1000)
    return _Times(sorted(times))


async def clinic_of_the_benchmark(database: Database) -> dict[str, str]:
    """A clinic with one practitioner, and one patient who comes to everything."""
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
        patient = Patient(name="Kari Nordmann", search_name="kari nordmann", created_at=NOW)
        session.add_all([practitioner, kind, patient])
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
            "patient": patient.id,
            "now": f"{NOW:%Y-%m-%d %H:%M:%S}",
        }
