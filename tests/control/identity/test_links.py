"""Link tokens: the same each time, revoked by a version, found without a scan, made by nobody else."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.errors import LinkUnknownError
from control.identity.keyring import SecretKeys
from control.identity.links import MAX_VERSION, Links, Verdict, link_address, read_token

LINKS = Links(SecretKeys.generate())
CLINIC, OTHER_CLINIC, ATTENDEE, OTHER = (letter * 26 for letter in "cdab")
VERSIONS = st.integers(1, MAX_VERSION)


def judge(token: str, *, clinic: str = CLINIC, version: int = 1, links: Links = LINKS) -> Verdict:
    return links.judge(read_token(token), clinic, version)


def test_every_channel_repeats_the_same_link() -> None:
    assert LINKS.token(CLINIC, ATTENDEE, 1) == Links(LINKS.keys).token(CLINIC, ATTENDEE, 1)


@given(VERSIONS, VERSIONS)
def test_another_version_revokes(given_out: int, now: int) -> None:
    verdict = judge(LINKS.token(CLINIC, ATTENDEE, given_out), version=now)
    assert verdict is (Verdict.GOOD if given_out == now else Verdict.REVOKED)


def test_attendees_and_clinics_have_links_of_their_own() -> None:
    of = {LINKS.token(clinic, who, 1)[26:] for clinic in (CLINIC, OTHER_CLINIC) for who in (ATTENDEE, OTHER)}
    assert len(of) == 4
    assert judge(LINKS.token(OTHER_CLINIC, ATTENDEE, 1)) is Verdict.FORGED
    assert judge(OTHER + LINKS.token(CLINIC, ATTENDEE, 1)[26:]) is Verdict.FORGED


def test_the_attendee_is_found_by_the_token() -> None:
    token = read_token(LINKS.token(CLINIC, ATTENDEE, 7))
    assert (token.attendee, token.version) == (ATTENDEE, 7)


@given(st.integers(26, 57), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_every_letter_counts(place: int, letter: str) -> None:
    """Whoever changes one learns nothing, not even that a link was revoked."""
    token = LINKS.token(CLINIC, ATTENDEE, 1)
    changed = token[:place] + letter + token[place + 1 :]
    for version in (1, 2):
        assert (judge(changed, version=version) is Verdict.FORGED) == (changed != token)


def test_without_the_key_no_token_is_good() -> None:
    assert judge(Links(SecretKeys.generate()).token(CLINIC, ATTENDEE, 1)) is Verdict.FORGED


def test_links_stay_good_while_the_key_is_known() -> None:
    new = SecretKeys.generate().current
    rotated, without = Links(SecretKeys(new, LINKS.keys.all)), Links(SecretKeys(new))
    token = LINKS.token(CLINIC, ATTENDEE, 1)
    assert judge(token, links=rotated) is Verdict.GOOD
    assert judge(token, links=rotated, version=2) is Verdict.REVOKED
    assert judge(rotated.token(CLINIC, ATTENDEE, 1), links=without) is Verdict.GOOD
    assert judge(token, links=without) is Verdict.FORGED


@pytest.mark.parametrize(
    "change", [str.upper, lambda t: t + "a", lambda t: t[:-1], lambda t: "", lambda t: f" {t}", lambda t: f"{t}\n",
               lambda t: t.replace(t[30], "1"), lambda t: f"{t[:-1]}å", lambda t: "a" * 10_000, lambda t: t + "======"]
)  # fmt: skip
def test_other_text_is_no_token(change: Callable[[str], str]) -> None:
    with pytest.raises(LinkUnknownError) as caught:
        read_token(change(LINKS.token(CLINIC, ATTENDEE, 1)))
    assert caught.value.code == "link_unknown"


def test_an_address_carries_the_token_in_its_fragment_alone() -> None:
    token = LINKS.token(CLINIC, ATTENDEE, 1)
    address = urlsplit(link_address("https://video.example.org", token))
    assert (address.path, address.query, address.fragment) == ("/patient/", "", f"k={token}")
    assert re.fullmatch(r"[a-z2-7]{58}", token)


@pytest.mark.parametrize(("attendee", "version"), [(ATTENDEE, 0), (ATTENDEE, MAX_VERSION + 1), ("a" * 25, 1)])
def test_nothing_is_made_that_could_not_be_read(attendee: str, version: int) -> None:
    with pytest.raises(ValueError, match="no version"):
        LINKS.token(CLINIC, attendee, version)


def test_no_token_shows_by_accident() -> None:
    token = read_token(LINKS.token(CLINIC, ATTENDEE, 1))
    assert repr(token.mac) not in repr(token)
