"""From a clinic's wall clock to instants: a week template says "Mondays at nine", a slot is an instant in UTC.

One rule holds for the two nights when clocks are changed, that of RFC 5545 (section 3.3.5, form 3) and of java.time:
- an hour that is missing is shifted forward by the length of the gap: 02:30 in the spring night is 03:30 summer time;
- of an hour that comes twice the first is meant: 02:30 in the autumn night is 02:30 summer time.
Durations are real ones: a slot of 30 minutes lasts 30 minutes in every night.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from typing import Final
from zoneinfo import ZoneInfo

WEEK: Final = timedelta(days=7)


class Weekday(IntEnum):
    """Days as `date.weekday()` counts them."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included; their weeks, from Monday on, are counted in turns of `weeks`.

    The week of `first` is number 0 of a turn.
    """

    first: date
    last: date
    weeks: int = 1

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("the last day comes before the first")
        if self.weeks < 1:
            raise ValueError("a turn has at least one week")

    def days(self, week: int, weekday: Weekday) -> Iterator[date]:
        """Its days of that name in that week of each turn, in order."""
        day = monday(self.first) + week * WEEK + timedelta(days=weekday)
        while day <= self.last:
            if day >= self.first:
                yield day
            day += self.weeks * WEEK


def monday(day: date) -> date:
    """The Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """When the clocks of the zone show that time on that day, in UTC, by the rule above."""
    # With fold 0 zoneinfo takes the offset from before the change (PEP 495), which is the rule for both nights.
    return datetime.combine(day, wall.replace(tzinfo=None, fold=0), zone).astimezone(UTC)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The date on the clinic's calendar at that instant."""
    return moment.astimezone(zone).date()


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The day's first instant and the next day's, in UTC: 23, 24 or 25 hours."""
    return instant(day, time(), zone), instant(day + timedelta(days=1), time(), zone)
