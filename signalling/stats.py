"""What signalling counts. Nobody is named in it: neither rooms nor people, nor where they come from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sfu.stats import Distribution, Histogram, Tally, doubling
from signalling.errors import CODES
from signalling.messages import State
from signalling.room import Room
from signalling.views import state_of

STATES: Final[tuple[State, ...]] = ("lobby", "admitted", "held", "reconnecting")

OTHER: Final = "other"
"""Stands for a code that is not in `CODES`."""


@dataclass(frozen=True, slots=True)
class People:
    """How many rooms and people there are, as people see them."""

    rooms: int
    """With somebody in them."""
    empty_rooms: int
    """Kept for those who may come back."""
    participants: Mapping[State, int]

    @property
    def total(self) -> int:
        """Participants in any state."""
        return sum(self.participants.values())


@dataclass(frozen=True, slots=True)
class SignallingStatistics:
    """Signalling's numbers at one moment."""

    people: People
    joined: int
    """WebSockets that have joined."""
    waiting: int
    """WebSockets that have yet to join."""
    opened: int
    """WebSockets since the start."""
    gave_way: int
    """Of these, closed before they had joined because others needed their places."""
    turned_away: Mapping[str, int]
    """WebSockets that were refused before they were open, by code."""
    joins: Distribution
    """From a `join` to its `joined`."""
    refused_joins: Mapping[str, int]
    """By code."""
    journal_healthy: bool
    journal_writes: Distribution
    """From the hand-over of a batch of records until it is on disk."""
    events_untold: int
    """That whoever owns the rooms has not acknowledged."""


class Meter:
    """Counts what passes; `Rooms` and the server's state are counted when somebody asks."""

    def __init__(self) -> None:
        self.joins: Final = Histogram(tuple(doubling(0.001, 10.0)))
        self.refused_joins: Final = Tally((*CODES, OTHER))
        self.turned_away: Final = Tally((*CODES, OTHER))
        self.opened = self.gave_way = 0


def count_people(rooms: Iterable[Room]) -> People:
    """Everybody in a lobby or inside who is shown to others, and the rooms they are in."""
    occupied = empty = 0
    participants: dict[State, int] = dict.fromkeys(STATES, 0)
    for room in rooms:
        states = [state_of(person) for person in room.people.values() if person.seated and not person.gone]
        for state in states:
            participants[state] += 1
        if states:
            occupied += 1
        else:
            empty += 1
    return People(occupied, empty, participants)
