"""One connection's protocol: what it may say when, and what happens when it says something else."""

import json

import pytest

from signalling import messages, packing
from signalling.config import SignallingConfig
from signalling.errors import CODES
from signalling.ratelimit import Allowance, Bucket
from signalling.session import ABUSE, Do, Hangup, Knock, Negotiate, Reply, Session

CONFIG = SignallingConfig()
JOIN = '{"type":"join","id":1,"grant":"g"}'


@pytest.fixture
def session() -> Session:
    return Session(CONFIG, 0.0)


@pytest.fixture
def joined(session: Session) -> Session:
    assert isinstance(session.receive(1.0, JOIN), Knock)
    session.joined(1.0, Allowance(Bucket.full(1000, 1000, 1.0), Bucket.full(1000, 1000, 1.0)))
    return session


def error(action: object) -> tuple[str, int | None]:
    assert isinstance(action, Reply | Hangup)
    assert isinstance(action.message, messages.Error)
    return action.message.code, action.message.re


@pytest.mark.parametrize("kind", ["offer", "mute", "pause", "resume", "leave", "end"])
def test_nothing_before_join(session: Session, kind: str) -> None:
    more: dict[str, dict[str, object]] = {"offer": {"sdp": "x", "tracks": []}, "mute": {"track": "t", "muted": True}}
    fields = more.get(kind, {})
    assert error(session.receive(0.0, json.dumps({"type": kind, "id": 5, **fields}))) == ("not_joined", 5)


def test_ping_is_always_answered(session: Session) -> None:
    assert session.receive(0.0, '{"type":"ping","id":9}') == Reply(messages.Pong(re=9))


def test_one_join_only(joined: Session) -> None:
    assert error(joined.receive(1.0, JOIN)) == ("already_joined", 1)


@pytest.mark.parametrize("seconds", [10.0, 3.0])
def test_join_in_time_or_not_at_all(seconds: float) -> None:
    session = Session(CONFIG if seconds == 10 else SignallingConfig(join_timeout=seconds), 0.0)
    assert session.next_timeout() == seconds
    assert session.handle_timeout(seconds - 0.1) is None
    hangup = session.handle_timeout(seconds)
    assert hangup is not None
    assert (hangup.code, error(hangup)) == (4401, ("join_timeout", None))
    assert session.receive(seconds, JOIN) is None, "what comes after the end means nothing"
    assert session.next_timeout() is None


def test_pings_do_not_put_off_the_join(session: Session) -> None:
    session.receive(9.0, '{"type":"ping"}')
    assert session.next_timeout() == 10.0


@pytest.mark.parametrize("seconds", [10.0, 30.0])
def test_so_long_a_silence_is_a_dead_socket(seconds: float) -> None:
    config = CONFIG if seconds == 10 else SignallingConfig(silence=seconds)
    session = Session(config, 0.0)
    session.joined(1.0, Allowance.full(config, 1.0))
    assert session.next_timeout() == 1.0 + seconds
    session.receive(5.0, "rubbish")
    assert session.next_timeout() == 5.0 + seconds
    assert session.handle_timeout(4.9 + seconds) is None
    assert session.handle_timeout(5.0 + seconds) == Hangup(4408)


def test_commands_are_passed_on(joined: Session) -> None:
    action = joined.receive(1.0, '{"type":"admit","id":2,"participant":"p"}')
    assert action == Do(messages.Admit(id=2, participant="p"))


@pytest.mark.parametrize("packed", [False, True])
def test_one_offer_at_a_time(joined: Session, packed: bool) -> None:
    sdp = {"sdp_z": packing.pack("v=0")} if packed else {"sdp": "v=0"}
    text = json.dumps({"type": "offer", "id": 3, "tracks": [], **sdp})
    assert joined.receive(1.0, text) == Negotiate(3, "v=0", packed, ())
    assert error(joined.receive(1.0, text)) == ("offer_pending", 3)
    joined.answered()
    assert isinstance(joined.receive(1.0, text), Negotiate)


def test_a_bad_packing_leaves_the_way_free_for_the_next(joined: Session) -> None:
    assert error(joined.receive(1.0, '{"type":"offer","id":3,"tracks":[],"sdp_z":"!"}')) == ("bad_message", 3)
    assert isinstance(joined.receive(1.0, '{"type":"offer","sdp":"v=0","tracks":[]}'), Negotiate)


def padded(kind: str, size: int, **fields: object) -> str:
    text = json.dumps({"type": kind, "id": 7, **fields, "pad": "é"}, ensure_ascii=False)
    return text[:-2] + "x" * (size - len(text.encode())) + text[-2:]


