"""Slots from template and plan, and what an update of the plan touches."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.scheduling.recurrence import Period, Weekday
from control.scheduling.slots import Entry, Existing, Wanted, clashes, difference, wanted
from control.scheduling.surface import Surface

OSLO = ZoneInfo("Europe/Oslo")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
T = datetime(2026, 11, 2, 8, tzinfo=UTC)
LONG_AGO = T - timedelta(days=365)


def entry(
    start: str = "09:00", minutes: int = 30, count: int = 1, weekday: Weekday = Weekday.MONDAY, week: int = 0
) -> Entry:
    return Entry(week, weekday, time.fromisoformat(start), minutes * MINUTE, "t", Surface.VIDEO, count)


def wish(start: int, end: int, type_: str = "t", surface: Surface = Surface.VIDEO) -> Wanted:
    """From one minute to another, after `T`."""
    return Wanted(T + start * MINUTE, T + end * MINUTE, type_, surface)


def there(slot: Wanted, id_: str = "s", plan: str | None = "p", *, booked: bool = False) -> Existing:
    return Existing(id_, slot.start, slot.end, slot.type, slot.surface, plan, booked)


def test_row_05_slots_come_from_a_template_in_a_row() -> None:
    period = Period(date(2026, 11, 2), date(2026, 11, 9))
    starts = [slot.start for slot in wanted([entry(count=3)], period, OSLO)]
    assert starts == [T + n * 30 * MINUTE for n in range(3)] + [
        T + timedelta(days=7) + n * 30 * MINUTE for n in range(3)
    ]


def test_weeks_take_turns() -> None:
    period = Period(date(2026, 11, 2), date(2026, 11, 29), 2)
    days = [slot.start.day for slot in wanted([entry(), entry(weekday=Weekday.TUESDAY, week=1)], period, OSLO)]
    assert days == [2, 10, 16, 24]


def test_the_hour_on_the_wall_stays_when_clocks_change() -> None:
    slots = wanted([entry()], Period(date(2026, 10, 19), date(2026, 10, 26)), OSLO)
    assert [slot.start.hour for slot in slots] == [7, 8]


def test_durations_are_real_in_both_nights() -> None:
    row = entry("01:30", 60, 3, Weekday.SUNDAY)
    for night in (date(2026, 3, 29), date(2026, 10, 25)):
        slots = wanted([row], Period(night, night), OSLO)
        assert [slot.end - slot.start for slot in slots] == [HOUR] * 3
        assert all(before.end == after.start for before, after in pairwise(slots))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([entry(), entry(week=1)], False),
        ([entry("23:30", 60, weekday=Weekday.SUNDAY), entry("00:15", week=1)], True),
        ([entry("23:30", 60, weekday=Weekday.SUNDAY, week=1), entry("00:15")], True),
        ([entry("23:30", 60, weekday=Weekday.SUNDAY, week=1), entry("00:15", week=1)], False),
        ([entry("09:00", 60, 14 * 24)], False),
        ([entry("09:00", 60, 14 * 24 + 1)], True),
    ],
)
def test_entries_of_two_weeks_that_lie_over_each_other(entries: list[Entry], expected: bool) -> None:
    assert clashes(entries, 2) is expected


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([entry(), entry("09:30")], False),
        ([entry(), entry("09:29")], True),
        ([entry(count=4), entry("10:45")], True),
        ([entry(count=4), entry("11:00")], False),
        ([entry(), entry(weekday=Weekday.TUESDAY)], False),
        ([entry("23:30", 60, weekday=Weekday.SUNDAY), entry("00:30")], False),
        ([entry("23:30", 61, weekday=Weekday.SUNDAY), entry("00:30")], True),
        ([entry("09:00", 60, 7 * 24)], False),
        ([entry("09:00", 60, 7 * 24 + 1)], True),
        ([], False),
    ],
)
def test_entries_that_lie_over_each_other(entries: list[Entry], expected: bool) -> None:
    assert clashes(entries, 1) is expected


@pytest.mark.parametrize(("minutes", "count"), [(0, 1), (-5, 1), (5, 0)])
def test_an_entry_that_means_nothing_is_refused(minutes: int, count: int) -> None:
    with pytest.raises(ValueError, match="slot"):
        entry(minutes=minutes, count=count)


A, B, C = wish(0, 30), wish(30, 60), wish(60, 90)


@pytest.mark.parametrize(
    ("asked", "existing", "remove", "add", "hindered"),
    [
        pytest.param([A, B], [], [], [A, B], [], id="a new plan"),
        pytest.param([A, B], [there(A)], [], [B], [], id="what fits stays"),
        pytest.param([B], [there(A)], ["s"], [B], [], id="what no longer fits goes"),
        pytest.param([], [there(A, booked=True)], [], [], [], id="booked stays"),
        pytest.param([A], [there(A, booked=True)], [], [], [], id="booked is there already"),
        pytest.param([], [there(A, plan=None)], [], [], [], id="by hand stays"),
        pytest.param([], [there(A, plan="q")], [], [], [], id="another plan's stays"),
        pytest.param([A, B], [there(A, plan=None)], [], [B], [A], id="by hand hinders"),
        pytest.param([wish(0, 60)], [there(B, booked=True)], [], [], [wish(0, 60)], id="booked hinders"),
        pytest.param([replace(A, type="u")], [there(A)], ["s"], [replace(A, type="u")], [], id="another type"),
        pytest.param(
            [replace(A, surface=Surface.PHYSICAL)], [there(A)], ["s"], [replace(A, surface=Surface.PHYSICAL)], [],
            id="another surface",
        ),
        pytest.param([wish(0, 60)], [there(A), there(B, "z")], ["s", "z"], [wish(0, 60)], [], id="longer ones"),
        pytest.param([wish(0, 60), B], [], [], [wish(0, 60)], [B], id="asked for over each other"),
        pytest.param([wish(-60, -30)], [], [], [], [], id="nothing is made in the past"),
        pytest.param([], [there(wish(-60, -30))], [], [], [], id="the past stays"),
        pytest.param([A], [there(wish(-500, 500), plan=None), there(wish(-60, -50), "z", None)], [], [], [A],
            id="a long one that began before others"),
    ],
)  # fmt: skip
def test_row_04_an_update_touches_only_what_is_free_and_the_plans_own(
    asked: list[Wanted], existing: list[Existing], remove: list[str], add: list[Wanted], hindered: list[Wanted]
) -> None:
    found = difference("p", asked, existing, T - MINUTE)
    assert [slot.id for slot in found.remove] == remove
    assert list(found.add) == add
    assert list(found.hindered) == hindered


def test_now_itself_is_past() -> None:
    assert difference("p", [A], [], T).add == ()
    assert difference("p", [], [there(A)], T).remove == ()


wishes = st.builds(
    lambda start, length, type_: wish(start * 10, (start + length) * 10, type_),
    st.integers(-5, 40), st.integers(1, 6), st.sampled_from("tu"),
)  # fmt: skip


@st.composite
def days(draw: st.DrawFn) -> list[Existing]:
    """What may stand in a schedule: nothing lies over anything else."""
    slots: list[Existing] = []
    for number, slot in enumerate(sorted(draw(st.lists(wishes, max_size=15)))):
        if not slots or slots[-1].end <= slot.start:
            plan = draw(st.sampled_from(["p", "q", None]))
            slots.append(there(slot, str(number), plan, booked=draw(st.booleans())))
    return slots


@given(days(), st.lists(wishes, max_size=15), st.integers(-60, 300))
def test_an_update_in_general(existing: list[Existing], asked: list[Wanted], minute: int) -> None:
    now = T + minute * MINUTE
    found = difference("p", asked, existing, now)
    assert all(slot.plan == "p" and not slot.booked and slot.start > now for slot in found.remove)
    after = [slot for slot in existing if slot not in found.remove]
    spans = sorted([(slot.start, slot.end) for slot in after] + [(slot.start, slot.end) for slot in found.add])
    assert all(before[1] <= then[0] for before, then in pairwise(spans)), "no slot lies over another"
    own = {slot.as_wanted for slot in after if slot.plan == "p"} | set(found.add)
    coming = {slot for slot in asked if slot.start > now}
    assert coming == (own & coming) | set(found.hindered)
    free = {slot.as_wanted for slot in after if slot.plan == "p" and not slot.booked and slot.start > now}
    assert free <= coming
    for slot in found.hindered:
        assert any(start < slot.end and slot.start < end for start, end in spans)


@given(days(), st.lists(wishes, max_size=15))
def test_an_update_twice_changes_nothing_more(existing: list[Existing], asked: list[Wanted]) -> None:
    first = difference("p", asked, existing, LONG_AGO)
    made = [there(slot, f"new {number}") for number, slot in enumerate(first.add)]
    again = difference("p", asked, [slot for slot in existing if slot not in first.remove] + made, LONG_AGO)
    assert (again.remove, again.add, again.hindered) == ((), (), first.hindered)
