"""Rules about people, without a database."""

from datetime import date

import pytest

from control.people.rules import (
    Audience,
    Expected,
    birthday,
    default_end,
    holds,
    may_know_whereabouts,
    prefix_range,
    search_form,
    sees,
)
from signalling.roles import Role


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Kari Nordmann", "kari nordmann"),
        ("  KARI\t Nordmann ", "kari nordmann"),
        ("A\u030ase ØST", "\u00e5se øst"),  # composed, as everybody types it
        ("Straße", "strasse"),
    ],
)
def test_names_are_searched_by_one_form(name: str, form: str) -> None:
    assert search_form(name) == form
    assert search_form(form) == form


@pytest.mark.parametrize("name", ["Kari", "kari nordmann", "KARÍ", "Kari\U0001f600", "kar"])
def test_a_prefix_is_a_range(name: str) -> None:
    bounds = prefix_range("Kar")
    assert bounds is not None
    low, high = bounds
    assert low <= search_form(name) < high


@pytest.mark.parametrize("name", ["Kaa", "Kas", "K", "Okari", "Kbr"])
def test_what_begins_otherwise_is_out_of_the_range(name: str) -> None:
    bounds = prefix_range("Kar")
    assert bounds is not None
    low, high = bounds
    assert not low <= search_form(name) < high


def test_white_space_is_no_prefix() -> None:
    assert prefix_range(" \t ") is None


@pytest.mark.parametrize(
    ("born", "age", "day"),
    [
        (date(2012, 5, 17), 16, date(2028, 5, 17)),
        (date(2008, 2, 29), 16, date(2024, 2, 29)),
        (date(2008, 2, 29), 17, date(2025, 3, 1)),
        (date(2084, 2, 29), 16, date(2100, 3, 1)),
    ],
)
def test_birthdays(born: date, age: int, day: date) -> None:
    assert birthday(born, age) == day


def test_guardians_end_by_default_on_the_16th_birthday() -> None:
    assert default_end(date(2012, 5, 17)) == date(2028, 5, 17)
    assert default_end(None) is None


@pytest.mark.parametrize(
    ("ends_on", "revoked", "day", "expected"),
    [
        (date(2028, 5, 17), False, date(2028, 5, 16), True),
        (date(2028, 5, 17), False, date(2028, 5, 17), False),
        (date(2028, 5, 17), True, date(2028, 5, 16), False),
        (None, False, date(2099, 1, 1), True),
        (None, True, date(2026, 1, 1), False),
    ],
)
def test_until_when_a_guardian_may_act(ends_on: date | None, revoked: bool, day: date, expected: bool) -> None:
    assert holds(ends_on, revoked=revoked, day=day) is expected


def test_a_protected_address_is_for_the_clinic_and_the_patient_alone() -> None:
    assert {each for each in Audience if may_know_whereabouts(each, protected=True)} == {
        Audience.CLINIC,
        Audience.SELF,
    }
    assert all(may_know_whereabouts(each, protected=False) for each in Audience)


KARI = Expected("1", Role.PATIENT, "kari")
HER_MOTHER = Expected("2", Role.GUARDIAN, "kari")
OLA = Expected("3", Role.PATIENT, "ola")
HIS_FRIEND = Expected("4", Role.COMPANION, "ola")
DOCTOR = Expected("5", Role.PRACTITIONER, None)
INTERPRETER = Expected("6", Role.INTERPRETER, None)
ALL = (KARI, HER_MOTHER, OLA, HIS_FRIEND, DOCTOR, INTERPRETER)


@pytest.mark.parametrize(
    ("viewer", "seen"),
    [
        (KARI, {KARI, HER_MOTHER, DOCTOR, INTERPRETER}),
        (HER_MOTHER, {KARI, HER_MOTHER, DOCTOR, INTERPRETER}),
        (OLA, {OLA, HIS_FRIEND, DOCTOR, INTERPRETER}),
        (HIS_FRIEND, {OLA, HIS_FRIEND, DOCTOR, INTERPRETER}),
        (DOCTOR, set(ALL)),
        (INTERPRETER, {DOCTOR, INTERPRETER}),
    ],
)
def test_patients_of_a_group_never_see_each_other(viewer: Expected, seen: set[Expected]) -> None:
    assert {other for other in ALL if sees(viewer, other)} == seen
