"""CPU of the media thread per forwarded packet, and delay, in consultations of two, beside a bare relay's."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.house import LOAD_CORE, SERVER_CORE, House, house
from benchmarks.lines import Fields
from benchmarks.process import Child, cpu_ns, thread_named
from benchmarks.report import Result, Table, percentile

THREAD: Final = "venterom-media"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    consultations: tuple[int, ...] = (1, 10, 40)
    settle_s: float = 1.5
    measure_s: float = 5.0


FULL: Final = Size()
QUICK: Final = Size(consultations=(1,), settle_s=0.5, measure_s=1.0)


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of steady load: what was forwarded by the forwarder's own count, and what that cost."""

    seconds: float
    forwarded: int
    cpu_us: float
    wakeups: int
    tally: Fields

    @property
    def us_per_packet(self) -> float:
        return self.cpu_us / max(1, self.forwarded)

    @property
    def core_percent(self) -> float:
        return self.cpu_us / self.seconds / 1e4

    @property
    def delays_ms(self) -> tuple[float, float]:
        """Median and 99th percentile."""
        return percentile(self.tally["delays"], 0.5) / 1e3, percentile(self.tally["delays"], 0.99) / 1e3

    @property
    def lost_percent(self) -> float:
        sent, received = int(self.tally["sent"]), int(self.tally["received"])
        return 100 * max(0, sent - received) / max(1, sent)

    @property
    def late_ms(self) -> float:
        """The generator's own: 99th percentile."""
        return percentile(self.tally["lateness"], 0.99) / 1e3


async def run(size: Size = FULL) -> Result:
    figures: dict[str, float] = {}
    rows = []
    async with house() as venterom, await Child.start("benchmarks.relay", core=SERVER_CORE, raised=True) as relay:
        thread = thread_named(venterom.server.pid, THREAD)
        # The relay's generator is one of its own: the first keeps nothing of the calls before.
        async with await Child.start("benchmarks.load", core=LOAD_CORE, raised=True) as bare:
            for rooms in size.consultations:
                ours = await _consultations(venterom, thread, rooms, size)
                reference = await _relayed(relay, bare, rooms, size)
                rows.append(_row(rooms, ours, reference))
                figures |= _figures(rooms, ours, reference)
    return Result("forward", figures, (Table(_CAPTION, _COLUMNS, tuple(rows)),))


async def _consultations(venterom: House, thread: int, rooms: int, size: Size) -> _Window:
    await venterom.load.ask("join", rooms=rooms)
    await venterom.routes_open(rooms)
    await venterom.load.ask("start")
    await asyncio.sleep(size.settle_s)
    await venterom.load.ask("reset")
    started, before, cpu = time.monotonic(), await venterom.snapshot(), cpu_ns(venterom.server.pid, thread)
    await asyncio.sleep(size.measure_s)
    seconds, after = time.monotonic() - started, await venterom.snapshot()
    used = cpu_ns(venterom.server.pid, thread) - cpu
    tally = await venterom.load.ask("stop")
    await venterom.everybody_leaves()

    def counted(name: str) -> int:
        return int(after["counters"][name] - before["counters"][name])

    return _Window(seconds, counted("rtp_forwarded"), used / 1e3, counted("wakeups"), tally)


async def _relayed(relay: Child, load: Child, rooms: int, size: Size) -> _Window:
    ports = (await load.ask("relay", port=relay.ready["port"], rooms=rooms))["ports"]
    await relay.ask("partners", ports=ports)
    await load.ask("start")
    await asyncio.sleep(size.settle_s)
    await load.ask("reset")
    thread = relay.ready["thread"]
    started, before, cpu = time.monotonic(), await relay.ask("snapshot"), cpu_ns(relay.pid, thread)
    await asyncio.sleep(size.measure_s)
    seconds, after = time.monotonic() - started, await relay.ask("snapshot")
    used = cpu_ns(relay.pid, thread) - cpu
    tally = await load.ask("stop")
    await load.ask("leave")
    return _Window(seconds, after["forwarded"] - before["forwarded"], used / 1e3, 0, tally)


_CAPTION: Final = (
    "CPU of the media thread in consultations of two; each person sends 50 packets of sound and 25 pictures of four "
    "packets a second. In brackets: the bare relay, same run, same load."
)
_COLUMNS: Final = (
    "consultations", "packets/s", "CPU per packet, µs", "ratio", "of a core", "wake-ups per packet",
    "delay p50, ms", "delay p99, ms", "lost", "generator late p99, ms",
)  # fmt: skip


def _row(rooms: int, ours: _Window, reference: _Window) -> tuple[str, ...]:
    (p50, p99), (bare_p50, bare_p99) = ours.delays_ms, reference.delays_ms
    return (
        str(rooms),
        f"{ours.forwarded / ours.seconds:,.0f}",
        f"{ours.us_per_packet:.1f} ({reference.us_per_packet:.1f})",
        f"{ours.us_per_packet / reference.us_per_packet:.2f}",
        f"{ours.core_percent:.1f} %",
        f"{ours.wakeups / max(1, ours.forwarded):.2f}",
        f"{p50:.2f} ({bare_p50:.2f})",
        f"{p99:.2f} ({bare_p99:.2f})",
        f"{ours.lost_percent:.2f} %",
        f"{ours.late_ms:.2f}",
    )


def _figures(rooms: int, ours: _Window, reference: _Window) -> dict[str, float]:
    found = {
        "packets_per_s": ours.forwarded / ours.seconds,
        "received_per_s": ours.tally["received"] / ours.seconds,
        "cpu_us": ours.us_per_packet,
        "cpu_relay_us": reference.us_per_packet,
        "delay_p50_ms": ours.delays_ms[0],
        "delay_p99_ms": ours.delays_ms[1],
        "delay_relay_p50_ms": reference.delays_ms[0],
        "lost_percent": ours.lost_percent,
        "refused": float(ours.tally["refused"]),
    }
    return {f"{rooms}_consultations.{name}": value for name, value in found.items()}
