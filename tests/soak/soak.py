"""The soak itself: a server of its own, parties in it for so many seconds, and in the end everything is as it was."""

import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from benchmarks.process import Child
from benchmarks.server import KEY
from sfu.dtls import Certificate
from signalling.keys import SigningKey
from tests.soak.person import Place
from tests.soak.tables import disagreements, strays
from tests.soak.walk import Party

SIZES: Final = (2, 3, 4, 6)
"""People in each of the rooms that there are at any time."""
CHECK_EVERY_S: Final = 15.0
SETTLES_S: Final = 45.0
"""Consent that was lost is noticed after 30 s (RFC 7675)."""
GIVEN_BACK_S: Final = 60.0
LOOK_EVERY_S: Final = 0.2
PAUSE_S: Final = 0.03
WARM: Final = 1 / 4
"""Of the time, at least four seconds: what is made once for all, and room for as many as there will be, is no leak."""
MEMORY: Final = 4 << 20
"""Bytes by which pages that hold something old and much that is free may differ from one time to the next; what is
held in them is counted beside."""
BLOCKS: Final = 2_000
"""Of half a million: what was seen for the first time, such as an error's text, stays known."""
NATIVE: Final = 512 << 10
"""Bytes: tables keep the room that they once needed."""
LATER_S: Final = 14 * 3600
"""When every seat, grant and ended room of today has run out."""
HARMLESS: Final = ("no raised priority",)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a process holds."""

    tasks: int
    threads: int
    descriptors: int
    memory: int
    """Bytes that are resident once the allocator has given back what is free."""
    blocks: int
    """Of memory that Python's objects are in."""
    native: int
    """Bytes that C and Rust hold."""
    peers: int
    ended: int
    """Ended rooms that are remembered, as grants that are spent."""
    spent: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened, and what the server held before and after."""

    steps: int
    checks: int
    done: Counter[str]
    before: Vitals
    after: Vitals
    """All have gone."""
    later: Vitals
    """And what they left has run out, as before the first of them came."""
    memory: tuple[tuple[float, int], ...]
    """Bytes at each check, people in their rooms, and when that was in seconds."""
    log: tuple[str, ...]
    repaired: tuple[int, int]
    """Packets that the server sent again, and that came again because it asked."""

    def faults(self) -> list[str]:
        """What is not as it was."""
        before, after = self.before, self.later
        found = [f"log: {line}" for line in self.log]
        for name in ("tasks", "threads", "descriptors", "peers", "ended", "spent"):
            if getattr(after, name) > getattr(before, name):
                found.append(f"{name}: {getattr(before, name)} before, {getattr(after, name)} after")
        for name, most in (("memory", MEMORY), ("blocks", BLOCKS), ("native", NATIVE)):
            if getattr(after, name) - getattr(before, name) > most:
                found.append(f"{name}: {getattr(before, name):,} before, {getattr(after, name):,} after")
        return found

    def slope(self) -> float:
        """By how many bytes an hour the checks' memory grows, by least squares."""
        times = [at for at, _ in self.memory]
        return statistics.linear_regression(times, [size for _, size in self.memory]).slope * 3600


async def run(seconds: float, seed: int) -> Outcome:
    """AssertionError where tables do not come to agree."""
    with tempfile.TemporaryDirectory(prefix="venterom-soak-") as folder:
        data = Path(folder)
        with (data / "errors.log").open("wb") as errors:
            server = await Child.start("benchmarks.server", folder, "--announce", "127.0.0.1", errors=errors)
            async with server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                place = Place(
                    session,
                    f"http://127.0.0.1:{server.ready['port']}",
                    ("127.0.0.1", server.ready["media"]),
                    Certificate.generate(time.time),
                    seed,
                    max(SIZES) - 1,
                )
                walk = _Walk(server, place, SigningKey.read(data / KEY), seed)
                before, after, later = await walk.run(seconds)
        log = tuple((data / "errors.log").read_text().splitlines())
    harmful = tuple(line for line in log if not any(words in line for words in HARMLESS))
    return Outcome(walk.steps, walk.checks, walk.done, before, after, later, tuple(walk.memory), harmful, walk.repaired)


