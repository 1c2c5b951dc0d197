"""From week template and work plan to slots, and what an update of the plan changes. Pure.

A template's entry is a row of equal slots on a weekday; a work plan applies the template to a practitioner's schedule.
An edited template changes nothing until its plan is updated. Then only the plan's free slots that are still to come
are touched: what is booked, past, or was inserted or retyped by hand stays as it is.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

from control.scheduling.recurrence import WEEK, Period, Weekday, instant
from control.scheduling.surface import Surface


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a week template: `count` slots of `duration` one after the other, the first at `start` local time."""

    week: int
    """Which week of the template, from 0."""
    weekday: Weekday
    start: time
    duration: timedelta
    type: str
    surface: Surface
    count: int = 1

    def __post_init__(self) -> None:
        if self.duration <= timedelta():
            raise ValueError("a slot lasts longer than nothing")
        if self.count < 1:
            raise ValueError("an entry has at least one slot")


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """A slot that template and plan ask for; instants in UTC, `end` is not part of it."""

    start: datetime
    end: datetime
    type: str
    surface: Surface


@dataclass(frozen=True, slots=True)
class Existing:
    """A slot of the practitioner as it is now, of any plan."""

    id: str
    start: datetime
    end: datetime
    type: str
    surface: Surface
    plan: str | None
    """The work plan that made it and may change it; none where it was inserted or retyped by hand."""
    booked: bool

    @property
    def as_wanted(self) -> Wanted:
        """The same slot as a template would ask for it."""
        return Wanted(self.start, self.end, self.type, self.surface)


@dataclass(frozen=True, slots=True)
class Difference:
    """What an update of a work plan does."""

    remove: tuple[Existing, ...]
    add: tuple[Wanted, ...]
    hindered: tuple[Wanted, ...]
    """Wanted, and not made: another slot of the practitioner lies there."""


def wanted(entries: Iterable[Entry], period: Period, zone: ZoneInfo) -> tuple[Wanted, ...]:
    """Every slot that the template asks for in the period, by start."""
    return tuple(sorted(slot for entry in entries for slot in _of_entry(entry, period, zone)))


def _of_entry(entry: Entry, period: Period, zone: ZoneInfo) -> Iterator[Wanted]:
    for day in period.days(entry.week, entry.weekday):
        first = instant(day, entry.start, zone)
        for index in range(entry.count):
            start = first + index * entry.duration
            yield Wanted(start, start + entry.duration, entry.type, entry.surface)


def clashes(entries: Sequence[Entry], weeks: int) -> bool:
    """Whether entries of a template lie over each other, or one over itself, in ordinary weeks.

    The turn is round: what begins late on its last Sunday may reach into its first Monday.
    """
    turn = weeks * WEEK
    spans = sorted((start, start + entry.count * entry.duration) for entry in entries for start in (_in_turn(entry),))
    around = [*spans, *((start + turn, end + turn) for start, end in spans)]
    return any(end > start for (_, end), (start, _) in pairwise(around))


def _in_turn(entry: Entry) -> timedelta:
    clock = datetime.combine(date.min, entry.start) - datetime.combine(date.min, time())
    return entry.week * WEEK + timedelta(days=entry.weekday) + clock


def difference(plan: str, asked: Iterable[Wanted], existing: Iterable[Existing], now: datetime) -> Difference:
    """What makes the plan's slots those that are asked for, from `now` on.

    `existing` is every slot of the plan, and every other slot of the practitioner that may lie over one asked for.
    """
    missing = {slot for slot in asked if slot.start > now}
    stay: list[Existing] = []
    remove: list[Existing] = []
    for slot in existing:
        if slot.plan == plan and not slot.booked and slot.start > now and slot.as_wanted not in missing:
            remove.append(slot)
        else:
            stay.append(slot)
            if slot.plan == plan:
                missing.discard(slot.as_wanted)
    add: list[Wanted] = []
    hindered: list[Wanted] = []
    is_free = _free((slot.start, slot.end) for slot in stay)
    for wish in sorted(missing):
        clear = is_free(wish.start, wish.end) and (not add or add[-1].end <= wish.start)
        (add if clear else hindered).append(wish)
    return Difference(tuple(remove), tuple(add), tuple(hindered))


def _free(spans: Iterable[tuple[datetime, datetime]]) -> Callable[[datetime, datetime], bool]:
    """Whether a stretch of time lies over none of the spans, found in the logarithm of their number."""
    ordered = sorted(spans)
    starts = [start for start, _ in ordered]
    ends = list(accumulate((end for _, end in ordered), max))

    def is_free(start: datetime, end: datetime) -> bool:
        before = bisect_left(starts, end)
        return before == 0 or ends[before - 1] <= start

    return is_free
