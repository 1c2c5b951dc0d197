"""The state machine, over the whole product of states and inputs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Literal

import pytest

from signalling.effects import CloseGate, ClosePeer, Dismiss, Effect, OpenGate, effects
from signalling.errors import CODES, RoomError
from signalling.inputs import (
    Act,
    Consent,
    Disconnect,
    End,
    Enter,
    Expire,
    HostBack,
    HostLost,
    Input,
    Move,
    MoveAct,
    Open,
    Pause,
    Resume,
    Return,
    SetNotice,
    SetRole,
    is_opening,
)
from signalling.roles import RIGHTS, Right, Role, is_host
from signalling.room import (
    STANDINGS,
    Ended,
    Paused,
    Phase,
    Presence,
    Room,
    Standing,
    apply,
    host_patience,
    restored,
)
from signalling.step import MAX_PEOPLE, check, step

MOVES: tuple[MoveAct, ...] = (
    Act.ADMIT, Act.DENY, Act.TO_LOBBY, Act.REMOVE, Act.HOLD, Act.RELEASE, Act.LEAVE, Act.REVOKE
)  # fmt: skip
HOST, PAT = "host", "pat"


def enter(
    who: str, role: Role = Role.PATIENT, gate: Literal["lobby", "open"] = "lobby", issued: float = 1e6, size: int = 2
) -> Enter:
    return Enter(who, role, who.title(), gate, size, issued, "iss", f"jti-{who}-{issued}", 2e6)


def room(*events: Input) -> Room:
    state = Room("r", 1)
    for at, event in enumerate((enter(HOST, Role.PRACTITIONER, "open"), *events), 1):
        state = step(state, event, float(at))
    return state


# How a patient comes to stand where it stands.
PATHS: Mapping[Standing, tuple[Input, ...]] = {
    Standing.ABSENT: (),
    Standing.LOBBY: (enter(PAT),),
    Standing.ADMITTED: (enter(PAT), Move(PAT, Act.ADMIT, HOST)),
    Standing.HELD: (enter(PAT), Move(PAT, Act.ADMIT, HOST), Move(PAT, Act.HOLD, HOST)),
    Standing.LEFT: (enter(PAT), Move(PAT, Act.LEAVE, PAT)),
    Standing.DENIED: (enter(PAT), Move(PAT, Act.DENY, HOST)),
    Standing.REMOVED: (enter(PAT), Move(PAT, Act.REMOVE, HOST)),
}
PHASES_TO: Mapping[Phase, tuple[Input, ...]] = {
    Phase.RUNNING: (),
    Phase.PAUSED: (Pause(HOST, "host"),),
    Phase.ENDED: (End(HOST),),
}
L, IN, H, X = Standing.LOBBY, Standing.ADMITTED, Standing.HELD, Standing.REMOVED
# The table once more, written by hand from the contract: what a host makes of a patient.
EXPECTED: Mapping[Act, Mapping[Standing, Standing | str]] = {
    Act.ADMIT: {L: IN, IN: "not_in_lobby", H: "not_in_lobby"},
    Act.DENY: {L: Standing.DENIED, IN: "not_in_lobby", H: "not_in_lobby"},
    Act.TO_LOBBY: {L: "bad_state", IN: L, H: L},
    Act.REMOVE: {L: X, IN: X, H: X},
    Act.HOLD: {L: "bad_state", IN: H, H: "bad_state"},
    Act.RELEASE: {L: "bad_state", IN: "bad_state", H: IN},
    Act.LEAVE: {L: Standing.LEFT, IN: Standing.LEFT, H: Standing.LEFT},
    Act.REVOKE: dict.fromkeys(Standing, X),
}


def outcome(state: Room, event: Input) -> Room | str:
    try:
        return step(state, event, 50.0)
    except RoomError as error:
        return error.code


@pytest.mark.parametrize(("phase", "standing", "act"), [*product(Phase, Standing, MOVES)])
def test_every_move_in_every_state(phase: Phase, standing: Standing, act: MoveAct) -> None:
    state = room(*PATHS[standing], *PHASES_TO[phase])
    expected = EXPECTED[act].get(standing, "unknown_participant")
    by = {Act.LEAVE: PAT, Act.REVOKE: None}.get(act, HOST)
    result = outcome(state, Move(PAT, act, by))
    if phase is Phase.ENDED:
        assert result == "room_ended"
    elif isinstance(expected, Standing):
        assert isinstance(result, Room)
        assert result.standing(PAT) is expected
        assert result.phase is phase
        assert result.gate(PAT) is (expected is Standing.ADMITTED and phase is Phase.RUNNING)
        assert result.people[HOST] == state.people[HOST]
    else:
        assert result == expected


@pytest.mark.parametrize(("phase", "standing", "gate"), [*product(Phase, Standing, ("lobby", "open"))])
def test_every_entry_in_every_state(phase: Phase, standing: Standing, gate: Literal["lobby", "open"]) -> None:
    state = room(*PATHS[standing], *PHASES_TO[phase])
    result = outcome(state, enter(PAT, gate=gate))
    if phase is Phase.ENDED:
        assert result == "room_ended"
        return
    assert isinstance(result, Room)
    fresh = standing in (Standing.ABSENT, Standing.LEFT)
    seated = standing in (Standing.LOBBY, Standing.ADMITTED, Standing.HELD)
    assert result.standing(PAT) is (standing if seated else Standing.ADMITTED if fresh and gate == "open" else L)
    known = state.people.get(PAT)
    assert result.people[PAT].seat == (1 if known is None else known.seat + 1)
    if seated and known is not None:
        assert result.people[PAT].turn == known.turn, "who takes a seat over keeps the place in the queue"


@pytest.mark.parametrize(("phase", "standing", "number"), [*product(Phase, Standing, (0, 1, 2))])
def test_every_return_in_every_state(phase: Phase, standing: Standing, number: int) -> None:
    state = room(*PATHS[standing], Disconnect(HOST), *PHASES_TO[phase])
    result = outcome(state, Return(PAT, number))
    if phase is Phase.ENDED:
        assert result == "room_ended"
    elif standing in (L, IN, H) and number == 1:
        assert isinstance(result, Room)
        assert result.standing(PAT) is standing
        assert result.people[PAT].presence is Presence.CONNECTED
    else:
        assert result == "seat_dead"


@pytest.mark.parametrize(
    ("phase", "event", "expected"),
    [
        (Phase.RUNNING, Pause(PAT, "x"), Phase.PAUSED),
        (Phase.RUNNING, Resume(HOST), "bad_state"),
        (Phase.RUNNING, End(HOST), Phase.ENDED),
        (Phase.RUNNING, SetNotice(HOST, 5, None), Phase.RUNNING),
        (Phase.PAUSED, Pause(PAT, "x"), Phase.PAUSED),
        (Phase.PAUSED, Resume(HOST), Phase.RUNNING),
        (Phase.PAUSED, End(HOST), Phase.ENDED),
        (Phase.PAUSED, SetNotice(HOST, 5, None), Phase.PAUSED),
        *((Phase.ENDED, event, "room_ended") for event in (
            Pause(PAT, "x"), Resume(HOST), End(HOST), SetNotice(HOST, 5, None), Open(3), enter("new"), Return(PAT, 1),
            SetRole(PAT, Role.GUEST),
            HostLost(), HostBack(), Disconnect(PAT), Expire(PAT), Consent(PAT, True), Move(PAT, Act.HOLD, HOST),
        )),
    ],
)  # fmt: skip
def test_every_act_on_the_room_in_every_phase(phase: Phase, event: Input, expected: Phase | str) -> None:
    state = room(*PATHS[Standing.ADMITTED], *PHASES_TO[phase])
    result = outcome(state, event)
    assert (result.phase if isinstance(result, Room) else result) == expected
    if not isinstance(result, Room):
        assert apply(state, event, 9.0) == state or phase is not Phase.ENDED


def deeds(by: str) -> Iterator[tuple[Right, Input]]:
    others: tuple[tuple[Right, MoveAct, str], ...] = (
        (Right.ADMIT, Act.ADMIT, "waits"),
        (Right.DENY, Act.DENY, "waits"),
        (Right.TO_LOBBY, Act.TO_LOBBY, "in"),
        (Right.REMOVE, Act.REMOVE, "in"),
        (Right.HOLD, Act.HOLD, "in"),
        (Right.RELEASE, Act.RELEASE, "held"),
    )
    yield from ((right, Move(participant, act, by)) for right, act, participant in others)
    yield Right.PAUSE, Pause(by, "x")
    yield Right.RESUME, Resume(by)
    yield Right.END, End(by)
    yield Right.NOTICE, SetNotice(by, 1, None)


@pytest.mark.parametrize(("role", "standing"), [*product(Role, (L, IN, H, Standing.LEFT, Standing.ABSENT))])
def test_every_role_from_every_place_may_do_just_what_it_may(role: Role, standing: Standing) -> None:
    crowd = room(
        enter("waits"),
        enter("in", gate="open"),
        enter("held", gate="open"),
        Move("held", Act.HOLD, HOST),
        enter("me", role, "lobby" if standing is L else "open"),
        *((Move("me", Act.HOLD, HOST),) if standing is H else ()),
        *((Move("me", Act.LEAVE, "me"),) if standing is Standing.LEFT else ()),
        Pause(HOST, "x"),
    )
    me = "nobody" if standing is Standing.ABSENT else "me"
    for right, event in deeds(me):
        allowed = right in RIGHTS[role] and standing in (IN, H)
        assert (outcome(crowd, event) != "forbidden") is allowed, (right, event)


def test_hosts_are_practitioners_and_all_others_may_only_pause() -> None:
    assert [role for role in Role if is_host(role)] == [Role.PRACTITIONER]
    assert all(RIGHTS[role] == {Right.PAUSE} for role in Role if not is_host(role))


@pytest.mark.parametrize("act", [Act.TO_LOBBY, Act.REMOVE])
def test_nobody_shuts_out_themselves(act: MoveAct) -> None:
    assert outcome(room(), Move(HOST, act, HOST)) == "forbidden"


def test_the_table_is_whole_and_its_codes_are_known() -> None:
    assert set(STANDINGS) == set(product(Standing, Act))
    assert {cell for cell in STANDINGS.values() if not isinstance(cell, Standing)} <= set(CODES)


def test_the_gate_is_the_formula() -> None:
    for standing, paused, lost in product(Standing, (False, True), (False, True)):
        state = room(*PATHS[standing], *((Pause(PAT, "x"),) if paused and standing in (IN, H) else ()))
        if paused and standing not in (IN, H):
            state = step(state, Pause(HOST, "x"), 9.0)
        if lost:
            state = step(state, Move(HOST, Act.LEAVE, HOST), 9.0)
            if standing not in (IN, H):
                assert outcome(state, HostLost()) == "bad_state", "there is nobody to leave alone"
                continue
            state = step(state, HostLost(), 9.0)
        assert state.gate(PAT) is (standing is Standing.ADMITTED and not paused and not lost)


def test_pause_and_resume_change_every_gate_but_the_held_ones() -> None:
    before = room(*PATHS[Standing.ADMITTED], enter("held", gate="open"), Move("held", Act.HOLD, HOST))
    paused = step(before, Pause(PAT, "not_alone"), 5.0)
    assert list(effects(before, paused)) == [CloseGate(HOST), CloseGate(PAT)]
    assert list(effects(paused, step(paused, Resume(HOST), 6.0))) == [OpenGate(HOST), OpenGate(PAT)]


def test_who_is_admitted_during_a_pause_stays_closed() -> None:
    state = room(enter(PAT), Pause(HOST, "host"), Move(PAT, Act.ADMIT, HOST))
    assert state.standing(PAT) is IN
    assert not state.gate(PAT)
    assert step(state, Resume(HOST), 9.0).gate(PAT)


def test_a_second_pause_takes_the_place_of_the_first() -> None:
    state = room(*PATHS[Standing.ADMITTED], Pause(HOST, "host"), Pause(PAT, "not_alone"))
    assert state.life == Paused(PAT, "not_alone")


@pytest.mark.parametrize(
    ("standing", "act", "expected"),
    [
        (IN, Act.TO_LOBBY, [CloseGate(PAT)]),
        (H, Act.TO_LOBBY, []),
        (IN, Act.REMOVE, [CloseGate(PAT), ClosePeer(PAT), Dismiss(PAT, "removed")]),
        (H, Act.REMOVE, [ClosePeer(PAT), Dismiss(PAT, "removed")]),
        (L, Act.DENY, [ClosePeer(PAT), Dismiss(PAT, "denied")]),
        (IN, Act.LEAVE, [CloseGate(PAT), ClosePeer(PAT), Dismiss(PAT, "left")]),
        (IN, Act.HOLD, [CloseGate(PAT)]),
        (H, Act.RELEASE, [OpenGate(PAT)]),
        (L, Act.ADMIT, [OpenGate(PAT)]),
        (Standing.ABSENT, Act.REVOKE, []),
    ],
)
def test_what_follows_from_a_move(standing: Standing, act: MoveAct, expected: list[Effect]) -> None:
    before = room(*PATHS[standing])
    assert list(effects(before, step(before, Move(PAT, act, None), 9.0))) == expected


def test_the_end_closes_all_and_dismisses_all_who_sit() -> None:
    before = room(*PATHS[Standing.ADMITTED], enter("waits"), enter("went"), Move("went", Act.LEAVE, "went"))
    found = list(effects(before, step(before, End(HOST), 9.0)))
    assert found[:2] == [CloseGate(HOST), CloseGate(PAT)]
    assert [each for each in found if isinstance(each, Dismiss)] == [
        Dismiss(HOST, "ended"), Dismiss(PAT, "ended"), Dismiss("waits", "ended")
    ]  # fmt: skip
    expired = step(before, End(None, expired=True), 9.0)
    assert Dismiss(PAT, "expired") in list(effects(before, expired))


@pytest.mark.parametrize("standing", [Standing.DENIED, Standing.REMOVED])
@pytest.mark.parametrize("gate", ["lobby", "open"])
def test_who_was_sent_away_needs_a_later_grant_and_waits(standing: Standing, gate: Literal["lobby", "open"]) -> None:
    state = room(*PATHS[standing])
    barred = state.people[PAT].barred
    assert barred is not None
    for issued in (barred - 1, barred):
        assert outcome(state, enter(PAT, gate=gate, issued=issued)) == "grant_revoked"
    again = step(state, enter(PAT, gate=gate, issued=barred + 0.001), 9.0)
    assert again.standing(PAT) is L
    assert again.people[PAT].barred == barred
    left = step(again, Move(PAT, Act.LEAVE, PAT), 10.0)
    assert step(left, enter(PAT, gate="open"), 11.0).standing(PAT) is L, "leaving washes nothing off"


def test_a_revoked_stranger_is_barred_before_ever_coming() -> None:
    state = room(Move("stranger", Act.REVOKE, None))
    assert outcome(state, enter("stranger", issued=1.0)) == "grant_revoked"
    assert outcome(state, Move("stranger", Act.ADMIT, HOST)) == "unknown_participant"


OLDER, SAME, NEWER = 1.5, 2.0, 30.0
"""Beside a patient's grant of wall time 2."""


