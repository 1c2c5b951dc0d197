"""Where what plays stood still, by the players' own figures and by the packets, and when the machine did."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from tests.browser.capture import Packet
from tests.browser.person import Person

LONGEST_S: Final = 0.15
"""What nobody sees or hears."""
STALL_S: Final = 0.1
_AROUND_S: Final = 0.1
"""A stall makes itself felt so much before we measure it, and after."""

CROWDED: Final = 0.5
"""Of a time, so much in which somebody waited for a processor: no player plays without a gap then."""

_IDLER: Final = """
import time
from tests.browser.stopwatch import kept_waiting
print(flush=True)
while True:
    print(time.time(), kept_waiting(), flush=True)
    time.sleep(0.02)
"""

_STREAMS: Final = """async () => {
    const stats = [...(await venteromTest.peers.at(-1).getStats()).values()];
    const inbound = new Map(stats.filter((s) => s.type === 'inbound-rtp').map((s) => [s.trackIdentifier, s]));
    const heard = {};
    for (const video of document.querySelectorAll('[data-testid=remote-video]')) {
        const tracks = video.srcObject?.getTracks() ?? [];
        const its = tracks.map((track) => inbound.get(track.id)).filter(Boolean);
        heard[video.parentElement.querySelector('strong').textContent] = its;
    }
    return { heard, sent: stats.filter((s) => s.type === 'outbound-rtp') };
}"""

_WATCH: Final = f"""() => {{
    const noted = (venteromTest.gaps = []);
    const last = new Map();
    let since = Date.now();
    const look = async () => {{
        const {{ heard }} = await ({_STREAMS})();
        const now = Date.now();
        for (const [name, streams] of Object.entries(heard)) {{
            for (const {{ kind, ssrc, ...its }} of streams) {{
                const value = kind === 'video'
                    ? its.totalFreezesDuration ?? 0
                    : ((its.concealedSamples ?? 0) - (its.silentConcealedSamples ?? 0)) / 48000;
                const seconds = value - (last.get(ssrc) ?? value);
                last.set(ssrc, value);
                const start = since - (kind === 'video' ? 1000 * seconds : 0);
                if (seconds > 0) noted.push({{ name, kind, start: start / 1000, end: now / 1000, seconds }});
            }}
        }}
        since = now;
        setTimeout(look, 200);
    }};
    look();
}}"""


@dataclass(frozen=True, slots=True)
class Gap:
    """So many seconds in which nothing new of somebody played; they lie between two times of `time.time()`."""

    name: str
    kind: str
    start: float
    end: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Stall:
    """A process got no processor between these times of `time.time()`."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Stalls:
    """Of a process that does nothing else, so that it was the machine; and of this one, which has the crowd to move."""

    machine: list[Stall]
    own: list[Stall]
    waits: list[tuple[float, float]]
    """Times, and for how many seconds until then somebody had been kept waiting."""

    def crowded(self, gap: "Gap") -> bool:
        """Whether the machine had more to do than it can when the gap was."""
        start, end = gap.start - _AROUND_S, gap.end + _AROUND_S
        within = [waited for at, waited in self.waits if start <= at <= end]
        return len(within) > 1 and within[-1] - within[0] > CROWDED * (end - start)


@asynccontextmanager
async def stalls() -> AsyncIterator[Stalls]:
    """Every stall as long as what it shall excuse."""
    found = Stalls([], [], [])
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _IDLER, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()

    async def beat() -> None:
        before = time.time()
        while True:
            await asyncio.sleep(0.02)
            now = time.time()
            if now - before > STALL_S:
                found.own.append(Stall(before, now))
            before = now

    async def listen(output: asyncio.StreamReader) -> None:
        before = time.time()
        while line := await output.readline():
            now, waited = map(float, line.split())
            found.waits.append((now, waited))
            if now - before > STALL_S:
                found.machine.append(Stall(before, now))
            before = now

    tasks = [asyncio.create_task(beat()), asyncio.create_task(listen(process.stdout))]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        process.terminate()
        await process.wait()


def unexcused(gaps: Iterable[Gap], excuses: Sequence[Stall]) -> list[Gap]:
    """Those too long, at whose time the machine did not stand still."""
    return [
        gap
        for gap in gaps
        if gap.seconds > LONGEST_S
        and not any(one.start < gap.end + _AROUND_S and gap.start - _AROUND_S < one.end for one in excuses)
    ]


async def watch(person: Person) -> None:
    """From now on the page's players are asked five times a second."""
    await person.tab.evaluate(_WATCH)


async def watched(person: Person) -> list[Gap]:
    """When pictures froze and sound was made up; what follows without a pause is one gap."""
    gaps: list[Gap] = []
    for fields in await person.tab.evaluate("() => venteromTest.gaps"):
        gap = Gap(**fields)
        before = next((one for one in gaps if (one.name, one.kind, one.end) == (gap.name, gap.kind, gap.start)), None)
        if before is not None:
            gaps.remove(before)
            gap = Gap(gap.name, gap.kind, before.start, gap.end, before.seconds + gap.seconds)
        gaps.append(gap)
    return gaps


async def held_back(packets: Sequence[Packet], sender: Person, viewer: Person, name: str) -> list[Gap]:
    """Where the server sent the viewer nothing of `name` for longer than it got nothing from there."""
    sent = (await sender.tab.evaluate(_STREAMS))["sent"]
    heard = (await viewer.tab.evaluate(_STREAMS))["heard"][name]
    from_port, to_port = await sender.local_port(), await viewer.local_port()
    gaps: list[Gap] = []
    for kind in ("audio", "video"):
        came = [packet.time for packet in packets if packet.source_port == from_port and _is(packet, kind, sent)]
        went = [packet.time for packet in packets if packet.destination_port == to_port and _is(packet, kind, heard)]
        assert len(came) > 25, f"too few packets of {name}'s {kind} came"
        assert len(went) > 25, f"too few packets of {name}'s {kind} went"
        for start, end in pairwise(went):
            if end - start <= LONGEST_S:
                continue
            silent = max((b - a for a, b in pairwise(came) if a < end and start < b), default=0.0)
            gaps.append(Gap(name, kind, start, end, end - start - silent))
    return gaps


def _is(packet: Packet, kind: str, streams: Iterable[dict[str, Any]]) -> bool:
    return packet.kind == "rtp" and any(one["kind"] == kind and one["ssrc"] == packet.ssrc for one in streams)
