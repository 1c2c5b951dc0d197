"""The soak itself: a server of its own, parties in it for so many seconds, and in the end everything is as it was."""

import asyncio
import json
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from benchmarks.process import Child
from benchmarks.server import KEY
from benchmarks.waiting import until
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
PAUSE_S: Final = 0.03
WARM_STEPS: Final = 40
MEMORY: Final = 12 << 20
"""Bytes that the allocator may keep, and rooms that ended take until they are forgotten."""
HARMLESS: Final = ("no raised priority",)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a process holds."""

    tasks: int
    threads: int
    descriptors: int
    memory: int
    peers: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened, and what the server held before and after."""

    steps: int
    checks: int
    done: Counter[str]
    before: Vitals
    after: Vitals
    log: tuple[str, ...]

    def faults(self) -> list[str]:
        """What is not as it was."""
        before, after = self.before, self.after
        found = [f"log: {line}" for line in self.log]
        for name in ("tasks", "threads", "descriptors", "peers"):
            if getattr(after, name) > getattr(before, name):
                found.append(f"{name}: {getattr(before, name)} before, {getattr(after, name)} after")
        if after.memory - before.memory > MEMORY:
            found.append(f"memory: {before.memory >> 20} MiB before, {after.memory >> 20} MiB after")
        return found


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
                before, after = await walk.run(seconds)
        log = tuple((data / "errors.log").read_text().splitlines())
    harmful = tuple(line for line in log if not any(words in line for words in HARMLESS))
    return Outcome(walk.steps, walk.checks, walk.done, before, after, harmful)


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

    async def run(self, seconds: float) -> tuple[Vitals, Vitals]:
        # What is made once for all, and room for as many as there will be, is nobody's fault.
        await self._party(None)
        before = await self._given_back(None)
        await self._party(seconds)
        return before, await self._given_back(before)

    async def _party(self, seconds: float | None) -> None:
        """All come, walk about for so long (None: some steps), and go."""
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

    async def _walk(self, parties: list[Party], seconds: float | None) -> None:
        await asyncio.gather(*(party.gather() for party in parties))
        await self._check(parties)
        end = time.monotonic() + (seconds or 0.0)
        checked = time.monotonic()
        left = WARM_STEPS
        while (time.monotonic() < end) if seconds is not None else left > 0:
            left -= 1
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

        async def agree() -> bool:
            tables = await self._server.ask("tables", rooms=[party.room for party in parties])
            found[:] = [f"{party.room}: {words}" for party in parties for words in self._of(tables, party)]
            found.extend(f"nobody is peer {peer}" for peer in strays(tables))
            return not found

        with suppress(TimeoutError):
            await until(agree, limit_s=SETTLES_S, every_s=0.1)
        assert not found, "\n".join(found)
        self.checks += 1
        for party in parties:
            for person in party.people:
                if person.leg is not None:
                    person.leg.forget_what_came()

    def _of(self, tables: dict[str, Any], party: Party) -> list[str]:
        return list(disagreements(tables, party.room, party.people))

    async def _given_back(self, wanted: Vitals | None) -> Vitals:
        """What the server holds once all have gone."""
        found: list[Vitals] = []

        async def is_back() -> bool:
            vitals = Vitals(**await self._server.ask("vitals"))
            found[:] = [vitals]
            if wanted is None:
                return vitals.peers == 0
            return all(getattr(vitals, name) <= getattr(wanted, name) for name in ("tasks", "threads", "descriptors"))

        with suppress(TimeoutError):
            await until(is_back, limit_s=GIVEN_BACK_S, every_s=0.2)
        return found[0]


def describe(outcome: Outcome) -> str:
    """For people."""
    acts = {name: count for name, count in sorted(outcome.done.items())}
    lines = [f"{outcome.steps} steps, {outcome.checks} checks", json.dumps(acts)]
    lines += [f"before {outcome.before}", f"after  {outcome.after}", *outcome.faults()]
    return "\n".join(lines)