@pytest.mark.parametrize(("phase", "standing", "before"), [*product(Phase, Standing, (OLDER, SAME, NEWER))])
def test_a_revocation_up_to_a_time_concerns_what_was_given_until_then(
    phase: Phase, standing: Standing, before: float
) -> None:
    state = room(*PATHS[standing], *PHASES_TO[phase])
    event = Move(PAT, Act.REVOKE, None, before=before)
    result = outcome(state, event)
    if phase is Phase.ENDED:
        assert result == "room_ended"
        return
    assert isinstance(result, Room)
    stays = before == OLDER and standing is not Standing.ABSENT
    assert result.standing(PAT) is (standing if stays else X)
    barred = result.people[PAT].barred
    assert barred is not None
    assert barred >= before
    assert outcome(result, enter(PAT, issued=before)) == "grant_revoked"
    again = step(result, enter(PAT, issued=barred + 0.001), 60.0)
    assert again.standing(PAT) is (standing if stays and state.people[PAT].seated else L)
    assert step(again, event, 70.0) == again, "repeated, it leaves alone who came by a later grant"


def test_a_revocation_without_a_time_concerns_whatever_was_given() -> None:
    """Also by an issuer whose clock is ahead."""
    state = step(room(), enter(PAT, issued=90.0), 50.0)
    assert state.people[PAT].issued == 50.0, "no grant is given after it is used"
    assert step(state, Move(PAT, Act.REVOKE, None, before=50.0), 60.0).standing(PAT) is X
    assert step(state, Move(PAT, Act.REVOKE, None), 40.0).standing(PAT) is X, "also after the clock was set back"


