"""The canonical encoding: different values, different bytes; and the bytes that chains in use were hashed from."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from control.canonical import Value, encode

TIMES = st.datetimes(timezones=st.just(UTC))
LEAVES = st.none() | st.text(max_size=4) | st.binary(max_size=4) | st.integers(-(2**63), 2**63 - 1) | TIMES
VALUES = st.recursive(LEAVES, lambda values: st.lists(values, max_size=3).map(tuple), max_leaves=8)
MANY = st.lists(VALUES, max_size=3).map(tuple)


@given(MANY, MANY)
@example(("ab", "c"), ("a", "bc"))
@example(("a", ("b",)), (("a", "b"),))
@example(("",), ())
@example((b"a",), ("a",))
@example((None,), ("n",))
@example((0,), (datetime(1970, 1, 1, tzinfo=UTC),))
def test_two_values_give_two_texts(one: tuple[Value, ...], other: tuple[Value, ...]) -> None:
    assert (encode("d", *one) == encode("d", *other)) == (one == other)


@given(VALUES)
def test_domains_are_apart(value: Value) -> None:
    assert encode("one", value) != encode("another", value)


def test_the_bytes_are_as_stated() -> None:
    time = datetime(1970, 1, 1, 0, 0, 1, 2, tzinfo=UTC)
    assert encode("d", "å", b"\0", -1, None, time, ()) == (
        b"t" + b"\0" * 7 + b"\2"
        b"s" + b"\0" * 7 + b"\1d"
        b"t" + b"\0" * 7 + b"\6"
        b"s" + b"\0" * 7 + b"\2\xc3\xa5"
        b"b" + b"\0" * 7 + b"\1\0"
        b"i" + b"\xff" * 8 + b"n"
        b"d" + b"\0" * 5 + b"\x0f\x42\x42"
        b"t" + b"\0" * 8
    )  # fmt: skip


def test_a_time_is_the_same_in_every_zone() -> None:
    here = datetime(2026, 11, 27, 1, tzinfo=timezone(timedelta(hours=1)))
    assert encode("d", here) == encode("d", here.astimezone(UTC))


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), 2**63, -(2**63) - 1, "\ud800"])
def test_what_has_no_one_form_is_refused(value: Value) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        encode("d", value)
