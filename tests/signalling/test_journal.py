"""The journal: what is on disk, what a crash leaves, what a full disk refuses."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from signalling.errors import JournalError
from signalling.grant import GrantId
from signalling.inputs import Act, End, Enter, HostBack, HostLost, Move, Open, Pause, Resume, SetNotice, SetRole
from signalling.journal import FileJournal
from signalling.logfile import LogFile
from signalling.records import Record, Snapshot
from signalling.recovery import compactor, replay
from signalling.roles import Role
from signalling.room import Room, Standing
from tests.signalling.doubles import ManualClock

MEMORY = 1000.0


def record(event: object, room: str = "r", epoch: int = 1, at: float = 5.0) -> Record:
    return Record(room, epoch, 0, at, event)  # type: ignore[arg-type]


def enter(who: str, forget_at: float = 50.0) -> Enter:
    return Enter(who, Role.PATIENT, "Åse \n\U0001f600", "lobby", 2, 1.0, "iss", f"jti-{who}", forget_at)


EVERYTHING = [
    record(Open(3)),
    record(enter("p")),
    record(Move("p", Act.ADMIT, "h", None)),
    record(Pause("p", "not_alone")),
    record(Resume("h")),
    record(SetNotice("h", 5, "soon")),
    record(SetRole("p", Role.COMPANION)),
    record(HostLost()),
    record(HostBack()),
    record(Move("p", Act.REVOKE, None, "why", 4.5)),
    record(enter("q"), room="s"),
    record(End(None, "expired", True, 4.5)),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.log"


def written(path: Path, *batches: list[Record]) -> bytes:
    log = LogFile(path)
    log.read()
    for batch in batches:
        log.append(batch)
    log.close()
    return path.read_bytes()


def read(path: Path) -> list[Record]:
    log = LogFile(path)
    try:
        return log.read()
    finally:
        log.close()


def test_everything_comes_back_numbered_without_gaps(path: Path) -> None:
    written(path, EVERYTHING[:4], EVERYTHING[4:])
    found = read(path)
    assert [each.event for each in found] == [each.event for each in EVERYTHING]
    assert [each.sequence for each in found if each.room == "r"] == list(range(1, 12))
    assert [each.sequence for each in found if each.room == "s"] == [1]
    written(path, [record(Pause(None, "x"), room="s")], [record(enter("p"), epoch=2)])
    assert [each.sequence for each in read(path)[-2:]] == [2, 1]


def test_only_the_owner_reads_it(path: Path) -> None:
    written(path, EVERYTHING)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_torn_tail_is_cut_off_wherever_it_is_torn(path: Path) -> None:
    whole = written(path, EVERYTHING[:2], EVERYTHING[2:4])
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole)):
        path.write_bytes(whole[:length])
        assert len(read(path)) == 2
        assert path.stat().st_size == first
    path.write_bytes(whole[:-7] + b"\0\0\0\0\0\0\0")
    assert len(read(path)) == 2
    written(path, [record(Pause(None, "x"))])
    assert len(read(path)) == 3


def test_damage_before_the_end_stops_the_start(path: Path) -> None:
    whole = written(path, EVERYTHING[:2], EVERYTHING[2:4], EVERYTHING[4:5])
    for place in (3, 20, whole.index(b"\n") + 12):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(JournalError) as caught:
            read(path)
        assert caught.value.code == "journal_corrupt"


def test_two_processes_never_share_it(path: Path) -> None:
    log = LogFile(path)
    with pytest.raises(JournalError) as caught:
        LogFile(path)
    assert caught.value.code == "journal_locked"
    log.close()
    LogFile(path).close()


# --- what is worth keeping


def test_compaction_keeps_what_counts(path: Path) -> None:
    clock = [40.0]
    log = LogFile(path)
    log.read()
    log.append(EVERYTHING)
    log.append([record(enter("z", forget_at=39.0), room="u")])
    log.append([record(Pause(None, "x"), room="u")] * 500)
    before = log.size
    log.compact(compactor(lambda: clock[0], MEMORY))
    assert log.size < before / 10
    log.append([record(Resume(None), room="u")])
    assert len(log._sequences) == 2, "who numbers the records remembers lives that go on"
    log.close()
    found = replay(read(path))
    assert set(found.spent) == {GrantId("iss", "jti-p"), GrantId("iss", "jti-q")}
    assert found.rooms["r"].phase == "ended"
    assert found.rooms["r"].people == {}, "of an ended room only the end is kept"
    assert found.rooms["s"].standing("q") is Standing.LOBBY
    assert found.rooms["u"].phase == "running"
    assert read(path)[-1].sequence == 502, "numbers go on"
    clock[0] = 5.0 + MEMORY + 1
    log = LogFile(path)
    log.read()
    log.compact(compactor(lambda: clock[0], MEMORY))
    log.close()
    assert set(replay(read(path)).rooms) == {"s", "u"}, "an old end is forgotten"


def test_compaction_that_fails_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = written(path, EVERYTHING)
    log = LogFile(path)
    log.read()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="full"):
        log.compact(lambda records: records)
    monkeypatch.undo()
    assert path.read_bytes() == whole
    log.append([record(Pause(None, "x"), room="s")])
    log.close()
    assert len(read(path)) == len(EVERYTHING) + 1


def test_a_room_of_the_same_name_remembers_when_the_last_one_ended() -> None:
    found = replay([record(enter("p")), record(End(None), at=7.0), record(enter("p"), epoch=2, at=8.0)])
    assert found.rooms["r"] == Room("r", 2, turns=1, not_before=7.0, people=found.rooms["r"].people)


def test_a_snapshot_is_the_room(path: Path) -> None:
    room = replay(EVERYTHING[:9]).rooms["r"]
    written(path, [record(Snapshot(room))])
    assert replay(read(path)).rooms["r"] == room


# --- behind its queue


class Disk:
    """Does the blocking work when told, in the order it came, and can be full."""

    def __init__(self) -> None:
        self.full = False
        self.full_after: int | None = None
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.writes = 0

    async def do(self, work: Callable[[], None]) -> None:
        await self.hangs.wait()
        if self.full or (self.full_after is not None and self.writes >= self.full_after):
            raise OSError(errno.ENOSPC, "full")
        self.writes += 1
        work()

    def close(self) -> None:
        self.full = True


async def opened(path: Path, disk: Disk | None = None) -> tuple[FileJournal, ManualClock, Disk]:
    clock, disk = ManualClock(), disk or Disk()
    journal = FileJournal(LogFile(path), clock, compactor(clock.wall, MEMORY), disk)
    await journal.open()
    return journal, clock, disk


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_many_records_one_write_in_order(path: Path) -> None:
    journal, _, disk = await opened(path)
    disk.hangs.clear()
    done: list[tuple[int, bool]] = []

    def submit(number: int) -> None:
        journal.submit(record(Pause(None, f"n{number}")), opening=True, done=lambda ok: done.append((number, ok)))

    for number in range(50):
        submit(number)
    await turns()
    assert done == []
    writes = disk.writes
    disk.hangs.set()
    await turns()
    assert done == [(number, True) for number in range(50)]
    assert disk.writes - writes <= 2
    await journal.close()
    assert [each.event for each in read(path)] == [Pause(None, f"n{number}") for number in range(50)]


async def test_nothing_counts_before_it_is_synced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, _, _ = await opened(path)
    told: list[str] = []

    def sync(_file: int) -> None:
        assert path.read_bytes().count(b"\n") == 1, "all is written"
        told.append("synced")

    monkeypatch.setattr(os, "fdatasync", sync)
    journal.submit(record(Pause(None, "x")), opening=True, done=lambda ok: told.append(f"done {ok}"))
    await turns()
    await journal.close()
    assert told == ["synced", "done True"]


async def test_a_full_disk_refuses_openings_and_keeps_closings_in_order(path: Path) -> None:
    journal, clock, disk = await opened(path)
    recovered: list[bool] = []
    journal.on_recovery = lambda: recovered.append(journal.healthy)
    done: list[tuple[str, bool]] = []

    def submit(name: str, opening: bool) -> None:
        journal.submit(record(Pause(None, name)), opening=opening, done=lambda ok: done.append((name, ok)))

    disk.full = True
    submit("close_1", False)
    submit("open_1", True)
    submit("close_2", False)
    await turns()
    assert done == [("open_1", False)]
    assert not journal.healthy
    submit("open_2", True)
    submit("close_3", False)
    await turns()
    assert done == [("open_1", False), ("open_2", False)]
    clock.advance(FileJournal.RETRY)
    await turns()
    assert not journal.healthy
    disk.full = False
    clock.advance(FileJournal.RETRY)
    await turns()
    assert journal.healthy
    assert recovered == [True]
    assert done[2:] == [("close_1", True), ("close_2", True), ("close_3", True)]
    submit("open_3", True)
    await turns()
    await journal.close()
    reasons = [each.event.reason for each in read(path) if isinstance(each.event, Pause)]
    assert reasons == ["close_1", "close_2", "close_3", "open_3"]
    assert [each.sequence for each in read(path)] == [1, 2, 3, 4], "what was refused leaves no gap"


async def test_closings_have_the_reserve(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, _, _ = await opened(path)
    reserve = path.with_name("journal.log.reserve")
    assert reserve.stat().st_size == 256 * 1024
    real = os.pwrite

    def write(file: int, data: bytes, offset: int) -> int:
        if reserve.stat().st_size:
            real(file, bytes(data)[:5], offset)
            raise OSError(errno.ENOSPC, "full")
        return real(file, data, offset)

    monkeypatch.setattr(os, "pwrite", write)
    done: list[bool] = []
    journal.submit(record(Pause(None, "x")), opening=False, done=done.append)
    await turns()
    assert done == [True], "a closing is on disk although the disk is full"
    assert not journal.healthy
    monkeypatch.undo()
    await journal.close()
    assert len(read(path)) == 1


async def test_what_is_on_disk_is_not_written_again_for_want_of_the_reserve(path: Path) -> None:
    journal, clock, disk = await opened(path)
    done: list[bool] = []
    disk.full = True
    journal.submit(record(Pause(None, "x")), opening=False, done=done.append)
    await turns()
    assert done == []
    disk.full_after = disk.writes + 1
    disk.full = False
    clock.advance(FileJournal.RETRY)
    await turns()
    assert done == [True], "on disk, although there is no reserve yet"
    assert not journal.healthy
    disk.full_after = None
    disk.full = False
    clock.advance(FileJournal.RETRY)
    await turns()
    assert journal.healthy
    await journal.close()
    assert [each.sequence for each in read(path)] == [1]


async def test_who_asks_is_told_when_nothing_waits_any_more(path: Path) -> None:
    journal, _, disk = await opened(path)
    told: list[str] = []
    journal.after(lambda: told.append("nothing waits"))
    assert told == ["nothing waits"]
    disk.hangs.clear()
    journal.submit(record(Pause(None, "x")), opening=False, done=lambda _: told.append("written"))
    journal.after(lambda: told.append("after it"))
    await turns()
    journal.after(lambda: told.append("after it too"))
    await turns()
    assert told == ["nothing waits"]
    disk.hangs.set()
    await turns()
    assert told == ["nothing waits", "written", "after it", "after it too"]
    await journal.close()
    assert len(read(path)) == 1


async def test_what_waits_is_written_at_the_close(path: Path) -> None:
    journal, _, disk = await opened(path)
    disk.hangs.clear()
    done: list[bool] = []
    for _ in range(3):
        journal.submit(record(Pause(None, "x")), opening=False, done=done.append)
    closing = asyncio.ensure_future(journal.close())
    await turns()
    disk.hangs.set()
    await closing
    await journal.close()
    assert done == [True] * 3
    assert len(read(path)) == 3
    assert not journal.healthy


async def test_it_is_compacted_as_it_grows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileJournal, "COMPACT_AT", 10_000)
    journal, _, _ = await opened(path)
    biggest = 0
    for _ in range(40):
        for _ in range(20):
            journal.submit(record(Pause(None, "x" * 30)), opening=False, done=lambda _: None)
        await turns(5)
        biggest = max(biggest, os.path.getsize(path))  # noqa: ASYNC240
    await journal.close()
    assert biggest < 25_000
    assert read(path)[-1].sequence == 800


async def test_a_real_thread_does_the_work(path: Path) -> None:
    clock = ManualClock()
    journal = FileJournal(LogFile(path), clock, compactor(clock.wall, MEMORY))
    assert await journal.open() == []
    threads = {thread.name for thread in threading.enumerate()}
    assert any(name.startswith("journal") for name in threads)
    done = asyncio.get_running_loop().create_future()
    journal.submit(record(Pause(None, "x")), opening=True, done=done.set_result)
    assert await done is True
    await journal.close()
    assert not any(thread.name.startswith("journal") for thread in threading.enumerate()), "no thread is left"
    assert len(read(path)) == 1