@pytest.mark.parametrize(
    ("earlier", "before", "expected"),
    [(None, None, 50.0), (None, 20.0, 20.0), (30.0, 20.0, 30.0), (30.0, 40.0, 40.0), (30.0, None, 50.0)],
)
def test_an_end_up_to_a_time_kills_the_grants_of_until_then(
    earlier: float | None, before: float | None, expected: float
) -> None:
    state = step(Room("r", 1, not_before=earlier), End(None, before=before), 50.0)
    assert state.dead_until == expected
    again = state.successor(60_000)
    assert outcome(again, enter(PAT, issued=expected)) == "room_ended"
    assert isinstance(outcome(again, enter(PAT, issued=expected + 0.001)), Room)


@pytest.mark.parametrize(
    ("began", "opened", "issued", "later"),
    [
        (10, None, None, False),
        (10, 30.0, None, False),
        (10, None, 30.0, False),
        (20, 30.0, 30.0, False),
        (25, None, None, False),
        (25, 30.0, None, True),
        (25, None, 30.0, True),
        (25, None, 15.0, False),
        (25, 20.0, 20.0, False),
        (25, 15.0, 30.0, True),
    ],
)
def test_a_later_life_began_later_by_something_that_control_gave_later(
    began: int, opened: float | None, issued: float | None, later: bool
) -> None:
    state = Room("r", began * 1000)
    if opened is not None:
        state = step(state, Open(2), opened)
    if issued is not None:
        state = step(state, enter(PAT, issued=issued), 40.0)
    assert state.is_later(20.0) is later


