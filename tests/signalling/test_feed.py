"""Events up: nothing before it is on disk, everything at least once and in order, whatever is killed in between."""

import asyncio
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from signalling import feed as feeds
from signalling.feed import Feed
from signalling.inputs import Act, End, Enter, HostBack, HostLost, Move, Open, Pause, Resume, SetNotice, SetRole
from signalling.journal import FileJournal
from signalling.logfile import LogFile
from signalling.records import Record, Snapshot, Spent, Untold
from signalling.recovery import compactor, replay
from signalling.roles import Role
from tests.signalling.doubles import ManualClock
from tests.signalling.feeding import Step, lives

ROOT = Path(__file__).parents[2]
MEMORY = 1000.0


def record(event: object, room: str = "r", epoch: int = 1, sequence: int = 0) -> Record:
    return Record(room, epoch, sequence, 5.0, event)  # type: ignore[arg-type]


EVERYTHING = (
    Open(3),
    Enter("p", Role.PATIENT, "P", "lobby", 2, 1.0, "iss", "jti", 50.0, "acr"),
    Move("p", Act.ADMIT, "h"),
    SetRole("p", Role.GUARDIAN),
    Pause("p", "x"),
    Resume("h"),
    SetNotice("h", 5, None),
    HostLost(),
    HostBack(),
    Move("p", Act.REVOKE, None, before=4.0),
    End(None, before=4.0),
)


async def delivered(feed: Feed) -> list[Record]:
    """All that can be had at once."""
    found = []
    while feed._ready:
        found.append(await feed.next())
    return found


def numbers(records: list[Record]) -> list[tuple[str, int, int]]:
    return [(each.room, each.epoch, each.sequence) for each in records]


# --- the feed alone


async def test_every_event_comes_once_in_order_and_nothing_else(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "journal.log")
    feed = Feed()
    feed.take(log.append([record(event) for event in EVERYTHING]))
    found = await delivered(feed)
    assert [each.event for each in found] == list(EVERYTHING)
    assert numbers(found) == [("r", 1, number + 1) for number in range(len(EVERYTHING))]
    assert feed.pending == len(EVERYTHING), "not acknowledged"
    feed.acknowledge("r", 1, 4)
    assert feed.pending == len(EVERYTHING) - 4
    feed.acknowledge("r", 1, 4)
    feed.acknowledge("other", 1, 4)
    feed.acknowledge("r", 2, 99)
    assert feed.pending == len(EVERYTHING) - 4
    feed.acknowledge("r", 1, 99)
    assert feed.pending == 0
    assert not feed._sequences, "nothing is kept of who has been told all"
    log.close()


