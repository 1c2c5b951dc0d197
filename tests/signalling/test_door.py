"""So many places at the door, and who gives way when one more comes."""

from ipaddress import ip_address

import pytest

from signalling.door import Address, Door

A, B, C = (ip_address(f"192.0.2.{n}") for n in (1, 2, 3))


def test_the_oldest_gives_way_once_all_places_are_taken() -> None:
    door = Door[str](2)
    assert [door.enter(name, A) for name in "abcd"] == [None, None, "a", "b"]
    door.leave("c")
    assert [door.enter(name, A) for name in "ef"] == [None, "d"]
    assert len(door) == 2


def test_it_is_the_oldest_of_the_source_that_holds_the_most() -> None:
    door = Door[str](4)
    for name, address in (("b1", B), ("a1", A), ("a2", A), ("a3", A)):
        assert door.enter(name, address) is None
    assert [door.enter("b2", B), door.enter("a4", A), door.enter("c1", C)] == ["a1", "a2", "b1"]


def test_where_each_holds_one_the_oldest_of_all_gives_way() -> None:
    door = Door[int](3)
    gone = [door.enter(n, ip_address(f"192.0.2.{n}")) for n in range(6)]
    assert gone == [None, None, None, 0, 1, 2]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        (None, None, True),
        (None, "192.0.2.1", False),
    ],
)
def test_a_source_is_an_ipv4_address_or_an_ipv6_network(one: str | None, other: str | None, same: bool) -> None:
    door = Door[str](2)
    third = ip_address("198.51.100.1")
    door.enter("third", third)
    door.enter("one", _address(one))
    assert door.enter("other", _address(other)) == ("one" if same else "third")


def _address(text: str | None) -> Address | None:
    return None if text is None else ip_address(text)


def test_who_is_gone_leaves_nothing_behind() -> None:
    door = Door[int](10)
    for n in range(25):
        door.enter(n, (A, B, C)[n % 3])
    for n in range(25):
        door.leave(n)
        door.leave(n)
    assert len(door) == len(door._visitors) == 0