@pytest.mark.parametrize(
    ("first", "second", "opened"), [(None, None, 60.0), (20.0, 30.0, 30.0), (30.0, 20.0, 30.0), (None, 20.0, 50.0)]
)
def test_what_counts_of_openings_is_the_last_decision(first: float | None, second: float | None, opened: float) -> None:
    state = step(step(Room("r", 1), Open(2, first), 50.0), Open(4, second), 60.0)
    assert (state.opened, state.size) == (opened, 4)


@pytest.mark.parametrize(("standing", "old", "new"), [*product(Standing, Role, Role)])
def test_every_role_becomes_every_other_where_the_person_has_a_seat(standing: Standing, old: Role, new: Role) -> None:
    events = (replace(event, role=old) if isinstance(event, Enter) else event for event in PATHS[standing])
    state = room(*events)
    result = outcome(state, SetRole(PAT, new))
    if standing not in (L, IN, H):
        assert result == "unknown_participant"
        assert apply(state, SetRole(PAT, new), 50.0) == state
        return
    assert isinstance(result, Room)
    assert result == replace(state, people={**state.people, PAT: replace(state.people[PAT], role=new)})
    for right, event in deeds(PAT):
        may = right in RIGHTS[new] and standing in (IN, H)
        assert (outcome(result, event) != "forbidden") is may, "rights follow the role"
    again = step(result, enter(PAT, old), 60.0)
    assert again.people[PAT].role is old, "until a grant says otherwise"


