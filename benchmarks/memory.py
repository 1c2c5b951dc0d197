"""What a participant adds to the server's resident memory: two hundred in a hundred rooms, with media flowing."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.house import House, house
from benchmarks.load.stream import AUDIO, VIDEO
from benchmarks.process import rss_bytes
from benchmarks.report import Result, Table, percentile

PEOPLE: Final = 2
PACKETS_EACH: Final = AUDIO.frames + VIDEO.frames * len(VIDEO.sizes)
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rooms: int = 100
    traced_rooms: int = 20
    """In the run that counts Python's own objects: counting slows it down, and costs memory itself."""
    warm_rooms: int = 1
    media_s: float = 3.0


FULL: Final = Size()
QUICK: Final = Size(rooms=2, traced_rooms=1, media_s=1.2)


@dataclass(frozen=True, slots=True)
class _Growth:
    """Bytes that so many participants added."""

    people: int
    connected: int
    """All in, nobody sending."""
    talking: int
    history: int
    """Of `talking`: payloads kept for retransmission."""
    gone: int
    """What is left when all have gone."""
    again: int
    """As `talking`, when as many have come once more."""
    python: int
    """Of `talking`, where it was traced."""
    join_ms: tuple[float, ...]
    packets_per_s: float
    """Received by all while they talked; where it is less than what was to be sent, the machine was too busy."""


async def run(size: Size = FULL) -> Result:
    async with house() as plain:
        growth = await _measure(plain, size.rooms, size)
    async with house({"PYTHONTRACEMALLOC": "1"}) as traced:
        python = await _measure(traced, size.traced_rooms, size)
    figures = {
        "people": float(growth.people),
        "rss_kib": _each(growth, growth.talking),
        "history_kib": _each(growth, growth.history),
        "rss_without_history_kib": _each(growth, growth.talking - growth.history),
        "rss_connected_kib": _each(growth, growth.connected),
        "rss_gone_kib": _each(growth, growth.gone),
        "rss_again_kib": _each(growth, growth.again),
        "python_kib": _each(python, python.python),
        "join_p50_ms": percentile(growth.join_ms, 0.5),
        "join_p95_ms": percentile(growth.join_ms, 0.95),
        "packets_per_s": growth.packets_per_s,
    }
    rows = tuple((label, f"{figures[name]:.0f}") for name, label in _LABELS.items())
    caption = (
        f"KiB of the server's resident memory for each of {growth.people} participants in rooms of two; "
        f"{growth.packets_per_s:,.0f} packets/s forwarded (the full rate is {PACKETS_EACH * growth.people:,}). "
        f"Joins, eight rooms at a time: p50 {figures['join_p50_ms']:.0f} ms, p95 {figures['join_p95_ms']:.0f} ms."
    )
    return Result("memory", figures, (Table(caption, ("", "KiB a participant"), rows),))


_LABELS: Final = {
    "rss_kib": "media flowing: all of it",
    "history_kib": "of that payload history (`Snapshot.history_bytes`)",
    "rss_without_history_kib": "all but the payload history",
    "python_kib": "of that objects of Python (traced in a run of its own)",
    "rss_connected_kib": "connected, nobody sending",
    "rss_gone_kib": "not given back when all have left",
    "rss_again_kib": "media flowing, when as many have come once more",
}


async def _measure(house_: House, rooms: int, size: Size) -> _Growth:
    """A few warm it up first: what is made once for all is nobody's."""
    await _talk(house_, size.warm_rooms, 0.5)
    await house_.load.ask("stop")
    await house_.everybody_leaves()
    start = await house_.snapshot(collect=True)
    base = rss_bytes(house_.server.pid)
    joins = await house_.load.ask("join", rooms=rooms)
    await house_.routes_open(rooms)
    await house_.snapshot(collect=True)
    connected = rss_bytes(house_.server.pid)
    await house_.load.ask("start")
    await house_.load.ask("reset")
    started = time.monotonic()
    await asyncio.sleep(size.media_s)
    full = await house_.snapshot(collect=True)
    talking = rss_bytes(house_.server.pid)
    seconds = time.monotonic() - started
    tally = await house_.load.ask("stop")
    await house_.everybody_leaves()
    await house_.snapshot(collect=True)
    gone = rss_bytes(house_.server.pid)
    await _talk(house_, rooms, size.media_s)
    await house_.snapshot(collect=True)
    again = rss_bytes(house_.server.pid)
    await house_.load.ask("stop")
    return _Growth(
        people=PEOPLE * rooms,
        connected=connected - base,
        talking=talking - base,
        history=full["history_bytes"] - start["history_bytes"],
        gone=gone - base,
        again=again - base,
        python=(full["python_bytes"] or 0) - (start["python_bytes"] or 0),
        join_ms=tuple(joins["connected_ms"]),
        packets_per_s=tally["received"] / seconds,
    )


async def _talk(house_: House, rooms: int, seconds: float) -> None:
    await house_.load.ask("join", rooms=rooms)
    await house_.routes_open(rooms)
    await house_.load.ask("start")
    await asyncio.sleep(seconds)


def _each(growth: _Growth, total: int) -> float:
    return total / growth.people / _KIB
