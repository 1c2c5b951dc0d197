"""Pseudonyms and sealed numbers: keyed, bound to their row, and good while keys rotate."""

import hashlib
from datetime import date

import pytest

from control.errors import SealError
from control.identity.keyring import SecretKeys
from control.identity.numbers import LAB, NationalNumber, parse
from control.identity.pseudonyms import Pseudonyms, Row, Sealed

KARI, OLA = (parse(text, LAB, date(2026, 11, 27)) for text in ("47906701517", "23906398699"))
OLD = Pseudonyms(SecretKeys.generate(), SecretKeys.generate())
ROW = Row("person", "a" * 26)


def rotated(*, matching: bool = True, sealing: bool = True) -> Pseudonyms:
    """New keys on top of the old."""
    return Pseudonyms(
        SecretKeys(SecretKeys.generate().current, OLD.matching.all) if matching else OLD.matching,
        SecretKeys(SecretKeys.generate().current, OLD.sealing.all) if sealing else OLD.sealing,
    )


def code(error: pytest.ExceptionInfo[SealError]) -> str:
    assert KARI.reveal() not in str(error.value)
    return error.value.code


def test_a_number_has_one_pseudonym_and_another_number_another() -> None:
    assert OLD.of(KARI) == OLD.of(KARI) != OLD.of(OLA)
    assert OLD.matches(OLD.of(KARI), KARI)
    assert not OLD.matches(OLD.of(OLA), KARI)


def test_a_pseudonym_can_not_be_found_without_the_key() -> None:
    other = Pseudonyms(SecretKeys.generate(), SecretKeys.generate())
    assert other.of(KARI).digest != OLD.of(KARI).digest
    digits, key_id = KARI.reveal().encode(), OLD.matching.current.id.encode()
    assert OLD.of(KARI).digest not in (hashlib.sha256(digits).digest(), hashlib.sha256(key_id + digits).digest())


def test_a_sealed_number_opens_in_its_row() -> None:
    sealed = OLD.seal(KARI, ROW)
    assert OLD.open(sealed, ROW) == KARI
    assert KARI.reveal().encode() not in sealed.data
    assert sealed != OLD.seal(KARI, ROW)


@pytest.mark.parametrize(
    "row", [Row("person", "b" * 26), Row("patient", "a" * 26), Row("person", "a" * 26, clinic="c" * 26)]
)
def test_a_sealed_number_opens_in_no_other_row(row: Row) -> None:
    with pytest.raises(SealError) as caught:
        OLD.open(OLD.seal(KARI, ROW), row)
    assert code(caught) == "seal_broken"


def test_every_byte_of_it_counts() -> None:
    sealed = OLD.seal(KARI, ROW)
    for place in range(len(sealed.data)):
        data = bytearray(sealed.data)
        data[place] ^= 1
        with pytest.raises(SealError):
            OLD.open(Sealed(sealed.key_id, bytes(data)), ROW)
    for data_cut in (b"", sealed.data[:11], sealed.data[:-1]):
        with pytest.raises(SealError) as caught:
            OLD.open(Sealed(sealed.key_id, data_cut), ROW)
        assert code(caught) == "seal_broken"


def test_while_keys_rotate_old_and_new_are_matched() -> None:
    new = rotated()
    assert new.of(KARI) != OLD.of(KARI)
    assert new.candidates(KARI) == (new.of(KARI), OLD.of(KARI))
    for pseudonym in new.candidates(KARI):
        assert new.matches(pseudonym, KARI)
        assert not new.matches(pseudonym, OLA)
    assert new.open(OLD.seal(KARI, ROW), ROW) == KARI


@pytest.mark.parametrize(("matching", "sealing"), [(True, True), (True, False), (False, True), (False, False)])
def test_a_row_is_derived_again_by_the_keys_in_use(matching: bool, sealing: bool) -> None:
    new = rotated(matching=matching, sealing=sealing)
    before = OLD.of(KARI), OLD.seal(KARI, ROW)
    assert new.current(*before) == (not matching and not sealing)
    assert new.current(before[0], None) != matching
    after = new.rederive(*before, ROW)
    assert new.current(*after)
    assert (after[0] == before[0], after[1] == before[1]) == (not matching, not sealing)
    only_new = Pseudonyms(SecretKeys(new.matching.current), SecretKeys(new.sealing.current))
    assert only_new.matches(after[0], KARI)
    assert only_new.open(after[1], ROW) == KARI


def test_a_row_of_two_people_is_not_derived_again() -> None:
    with pytest.raises(SealError) as caught:
        rotated().rederive(OLD.of(OLA), OLD.seal(KARI, ROW), ROW)
    assert code(caught) == "seal_broken"


def test_a_key_that_was_taken_away_is_named() -> None:
    other = Pseudonyms(SecretKeys.generate(), SecretKeys.generate())
    with pytest.raises(SealError, match=OLD.matching.current.id) as matching:
        other.matches(OLD.of(KARI), KARI)
    with pytest.raises(SealError, match=OLD.sealing.current.id) as sealing:
        other.open(OLD.seal(KARI, ROW), ROW)
    assert code(matching) == code(sealing) == "seal_key_unknown"
    rotated().check([OLD.matching.current.id], [OLD.sealing.current.id])
    with pytest.raises(SealError, match=f"matching key {OLD.matching.current.id}") as matching:
        other.check([OLD.matching.current.id], [])
    with pytest.raises(SealError, match=f"sealing key {OLD.sealing.current.id}") as sealing:
        other.check([], [OLD.sealing.current.id])
    assert code(matching) == code(sealing) == "seal_key_unknown"


@pytest.mark.parametrize("number", [KARI, OLA])
def test_nothing_shows_by_accident(number: NationalNumber) -> None:
    pseudonym, sealed = OLD.of(number), OLD.seal(number, ROW)
    for shown in (repr(OLD), repr(pseudonym), repr(sealed)):
        assert not any(text in shown for text in (number.reveal(), repr(pseudonym.digest), repr(sealed.data)))
