"""Checkpoints: written while the chain grows, kept over restarts and power losses, and told of when they fail."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from control.audit.chain import Checkpoint, Head, sign
from control.audit.checkpoints import PERIOD, Checkpointer, DirectorySink, Kept
from signalling.keys import SigningKey

KEY = SigningKey.generate()
CLINIC, OTHER = "c" * 26, "d" * 26
EVENING = datetime(2026, 11, 27, 23, 58, 30, tzinfo=UTC)


class Chains:
    """Clinics whose chains grow, and a clock that goes when somebody waits."""

    def __init__(self, *heads: Head) -> None:
        self.heads = {head.clinic: head for head in heads}
        self.now = EVENING
        self.waited = 0
        self.broken: Exception | None = None
        self.rounds = asyncio.Semaphore(0)
        self.next = asyncio.Semaphore(0)

    async def read(self) -> Sequence[Head]:
        if self.broken is not None:
            raise self.broken
        return list(self.heads.values())

    def grow(self, clinic: str = CLINIC) -> Head:
        sequence = self.heads[clinic].sequence + 1
        self.heads[clinic] = Head(clinic, sequence, bytes([sequence]) * 32)
        return self.heads[clinic]

    async def wait(self, seconds: float) -> None:
        assert seconds == PERIOD == 60
        self.rounds.release()
        await self.next.acquire()
        self.now += timedelta(seconds=seconds)

    def checkpointer(self, sink: DirectorySink) -> Checkpointer:
        return Checkpointer(self.read, sink, KEY, lambda: self.now, self.wait)


@pytest.fixture
def sink(tmp_path: Path) -> DirectorySink:
    return DirectorySink(tmp_path / "checkpoints")


def point(sequence: int, minute: int = 0, clinic: str = CLINIC) -> Checkpoint:
    return sign(Head(clinic, sequence, bytes([sequence]) * 32), EVENING + timedelta(minutes=minute), KEY)


def file(tmp_path: Path, clinic: str = CLINIC) -> Path:
    return tmp_path / "checkpoints" / clinic / "2026-11-27.jsonl"


def test_what_is_kept_is_what_was_signed(sink: DirectorySink) -> None:
    points = [point(1), point(2, 1), point(2, 2), replace(point(9, 3), restored=True)]
    for each in (*points, point(5, clinic=OTHER)):
        sink.append(each)
    assert sink.read(CLINIC) == Kept(tuple(points), 0)
    assert sink.last(CLINIC) == points[-1]
    assert sink.read(OTHER).checkpoints == (point(5, clinic=OTHER),)
    assert sink.read("e" * 26) == Kept((), 0)
    assert sink.last("e" * 26) is None


def test_days_follow_each_other(sink: DirectorySink, tmp_path: Path) -> None:
    points = [point(1), point(2, 1), point(3, 2), point(4, 60 * 24 * 40)]
    for each in points:
        sink.append(each)
    assert sorted(path.name for path in file(tmp_path).parent.iterdir()) == [
        "2026-11-27.jsonl", "2026-11-28.jsonl", "2027-01-06.jsonl",
    ]  # fmt: skip
    assert sink.read(CLINIC).checkpoints == tuple(points)
    assert sink.last(CLINIC) == points[-1]


def test_only_its_owner_reads_it(sink: DirectorySink, tmp_path: Path) -> None:
    sink.append(point(1))
    assert file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert file(tmp_path).parent.stat().st_mode & 0o777 == 0o700


def test_after_a_power_loss_the_torn_line_makes_way(sink: DirectorySink, tmp_path: Path) -> None:
    sink.append(point(1))
    whole = file(tmp_path).read_bytes()
    sink.append(point(2))
    torn = file(tmp_path).read_bytes()[:-20]
    for left in (torn, torn[: len(whole) + 1], torn[: len(whole) - 1], whole + b"x" * 1000):
        file(tmp_path).write_bytes(left)
        kept = (point(1),) if len(left) >= len(whole) else ()
        assert sink.read(CLINIC) == Kept(kept, 0)
        assert sink.last(CLINIC) == (kept[-1] if kept else None)
        sink.append(point(3))
        assert sink.read(CLINIC) == Kept((*kept, point(3)), 0)
        assert file(tmp_path).read_bytes().endswith(b"}\n")


def test_two_processes_may_sign_at_once(sink: DirectorySink, tmp_path: Path) -> None:
    other = DirectorySink(tmp_path / "checkpoints")
    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(which.append, point(1)) for _ in range(100) for which in (sink, other)]:
            each.result()
    assert sink.read(CLINIC) == Kept((point(1),) * 200, 0)


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"clinic": 1}'],
)
def test_what_is_no_checkpoint_is_counted(sink: DirectorySink, tmp_path: Path, line: bytes) -> None:
    sink.append(point(1))
    with file(tmp_path).open("ab") as opened:
        opened.write(line + b"\n")
    assert sink.read(CLINIC) == Kept((point(1),), 1)
    assert sink.last(CLINIC) == point(1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"sequence":1', '"sequence":true'),
        ('"sequence":1', '"sequence":"1"'),
        ('"sequence":1', '"sequence": 1'),
        ('"sequence":1', f'"sequence":{1 << 63}'),
        ('"restored":false', '"restored":0'),
        ('"clinic"', '"more":1,"clinic"'),
        (":30.000000+00:00", ":30.000000"),
        (":30.000000+00:00", ":30+00:00"),
        ('"hash":"', '"hash":" '),
        ('"signature":"', '"signature":"!'),
    ],
)
def test_a_line_has_one_form(sink: DirectorySink, tmp_path: Path, old: str, new: str) -> None:
    sink.append(point(1))
    text = file(tmp_path).read_text()
    assert old in text
    file(tmp_path).write_text(text.replace(old, new))
    assert sink.read(CLINIC) == Kept((), 1)


@pytest.mark.parametrize("clinic", ["", "../x", "a/b", "A", "a" * 65])
def test_a_clinic_is_no_path(sink: DirectorySink, clinic: str) -> None:
    with pytest.raises(ValueError, match="clinic"):
        sink.read(clinic)


async def test_each_minute_the_chains_that_have_grown_are_signed(sink: DirectorySink) -> None:
    chains = Chains(Head.start(CLINIC), Head.start(OTHER))
    first = chains.grow()
    task = asyncio.create_task(chains.checkpointer(sink).run())
    await chains.rounds.acquire()
    chains.next.release()
    await chains.rounds.acquire()
    second = chains.grow()
    chains.next.release()
    await chains.rounds.acquire()
    task.cancel()
    assert [(each.sequence, each.hash, each.at) for each in sink.read(CLINIC).checkpoints] == [
        (first.sequence, first.hash, EVENING),
        (second.sequence, second.hash, EVENING + timedelta(minutes=2)),
    ]
    assert [each.sequence for each in sink.read(OTHER).checkpoints] == [0]


async def test_a_restart_goes_on_where_it_was(sink: DirectorySink) -> None:
    chains = Chains(Head.start(CLINIC))
    chains.grow()
    await chains.checkpointer(sink).sign_all()
    await chains.checkpointer(sink).sign_all()
    assert [each.sequence for each in sink.read(CLINIC).checkpoints] == [1]
    chains.grow()
    await chains.checkpointer(sink).sign_all()
    assert [each.sequence for each in sink.read(CLINIC).checkpoints] == [1, 2]


async def test_a_rewritten_head_is_signed_beside_the_old_one(sink: DirectorySink) -> None:
    """So that verification finds both."""
    chains = Chains(Head(CLINIC, 3, bytes([3]) * 32))
    await chains.checkpointer(sink).sign_all()
    chains.heads[CLINIC] = Head(CLINIC, 3, bytes(32))
    await chains.checkpointer(sink).sign_all()
    assert [each.hash for each in sink.read(CLINIC).checkpoints] == [bytes([3]) * 32, bytes(32)]


async def test_a_chain_that_went_back_is_told_of_and_not_signed(sink: DirectorySink) -> None:
    chains = Chains(Head(CLINIC, 3, bytes([3]) * 32))
    await chains.checkpointer(sink).sign_all()
    chains.heads[CLINIC] = Head(CLINIC, 2, bytes([2]) * 32)
    with capture_logs() as logs:
        await chains.checkpointer(sink).sign_all()
    assert [(log["event"], log["signed"], log["found"]) for log in logs] == [("audit_went_back", 3, 2)]
    assert [each.sequence for each in sink.read(CLINIC).checkpoints] == [3]


async def test_a_restore_lets_the_chain_go_back(sink: DirectorySink) -> None:
    chains = Chains(Head(CLINIC, 3, bytes([3]) * 32))
    await chains.checkpointer(sink).sign_all()
    chains.heads[CLINIC] = Head(CLINIC, 1, bytes([1]) * 32)
    sink.append(sign(chains.heads[CLINIC], EVENING, KEY, restored=True))
    chains.grow()
    await chains.checkpointer(sink).sign_all()
    assert [each.sequence for each in sink.read(CLINIC).checkpoints] == [3, 1, 2]


@pytest.mark.parametrize("fails", ["database", "sink"])
async def test_a_round_that_fails_is_told_of_and_tried_again(sink: DirectorySink, tmp_path: Path, fails: str) -> None:
    chains = Chains(Head(CLINIC, 1, bytes([1]) * 32))
    if fails == "database":
        chains.broken = ConnectionError("gone")
    else:
        (tmp_path / "checkpoints").write_text("in the way")
    checkpointer = chains.checkpointer(sink)
    with capture_logs() as logs:
        task = asyncio.create_task(checkpointer.run())
        await chains.rounds.acquire()
        assert not checkpointer.healthy
        assert [log["event"] for log in logs] == ["audit_checkpoint_failed"]
        chains.broken = None
        (tmp_path / "checkpoints").unlink(missing_ok=True)
        chains.next.release()
        await chains.rounds.acquire()
        assert checkpointer.healthy
        task.cancel()
    assert [each.sequence for each in sink.read(CLINIC).checkpoints] == [1]
