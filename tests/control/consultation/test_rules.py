"""The join decision over its whole product of roles, logins, links and states, and its window to the second."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.consultation.rules import (
    Admit,
    Attendee,
    ByLink,
    Consultation,
    Identity,
    Link,
    Login,
    Nobody,
    Refuse,
    Staff,
    Terms,
    initials,
    join,
    shown_name,
    to_start,
    to_tell,
    to_test,
)
from control.identity.levels import Level
from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.rules import Phase
from control.scheduling.surface import Surface
from signalling.roles import Role

T = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TERMS = Terms(
    video=True,
    opens=15 * MINUTE,
    closes=2 * HOUR,
    staff_opens=60 * MINUTE,
    guests=True,
    group=False,
    staff_level=Level.HIGH,
)
MEETING = Consultation(Phase.BOOKED, Surface.VIDEO, T)
ME, OTHER = "me", "other"
PATIENT = Attendee(Role.PATIENT, ME, "Kari Nordmann", None, None, entered=False)
DOCTOR = Attendee(Role.PRACTITIONER, ME, "Ola Lege", None, None, entered=False)
GOOD = ByLink(Link.CURRENT)
AT_WORK = Staff(ME, Level.HIGH)
NOT_HOST = [role for role in Role if role is not Role.PRACTITIONER]


def decide(
    attendee: Attendee = PATIENT,
    identity: Identity = GOOD,
    consultation: Consultation = MEETING,
    terms: Terms = TERMS,
    now: datetime = T,
) -> Obstacle | Admit:
    """The obstacle, or the admission."""
    match join(attendee, identity, consultation, terms, now):
        case Refuse(obstacle):
            return obstacle
        case Admit() as admit:
            return admit


def code(found: Obstacle | Admit) -> str | None:
    return found.code if isinstance(found, Obstacle) else None


EARLY = {opens: Obstacle(Code.JOIN_TOO_EARLY, T - opens * MINUTE) for opens in (10, 15, 60)}
LATE = Obstacle(Code.JOIN_TOO_LATE, T + 2 * HOUR)
MICRO = timedelta(microseconds=1)


@pytest.mark.parametrize("minutes", [10, 15])
@pytest.mark.parametrize("role", NOT_HOST)
def test_row_19_the_window_to_the_second(minutes: int, role: Role) -> None:
    terms = replace(TERMS, opens=minutes * MINUTE)
    attendee = replace(PATIENT, role=role)
    for now, expected in (
        (T - minutes * MINUTE - SECOND, EARLY[minutes]),
        (T - minutes * MINUTE - MICRO, EARLY[minutes]),
        (T - minutes * MINUTE, None),
        (T, None),
        (T + 2 * HOUR, None),
        (T + 2 * HOUR + SECOND - MICRO, None),
        (T + 2 * HOUR + SECOND, LATE),
    ):
        found = decide(attendee, terms=terms, now=now)
        assert found == expected if expected else isinstance(found, Admit), now


@pytest.mark.parametrize("minutes", [10, 15])
def test_row_19_practitioners_may_an_hour_before(minutes: int) -> None:
    terms = replace(TERMS, opens=minutes * MINUTE)
    assert decide(DOCTOR, AT_WORK, terms=terms, now=T - HOUR - SECOND) == EARLY[60]
    assert isinstance(decide(DOCTOR, AT_WORK, terms=terms, now=T - HOUR), Admit)
    assert isinstance(decide(DOCTOR, AT_WORK, terms=terms, now=T + 2 * HOUR), Admit)
    assert decide(DOCTOR, AT_WORK, terms=terms, now=T + 2 * HOUR + SECOND) == LATE


def test_practitioners_never_enter_later_than_patients() -> None:
    terms = replace(TERMS, opens=3 * HOUR)
    assert isinstance(decide(DOCTOR, AT_WORK, terms=terms, now=T - 3 * HOUR), Admit)


@pytest.mark.parametrize("phase", [Phase.BOOKED, Phase.RUNNING])
@pytest.mark.parametrize("now", [T - 5 * HOUR, T + 2 * HOUR + SECOND, T + 12 * HOUR])
def test_row_19_who_entered_once_comes_back_at_any_time(phase: Phase, now: datetime) -> None:
    meeting = replace(MEETING, phase=phase)
    assert isinstance(decide(replace(PATIENT, entered=True), consultation=meeting, now=now), Admit)
    assert code(decide(PATIENT, consultation=meeting, now=now)) in (Code.JOIN_TOO_EARLY, Code.JOIN_TOO_LATE)


def test_without_an_appointment_there_is_no_window() -> None:
    assert isinstance(decide(consultation=replace(MEETING, start=None), now=T + 1000 * HOUR), Admit)


LOW, MIDDLE, HIGH = Level.LOW, Level.SUBSTANTIAL, Level.HIGH
ADMIT = "admit"
IDENTITIES: dict[str, Identity] = {
    "nobody": Nobody(),
    "link": ByLink(Link.CURRENT),
    "old link": ByLink(Link.REVOKED),
    "me low": Login(ME, LOW),
    "me": Login(ME, MIDDLE),
    "me high": Login(ME, HIGH),
    "me unknown": Login(ME, None),
    "me, link": Login(ME, MIDDLE, Link.CURRENT),
    "me, old link": Login(ME, MIDDLE, Link.REVOKED),
    "other": Login(OTHER, HIGH),
    "other, link": Login(OTHER, HIGH, Link.CURRENT),
    "no number": Login(None, MIDDLE),
    "no number, link": Login(None, MIDDLE, Link.CURRENT),
    "staff me": Staff(ME, HIGH),
    "staff me low": Staff(ME, MIDDLE),
    "staff me unknown": Staff(ME, None),
    "staff other": Staff(OTHER, HIGH),
}
_LOGIN, _WRONG, _OLD = Code.LOGIN_REQUIRED, Code.WRONG_PERSON, Code.LINK_REVOKED
COLUMNS = ("patient", "patient, login", "unknown", "unknown, login", "practitioner")
TABLE: dict[str, tuple[str, ...]] = {
    #                  a person   level 3    by name    level 3    host
    "nobody":           (_LOGIN,   _LOGIN,   _LOGIN,    _LOGIN,    _LOGIN),
    "link":             (ADMIT,    _LOGIN,   ADMIT,     _LOGIN,    _LOGIN),
    "old link":         (_OLD,     _OLD,     _OLD,      _OLD,      _OLD),
    "me low":           (ADMIT,    _LOGIN,   _WRONG,    _LOGIN,    _LOGIN),
    "me":               (ADMIT,    ADMIT,    _WRONG,    _WRONG,    _LOGIN),
    "me high":          (ADMIT,    ADMIT,    _WRONG,    _WRONG,    _LOGIN),
    "me unknown":       (_LOGIN,   _LOGIN,   _LOGIN,    _LOGIN,    _LOGIN),
    "me, link":         (ADMIT,    ADMIT,    ADMIT,     ADMIT,     _LOGIN),
    "me, old link":     (_OLD,     _OLD,     _OLD,      _OLD,      _OLD),
    "other":            (_WRONG,   _WRONG,   _WRONG,    _WRONG,    _LOGIN),
    "other, link":      (_WRONG,   _WRONG,   ADMIT,     ADMIT,     _LOGIN),
    "no number":        (_WRONG,   _WRONG,   _WRONG,    _WRONG,    _LOGIN),
    "no number, link":  (ADMIT,    ADMIT,    ADMIT,     ADMIT,     _LOGIN),
    "staff me":         (ADMIT,    ADMIT,    _WRONG,    _WRONG,    ADMIT),
    "staff me low":     (ADMIT,    ADMIT,    _WRONG,    _WRONG,    _LOGIN),
    "staff me unknown": (_LOGIN,   _LOGIN,   _LOGIN,    _LOGIN,    _LOGIN),
    "staff other":      (_WRONG,   _WRONG,   _WRONG,    _WRONG,    _WRONG),
}  # fmt: skip
ATTENDEES = dict(
    zip(
        COLUMNS,
        (
            PATIENT,
            replace(PATIENT, required=MIDDLE),
            replace(PATIENT, person=None),
            replace(PATIENT, person=None, required=MIDDLE),
            DOCTOR,
        ),
        strict=True,
    )
)


@pytest.mark.parametrize(("identity", "column"), list(product(IDENTITIES, COLUMNS)))
def test_rows_21_22_n5_who_is_believed(identity: str, column: str) -> None:
    found = decide(ATTENDEES[column], IDENTITIES[identity])
    expected = TABLE[identity][COLUMNS.index(column)]
    assert (code(found) or ADMIT) == expected


def test_every_identity_is_in_the_table() -> None:
    assert set(TABLE) == set(IDENTITIES)


def test_row_22_the_refusal_tells_the_level_that_is_asked_for() -> None:
    flagged = replace(PATIENT, required=MIDDLE)
    assert decide(flagged) == Obstacle(Code.LOGIN_REQUIRED, MIDDLE)
    assert decide(flagged, Login(ME, LOW)) == Obstacle(Code.LOGIN_REQUIRED, MIDDLE)
    assert decide(DOCTOR, Staff(ME, MIDDLE)) == Obstacle(Code.LOGIN_REQUIRED, HIGH)
    assert decide(PATIENT, Nobody()) == Obstacle(Code.LOGIN_REQUIRED, Level.SELF_REGISTERED)


@pytest.mark.parametrize(("required", "level"), list(product(Level, Level)))
def test_row_22_each_level_opens_what_asks_for_no_more(required: Level, level: Level) -> None:
    found = decide(replace(PATIENT, required=required), Login(ME, level))
    assert isinstance(found, Admit) is (level >= required)


def test_row_n5_only_the_wrong_persons_attempt_is_audited_as_such() -> None:
    refused = join(PATIENT, Login(OTHER, HIGH, Link.CURRENT), MEETING, TERMS, T)
    assert isinstance(refused, Refuse)
    assert refused.audited
    missed = join(PATIENT, Nobody(), MEETING, TERMS, T)
    assert isinstance(missed, Refuse)
    assert not missed.audited


@pytest.mark.parametrize("role", NOT_HOST)
def test_row_36_everyone_but_the_host_waits_in_the_lobby(role: Role) -> None:
    found = decide(replace(PATIENT, role=role), Login(ME, HIGH))
    assert found == Admit("lobby", role, "Kari Nordmann", rename=True, evidence=HIGH)


def test_the_practitioner_enters_an_open_gate_under_the_own_name() -> None:
    assert decide(DOCTOR, AT_WORK) == Admit("open", Role.PRACTITIONER, "Ola Lege", rename=False, evidence=HIGH)


@pytest.mark.parametrize(
    ("person", "identity"),
    [
        (ME, GOOD),
        (None, GOOD),
        (None, Login(ME, HIGH, Link.CURRENT)),
        (ME, Login(None, HIGH, Link.CURRENT)),
        (None, Login(None, HIGH, Link.CURRENT)),
    ],
)
def test_row_23_who_was_not_recognised_gets_to_the_lobby_without_evidence(
    person: str | None, identity: Identity
) -> None:
    found = decide(replace(PATIENT, role=Role.GUEST, person=person), identity)
    assert isinstance(found, Admit)
    assert (found.gate, found.evidence) == ("lobby", None)


def test_row_23_guests_where_they_are_allowed() -> None:
    terms = replace(TERMS, guests=False)
    for role in NOT_HOST:
        found = decide(replace(PATIENT, role=role), terms=terms)
        assert (code(found) == Code.GUESTS_NOT_ALLOWED) is (role is Role.GUEST)


def test_guardians_enter_while_their_relation_holds() -> None:
    for role in NOT_HOST:
        assert isinstance(decide(replace(PATIENT, role=role)), Admit)
        found = decide(replace(PATIENT, role=role, guardian=False))
        assert (code(found) == Code.GUARDIAN_ENDED) is (role is Role.GUARDIAN)


@pytest.mark.parametrize("entered", [False, True])
@pytest.mark.parametrize(
    ("consultation", "terms", "expected"),
    [
        (replace(MEETING, phase=Phase.CANCELLED), TERMS, Code.APPOINTMENT_CANCELLED),
        (replace(MEETING, phase=Phase.ENDED), TERMS, Code.CONSULTATION_ENDED),
        (replace(MEETING, surface=Surface.PHYSICAL), TERMS, Code.APPOINTMENT_NOT_VIDEO),
        (replace(MEETING, surface=Surface.TELEPHONE), TERMS, Code.APPOINTMENT_NOT_VIDEO),
        (MEETING, replace(TERMS, video=False), Code.VIDEO_OFF),
    ],
)
def test_row_01_the_state_refuses_everyone(
    consultation: Consultation, terms: Terms, expected: Code, entered: bool
) -> None:
    for attendee, identity in ((PATIENT, GOOD), (DOCTOR, AT_WORK)):
        assert code(decide(replace(attendee, entered=entered), identity, consultation, terms)) == expected


BREAKS = ("link", "login", "person", "phase", "video", "surface", "clock")


@given(st.sets(st.sampled_from(BREAKS)))
def test_row_09_every_reason_comes_and_only_once(broken: set[str]) -> None:
    identity = Login(
        OTHER if "person" in broken else ME,
        None if "login" in broken else HIGH,
        Link.REVOKED if "link" in broken else Link.CURRENT,
    )
    meeting = Consultation(
        Phase.CANCELLED if "phase" in broken else Phase.BOOKED,
        Surface.PHYSICAL if "surface" in broken else Surface.VIDEO,
        T + 5 * HOUR if "clock" in broken else T,
    )
    terms = replace(TERMS, video="video" not in broken)
    names = {
        "link": Code.LINK_REVOKED, "login": Code.LOGIN_REQUIRED, "person": Code.WRONG_PERSON,
        "phase": Code.APPOINTMENT_CANCELLED, "video": Code.VIDEO_OFF, "surface": Code.APPOINTMENT_NOT_VIDEO,
        "clock": Code.JOIN_TOO_EARLY,
    }  # fmt: skip
    found = [obstacle.code for obstacle in to_start(PATIENT, identity, meeting, terms, T)]
    assert found == [
        names[name] for name in ("link", "login", "person", "phase", "video", "surface", "clock") if name in broken
    ]
    assert (code(decide(PATIENT, identity, meeting, terms)) is None) is (not broken)


@pytest.mark.parametrize("now", [T - 100 * HOUR, T, T + 100 * HOUR])
def test_a_stranger_learns_nothing_of_the_appointment(now: datetime) -> None:
    for phase, surface, video in product(Phase, Surface, [True, False]):
        for identity in (Nobody(), Login(OTHER, HIGH), Staff(OTHER, HIGH), ByLink(Link.REVOKED)):
            found = decide(PATIENT, identity, Consultation(phase, surface, T), replace(TERMS, video=video), now)
            assert found == decide(PATIENT, identity)


def test_row_28_a_test_is_possible_on_any_day_and_by_link_alone() -> None:
    flagged = replace(PATIENT, required=HIGH)
    assert to_test(flagged, GOOD, MEETING, TERMS) is None
    assert to_test(DOCTOR, AT_WORK, MEETING, TERMS) is None


def test_a_practitioner_is_never_believed_by_a_link() -> None:
    for refused in (to_test(DOCTOR, GOOD, MEETING, TERMS), to_tell(DOCTOR, GOOD, MEETING)):
        assert refused is not None
        assert refused.obstacle.code is Code.LOGIN_REQUIRED


@pytest.mark.parametrize(
    ("identity", "consultation", "terms", "expected"),
    [
        (ByLink(Link.REVOKED), MEETING, TERMS, Code.LINK_REVOKED),
        (Nobody(), MEETING, TERMS, Code.LOGIN_REQUIRED),
        (Login(OTHER, HIGH, Link.CURRENT), MEETING, TERMS, Code.WRONG_PERSON),
        (GOOD, replace(MEETING, phase=Phase.CANCELLED), TERMS, Code.APPOINTMENT_CANCELLED),
        (GOOD, MEETING, replace(TERMS, video=False), Code.VIDEO_OFF),
    ],
)
def test_row_28_and_not_for_strangers(
    identity: Identity, consultation: Consultation, terms: Terms, expected: Code
) -> None:
    refused = to_test(PATIENT, identity, consultation, terms)
    assert refused is not None
    assert refused.obstacle.code is expected


@pytest.mark.parametrize(
    ("attendee", "identity", "consultation", "expected"),
    [
        (PATIENT, GOOD, MEETING, None),
        (PATIENT, GOOD, replace(MEETING, phase=Phase.RUNNING), None),
        (PATIENT, GOOD, replace(MEETING, surface=Surface.PHYSICAL), None),
        (PATIENT, ByLink(Link.REVOKED), MEETING, Code.LINK_REVOKED),
        (replace(PATIENT, required=MIDDLE), GOOD, MEETING, Code.LOGIN_REQUIRED),
        (PATIENT, Login(OTHER, HIGH), MEETING, Code.WRONG_PERSON),
        (PATIENT, GOOD, replace(MEETING, phase=Phase.ENDED), Code.CONSULTATION_ENDED),
        (PATIENT, GOOD, replace(MEETING, phase=Phase.CANCELLED), Code.APPOINTMENT_CANCELLED),
    ],
)
def test_rows_40_55_76_who_may_tell_the_clinic(
    attendee: Attendee, identity: Identity, consultation: Consultation, expected: Code | None
) -> None:
    refused = to_tell(attendee, identity, consultation)
    assert (refused.obstacle.code if refused else None) == expected


@pytest.mark.parametrize(
    ("role", "label", "group", "expected"),
    [
        (Role.PATIENT, None, False, "Kari Nordmann"),
        (Role.PATIENT, None, True, "K. N."),
        (Role.COMPANION, None, True, "K. N."),
        (Role.GUARDIAN, None, True, "K. N."),
        (Role.PRACTITIONER, None, True, "Kari Nordmann"),
        (Role.INTERPRETER, None, True, "Kari Nordmann"),
        (Role.PATIENT, "Sola", True, "Sola"),
        (Role.PATIENT, "Sola", False, "Sola"),
        (Role.PATIENT, "", True, "K. N."),
    ],
)
def test_row_38_the_name_that_is_shown(role: Role, label: str | None, group: bool, expected: str) -> None:
    attendee = replace(PATIENT, role=role, label=label)
    assert shown_name(attendee, replace(TERMS, group=group)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Kari Anne Nordmann", "K. A. N."),
        ("åse-marie  øst", "Å. Ø."),
        ("(Per) 'Olsen", "P. O."),
        ("李 小龍", "李. 小."),
        ("Jonas 2", "J."),
        ("77", "77"),
    ],
)
def test_row_38_initials(name: str, expected: str) -> None:
    assert initials(name) == expected


def test_names_stay_out_of_what_is_logged() -> None:
    found = decide(replace(PATIENT, label="Sola"))
    assert "Sola" not in repr(found) + repr(replace(PATIENT, label="Sola"))
    assert "Kari" not in repr(PATIENT)