async def test_who_waits_hears_of_what_comes(tmp_path: Path) -> None:
    feed = Feed()
    waiting = asyncio.ensure_future(feed.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    feed.take([record(Open(2), sequence=1)])
    assert (await waiting).sequence == 1
    gone = asyncio.ensure_future(feed.next())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    feed.take([record(Open(3), sequence=2)])
    assert (await feed.next()).sequence == 2, "who gave up waiting took nothing along"


async def test_a_consumer_that_begins_again_gets_what_it_has_not_acknowledged() -> None:
    feed = Feed()
    feed.take([record(Pause(None, "x"), sequence=number) for number in range(1, 6)])
    assert len(await delivered(feed)) == 5
    feed.acknowledge("r", 1, 2)
    found = []
    async for each in feed:
        found.append(each.sequence)
        if each.sequence == 3:
            feed.acknowledge("r", 1, 4)
        if each.sequence == 5:
            break
    assert found == [3, 5], "what was acknowledged meanwhile is passed over"


def test_what_is_acknowledged_during_a_compaction_leaves_no_hole() -> None:
    feed = Feed()
    records = [record(Pause(None, "x"), sequence=number) for number in range(1, 7)]
    feed.take(records)

    def read() -> Iterator[Record]:
        for each in records:
            if each.sequence == 3:
                feed.acknowledge("r", 1, 5)
            yield each

    kept = compactor(lambda: 5.0, MEMORY, feed.untold)(read())
    assert [each.sequence for each in kept if isinstance(each.event, Untold)] == [1, 2, 3, 4, 5, 6]


async def test_what_is_no_event_is_not_told() -> None:
    feed = Feed()
    room = replay([record(Open(2), sequence=1)]).rooms["r"]
    feed.take([record(Spent(None, 1.0)), record(Untold(End(None)), sequence=2), record(Snapshot(room), sequence=2)])  # type: ignore[arg-type]
    assert [each.event for each in await delivered(feed)] == [End(None)]


def test_many_untold_are_warned_of_once_and_too_many_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MANY", 10)
    monkeypatch.setattr(feeds, "TOO_MANY", 20)
    feed = Feed()
    with capture_logs() as logs:
        for number in range(1, 21):
            assert not feed.is_full
            feed.take([record(Pause(None, "x"), sequence=number)])
        assert feed.is_full
        assert [(each["event"], each["log_level"]) for each in logs] == [("events_untold", "warning")]
        feed.acknowledge("r", 1, 18)
        assert not feed.is_full
        feed.take([record(Pause(None, "x"), sequence=21 + number) for number in range(10)])
        assert len(logs) == 2, "and again, after it had been dealt with"


# --- behind the journal


class Disk:
    """Does the blocking work once it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def do(self, work: Callable[[], None]) -> None:
        await self.may.wait()
        work()

    def close(self) -> None:
        return


async def test_nothing_is_told_before_it_is_on_disk(tmp_path: Path) -> None:
    feed, disk = Feed(), Disk()
    disk.may.set()
    clock = ManualClock()
    path = tmp_path / "journal.log"
    journal = FileJournal(LogFile(path), clock, compactor(clock.wall, MEMORY, feed.untold), disk, feed)
    await journal.open()
    disk.may.clear()
    for number in range(3):
        journal.submit(record(Pause(None, f"n{number}")), opening=False, done=lambda _: None)
    for _ in range(20):
        await asyncio.sleep(0)
    assert feed.pending == 0
    disk.may.set()
    async with asyncio.timeout(10):
        found = [await feed.next() for _ in range(3)]
    assert path.read_bytes().count(b'"kind":"pause"') == 3
    assert [each.sequence for each in found] == [1, 2, 3]
    await journal.close()


# --- any order of events, acknowledgements, compactions and restarts


@dataclass
class Model:
    """What was written, acknowledged and heard."""

    path: Path
    written: list[tuple[str, int, int]] = field(default_factory=list)
    acknowledged: dict[tuple[str, int], int] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=lambda: {"r": 1, "s": 1})

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.log = LogFile(self.path)
        self.feed = Feed()
        self.feed.take(self.log.read())

    def restart(self) -> None:
        self.log.close()
        self.open()

    def compact(self) -> None:
        before = replay(self.log.read())
        self.log.compact(compactor(lambda: 5.0, MEMORY, self.feed.untold))
        records = self.log.read()
        after = replay(records)
        assert {name: (room.epoch, room.phase) for name, room in after.rooms.items()} == {
            name: (room.epoch, room.phase) for name, room in before.rooms.items()
        }
        kept = [each for each in records if isinstance(each.event, Untold)]
        assert numbers(kept) == [key for key in self.written if key in self.feed._untold], "what was told is dropped"

    def happens(self, room: str, ends: bool) -> None:
        event = End(None) if ends else Pause(None, "x")
        epoch = self.epochs[room]
        if ends:
            self.epochs[room] += 1
        added = self.log.append([record(event, room, epoch)])
        self.feed.take(added)
        self.written += numbers(added)
        lives = {name for name in self.log._sequences if name[0]}
        assert lives <= set(self.epochs.items()), "numbers of lives that go on, alone"

    def acknowledge(self, room: str, epoch: int, sequence: int) -> None:
        self.feed.acknowledge(room, epoch, sequence)
        self.acknowledged[room, epoch] = max(sequence, self.acknowledged.get((room, epoch), 0))

    def waiting(self) -> list[tuple[str, int, int]]:
        return numbers(list(self.feed._untold.values()))

    def unacknowledged(self) -> Iterator[tuple[str, int, int]]:
        return (key for key in self.written if key[2] > self.acknowledged.get(key[:2], 0))


STEPS = st.one_of(
    st.tuples(st.just("happens"), st.sampled_from("rs"), st.integers(0, 5)),
    st.tuples(st.just("acknowledge"), st.integers(0, 30), st.none()),
    st.tuples(st.just("compact"), st.none(), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=10, max_size=50))
def test_whatever_is_not_acknowledged_is_delivered_in_order(steps: list[tuple[str, object, object]]) -> None:
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)  # no crash here, and hundreds of files
        patch.setattr(os, "fdatasync", lambda _: None)
        model = Model(Path(directory) / "journal.log")
        for name, what, more in steps:
            match name, what, more:
                case "happens", str(room), int(number):
                    model.happens(room, number == 0)
                case "acknowledge", int(number), _ if model.written:
                    model.acknowledge(*model.written[number % len(model.written)])
                case "compact", _, _:
                    model.compact()
                case "restart", _, _:
                    model.restart()
                case _:
                    pass  # nothing to acknowledge yet
            waiting = model.waiting()
            assert waiting == [key for key in model.written if key in model.feed._untold], "in order, none twice"
            assert set(model.unacknowledged()) <= set(waiting)
        model.compact()
        waiting = model.waiting()
        model.restart()
        assert numbers(asyncio.run(delivered(model.feed))) == waiting
        for room in "rs":
            model.happens(room, False)
            assert model.written.count(model.written[-1]) == 1, "numbers are never given twice"
        model.log.close()


# --- killed


@pytest.mark.parametrize(
    ("step", "count"),
    [
        (Step.UNSYNCED, 17),
        (Step.WRITTEN, 33),
        (Step.DELIVERED, 50),
        (Step.NOTED, 80),
        (Step.COMPACTING, 2),
        (Step.COMPACTED, 2),
    ],
)
async def test_a_kill_at_any_step_loses_no_event_and_changes_no_order(tmp_path: Path, step: Step, count: int) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.signalling.feeding", str(tmp_path), step, str(count), cwd=ROOT
    )
    async with asyncio.timeout(60):
        assert await child.wait() == -signal.SIGKILL
    notes = (tmp_path / "notes").read_text().splitlines()
    written = notes.count("written")
    log = LogFile(tmp_path / "journal.log")
    feed = Feed()
    feed.take(log.read())
    log.close()
    again = [f"{each.room} {each.epoch} {each.sequence} {each.event}" for each in await delivered(feed)]
    told = [[line for line in notes if line != "written"], again]
    expected: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for room, epoch, event in lives():
        expected[room, str(epoch)].append(str(event))
    marks: dict[tuple[str, ...], int] = defaultdict(int)
    for lines in told:
        last: dict[tuple[str, ...], int] = {}
        for line in lines:
            *name, number, told_event = line.split(" ", 3)
            life, sequence = tuple(name), int(number)
            assert sequence == last.get(life, sequence - 1) + 1, "in order, each once in one life of the process"
            assert sequence <= marks[life] + 1, "a gap"
            assert told_event == expected[life][sequence - 1]
            last[life] = sequence
            marks[life] = max(marks[life], sequence)
    assert sum(marks.values()) >= written > 0
