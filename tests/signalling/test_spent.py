"""What is remembered of grants that were used, and for how long."""

from signalling.grant import GrantId
from signalling.spent import SpentGrants


def test_a_used_grant_is_known_until_its_time_has_come() -> None:
    spent = SpentGrants()
    spent.add(GrantId("a", "1"), 1_000.0)
    spent.add(GrantId("a", "2"), 1_100.0)
    spent.forget(1_000.0)
    assert GrantId("a", "1") in spent
    spent.forget(1_061.0)
    assert GrantId("a", "1") not in spent
    assert GrantId("a", "2") in spent
    assert len(spent) == 1


def test_issuers_number_their_grants_apart() -> None:
    spent = SpentGrants()
    spent.add(GrantId("a", "bc"), 1_000.0)
    for other in (GrantId("ab", "c"), GrantId("b", "bc"), GrantId("a", "b")):
        assert other not in spent


def test_what_was_taken_back_was_not_used() -> None:
    spent = SpentGrants()
    spent.add(GrantId("a", "1"), 1_000.0)
    spent.discard(GrantId("a", "1"), 1_000.0)
    spent.discard(GrantId("a", "2"), 9_000.0)
    assert GrantId("a", "1") not in spent
