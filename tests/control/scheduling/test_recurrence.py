"""Local time to instants, over both nights when clocks are changed, in three zones."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.scheduling.recurrence import Period, Weekday, day_bounds, instant, local_day, monday

OSLO, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Oslo"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        # Spring: the hour from 02:00 to 03:00 is missing; what lies in it is shifted by the gap.
        (OSLO, "2026-03-29 01:59", "2026-03-29 00:59"),
        (OSLO, "2026-03-29 02:00", "2026-03-29 01:00"),
        (OSLO, "2026-03-29 02:30", "2026-03-29 01:30"),
        (OSLO, "2026-03-29 02:59", "2026-03-29 01:59"),
        (OSLO, "2026-03-29 03:00", "2026-03-29 01:00"),
        (OSLO, "2026-03-29 03:30", "2026-03-29 01:30"),
        # Autumn: the hour comes twice; the first is meant.
        (OSLO, "2026-10-25 01:59", "2026-10-24 23:59"),
        (OSLO, "2026-10-25 02:00", "2026-10-25 00:00"),
        (OSLO, "2026-10-25 02:59", "2026-10-25 00:59"),
        (OSLO, "2026-10-25 03:00", "2026-10-25 02:00"),
        (NEW_YORK, "2026-03-08 01:59", "2026-03-08 06:59"),
        (NEW_YORK, "2026-03-08 02:30", "2026-03-08 07:30"),
        (NEW_YORK, "2026-03-08 03:00", "2026-03-08 07:00"),
        (NEW_YORK, "2026-11-01 01:30", "2026-11-01 05:30"),
        (NEW_YORK, "2026-11-01 02:00", "2026-11-01 07:00"),
        # Lord Howe changes by half an hour: the gap, and not an hour, is what shifts.
        (LORD_HOWE, "2026-10-04 02:15", "2026-10-03 15:45"),
        (LORD_HOWE, "2026-10-04 02:45", "2026-10-03 15:45"),
        (LORD_HOWE, "2026-04-05 01:45", "2026-04-04 14:45"),
    ],
)
def test_both_nights(zone: ZoneInfo, local: str, expected: str) -> None:
    wall = datetime.fromisoformat(local)
    assert instant(wall.date(), wall.time(), zone) == utc(expected)


def test_a_missing_time_shows_later_by_the_gap() -> None:
    assert instant(date(2026, 3, 29), time(2, 30), OSLO).astimezone(OSLO).time() == time(3, 30)
    assert instant(date(2026, 10, 4), time(2, 15), LORD_HOWE).astimezone(LORD_HOWE).time() == time(2, 45)


def test_a_second_fold_that_a_caller_hands_in_is_not_taken() -> None:
    assert instant(date(2026, 10, 25), time(2, 30, fold=1), OSLO) == utc("2026-10-25 00:30")


@given(st.dates(date(2000, 1, 1), date(2037, 1, 1)), st.times(), st.sampled_from([OSLO, NEW_YORK, LORD_HOWE]))
def test_the_clock_on_the_wall_shows_it_or_the_gap_later(day: date, wall: time, zone: ZoneInfo) -> None:
    found = instant(day, wall, zone)
    assert found.tzinfo is UTC
    shown = found.astimezone(zone).replace(tzinfo=None)
    late = shown - datetime.combine(day, wall)
    assert late in (timedelta(), timedelta(minutes=30), timedelta(hours=1))
    if not late:  # nothing earlier shows the same
        for back in (timedelta(minutes=30), timedelta(hours=1)):
            assert (found - back).astimezone(zone).replace(tzinfo=None) != shown


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_day_has_its_own_length(day: date, hours: int) -> None:
    first, after = day_bounds(day, OSLO)
    assert after - first == timedelta(hours=hours)
    assert (local_day(first, OSLO), local_day(after, OSLO)) == (day, day + timedelta(days=1))
    assert local_day(first - timedelta(microseconds=1), OSLO) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("first", "last", "weeks", "week", "weekday", "days"),
    [
        ("2026-11-02", "2026-11-16", 1, 0, Weekday.MONDAY, ["2026-11-02", "2026-11-09", "2026-11-16"]),
        ("2026-11-03", "2026-11-15", 1, 0, Weekday.MONDAY, ["2026-11-09"]),
        ("2026-11-03", "2026-11-30", 2, 0, Weekday.MONDAY, ["2026-11-16", "2026-11-30"]),
        ("2026-11-03", "2026-11-30", 2, 1, Weekday.MONDAY, ["2026-11-09", "2026-11-23"]),
        ("2026-11-03", "2026-11-30", 2, 0, Weekday.SUNDAY, ["2026-11-08", "2026-11-22"]),
        ("2026-12-30", "2027-01-20", 3, 0, Weekday.WEDNESDAY, ["2026-12-30", "2027-01-20"]),
        ("2026-11-03", "2026-11-03", 1, 0, Weekday.WEDNESDAY, []),
    ],
)
def test_days_of_a_period(first: str, last: str, weeks: int, week: int, weekday: Weekday, days: list[str]) -> None:
    period = Period(date.fromisoformat(first), date.fromisoformat(last), weeks)
    assert [day.isoformat() for day in period.days(week, weekday)] == days


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 120), st.integers(1, 5))
def test_every_day_of_a_period_is_in_one_week_of_the_turn(first: date, length: int, weeks: int) -> None:
    period = Period(first, first + timedelta(days=length), weeks)
    found = {day: (week, weekday) for week in range(weeks) for weekday in Weekday for day in period.days(week, weekday)}
    assert sorted(found) == [first + timedelta(days=n) for n in range(length + 1)]
    for day, (week, weekday) in found.items():
        assert day.weekday() == weekday
        assert (monday(day) - monday(first)).days // 7 % weeks == week


@pytest.mark.parametrize(("last", "weeks"), [(date(2026, 1, 1), 1), (date(2026, 1, 2), 0), (date(2026, 1, 2), -1)])
def test_a_period_that_means_nothing_is_refused(last: date, weeks: int) -> None:
    with pytest.raises(ValueError, match=r"last day|week"):
        Period(date(2026, 1, 2), last, weeks)