class _Walk:
    def __init__(self, server: Child, place: Place, key: SigningKey, seed: int) -> None:
        self._server = server
        self._place = place
        self._key = key
        self._seed = seed
        self._generation = 0
        self.steps = 0
        self.checks = 0
        self.done: Counter[str] = Counter()
        self.memory: list[tuple[float, int]] = []
        self.repaired = (0, 0)

    async def run(self, seconds: float) -> tuple[Vitals, Vitals, Vitals]:
        fresh = await self._vitals()
        await self._party(max(4.0, seconds * WARM))
        await self._given_back(fresh)
        before = await self._later()
        self.memory.clear()
        await self._party(seconds)
        counters = (await self._server.ask("snapshot"))["counters"]
        self.repaired = (counters["rtx_sent"], counters["rtx_recovered"])
        return before, await self._given_back(before), await self._later()

    async def _party(self, seconds: float) -> None:
        """All come, walk about for so long, and go."""
        self._generation += 1
        parties = [
            Party(self._place, self._key, f"soak-{self._generation}-{size}", size, self._seed * 100 + size)
            for size in SIZES
        ]
        try:
            await self._walk(parties, seconds)
        finally:
            for party in parties:
                await party.go()
                self.done += party.done

    async def _walk(self, parties: list[Party], seconds: float) -> None:
        await asyncio.gather(*(party.gather() for party in parties))
        await self._check(parties)
        checked = time.monotonic()
        end = checked + seconds
        while time.monotonic() < end:
            await asyncio.gather(*(party.step() for party in parties))
            self.steps += len(parties)
            await asyncio.sleep(PAUSE_S)
            if time.monotonic() - checked > CHECK_EVERY_S:
                await self._check(parties)
                checked = time.monotonic()
        await asyncio.gather(*(party.gather() for party in parties))
        await self._check(parties)
        await asyncio.gather(*(party.end() for party in parties))

    async def _check(self, parties: list[Party]) -> None:
        """Waits until all tables agree; what is on its way may take its time."""
        found: list[str] = []
        # Looked at without a time-out: one in the middle of a question would leave its answer to the next.
        for _ in range(round(SETTLES_S / LOOK_EVERY_S)):
            tables = await self._server.ask("tables", rooms=[party.room for party in parties])
            found = [f"{party.room}: {words}" for party in parties for words in self._of(tables, party)]
            found += [f"nobody is peer {peer}" for peer in strays(tables)]
            if not found:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        assert not found, "\n".join(found)
        self.checks += 1
        self.memory.append((time.monotonic(), (await self._vitals()).memory))
        for party in parties:
            for person in party.people:
                if person.leg is not None:
                    person.leg.forget_what_came()

    def _of(self, tables: dict[str, Any], party: Party) -> list[str]:
        return list(disagreements(tables, party.room, party.people))

    async def _later(self) -> Vitals:
        """When all that was for a time has run out."""
        await self._server.ask("later", seconds=LATER_S)
        return await self._vitals()

    async def _vitals(self) -> Vitals:
        return Vitals(**await self._server.ask("vitals"))

    async def _given_back(self, wanted: Vitals) -> Vitals:
        """What the server holds once all have gone."""
        vitals = await self._vitals()
        for _ in range(round(GIVEN_BACK_S / LOOK_EVERY_S)):
            if vitals.tasks <= wanted.tasks and vitals.peers == 0:
                break
            await asyncio.sleep(LOOK_EVERY_S)
            vitals = await self._vitals()
        return vitals


def describe(outcome: Outcome) -> str:
    """For people."""
    acts = {name: count for name, count in sorted(outcome.done.items())}
    lines = [f"{outcome.steps} steps, {outcome.checks} checks", json.dumps(acts)]
    lines += ["MiB " + " ".join(_mib(size) for _, size in outcome.memory)]
    lines += [f"{name} {getattr(outcome, name)}" for name in ("before", "after", "later")]
    after, later = outcome.after, outcome.later
    lines += [
        f"{_mib(later.memory - outcome.before.memory)} MiB more than before; {_mib(after.memory - later.memory)} MiB "
        f"went with {after.ended} ended rooms and {after.spent} spent grants",
        f"{_mib(outcome.slope())} MiB an hour while it lasted",
        "{:,} packets sent again, {:,} that came again".format(*outcome.repaired),
    ]
    return "\n".join([*lines, *outcome.faults()])


def _mib(size: float) -> str:
    return f"{size / (1 << 20):.1f}"
