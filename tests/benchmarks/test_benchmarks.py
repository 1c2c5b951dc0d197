"""Each benchmark runs from end to end at its smallest size, and gives numbers. What they are, no test says."""

import asyncio
import json
import math
import sys
from pathlib import Path
from random import Random

import pytest

from benchmarks import offers, report
from benchmarks.load.stream import VIDEO, Shape, Stream, header_length, stamp, transport_number
from benchmarks.report import percentile
from tests.bed import rtp
from tests.bed.bombs import BOMBS
from tests.bed.dialect import CHROMIUM, published

ROOT = Path(__file__).resolve().parents[2]


async def _bench(name: str, folder: Path) -> dict[str, float]:
    figures = folder / "figures.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks", name, "--quick", "--json", str(figures),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    found: dict[str, float] = json.loads(figures.read_text())[name]
    assert found
    assert all(math.isfinite(value) for value in found.values()), found
    return found


@pytest.mark.long
async def test_control(tmp_path: Path) -> None:
    figures = await _bench("control", tmp_path)
    for database in ("sqlite", "postgresql"):
        assert 0 < figures[f"{database}_1000_join_p50_ms"] <= figures[f"{database}_1000_join_p99_ms"]


@pytest.mark.long
@pytest.mark.browser
async def test_join(tmp_path: Path) -> None:
    figures = await _bench("join", tmp_path)
    for step in ("frame", "admit_frame", "simulated_audio"):
        assert 0 < figures[f"{step}_p50_ms"] < 60_000
    assert figures["opened_p50_ms"] <= figures["answered_p50_ms"] <= figures["frame_p50_ms"]


async def test_forward(tmp_path: Path) -> None:
    figures = await _bench("forward", tmp_path)
    assert figures["1_consultations.cpu_us"] > 0
    assert figures["1_consultations.refused"] == 0
    # Counted by the wire and by the generator; a busy machine shifts one stretch against the other.
    counted = figures["1_consultations.packets_per_s"], figures["1_consultations.received_per_s"]
    assert counted[0] == pytest.approx(counted[1], rel=0.5)


@pytest.mark.long
async def test_memory(tmp_path: Path) -> None:
    figures = await _bench("memory", tmp_path)
    assert figures["people"] == 4
    assert figures["history_kib"] > 0
    assert figures["python_kib"] > 0


def test_a_stream_is_what_a_browser_sends() -> None:
    section = next(iter(published(CHROMIUM, ("video",), first_track=1)))
    stream = Stream(section, Random(1), Shape.video(25, 4, 1_100))
    sent: list[bytes] = []
    stream.next_frame(sent.append, lambda: 4_711, lambda: 1_700_000_000_000_000_000)
    assert [len(packet) - header_length(packet) for packet in sent] == list(VIDEO.sizes) == [1_099, 1_099, 1_100, 1_100]
    packets = [rtp.parse(packet) for packet in sent]
    assert [packet.marker for packet in packets] == [False, False, False, True]
    assert len({packet.timestamp for packet in packets}) == 1
    assert [packet.sequence - packets[0].sequence for packet in packets] == [0, 1, 2, 3]
    assert packets[0].extension(section.extensions.mid) == section.mid.encode()
    assert {stamp(packet) for packet in sent} == {1_700_000_000_000_000_000}
    assert {transport_number(packet, section.extensions.transport_cc or 0) for packet in sent} == {4_711}


async def test_offers() -> None:
    figures = (await offers.run(offers.QUICK)).figures
    assert {f"{name}.p50_ms" for name in BOMBS} < figures.keys()
    assert all(0 < value < 1_000 for value in figures.values())


@pytest.mark.long
async def test_emulation(tmp_path: Path) -> None:
    figures = await _bench("emulation", tmp_path)
    assert 0 < figures["carried_mbit_per_s"] < 12.5
    assert 0 <= figures["late_p50_us"] <= figures["late_p99_us"]


def test_percentiles() -> None:
    assert [percentile(range(100), share) for share in (0, 0.5, 0.99, 1)] == [0, 50, 99, 99]
    assert math.isnan(percentile([], 0.5))


def test_recorded_figures_take_the_place_of_the_old_ones(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n")
    report.record("new", readme)
    report.record("newer", readme)
    assert readme.read_text() == "before\n<!-- figures -->\n\nnewer\n\n<!-- end of figures -->\nafter\n"
    assert "<!-- figures -->\n" in report.README.read_text()
