"""The audit chain: whatever is deleted, edited, reordered or cut off before the last checkpoint is found."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import assume, given
from hypothesis import strategies as st

from control.audit.chain import GENESIS, ISSUER, Checkpoint, Detail, Event, Head, Reference, Row, follow, sign
from control.audit.verify import Fault, Finding, verify
from signalling.keys import SigningKey, StaticKeys

CLINIC, OTHER_CLINIC = "c" * 26, "d" * 26
KEY, STRANGER = SigningKey.generate(), SigningKey.generate()
KEYS = StaticKeys(ISSUER, (KEY.verify_key,))
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
KARI, OLA, INGRID = Reference("patient", "k" * 26), Reference("patient", "o" * 26), Reference("practitioner", "i" * 26)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def event(number: int) -> Event:
    detail = Detail.of(f'{{"name":"{number}"}}') if number % 3 else None
    return Event(at(number), INGRID, "patient.view" if number % 2 else "day.view", (KARI, OLA)[: number % 3], detail)


def chain(length: int, clinic: str = CLINIC, first: Callable[[int], Event] = event) -> list[Row]:
    rows: list[Row] = []
    head = Head.start(clinic)
    for number in range(1, length + 1):
        rows.append(follow(head, first(number)))
        head = rows[-1].head
    return rows


def written_anew(rows: Sequence[Row], clinic: str = CLINIC) -> list[Row]:
    """By who holds the database: every number and hash made to fit again."""
    anew: list[Row] = []
    head = Head.start(clinic)
    for row in rows:
        changed = replace(row, sequence=head.sequence + 1, previous=head.hash)
        anew.append(replace(changed, hash=changed.expected_hash()))
        head = anew[-1].head
    return anew


def checkpoint(rows: Sequence[Row], sequence: int) -> Checkpoint:
    return sign(rows[sequence - 1].head if sequence else Head.start(CLINIC), at(100), KEY)


def faults(rows: Sequence[Row], *checkpoints: Checkpoint) -> set[Fault]:
    return {finding.fault for finding in verify(CLINIC, rows, checkpoints, KEYS)}


LENGTHS = st.integers(1, 9)
EDITS: dict[str, Callable[[Row], Row]] = {
    "time": lambda row: replace(row, at=row.at + timedelta(microseconds=1)),
    "actor": lambda row: replace(row, actor=KARI),
    "role of the actor": lambda row: replace(row, actor=replace(row.actor, kind="administrator")),
    "action": lambda row: replace(row, action="nothing"),
    "subject added": lambda row: replace(row, subjects=(*row.subjects, Reference("patient", "x" * 26))),
    "subjects gone": lambda row: replace(row, subjects=() if row.subjects else (KARI,)),
    "detail denied": lambda row: replace(row, detail=None, detail_hash=None if row.detail_hash else GENESIS),
    "detail": lambda row: replace(row, detail=Detail.of("{}")),
    "clinic": lambda row: replace(row, clinic=OTHER_CLINIC),
}


@given(LENGTHS, st.sets(st.integers(1, 9)), st.data())
def test_an_intact_chain_has_no_fault(length: int, erased: set[int], data: st.DataObject) -> None:
    """Also after some details were erased, and with checkpoints anywhere."""
    rows = [replace(row, detail=None) if row.sequence in erased else row for row in chain(length)]
    signed = data.draw(st.lists(st.integers(0, length), max_size=3))
    assert verify(CLINIC, iter(rows), [checkpoint(rows, each) for each in signed], KEYS) == []


@given(LENGTHS, st.data())
def test_deletions_are_found(length: int, data: st.DataObject) -> None:
    rows = chain(length)
    signed = data.draw(st.integers(0, length))
    gone = data.draw(st.sets(st.integers(1, length), min_size=1))
    left = [row for row in rows if row.sequence not in gone]
    found = faults(left, checkpoint(rows, signed))
    cut_off_after_the_checkpoint = len(left) >= signed and left == rows[: len(left)]
    assert bool(found) != cut_off_after_the_checkpoint
    assert found <= {Fault.DELETED, Fault.TRUNCATED}


@given(LENGTHS, st.data())
def test_a_chain_written_anew_without_some_rows_is_found(length: int, data: st.DataObject) -> None:
    rows = chain(length)
    signed = data.draw(st.integers(1, length))
    gone = data.draw(st.sets(st.integers(1, length), min_size=1))
    assume(min(gone) <= signed)
    anew = written_anew([row for row in rows if row.sequence not in gone])
    assert faults(anew, checkpoint(rows, signed)) & {Fault.REWRITTEN, Fault.TRUNCATED}


@given(LENGTHS, st.data(), st.sampled_from(sorted(EDITS)))
def test_edits_are_found(length: int, data: st.DataObject, edit: str) -> None:
    """Wherever the checkpoint is, where hashes were left as they are."""
    rows = chain(length)
    place = data.draw(st.integers(0, length - 1))
    changed = EDITS[edit](rows[place])
    edited = [*rows[:place], changed, *rows[place + 1 :]]
    assert faults(edited, checkpoint(rows, data.draw(st.integers(0, length)))) & {Fault.EDITED, Fault.DETAIL_EDITED}


@given(LENGTHS, st.data(), st.sampled_from(sorted(EDITS.keys() - {"clinic", "detail"})))
def test_an_edit_with_all_hashes_made_to_fit_is_found_before_the_last_checkpoint(
    length: int, data: st.DataObject, edit: str
) -> None:
    rows = chain(length)
    place, signed = data.draw(st.integers(0, length - 1)), data.draw(st.integers(0, length))
    anew = written_anew([*rows[:place], EDITS[edit](rows[place]), *rows[place + 1 :]])
    assert faults(anew, checkpoint(rows, signed)) == ({Fault.REWRITTEN} if place < signed else set())


@given(LENGTHS, st.data())
def test_reorderings_are_found(length: int, data: st.DataObject) -> None:
    rows = chain(length)
    shuffled = data.draw(st.permutations(rows))
    assume(shuffled != rows)
    signed = checkpoint(rows, data.draw(st.integers(0, length)))
    assert Fault.REORDERED in faults(shuffled, signed)
    renumbered = [replace(row, sequence=number) for number, row in enumerate(shuffled, 1)]
    assert Fault.EDITED in faults(renumbered, signed)


@given(LENGTHS, st.data())
def test_a_reordering_with_all_hashes_made_to_fit_is_found_before_the_last_checkpoint(
    length: int, data: st.DataObject
) -> None:
    rows = chain(length)
    shuffled = data.draw(st.permutations(rows))
    first = next((place for place, row in enumerate(shuffled) if row != rows[place]), None)
    assume(first is not None)
    assert first is not None
    signed = data.draw(st.integers(0, length))
    found = faults(written_anew(shuffled), checkpoint(rows, signed))
    assert found == ({Fault.REWRITTEN} if first < signed else set())


@given(LENGTHS, st.data())
def test_truncation_is_found_before_the_last_checkpoint(length: int, data: st.DataObject) -> None:
    rows = chain(length)
    signed, left = data.draw(st.integers(0, length)), data.draw(st.integers(0, length))
    expected = [Finding(CLINIC, Fault.TRUNCATED, left + 1, signed)] if left < signed else []
    assert verify(CLINIC, rows[:left], [checkpoint(rows, signed)], KEYS) == expected


@given(LENGTHS, LENGTHS)
def test_a_row_put_twice_is_found(length: int, place: int) -> None:
    rows = chain(max(length, place))
    assert faults([*rows[:place], rows[place - 1], *rows[place:]]) >= {Fault.REORDERED}


def test_a_swapped_hash_breaks_the_chain() -> None:
    rows = chain(3)
    changed = replace(rows[1], previous=GENESIS)
    assert faults([rows[0], replace(changed, hash=changed.expected_hash()), rows[2]]) == {Fault.BROKEN}


def test_another_clinics_chain_is_no_stand_in() -> None:
    assert Fault.EDITED in faults(chain(3, OTHER_CLINIC))


def test_a_finding_names_its_rows() -> None:
    rows = chain(6)
    found = verify(CLINIC, [rows[0], *rows[3:]], [], KEYS)
    assert found == [Finding(CLINIC, Fault.DELETED, 2, 3)]
    assert found[0].tampering


@pytest.mark.parametrize(
    "forge",
    [
        lambda point: replace(point, sequence=2),
        lambda point: replace(point, hash=GENESIS),
        lambda point: replace(point, at=at(101)),
        lambda point: replace(point, restored=True),
        lambda point: replace(point, clinic=OTHER_CLINIC),
        lambda point: replace(point, kid=STRANGER.kid),
        lambda point: replace(point, signature=b""),
        lambda point: sign(Head(CLINIC, point.sequence, point.hash), point.at, STRANGER),
        lambda point: sign(Head(OTHER_CLINIC, point.sequence, point.hash), point.at, KEY),
    ],
)
def test_a_forged_checkpoint_is_found_and_not_believed(forge: Callable[[Checkpoint], Checkpoint]) -> None:
    rows = chain(3)
    forged = forge(checkpoint(rows, 3))
    assert faults(rows, forged) == {Fault.FORGED}
    assert faults(rows[:1], forged) == {Fault.FORGED}


def test_a_checkpoint_needs_an_ed25519_key() -> None:
    p256 = SigningKey.of(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(TypeError):
        sign(Head.start(CLINIC), NOON, p256)
    assert not checkpoint(chain(1), 1).genuine(StaticKeys(ISSUER, (replace(p256.verify_key, kid=KEY.kid),)))


def restored_chain() -> tuple[list[Row], list[Checkpoint]]:
    """Five rows and their checkpoint; then a restore to the second, and two rows after it."""
    before = chain(5)
    anew = [*before[:2]]
    for number in (200, 201):
        anew.append(follow(anew[-1].head, event(number)))
    return anew, [
        sign(before[4].head, at(10), KEY),
        sign(before[1].head, at(199), KEY, restored=True),
        sign(anew[3].head, at(202), KEY),
    ]


def test_a_restore_explains_the_rows_that_it_took() -> None:
    rows, checkpoints = restored_chain()
    found = verify(CLINIC, rows, checkpoints, KEYS)
    assert found == [Finding(CLINIC, Fault.LOST, 3, 5)]
    assert not found[0].tampering


def test_a_restore_explains_nothing_else() -> None:
    rows, (before, restored, after) = restored_chain()
    later = sign(chain(5)[4].head, at(300), KEY)
    assert faults(rows, before, restored, after, later) == {Fault.LOST, Fault.TRUNCATED}
    assert faults(rows, before, after) == {Fault.TRUNCATED}
    other = written_anew([replace(rows[0], action="nothing"), *rows[1:]])
    assert faults(other, before, restored, after) == {Fault.LOST, Fault.REWRITTEN}
    assert faults(rows, before, sign(rows[1].head, at(199), STRANGER, restored=True)) == {Fault.FORGED, Fault.TRUNCATED}


def test_subjects_have_one_order() -> None:
    head = Head.start(CLINIC)
    one, other = (follow(head, Event(NOON, INGRID, "x", subjects)) for subjects in ((OLA, KARI, OLA), (KARI, OLA)))
    assert one == other


def test_equal_details_have_different_hashes_so_that_an_erased_one_is_not_guessed() -> None:
    assert Detail.of("{}").hash != Detail.of("{}").hash
    assert "Kari" not in repr(Detail.of('{"name":"Kari"}'))


def test_the_hash_is_as_stated_so_that_logs_can_be_read_in_ten_years() -> None:
    """A chain that is kept must stay readable: these bytes were hashed by the first version."""
    detail = Detail("{}", bytes(16))
    row = follow(Head.start(CLINIC), Event(NOON, INGRID, "patient.view", (KARI,), detail))
    assert row.hash.hex() == "19516a6e609494df6f2c736d4976d0408859d836ef00837e4828d7864191f5d9"
