"""What the journal tells: the rooms as they were, and the grants that are spent. Also what of it is worth keeping."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from signalling.grant import GrantId
from signalling.inputs import End, Enter
from signalling.logfile import Compact
from signalling.records import Record, Snapshot, Spent, Untold
from signalling.room import Ended, Room, apply


@dataclass(slots=True)
class Recovered:
    """The newest life of each room, and until when each spent grant is remembered."""

    rooms: dict[str, Room] = field(default_factory=dict)
    spent: dict[GrantId, float] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """Applies the next record."""
        match record.event:
            case Snapshot(room=room):
                self.rooms[record.room] = room
            case Spent(grant=grant, forget_at=forget_at):
                self.spent[grant] = forget_at
            case Untold():
                pass
            case event:
                if isinstance(event, Enter):
                    self.spent[GrantId(event.issuer, event.jti)] = event.forget_at
                self.rooms[record.room] = apply(self._life(record), event, record.at)

    def _life(self, record: Record) -> Room:
        """The life of the room that the record belongs to; a new one remembers when the last one ended."""
        room = self.rooms.get(record.room)
        if room is None:
            return Room(record.room, record.epoch)
        return room if room.epoch == record.epoch else room.successor(record.epoch)


def replay(records: Iterable[Record]) -> Recovered:
    """Applies the records in order."""
    found = Recovered()
    for record in records:
        found.take(record)
    return found


def is_over(room: Room, now: float, memory: float) -> bool:
    """Whether an ended room may be forgotten: every seat and grant of it has run out by itself."""
    return isinstance(room.life, Ended) and now > room.life.at + memory


def compactor(
    wall: Callable[[], float],
    memory: float,
    untold: Callable[[], Callable[[Record], bool]] = lambda: lambda _: False,
) -> Compact:
    """Keeps one snapshot a room, the grants that are not too old to be refused for their age, and what is untold.

    `untold` is asked once at the beginning of each compaction.
    """

    def compact(records: Iterable[Record]) -> Iterator[Record]:
        now = wall()
        is_untold = untold()
        found = Recovered()
        newest: dict[str, tuple[int, float]] = {}
        for record in records:
            found.take(record)
            match record.event:
                case Spent():
                    continue
                case Untold():
                    told = record
                case Snapshot():
                    newest[record.room] = record.sequence, record.at
                    continue
                case event:
                    newest[record.room] = record.sequence, record.at
                    told = replace(record, event=Untold(event))
            if isinstance(record.event, End):
                found.rooms[record.room] = replace(found.rooms[record.room], people={})
            if is_untold(told):
                yield told
        for grant, forget_at in found.spent.items():
            if forget_at >= now:
                yield Record("", 0, 0, now, Spent(grant, forget_at))
        for name, room in found.rooms.items():
            if not is_over(room, now, memory):
                sequence, at = newest[name]
                yield Record(name, room.epoch, sequence, at, Snapshot(room))

    return compact