def test_who_is_no_host_any_more_leaves_the_others_alone() -> None:
    state = room(*PATHS[Standing.ADMITTED])
    demoted = step(state, SetRole(HOST, Role.INTERPRETER), 9.0)
    assert demoted.left_alone()
    lost = step(demoted, HostLost(), 10.0)
    assert [lost.gate(HOST), lost.gate(PAT)] == [False, False]
    promoted = step(lost, SetRole(PAT, Role.PRACTITIONER), 11.0)
    assert list(effects(lost, promoted)) == [OpenGate(PAT)]
    assert list(effects(promoted, step(promoted, HostBack(), 12.0))) == [OpenGate(HOST)]


def test_a_grant_from_before_the_end_is_dead_in_the_next_life_too() -> None:
    over = room(End(HOST))
    assert isinstance(over.life, Ended)
    again = over.successor(2)
    assert outcome(again, enter(PAT, issued=over.life.at)) == "room_ended"
    assert isinstance(outcome(again, enter(PAT, issued=over.life.at + 0.001)), Room)


def test_the_room_is_full_one_day() -> None:
    state = Room("r", 1)
    for number in range(MAX_PEOPLE):
        state = step(state, enter(f"p{number}"), 1.0)
    assert outcome(state, enter("late")) == "room_full"
    assert isinstance(outcome(state, enter("p0")), Room), "who has a seat may take it over"


@pytest.mark.parametrize(
    ("connected", "consent", "there"),
    [(True, True, True), (True, False, True), (False, True, True), (False, False, False)],
)
def test_a_host_is_absent_when_socket_and_consent_are_both_gone(connected: bool, consent: bool, there: bool) -> None:
    state = room(*PATHS[Standing.ADMITTED], Consent(HOST, consent), *(() if connected else (Disconnect(HOST),)))
    assert state.hosts_there() is there
    assert state.left_alone() is not there


