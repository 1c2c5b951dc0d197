"""A step of a room: an input is refused, or gives the room that follows. Who may do what is decided here alone."""

from typing import Final, assert_never

from signalling.errors import RoomError
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
    Open,
    Pause,
    Resume,
    Return,
    SetNotice,
    SetRole,
)
from signalling.roles import RIGHTS, Right
from signalling.room import PHASES, STANDINGS, Phase, Room, Standing, apply

MAX_PEOPLE: Final = 200
# What one may not do to oneself: a host who is the only one could not undo it.
_NOT_TO_ONESELF: Final = frozenset({Act.TO_LOBBY, Act.REMOVE})


def step(room: Room, event: Input, at: float) -> Room:
    """The room after an input at wall time `at`; raises RoomError, and then nothing has changed."""
    check(room, event)
    return apply(room, event, at)


def check(room: Room, event: Input) -> None:
    """Raises RoomError where the input is refused."""
    if room.phase is Phase.ENDED:
        raise RoomError("room_ended")
    match event:
        case Enter(participant=participant, issued=issued):
            person = room.people.get(participant)
            if room.not_before is not None and issued <= room.not_before:
                raise RoomError("room_ended")
            if person is not None and person.barred is not None and issued <= person.barred:
                raise RoomError("grant_revoked")
            seated = sum(1 for each in room.people.values() if each.seated)
            if (person is None or not person.seated) and seated >= MAX_PEOPLE:
                raise RoomError("room_full")
        case Return(participant=participant, number=number):
            person = room.people.get(participant)
            if person is None or not person.seated or person.seat != number:
                raise RoomError("seat_dead")
        case Move(participant=participant, act=act, by=by):
            if act is not Act.LEAVE:
                _check_right(room, by, Right(act.value) if act is not Act.REVOKE else None)
            if by == participant and act in _NOT_TO_ONESELF:
                raise RoomError("forbidden", "not to oneself")
            _permitted(STANDINGS[room.standing(participant), act])
        case Pause(by=by):
            _check_right(room, by, Right.PAUSE)
            _permitted(PHASES[room.phase, "pause"])
        case Resume(by=by):
            _check_right(room, by, Right.RESUME)
            _permitted(PHASES[room.phase, "resume"])
        case End(by=by):
            _check_right(room, by, Right.END)
            _permitted(PHASES[room.phase, "end"])
        case SetNotice(by=by):
            _check_right(room, by, Right.NOTICE)
        case SetRole(participant=participant):
            person = room.people.get(participant)
            if person is None or not person.seated:
                raise RoomError("unknown_participant")
        case HostLost():
            if not room.left_alone():
                raise RoomError("bad_state")
        case HostBack():
            if not (room.host_lost and room.hosts_there()):
                raise RoomError("bad_state")
        case Disconnect(participant=participant) | Expire(participant=participant) | Consent(participant=participant):
            if participant not in room.people:
                raise RoomError("unknown_participant")
        case Open():
            pass
        case _:
            assert_never(event)


def _check_right(room: Room, by: str | None, right: Right | None) -> None:
    """Control (None) may do everything; whoever is in the lobby, nothing; and only control has what is no right."""
    if by is None:
        return
    person = room.people.get(by)
    if person is None or not person.inside or right is None or right not in RIGHTS[person.role]:
        raise RoomError("forbidden")


def _permitted(cell: Standing | Phase | str) -> None:
    if not isinstance(cell, Standing | Phase):
        raise RoomError(cell)
