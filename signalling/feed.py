"""Events up: what the journal has on disk, for whoever owns the rooms, in order and until it is acknowledged.

Delivered at least once, also after a kill at any moment, and never before it is on disk. Acknowledgements are not kept
over a restart: then all that the journal still has is delivered anew, and a consumer passes over what it knows by the
(room, epoch, sequence) that it has dealt with last, and acknowledges it again.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from typing import Final

import structlog

from signalling.records import Record, Snapshot, Spent, Untold

log: Final = structlog.get_logger("venterom.signalling")

MANY: Final = 1_000
"""So many events that nobody has acknowledged are worth a warning."""
TOO_MANY: Final = 20_000
"""With so many no new rooms are opened: some thousand consultations, and 20 MB of memory. Open rooms go on."""

_Key = tuple[str, int, int]


class Feed:
    """One consumer takes the events, deals with each, and acknowledges. All calls on one event loop, save `untold`.

    An event of (room, epoch) has the next higher `sequence`; where records were compacted while nobody listened, some
    are missing at the beginning, and `Rooms.roster` tells what came of them.
    """

    def __init__(self) -> None:
        self._untold: dict[_Key, Record] = {}
        self._sequences: dict[tuple[str, int], deque[int]] = {}
        self._ready: deque[Record] = deque()
        self._arrived = asyncio.Event()
        self._warned = False

    @property
    def pending(self) -> int:
        """How many events are not acknowledged."""
        return len(self._untold)

    @property
    def is_full(self) -> bool:
        """Whether so many are not acknowledged that there shall be no new rooms."""
        return self.pending >= TOO_MANY

    def take(self, records: Iterable[Record]) -> None:
        """Takes up records that are on disk, in their order."""
        for record in records:
            match record.event:
                case Snapshot() | Spent():
                    continue
                case Untold(event=event):
                    self._add(replace(record, event=event))
                case _:
                    self._add(record)
        if self._ready:
            self._arrived.set()
        if self.pending >= MANY and not self._warned:
            self._warned = True
            log.warning("events_untold", pending=self.pending, no_new_rooms_at=TOO_MANY)

    async def next(self) -> Record:
        """The next event that was not delivered yet; waits for it."""
        while True:
            while self._ready:
                record = self._ready.popleft()
                if _key(record) in self._untold:
                    return record
            self._arrived.clear()
            await self._arrived.wait()

    async def __aiter__(self) -> AsyncIterator[Record]:
        """All events for ever, beginning with the oldest that is not acknowledged, delivered before or not."""
        self._ready = deque(self._untold.values())
        while True:
            yield await self.next()

    def acknowledge(self, room: str, epoch: int, sequence: int) -> None:
        """The consumer has dealt with all of this life of the room up to this number; it need not be kept."""
        waiting = self._sequences.get((room, epoch))
        while waiting and waiting[0] <= sequence:
            del self._untold[room, epoch, waiting.popleft()]
        if not waiting:
            self._sequences.pop((room, epoch), None)
        if self.pending < MANY // 2:
            self._warned = False

    def untold(self) -> Callable[[Record], bool]:
        """Which records a compaction that begins now must keep; may be asked in any thread.

        What is acknowledged while it goes on stays, or what it has kept already would have a hole behind it.
        """
        keys = self._untold.copy()  # one step to other threads
        return lambda record: _key(record) in keys

    def _add(self, record: Record) -> None:
        self._untold[_key(record)] = record
        self._sequences.setdefault((record.room, record.epoch), deque()).append(record.sequence)
        self._ready.append(record)


def _key(record: Record) -> _Key:
    return record.room, record.epoch, record.sequence