@pytest.mark.parametrize(("size", "patience"), [(1, 60.0), (2, 60.0), (3, 0.0), (25, 0.0)])
def test_groups_are_not_left_alone_for_a_moment(size: int, patience: float) -> None:
    state = room(*PATHS[Standing.ADMITTED], Open(size), Disconnect(HOST))
    assert host_patience(state, 60.0) == patience
    assert host_patience(room(*PATHS[Standing.ADMITTED]), 60.0) is None
    assert host_patience(room(enter(PAT), Disconnect(HOST)), 60.0) is None, "the lobby can wait"


def test_a_lost_host_closes_the_others_and_its_return_opens_them() -> None:
    state = room(*PATHS[Standing.ADMITTED], Disconnect(HOST))
    lost = step(state, HostLost(), 9.0)
    assert list(effects(state, lost)) == [CloseGate(PAT)]
    assert outcome(lost, HostBack()) == "bad_state"
    back = step(lost, Return(HOST, 1), 10.0)
    assert not back.gate(PAT), "the return alone opens nothing: the journal comes first"
    assert list(effects(back, step(back, HostBack(), 10.0))) == [OpenGate(PAT)]


def test_after_a_restart_all_are_away_and_the_hosts_clock_starts_anew() -> None:
    state = room(*PATHS[Standing.ADMITTED], Consent(HOST, True), Disconnect(HOST), Consent(HOST, False), HostLost())
    again = restored(state)
    assert not again.host_lost
    assert again.left_alone()
    assert all(person.presence is Presence.AWAY for person in again.people.values())
    assert again.standing(PAT) is IN


def test_who_is_away_too_long_is_gone_unless_media_still_lives() -> None:
    state = room(*PATHS[Standing.ADMITTED], Consent(PAT, True), Disconnect(PAT), Expire(PAT))
    assert not state.people[PAT].gone
    gone = step(state, Consent(PAT, False), 9.0)
    assert gone.people[PAT].gone
    assert list(effects(state, gone)) == [ClosePeer(PAT)]
    back = step(gone, Return(PAT, 1), 10.0)
    assert not back.people[PAT].gone
    assert back.gate(PAT), "a returning seat needs no new admission"


def test_a_late_clock_does_not_touch_who_is_back() -> None:
    state = room(*PATHS[Standing.LOBBY], Disconnect(PAT), Return(PAT, 1))
    assert step(state, Expire(PAT), 9.0) == state


def test_openings_are_what_must_be_on_disk_first() -> None:
    openings = {Act.ADMIT, Act.RELEASE}
    assert all(is_opening(Move(PAT, act, HOST)) is (act in openings) for act in MOVES)
    openings_of_the_room = (Open(2), enter(PAT), Resume(HOST), HostBack(), SetRole(PAT, Role.PRACTITIONER))
    assert all(is_opening(event) for event in openings_of_the_room)
    assert not any(is_opening(event) for event in (
        Pause(HOST, "x"), End(HOST), HostLost(), SetRole(HOST, Role.PATIENT),
        SetNotice(HOST, 1, None), Return(PAT, 1), Disconnect(PAT)
    ))  # fmt: skip


def test_no_step_that_is_no_opening_opens_a_gate() -> None:
    """Over every state reachable in a few steps."""
    inputs: list[Input] = [
        *(Move(who, act, None) for act in MOVES for who in (PAT, HOST)),
        enter(PAT), enter(PAT, gate="open"), Return(PAT, 1), Return(HOST, 1), Disconnect(HOST), Expire(PAT),
        Consent(HOST, True), Pause(None, "x"), Resume(None), End(None), HostLost(), HostBack(),
        SetRole(PAT, Role.PRACTITIONER), SetRole(PAT, Role.PATIENT), SetRole(HOST, Role.GUEST),
        Move(PAT, Act.REVOKE, None, before=1.0),
    ]  # fmt: skip
    states = [room()]
    for _ in range(4):
        following: dict[str, Room] = {}
        for state, event in product(states, inputs):
            try:
                check(state, event)
            except RoomError:
                continue
            after = apply(state, event, 2e6)
            opened = [each for each in effects(state, after) if isinstance(each, OpenGate)]
            assert not opened or is_opening(event), event
            following[_shape(after)] = after
        states = list(following.values())
    assert len(states) > 50


def _shape(state: Room) -> str:
    people = [(p.id, p.role, p.standing, p.presence, p.consent, p.seat > 1) for p in state.people.values()]
    return repr((state.phase, state.host_lost, people))
