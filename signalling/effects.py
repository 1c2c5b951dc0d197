"""What has to be done about a step of the room: the difference between the room before and after."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from signalling.room import Ended, Person, Room, Standing


@dataclass(frozen=True, slots=True)
class CloseGate:
    """Nothing more to or from this person."""

    participant: str


@dataclass(frozen=True, slots=True)
class OpenGate:
    """Media may pass to and from this person."""

    participant: str


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """The person's media transport is not needed any more."""

    participant: str


@dataclass(frozen=True, slots=True)
class Dismiss:
    """The person's connection ends for this reason."""

    participant: str
    reason: Literal["ended", "left", "removed", "denied", "expired"]


Effect = CloseGate | OpenGate | ClosePeer | Dismiss


def effects(before: Room, after: Room) -> Iterator[Effect]:
    """What has to be done about a step: closings first."""
    for name in before.people:
        if before.gate(name) and not after.gate(name):
            yield CloseGate(name)
    for name, was in before.people.items():
        now = after.people[name]
        ended = isinstance(after.life, Ended)
        if was.seated and (ended or not now.seated or (now.gone and not was.gone)):
            yield ClosePeer(name)
        if was.seated and (ended or not now.seated):
            yield Dismiss(name, _farewell(after, now))
    for name in after.people:
        if after.gate(name) and not before.gate(name):
            yield OpenGate(name)


def _farewell(room: Room, person: Person) -> Literal["ended", "left", "removed", "denied", "expired"]:
    match person.standing:
        case Standing.LEFT:
            return "left"
        case Standing.DENIED:
            return "denied"
        case Standing.REMOVED:
            return "removed"
        case _:
            return "expired" if isinstance(room.life, Ended) and room.life.expired else "ended"
