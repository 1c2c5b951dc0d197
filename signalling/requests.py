"""What a participant's command asks of the room."""

from typing import assert_never

from signalling import messages
from signalling.errors import MessageError
from signalling.inputs import Act, End, Input, Move, Pause, Resume, SetNotice
from signalling.roles import is_host
from signalling.room import Room


def input_of(command: messages.Command, by: str, room: Room) -> Input:
    """The input by a participant of the room (raises MessageError); whether it is allowed, the room decides."""
    match command:
        case messages.Pause(reason=reason):
            if reason == "no_host":
                raise MessageError("bad_message", "reason")
            return Pause(by, reason or ("host" if is_host(room.people[by].role) else "not_alone"))
        case messages.Resume():
            return Resume(by)
        case messages.End(reason=reason):
            return End(by, reason)
        case messages.Leave(reason=reason):
            return Move(by, Act.LEAVE, by, reason)
        case messages.SetNotice(minutes=minutes, text=text):
            return SetNotice(by, minutes, text)
        case messages.Admit(participant=participant):
            return Move(participant, Act.ADMIT, by)
        case messages.Deny(participant=participant):
            return Move(participant, Act.DENY, by)
        case messages.ToLobby(participant=participant):
            return Move(participant, Act.TO_LOBBY, by)
        case messages.Remove(participant=participant):
            return Move(participant, Act.REMOVE, by)
        case messages.Hold(participant=participant):
            return Move(participant, Act.HOLD, by)
        case messages.Release(participant=participant):
            return Move(participant, Act.RELEASE, by)
    assert_never(command)
