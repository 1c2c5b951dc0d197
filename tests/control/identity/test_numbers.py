"""National identity numbers: each series, both versions of check digits, and that no digit shows by accident."""

import copy
import json
import pickle
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from control.errors import NationalNumberError, SyntheticNumberError
from control.identity.numbers import LAB, PRODUCTION, Kind, NationalNumber, NumberPolicy, Version, parse

TODAY = date(2026, 11, 27)
IN_2032 = date(2032, 1, 1)
BODIES = st.builds("{:02}{:02}{:05}".format, st.integers(1, 28), st.integers(1, 12), st.integers(0, 99_999))


def numbers(nine: str, first: int = 0) -> str | None:
    """The nine digits with check digits by which `first` is left over; None where that takes a digit of two figures."""
    one = (first - sum(int(d) * w for d, w in zip(nine, (3, 7, 6, 1, 8, 9, 4, 5, 2), strict=True))) % 11
    two = -sum(int(d) * w for d, w in zip(f"{nine}{one}"[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    return None if 10 in (one, two) else f"{nine}{one}{two}"


def some(date_part: str, first: int = 0) -> str:
    """The first number of a date, or of what stands in its place."""
    found = (numbers(f"{date_part}{individual:03}", first) for individual in range(1000))
    return next(number for number in found if number is not None)


@pytest.mark.parametrize(
    "number",
    ["47906701517", "23906398699", "24856399504", "13873249565", "12824996154", "15507600333", "55507608360"],
)
def test_published_test_numbers_are_well_formed(number: str) -> None:
    """Of Test-Norge and Dolly."""
    assert parse(number, LAB, TODAY).reveal() == number
    with pytest.raises(SyntheticNumberError):
        parse(number, PRODUCTION, TODAY)


@pytest.mark.parametrize(
    ("date_part", "kind", "production"),
    [
        ("010203", Kind.BIRTH, None),
        ("290200", Kind.BIRTH, None),
        ("290224", Kind.BIRTH, None),
        ("311299", Kind.BIRTH, None),
        ("410203", Kind.D, None),
        ("711299", Kind.D, None),
        ("812345", Kind.FH, None),
        ("999999", Kind.FH, None),
        ("014203", Kind.H, "national_number_synthetic"),
        ("415203", Kind.H, "national_number_synthetic"),
        ("016603", Kind.BIRTH, "national_number_synthetic"),
        ("417703", Kind.D, "national_number_synthetic"),
        ("018103", Kind.BIRTH, "national_number_synthetic"),
        ("419203", Kind.D, "national_number_synthetic"),
    ],
)
def test_each_series(date_part: str, kind: Kind, production: str | None) -> None:
    number = some(date_part)
    assert parse(number, LAB, TODAY).kind is kind
    if production is None:
        assert parse(number, PRODUCTION, TODAY).kind is kind
    else:
        with pytest.raises(NationalNumberError) as caught:
            parse(number, PRODUCTION, TODAY)
        assert caught.value.code == production


def test_an_institution_may_take_help_numbers_of_its_own_and_still_no_made_up_people() -> None:
    policy = NumberPolicy(h_numbers=True)
    assert parse(some("014203"), policy, TODAY).kind is Kind.H
    for date_part in ("016603", "018103"):
        with pytest.raises(SyntheticNumberError):
            parse(some(date_part), policy, TODAY)


@pytest.mark.parametrize(
    "date_part",
    ["000103", "320103", "310403", "290223", "300200", "010003", "011303", "014003", "015303", "016503", "017803",
     "018003", "019303", "400103", "720103"],
)  # fmt: skip
def test_what_is_no_date_is_no_number(date_part: str) -> None:
    with pytest.raises(NationalNumberError, match="date"):
        parse(some(date_part), LAB, TODAY)


@given(BODIES, st.integers(0, 9), st.integers(0, 9))
def test_a_number_needs_both_its_check_digits(nine: str, one: int, two: int) -> None:
    number = f"{nine}{one}{two}"
    if number == numbers(nine):
        assert parse(number, PRODUCTION, TODAY).version is Version.FROM_1964
    else:
        with pytest.raises(NationalNumberError, match="check digits"):
            parse(number, PRODUCTION, TODAY)


@given(BODIES, st.integers(0, 10))
def test_from_2032_the_first_check_digit_has_four_values(nine: str, first: int) -> None:
    number = numbers(nine, first)
    assume(number is not None)
    assert number is not None
    if first > 3:
        with pytest.raises(NationalNumberError, match="check digits"):
            parse(number, LAB, IN_2032)
        return
    assert parse(number, PRODUCTION, IN_2032).version is (Version.FROM_2032 if first else Version.FROM_1964)
    if first:
        with pytest.raises(NationalNumberError, match="check digits"):
            parse(number, LAB, date(2031, 12, 31))


def test_made_up_people_have_numbers_of_2032_before_real_ones_do() -> None:
    number = some("018103", first=2)
    assert parse(number, LAB, TODAY).version is Version.FROM_2032
    with pytest.raises(SyntheticNumberError):
        parse(number, PRODUCTION, TODAY)


@given(BODIES, st.integers(0, 10), st.integers(0, 9))
def test_one_wrong_digit_is_seen(nine: str, place: int, digit: int) -> None:
    number = numbers(nine)
    assume(number is not None)
    assert number is not None
    wrong = f"{number[:place]}{digit}{number[place + 1 :]}"
    assume(wrong != number)
    with pytest.raises(NationalNumberError):
        parse(wrong, LAB, TODAY)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0102030000", "010203000000", " 01020300000", "01 020300000", "010203  00000", "010203-00000",
     "٠١٠٢٠٣٠٠٠٠٠", chr(0xFF10) * 11, "01020300000\n", "\0" * 11, "abcdefghijk", "0102030000x"],
)  # fmt: skip
def test_other_text_is_no_number(text: str) -> None:
    with pytest.raises(NationalNumberError, match="eleven") as caught:
        parse(text, LAB, TODAY)
    assert text == "" or text not in str(caught.value).split()


def test_a_space_after_the_date_is_how_people_write_it() -> None:
    number = some("010203")
    assert parse(f"{number[:6]} {number[6:]}", PRODUCTION, TODAY) == parse(number, PRODUCTION, TODAY)


def test_no_digit_shows_by_accident() -> None:
    number = parse(some("010203"), PRODUCTION, TODAY)
    shown = [repr(number), str(number), f"{number}", f"{number:>40}", f"{number!r}", "%s" % number, repr([number])]  # noqa: UP031
    assert all("NationalNumber(hidden)" in text and not any(c.isdigit() for c in text) for text in shown)
    assert not hasattr(number, "__dict__")
    for leak in (pickle.dumps, json.dumps, copy.copy):
        with pytest.raises(TypeError) as caught:
            leak(number)
        assert number.reveal() not in str(caught.value)


def test_a_number_is_a_value() -> None:
    one, same, other = (parse(some(day), PRODUCTION, TODAY) for day in ("010203", "010203", "020203"))
    assert one == same != other
    assert len({one, same, other}) == 2
    assert one != one.reveal()
    with pytest.raises(AttributeError):
        one.kind = Kind.FH


@pytest.mark.parametrize("forbidden", ["age", "sex", "gender", "birth", "born", "date", "year"])
def test_nothing_is_derived_from_a_number(forbidden: str) -> None:
    assert not [name for name in dir(NationalNumber) if forbidden in name.lower()]
