"""A process that writes events, hears of them and acknowledges, and kills itself at a given step.

The consumer's own notes are a file of lines: what it has heard, and, of the writer, what the journal said is on disk.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import ParamSpec

from signalling.clock import LoopClock
from signalling.feed import Feed
from signalling.inputs import End, Pause, Recorded
from signalling.journal import FileJournal
from signalling.logfile import LogFile
from signalling.records import Record
from signalling.recovery import compactor

P = ParamSpec("P")
ROOMS = ("r", "s")
EVENTS = 150
LIFE = 30
"""So many events end a life of a room."""
ACKNOWLEDGED = 7
"""The consumer acknowledges every seventh: compaction finds much that is untold."""


class Step(StrEnum):
    """Where it is killed."""

    UNSYNCED = "unsynced"
    WRITTEN = "written"
    DELIVERED = "delivered"
    NOTED = "noted"
    COMPACTING = "compacting"
    COMPACTED = "compacted"


class Fate:
    """Ends the process, unasked, the n-th time that it comes to the step."""

    def __init__(self, step: str, left: int) -> None:
        self._step = step
        self._left = left

    def at(self, step: Step) -> None:
        if step == self._step:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(
        self, call: Callable[P, None], *, before: Step | None = None, after: Step | None = None
    ) -> Callable[P, None]:
        """The same call, with a step before it or after it."""

        def fated(*args: P.args, **kwargs: P.kwargs) -> None:
            if before is not None:
                self.at(before)
            call(*args, **kwargs)
            if after is not None:
                self.at(after)

        return fated


def lives() -> list[tuple[str, int, Recorded]]:
    """What happens: two rooms in turn, several lives each."""
    events: list[tuple[str, int, Recorded]] = []
    for number in range(EVENTS):
        event = End(None) if number % LIFE == LIFE - 1 else Pause(None, f"n{number}")
        events += [(room, number // LIFE + 1, event) for room in ROOMS]
    return events


async def write(journal: FileJournal, notes: int) -> None:
    """All of it, a few at a time."""
    waiting: list[asyncio.Future[bool]] = []
    for room, epoch, event in lives():
        done = asyncio.get_running_loop().create_future()
        journal.submit(Record(room, epoch, 0, time.time(), event), opening=False, done=done.set_result)
        waiting.append(done)
        if len(waiting) == 5:
            await asyncio.gather(*waiting)
            waiting.clear()
            os.write(notes, b"written\n" * 5)


async def hear(feed: Feed, notes: int, fate: Fate) -> None:
    """Notes each event, and acknowledges some."""
    heard = 0
    while True:
        record = await feed.next()
        fate.at(Step.DELIVERED)
        os.write(notes, f"{record.room} {record.epoch} {record.sequence} {record.event}\n".encode())
        fate.at(Step.NOTED)
        heard += 1
        if heard % ACKNOWLEDGED == 0:
            feed.acknowledge(record.room, record.epoch, record.sequence)


async def main(data: Path, step: str, count: int) -> None:
    notes = os.open(data / "notes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    fate = Fate(step, count)
    os.fdatasync = fate.around(os.fdatasync, before=Step.UNSYNCED, after=Step.WRITTEN)
    os.rename = fate.around(os.rename, before=Step.COMPACTING, after=Step.COMPACTED)
    FileJournal.COMPACT_AT = 4000
    feed = Feed()
    clock = LoopClock(asyncio.get_running_loop())
    compact = compactor(time.time, 1000, feed.untold)
    journal = FileJournal(LogFile(data / "journal.log"), clock, compact, feed=feed)
    await journal.open()
    hearing = asyncio.create_task(hear(feed, notes, fate))
    await write(journal, notes)
    await hearing


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
