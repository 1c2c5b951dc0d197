"""Who may see, book, change and be told: each precondition broken alone, and any of them together."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain as flatten
from itertools import combinations, product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.scheduling.obstacles import WORDS, Code, Obstacle
from control.scheduling.rules import (
    By,
    ByHand,
    Chain,
    Channel,
    Clinic,
    Contact,
    Patient,
    Phase,
    Planned,
    Restrictions,
    Slot,
    Type,
    age_on,
    hints_at_video,
    shown_online,
    to_book,
    to_change,
    to_notify,
)
from control.scheduling.surface import Surface

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
START = NOW + timedelta(days=7)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
OSLO = ZoneInfo("Europe/Oslo")

WHOLE = Chain(
    clinic=Clinic(video=True, zone=OSLO),
    schedule_published=True,
    type=Type(active=True, published=True, video=True),
    origin=Planned(template=True, work_plan=True),
    slot=Slot(START, START + HOUR / 2, taken=False),
    surface=Surface.VIDEO,
)
PATIENT = Patient(born=date(1980, 5, 17), known=True, listed=True, referred=True, open_bookings=1, booked_already=False)
STRICT = Restrictions(18, 67, False, True, False, 2, timedelta(hours=2), timedelta(days=30))
REFERRED = Restrictions(referral_needed=True)


@dataclass(frozen=True)
class Case:
    """Everything a booking is judged by."""

    chain: Chain = WHOLE
    patient: Patient = PATIENT
    restrictions: tuple[Restrictions, ...] = (STRICT, REFERRED)
    now: datetime = NOW

    def codes(self, by: By = By.PATIENT) -> list[Code]:
        return [obstacle.code for obstacle in to_book(self.chain, self.restrictions, self.patient, by, self.now)]

    def with_chain(self, **changes: object) -> "Case":
        return replace(self, chain=replace(self.chain, **changes))  # type: ignore[arg-type]

    def with_patient(self, **changes: object) -> "Case":
        return replace(self, patient=replace(self.patient, **changes))  # type: ignore[arg-type]


def _planned(case: Case, **changes: bool) -> Case:
    assert isinstance(case.chain.origin, Planned)
    return case.with_chain(origin=replace(case.chain.origin, **changes))


def _taken(case: Case) -> Case:
    assert case.chain.slot is not None
    return case.with_chain(slot=replace(case.chain.slot, taken=True))


def _moved(case: Case, start: datetime) -> Case:
    assert case.chain.slot is not None
    return case.with_chain(slot=replace(case.chain.slot, start=start, end=start + HOUR / 2))


def _type(case: Case, *, active: bool = True, published: bool = True) -> Case:
    return case.with_chain(type=replace(case.chain.type, active=active, published=published))


LINKS: Mapping[Code, Callable[[Case], Case]] = {
    Code.SCHEDULE_NOT_PUBLISHED: lambda case: case.with_chain(schedule_published=False),
    Code.TYPE_NOT_PUBLISHED: lambda case: _type(case, published=False),
    Code.TEMPLATE_MISSING: lambda case: _planned(case, template=False),
    Code.WORK_PLAN_MISSING: lambda case: _planned(case, work_plan=False),
    Code.SLOT_TAKEN: _taken,
}
BREAK: Mapping[Code, Callable[[Case], Case]] = {
    **LINKS,
    Code.VIDEO_OFF: lambda case: case.with_chain(clinic=replace(case.chain.clinic, video=False)),
    Code.TYPE_NOT_VIDEO: lambda case: case.with_chain(type=replace(case.chain.type, video=False)),
    Code.ALREADY_BOOKED: lambda case: case.with_patient(booked_already=True),
    Code.AGE_UNKNOWN: lambda case: case.with_patient(born=None),
    Code.NEW_PATIENTS_CLOSED: lambda case: case.with_patient(known=False),
    Code.NOT_ON_LIST: lambda case: case.with_patient(listed=False),
    Code.REFERRAL_MISSING: lambda case: case.with_patient(referred=False),
    Code.TOO_MANY_OPEN_BOOKINGS: lambda case: case.with_patient(open_bookings=2),
    Code.TOO_LATE_TO_BOOK: lambda case: _moved(case, NOW + 2 * HOUR - SECOND),
}
"""What breaks each precondition and no other."""


def test_row_08_nothing_broken_nothing_found() -> None:
    assert Case().codes() == []
    assert shown_online(WHOLE) == ()


@pytest.mark.parametrize("code", LINKS)
def test_row_04_each_of_the_five_links_hides_the_slot(code: Code) -> None:
    assert [obstacle.code for obstacle in shown_online(LINKS[code](Case()).chain)] == [code]


def test_row_04_a_slot_that_is_not_there_is_missing() -> None:
    assert shown_online(replace(WHOLE, slot=None)) == (Obstacle(Code.SLOT_MISSING),)
    assert Case().with_chain(slot=None).codes() == [Code.SLOT_MISSING]


def test_row_05_a_slot_inserted_by_hand_needs_neither_template_nor_plan() -> None:
    assert shown_online(replace(WHOLE, origin=ByHand())) == ()


def test_row_01_a_clinic_without_video_shows_no_video_and_still_what_is_not() -> None:
    without = replace(WHOLE, clinic=replace(WHOLE.clinic, video=False))
    assert shown_online(without) == (Obstacle(Code.VIDEO_OFF),)
    assert shown_online(replace(without, surface=Surface.PHYSICAL)) == ()


@pytest.mark.parametrize("code", BREAK)
def test_row_09_each_precondition_alone(code: Code) -> None:
    assert BREAK[code](Case()).codes() == [code]


@pytest.mark.parametrize(("one", "other"), list(combinations(BREAK, 2)))
def test_row_09_two_and_both_come(one: Code, other: Code) -> None:
    assert sorted(BREAK[other](BREAK[one](Case())).codes()) == sorted([one, other])


@given(st.sets(st.sampled_from(list(BREAK))), st.randoms(use_true_random=False))
def test_row_09_any_of_them_and_exactly_those(broken: Collection[Code], random: object) -> None:
    case = Case()
    for code in random.sample(sorted(broken), len(broken)):  # type: ignore[attr-defined]
        case = BREAK[code](case)
    codes = case.codes()
    assert len(codes) == len(set(codes))
    assert set(codes) == set(broken)


BINDING_STAFF = {Code.VIDEO_OFF, Code.TYPE_NOT_VIDEO, Code.SLOT_TAKEN, Code.ALREADY_BOOKED}


@given(st.sets(st.sampled_from(list(BREAK))))
def test_row_06_staff_are_bound_by_what_is_possible_alone(broken: Collection[Code]) -> None:
    case = Case()
    for code in sorted(broken):
        case = BREAK[code](case)
    assert set(case.codes(By.STAFF)) == set(broken) & BINDING_STAFF


def test_staff_may_not_book_a_type_that_is_not_active_nor_a_slot_that_is_over() -> None:
    assert _type(Case(), active=False).codes(By.STAFF) == [Code.TYPE_NOT_PUBLISHED]
    assert _type(Case(), active=False).codes() == [Code.TYPE_NOT_PUBLISHED]
    running = _moved(Case(), NOW - HOUR / 2 + SECOND)
    assert running.codes(By.STAFF) == []
    assert _moved(Case(), NOW - HOUR / 2).codes(By.STAFF) == [Code.TOO_LATE_TO_BOOK]


@pytest.mark.parametrize("surface", [Surface.PHYSICAL, Surface.TELEPHONE])
def test_row_03_a_type_without_video_is_still_held_otherwise(surface: Surface) -> None:
    without = replace(WHOLE, type=replace(WHOLE.type, video=False))
    assert shown_online(without) == (Obstacle(Code.TYPE_NOT_VIDEO),)
    assert shown_online(replace(without, surface=surface)) == ()


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        ("Ønsker video", True),
        ("VIDEOKONSULTASJON", True),
        ("e-konsult (Video)", True),
        ("Kontroll", False),
        ("", False),
        (None, False),
    ],
)
def test_row_12_a_remark_that_says_video(remark: str | None, expected: bool) -> None:
    assert hints_at_video(remark) is expected


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ("2008-11-09", "2026-11-08", 17),
        ("2008-11-09", "2026-11-09", 18),
        ("2008-11-09", "2026-12-01", 18),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2028-02-28", 19),
        ("2008-02-29", "2028-02-29", 20),
        ("2026-11-09", "2026-11-09", 0),
    ],
)
def test_whole_years(born: str, day: str, age: int) -> None:
    assert age_on(date.fromisoformat(born), date.fromisoformat(day)) == age


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (date(2008, 11, 9), ()),
        (date(2008, 11, 10), (Obstacle(Code.TOO_YOUNG, 18),)),
        (date(1958, 11, 10), ()),
        (date(1958, 11, 9), (Obstacle(Code.TOO_OLD, 67),)),
        (None, (Obstacle(Code.AGE_UNKNOWN),)),
    ],
)
def test_row_08_age_on_the_day_of_the_appointment(born: date | None, expected: tuple[Obstacle, ...]) -> None:
    patient = replace(PATIENT, born=born)
    assert to_book(WHOLE, (STRICT, REFERRED), patient, By.PATIENT, NOW) == expected


def test_the_day_is_that_of_the_clinics_calendar() -> None:
    """23:30 UTC on the 8th is the 9th in Oslo, the birthday."""
    start = datetime(2026, 11, 8, 23, 30, tzinfo=UTC)
    case = _moved(Case(patient=replace(PATIENT, born=date(2008, 11, 9))), start)
    assert case.codes() == []
    utc = case.with_chain(clinic=replace(case.chain.clinic, zone=ZoneInfo("UTC")))
    assert utc.codes() == [Code.TOO_YOUNG]


def test_without_an_age_rule_nobody_is_asked() -> None:
    assert Case(patient=replace(PATIENT, born=None), restrictions=(Restrictions(),)).codes() == []


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (2 * HOUR, None),
        (2 * HOUR - SECOND, Code.TOO_LATE_TO_BOOK),
        (timedelta(), Code.TOO_LATE_TO_BOOK),
        (30 * DAY, None),
        (30 * DAY + SECOND, Code.TOO_EARLY_TO_BOOK),
    ],
)
def test_lead_time_to_the_second(ahead: timedelta, code: Code | None) -> None:
    assert _moved(Case(), NOW + ahead).codes() == ([] if code is None else [code])


@pytest.mark.parametrize(("ahead", "late"), [(SECOND, False), (timedelta(), True), (-SECOND, True)])
def test_without_lead_time_booking_ends_as_the_slot_begins(ahead: timedelta, late: bool) -> None:
    case = _moved(Case(restrictions=()), NOW + ahead)
    assert case.codes() == ([Code.TOO_LATE_TO_BOOK] if late else [])


def test_the_limits_tell_when_and_how_many() -> None:
    late = _moved(Case(patient=replace(PATIENT, open_bookings=5)), NOW + HOUR)
    assert set(to_book(late.chain, late.restrictions, late.patient, By.PATIENT, NOW)) == {
        Obstacle(Code.TOO_LATE_TO_BOOK, NOW - HOUR),
        Obstacle(Code.TOO_MANY_OPEN_BOOKINGS, 2),
    }
    early = _moved(Case(), NOW + 40 * DAY)
    assert to_book(early.chain, early.restrictions, early.patient, By.PATIENT, NOW) == (
        Obstacle(Code.TOO_EARLY_TO_BOOK, NOW + 10 * DAY),
    )


def test_of_two_restrictions_the_narrower_limit_counts() -> None:
    wide = Restrictions(16, 90, True, False, False, 9, HOUR, timedelta(days=90))
    nobody = Patient(date(2015, 1, 1), False, False, False, 9, False)
    for both in ((STRICT, wide), (wide, STRICT)):
        found = to_book(WHOLE, both, nobody, By.PATIENT, NOW)
        assert Obstacle(Code.TOO_YOUNG, 18) in found
        assert Obstacle(Code.TOO_MANY_OPEN_BOOKINGS, 2) in found
        assert len(found) == len({obstacle.code for obstacle in found})


def test_limits_are_given_where_the_words_name_a_member() -> None:
    cases = [BREAK[code](Case()) for code in BREAK] + [
        _moved(Case(), NOW + 40 * DAY),
        Case(patient=replace(PATIENT, born=date(2020, 1, 1))),
        Case(patient=replace(PATIENT, born=date(1920, 1, 1))),
    ]
    found = flatten.from_iterable(to_book(c.chain, c.restrictions, c.patient, By.PATIENT, c.now) for c in cases)
    for obstacle in found:
        assert (obstacle.limit is None) == (WORDS[obstacle.code].limit is None), obstacle


@pytest.mark.parametrize(("phase", "by", "late"), list(product(Phase, By, [False, True])))
def test_cancelling_and_moving(phase: Phase, by: By, late: bool) -> None:
    now = START - DAY + (SECOND if late else timedelta())
    expected = {
        Phase.BOOKED: [],
        Phase.RUNNING: [Code.CONSULTATION_RUNNING],
        Phase.ENDED: [Code.CONSULTATION_ENDED],
        Phase.CANCELLED: [Code.APPOINTMENT_CANCELLED],
    }[phase] + ([Code.TOO_LATE_TO_CHANGE] if late and by is By.PATIENT else [])
    found = to_change(phase, START, DAY, by, now)
    assert [obstacle.code for obstacle in found] == expected
    assert all(o.limit == START - DAY for o in found if o.code is Code.TOO_LATE_TO_CHANGE)


@pytest.mark.parametrize(
    ("channels", "reachable", "opted_out", "protected"),
    list(
        product(
            [(), (Channel.SMS,), (Channel.SMS, Channel.EMAIL)],
            [(), (Channel.EMAIL,), (Channel.SMS, Channel.PUSH)],
            [False, True],
            [False, True],
        )
    ),
)
def test_row_15_why_somebody_is_not_told(
    channels: tuple[Channel, ...], reachable: tuple[Channel, ...], opted_out: bool, protected: bool
) -> None:
    expected = set()
    if not channels:
        expected.add(Code.TYPE_SILENT)
    if not reachable or (channels and not set(channels) & set(reachable)):
        expected.add(Code.NO_CONTACT_DATA)
    if opted_out:
        expected.add(Code.OPTED_OUT)
    if protected:
        expected.add(Code.PROTECTED_ADDRESS)
    found = [o.code for o in to_notify(frozenset(channels), Contact(frozenset(reachable), opted_out, protected))]
    assert len(found) == len(set(found))
    assert set(found) == expected
