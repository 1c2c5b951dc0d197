"""When it is too much: the limits one by one, the way back, and the measures behind them."""

import re
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from control.lag import EVERY, LagMeter
from control.memory import give_back, own_groups, share_in_use
from control.overload import LimitsConfig, Load, Strain, strains
from control.watch import Watch
from signalling.stats import People

LIMITS = LimitsConfig(rooms=100, participants=200, event_loop_lag=0.1, media_thread=0.8, memory=0.9)
IDLE = Load(rooms=0, participants=0, event_loop_lag=0.0, media_thread=0.0, memory=0.5)
NONE: frozenset[Strain] = frozenset()


@pytest.mark.parametrize(
    ("strain", "below", "at", "still", "relieved"),
    [
        (Strain.ROOMS, 99, 100, 90, 89),
        (Strain.PARTICIPANTS, 199, 200, 180, 179),
        (Strain.EVENT_LOOP, 0.099, 0.1, 0.091, 0.089),
        (Strain.MEDIA_THREAD, 0.79, 0.8, 0.73, 0.71),
        (Strain.MEMORY, 0.89, 0.9, 0.82, 0.80),
    ],
)
def test_a_limit_holds_until_the_load_is_well_below(
    strain: Strain, below: float, at: float, still: float, relieved: float
) -> None:
    name = {"event_loop": "event_loop_lag"}.get(strain.value, strain.value)
    for before, value, after in [
        (NONE, below, NONE),
        (NONE, at, {strain}),
        ({strain}, below, {strain}),
        ({strain}, still, {strain}),
        ({strain}, relieved, NONE),
        (NONE, still, NONE),
    ]:
        load = replace(IDLE, **{name: value})  # type: ignore[arg-type]
        assert strains(load, LIMITS, frozenset(before)) == after, (value, before)


def test_the_guide_tells_every_limit_and_its_default() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text("utf-8")
    section = guide.partition("## Limits\n")[2].partition("\n## ")[0]
    rows = {name: float(value) for name, value in re.findall(r"^\| `(\w+)` \| ([0-9.]+) \|", section, re.MULTILINE)}
    assert rows == asdict(LimitsConfig())


def test_each_limit_is_for_itself() -> None:
    busy = Load(rooms=100, participants=195, event_loop_lag=1.0, media_thread=0.79, memory=0.85)
    assert strains(busy, LIMITS, frozenset({Strain.MEMORY})) == {Strain.ROOMS, Strain.EVENT_LOOP, Strain.MEMORY}


def test_a_limit_of_one_is_relieved_by_none() -> None:
    one = replace(LIMITS, rooms=1)
    assert strains(replace(IDLE, rooms=1), one, NONE) == {Strain.ROOMS}
    assert strains(IDLE, one, frozenset({Strain.ROOMS})) == NONE


def test_one_long_pause_is_no_busy_loop() -> None:
    meter = LagMeter(0.0)
    meter.tick(3.0)
    assert meter.read().count == 1
    assert meter.read().total == pytest.approx(3.0 - EVERY)
    assert meter.recent == 0.0
    assert meter.due == pytest.approx(3.0 + EVERY)


def test_a_busy_loop_shows_and_passes() -> None:
    meter, now = LagMeter(0.0), 0.0
    for late, expected in [(0.2, 0.2), (0.0, 0.0)]:
        for _ in range(50):
            now = meter.due + late
            meter.tick(now)
        assert meter.recent == pytest.approx(expected)


def test_a_tick_that_comes_early_is_not_late() -> None:
    meter = LagMeter(0.0)
    meter.tick(0.05)
    assert meter.read().total == 0.0


def group(folder: Path, limit: str, current: str, stat: str = "anon 1\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("max", f"{limit}\n"), ("current", f"{current}\n"), ("stat", stat)):
        (folder / f"memory.{name}").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("limit", "current", "stat", "share"),
    [("1000", "700", "anon 1\ninactive_file 200\n", 0.5), ("1000", "700", "anon 1\n", 0.7), ("10", "5", "", 0.5)],
)
def test_the_memory_of_a_control_group(tmp_path: Path, limit: str, current: str, stat: str, share: float) -> None:
    assert share_in_use([group(tmp_path, limit, current, stat)]) == pytest.approx(share)


def test_the_tightest_of_the_groups_around_a_process_counts(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("1:name=systemd:/other\n0::/system.slice/venterom.service\n")
    groups = own_groups(own, tmp_path)
    assert groups == (tmp_path / "system.slice/venterom.service", tmp_path / "system.slice", tmp_path)
    group(groups[0], "max", "900")
    group(groups[1], "1000", "900")
    group(groups[2], "1000", "300")
    assert share_in_use(groups) == pytest.approx(0.9)
    own.write_text("0::/\n")
    assert own_groups(own, tmp_path) == (tmp_path,)
    assert own_groups(tmp_path / "none", tmp_path) == ()


def test_without_a_limit_the_host_counts(tmp_path: Path) -> None:
    host = share_in_use([])
    assert 0 < host < 1
    assert share_in_use([group(tmp_path, "max", "1"), tmp_path / "none"]) == pytest.approx(host, abs=0.2)


async def test_the_watch_measures_the_media_thread_and_memory() -> None:
    """In the test's own time: the ticks are called by hand."""
    now, cpu, memory = [100.0], [5.0], [0.1]
    people = People(3, 0, {"lobby": 1, "admitted": 2, "held": 0, "reconnecting": 0})
    watch = Watch(LIMITS, lambda: people, lambda: cpu[0], lambda: memory[0], lambda: now[0], all_gone=lambda: None)
    watch.start()
    try:
        assert watch.opens_rooms()
        now[0], cpu[0] = 102.0, 6.9
        watch._tick()
        assert watch.strains() == {Strain.MEDIA_THREAD}
        assert not watch.opens_rooms()
        now[0], cpu[0], memory[0] = 103.0, 7.0, 0.95
        watch._tick()
        assert watch.strains() == {Strain.MEMORY}
        assert watch.lag().count == 2
    finally:
        watch.stop()


async def test_the_watch_tells_once_when_all_have_gone() -> None:
    """In the test's own time, as above."""
    now, here, told = [100.0], [0], []
    watch = Watch(
        LIMITS,
        lambda: People(0, 0, {"lobby": 0, "admitted": here[0], "held": 0, "reconnecting": 0}),
        lambda: 0.0,
        lambda: 0.1,
        lambda: now[0],
        all_gone=lambda: told.append(now[0]),
    )
    watch.start()
    try:
        for here[0] in (0, 2, 1, 0, 0, 1, 0):
            now[0] += 1
            watch._tick()
        assert told == [104.0, 107.0]
    finally:
        watch.stop()


def test_free_memory_is_given_back() -> None:
    def resident() -> int:
        return int(psutil.Process().memory_info().rss)

    blocks = [bytes(2_000) for _ in range(20_000)]
    kept = blocks[::500]  # so that the heap can't simply be cut at its end
    full = resident()
    blocks.clear()
    give_back()
    assert full - resident() > 25_000_000
    assert len(kept) == 40