@pytest.mark.parametrize(
    ("kind", "fields", "bound"),
    [("pause", {}, 64 * 1024), ("offer", {"sdp": "v=0", "tracks": []}, 256 * 1024)],
)
def test_one_byte_too_long(joined: Session, kind: str, fields: dict[str, object], bound: int) -> None:
    fits = padded(kind, bound, **fields)
    assert len(fits.encode()) == bound
    assert isinstance(joined.receive(1.0, fits), Do | Negotiate)
    hangup = joined.receive(1.0, padded(kind, bound + 1, **fields))
    assert isinstance(hangup, Hangup)
    assert hangup.code == 1009
    assert error(hangup)[0] == "too_big"


def test_rubbish_that_is_too_long_is_too_big_before_it_is_rubbish(joined: Session) -> None:
    hangup = joined.receive(1.0, "x" * (64 * 1024 + 1))
    assert isinstance(hangup, Hangup)
    assert hangup.code == 1009


def test_a_bomb_is_too_big(joined: Session) -> None:
    bomb = json.dumps({"type": "offer", "id": 4, "tracks": [], "sdp_z": packing.pack("a" * 10_000_000)})
    hangup = joined.receive(1.0, bomb)
    assert isinstance(hangup, Hangup)
    assert (hangup.code, error(hangup)) == (1009, ("too_big", 4))


def test_binary_is_not_spoken_here(joined: Session) -> None:
    hangup = joined.receive(1.0, None)
    assert isinstance(hangup, Hangup)
    assert (hangup.code, error(hangup)[0]) == (1003, "bad_message")


def test_too_many_messages_are_dropped_and_then_it_is_enough(session: Session) -> None:
    answers = [session.receive(0.0, '{"type":"ping"}') for _ in range(CONFIG.messages_burst)]
    assert all(answer == Reply(messages.Pong()) for answer in answers)
    for _ in range(ABUSE):
        assert error(session.receive(0.0, '{"type":"ping"}')) == ("rate_limited", None)
    hangup = session.receive(0.0, '{"type":"ping"}')
    assert isinstance(hangup, Hangup)
    assert hangup.code == 1008


def test_the_allowance_belongs_to_the_participant_and_not_to_the_connection() -> None:
    allowance = Allowance(Bucket.full(1, 2, 0.0), Bucket.full(1, 1, 0.0))
    for expected in ("Reply", "rate_limited"):
        session = Session(CONFIG, 0.0)
        session.receive(0.0, JOIN)
        session.joined(0.0, allowance)
        session.receive(0.0, '{"type":"ping"}')
        action = session.receive(0.0, '{"type":"ping"}')
        assert action == Reply(messages.Pong()) if expected == "Reply" else error(action)[0] == expected


OFFER = '{"type":"offer","id":3,"sdp":"v=0","tracks":[]}'


def offers(session: Session, now: float, count: int) -> list[str]:
    """What becomes of so many, each answered at once."""
    outcomes = []
    for _ in range(count):
        action = session.receive(now, OFFER)
        outcomes.append("answered" if isinstance(action, Negotiate) else error(action)[0])
        session.answered()
    return outcomes


def test_offers_have_a_rate_of_their_own_beside_that_of_all_messages() -> None:
    config = SignallingConfig(offers_per_second=0.5, offers_burst=3)
    session = Session(config, 0.0)
    session.joined(0.0, Allowance.full(config, 0.0))
    assert offers(session, 0.0, 4) == ["answered"] * 3 + ["rate_limited"]
    assert error(session.receive(0.0, OFFER)) == ("rate_limited", 3), "it tells which, so that it may be sent again"
    assert session.receive(0.0, '{"type":"ping"}') == Reply(messages.Pong())
    assert offers(session, 1.9, 1) == ["rate_limited"]
    assert offers(session, 2.0, 2) == ["answered", "rate_limited"]


def test_an_offer_that_must_wait_is_none_of_them() -> None:
    session = Session(CONFIG, 0.0)
    session.joined(0.0, Allowance(Bucket.full(0, 100, 0.0), Bucket.full(0, 2, 0.0)))
    assert isinstance(session.receive(0.0, OFFER), Negotiate)
    assert error(session.receive(0.0, OFFER)) == ("offer_pending", 3)
    session.answered()
    assert offers(session, 0.0, 2) == ["answered", "rate_limited"]


def test_a_bad_packing_is_one_of_them() -> None:
    session = Session(CONFIG, 0.0)
    session.joined(0.0, Allowance(Bucket.full(0, 100, 0.0), Bucket.full(0, 1, 0.0)))
    assert error(session.receive(0.0, '{"type":"offer","id":3,"tracks":[],"sdp_z":"!"}')) == ("bad_message", 3)
    assert offers(session, 0.0, 1) == ["rate_limited"]


def test_far_too_many_offers_are_enough() -> None:
    session = Session(CONFIG, 0.0)
    session.joined(0.0, Allowance(Bucket.full(0, 1000, 0.0), Bucket.full(0, 1, 0.0)))
    assert offers(session, 0.0, 1 + ABUSE) == ["answered"] + ["rate_limited"] * ABUSE
    assert session.receive(0.0, OFFER) == Hangup(
        1008, messages.Error(re=3, code="rate_limited", message=CODES["rate_limited"])
    )
