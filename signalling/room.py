"""One room as a pure state machine: the only owner of who waits, is admitted, held or gone, and of the pause.

Two tables say everything: what an act makes of a person's standing, and what an act makes of the room's phase.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, assert_never

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
from signalling.roles import Role, is_host

GROUP_SIZE: Final = 3


class Standing(StrEnum):
    """Where a person stands in the room."""

    ABSENT = "absent"
    LOBBY = "lobby"
    ADMITTED = "admitted"
    HELD = "held"
    LEFT = "left"
    DENIED = "denied"
    REMOVED = "removed"


class Presence(StrEnum):
    """Whether a person's WebSocket is there."""

    CONNECTED = "connected"
    AWAY = "away"
    OVERDUE = "overdue"


class Phase(StrEnum):
    """What the room as a whole does."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


S, A = Standing, Act
_SEATED: Final = frozenset({S.LOBBY, S.ADMITTED, S.HELD})
_INSIDE: Final = frozenset({S.ADMITTED, S.HELD})

# Rows are standings, columns acts; a string is the error code of what is refused.
_COLUMNS: Final = (A.ENTER, A.ENTER_OPEN, A.ADMIT, A.DENY, A.TO_LOBBY, A.REMOVE, A.HOLD, A.RELEASE, A.LEAVE, A.REVOKE)
_WHO: Final = "unknown_participant"
_NOT: Final = "not_in_lobby"
_BAD: Final = "bad_state"
_LOBBY, _IN, _HELD, _LEFT, _DENY, _GONE = S.LOBBY, S.ADMITTED, S.HELD, S.LEFT, S.DENIED, S.REMOVED
_ROWS: Final[Mapping[Standing, tuple[Standing | str, ...]]] = {
    #             enter   e.-open admit  deny   to-lobby remove hold   release leave  revoke
    S.ABSENT:   (_LOBBY, _IN,    _WHO,  _WHO,  _WHO,    _WHO,  _WHO,  _WHO,   _WHO,  _GONE),
    S.LOBBY:    (_LOBBY, _LOBBY, _IN,   _DENY, _BAD,    _GONE, _BAD,  _BAD,   _LEFT, _GONE),
    S.ADMITTED: (_IN,    _IN,    _NOT,  _NOT,  _LOBBY,  _GONE, _HELD, _BAD,   _LEFT, _GONE),
    S.HELD:     (_HELD,  _HELD,  _NOT,  _NOT,  _LOBBY,  _GONE, _BAD,  _IN,    _LEFT, _GONE),
    S.LEFT:     (_LOBBY, _IN,    _WHO,  _WHO,  _WHO,    _WHO,  _WHO,  _WHO,   _WHO,  _GONE),
    S.DENIED:   (_LOBBY, _LOBBY, _WHO,  _WHO,  _WHO,    _WHO,  _WHO,  _WHO,   _WHO,  _GONE),
    S.REMOVED:  (_LOBBY, _LOBBY, _WHO,  _WHO,  _WHO,    _WHO,  _WHO,  _WHO,   _WHO,  _GONE),
}  # fmt: skip
STANDINGS: Final[Mapping[tuple[Standing, Act], Standing | str]] = MappingProxyType(
    {(row, column): cell for row, cells in _ROWS.items() for column, cell in zip(_COLUMNS, cells, strict=True)}
)

RoomAct = Literal["pause", "resume", "end"]
PHASES: Final[Mapping[tuple[Phase, RoomAct], Phase | str]] = MappingProxyType(
    {
        (Phase.RUNNING, "pause"): Phase.PAUSED,
        (Phase.RUNNING, "resume"): _BAD,
        (Phase.RUNNING, "end"): Phase.ENDED,
        (Phase.PAUSED, "pause"): Phase.PAUSED,  # the newest reason counts: it may be one the resuming host must know
        (Phase.PAUSED, "resume"): Phase.RUNNING,
        (Phase.PAUSED, "end"): Phase.ENDED,
        (Phase.ENDED, "pause"): "room_ended",
        (Phase.ENDED, "resume"): "room_ended",
        (Phase.ENDED, "end"): "room_ended",
    }
)


@dataclass(frozen=True, slots=True)
class Person:
    """One participant, as long as the room lasts."""

    id: str
    role: Role
    name: str = field(repr=False)
    standing: Standing
    turn: int
    """Order of arrival: in the lobby, or inside."""
    since: float
    """Wall time of that arrival."""
    seat: int
    """How often a seat was given; the newest is good."""
    issued: float | None = None
    """Wall time of the grant that gave it, or of its use where the issuer's clock is ahead."""
    barred: float | None = None
    """Wall time of the last removal or denial: grants issued until then are dead."""
    presence: Presence = Presence.CONNECTED
    consent: bool = False

    @property
    def seated(self) -> bool:
        """In the lobby or inside."""
        return self.standing in _SEATED

    @property
    def inside(self) -> bool:
        """Admitted, perhaps held."""
        return self.standing in _INSIDE

    @property
    def there(self) -> bool:
        """Reachable by WebSocket or by media."""
        return self.presence is Presence.CONNECTED or self.consent

    @property
    def gone(self) -> bool:
        """Not shown any more. Who still has media is never gone: nobody is hidden."""
        return self.presence is Presence.OVERDUE and not self.consent


@dataclass(frozen=True, slots=True)
class Running:
    """Media passes."""

    phase: Literal[Phase.RUNNING] = Phase.RUNNING


@dataclass(frozen=True, slots=True)
class Paused:
    """Somebody stopped all media."""

    by: str | None
    reason: str
    phase: Literal[Phase.PAUSED] = Phase.PAUSED


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over; `at` is wall time."""

    at: float
    expired: bool
    before: float | None = None
    """Wall time up to which grants are dead in the next life; None for `at`."""
    phase: Literal[Phase.ENDED] = Phase.ENDED


@dataclass(frozen=True, slots=True)
class Notice:
    """What the lobby is told."""

    minutes: int | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Room:
    """The state. `epoch` tells one life of a room name from the next."""

    id: str
    epoch: int
    """Wall time of its beginning in milliseconds; more, where the last life began no earlier."""
    size: int = 2
    life: Running | Paused | Ended = Running()
    host_lost: bool = False
    notice: Notice | None = None
    turns: int = 0
    not_before: float | None = None
    """Wall time at which the room's last life ended: grants issued until then are dead."""
    opened: float | None = None
    """Wall time at which control last decided to open this life, or to make it larger."""
    people: Mapping[str, Person] = field(default_factory=dict)

    @property
    def phase(self) -> Phase:
        """The row of PHASES."""
        return self.life.phase

    def successor(self, epoch: int) -> "Room":
        """The next life of the room."""
        return Room(self.id, epoch, not_before=self.dead_until)

    @property
    def dead_until(self) -> float | None:
        """Wall time up to which grants don't open the room: that of its last end, be it of this life or another."""
        if not isinstance(self.life, Ended):
            return self.not_before
        end = self.life.at if self.life.before is None else self.life.before
        return end if self.not_before is None else max(end, self.not_before)

    def is_later(self, than: float) -> bool:
        """Whether this life began after that wall time, by control's opening or by a grant that was issued later."""
        if self.epoch <= than * 1000:
            return False
        grants = (person.issued for person in self.people.values())
        return any(time is not None and time > than for time in (self.opened, *grants))

    def standing(self, participant: str) -> Standing:
        """The row of STANDINGS."""
        person = self.people.get(participant)
        return Standing.ABSENT if person is None else person.standing

    def hosts_there(self) -> bool:
        """Whether a host is inside and reachable."""
        return any(is_host(person.role) and person.inside and person.there for person in self.people.values())

    def left_alone(self) -> bool:
        """Whether people are inside without a host, which may not last."""
        if self.host_lost or isinstance(self.life, Ended) or self.hosts_there():
            return False
        return any(person.inside and not is_host(person.role) for person in self.people.values())

    def gate(self, participant: str) -> bool:
        """Admitted, and not paused, and not held; and not alone without a host."""
        person = self.people.get(participant)
        return (
            person is not None
            and person.standing is Standing.ADMITTED
            and isinstance(self.life, Running)
            and (not self.host_lost or is_host(person.role))
        )


def apply(room: Room, event: Input, at: float) -> Room:
    """The room after an input that was accepted when it came; what no longer fits changes nothing."""
    if room.phase is Phase.ENDED:
        return room
    match event:
        case Open(size=size, decided=decided):
            opened = at if decided is None else decided
            opened = opened if room.opened is None else max(opened, room.opened)
            return replace(room, size=max(room.size, size), opened=opened)
        case Enter():
            return _enter(room, event, at)
        case Return(participant=participant):
            return _person(room, participant, presence=Presence.CONNECTED)
        case Move(participant=participant, act=Act.REVOKE, before=before):
            return _revoke(room, participant, at, before)
        case Move(participant=participant, act=act):
            return _move(room, participant, act, at)
        case Pause(by=by, reason=reason):
            return replace(room, life=Paused(by, reason))
        case Resume():
            return replace(room, life=Running())
        case End(expired=expired, before=before):
            return replace(room, life=Ended(at, expired, before))
        case SetNotice(minutes=minutes, text=text):
            return replace(room, notice=None if minutes is None and text is None else Notice(minutes, text))
        case SetRole(participant=participant, role=role):
            person = room.people.get(participant)
            if person is None or not person.seated:
                return room
            return replace(room, people={**room.people, participant: replace(person, role=role)})
        case HostLost():
            return replace(room, host_lost=True)
        case HostBack():
            return replace(room, host_lost=False)
        case Disconnect(participant=participant):
            return _person(room, participant, presence=Presence.AWAY)
        case Expire(participant=participant):
            person = room.people.get(participant)
            away = person is not None and person.presence is Presence.AWAY
            return _person(room, participant, presence=Presence.OVERDUE) if away else room
        case Consent(participant=participant, alive=alive):
            return _person(room, participant, consent=alive)
    assert_never(event)


def restored(room: Room) -> Room:
    """The room after a restart: everybody is away, no transport is up, and a missing host's clock starts anew."""
    people = {
        name: replace(person, presence=Presence.AWAY, consent=False) if person.seated else person
        for name, person in room.people.items()
    }
    return replace(room, people=people, host_lost=False)


def host_patience(room: Room, away: float) -> float | None:
    """For how many seconds people may be alone without a host; None where they are not alone."""
    if not room.left_alone():
        return None
    return 0.0 if room.size >= GROUP_SIZE else away


def _person(room: Room, participant: str, *, presence: Presence | None = None, consent: bool | None = None) -> Room:
    person = room.people.get(participant)
    if person is None:
        return room
    changed = replace(
        person,
        presence=person.presence if presence is None else presence,
        consent=person.consent if consent is None else consent,
    )
    return replace(room, people={**room.people, participant: changed})


def _enter(room: Room, event: Enter, at: float) -> Room:
    old = room.people.get(event.participant)
    trusted = event.gate == "open" and (old is None or old.barred is None)
    cell = STANDINGS[room.standing(event.participant), Act.ENTER_OPEN if trusted else Act.ENTER]
    if not isinstance(cell, Standing):
        return room
    taken_over = old is not None and old.seated
    person = Person(
        id=event.participant,
        role=event.role,
        name=event.name,
        standing=cell,
        turn=old.turn if old is not None and taken_over else room.turns,
        since=old.since if old is not None and taken_over else at,
        seat=1 if old is None else old.seat + 1,
        issued=min(event.issued, at),
        barred=None if old is None else old.barred,
    )
    return replace(
        room,
        size=max(room.size, event.size),
        turns=room.turns + 1,
        people={**room.people, event.participant: person},
    )


def _move(room: Room, participant: str, act: Act, at: float) -> Room:
    cell = STANDINGS[room.standing(participant), act]
    if not isinstance(cell, Standing):
        return room
    moved = replace(room.people[participant], standing=cell)
    if cell in (Standing.DENIED, Standing.REMOVED):
        moved = replace(moved, barred=at)
    if act in (Act.ADMIT, Act.TO_LOBBY):
        moved = replace(moved, turn=room.turns, since=at)
    if not moved.seated:
        moved = replace(moved, presence=Presence.OVERDUE, consent=False)
    return replace(room, turns=room.turns + 1, people={**room.people, participant: moved})


def _revoke(room: Room, participant: str, at: float, before: float | None) -> Room:
    """Takes back what was given; up to a given time, it changes nothing when done again, whoever came meanwhile."""
    until = at if before is None else before
    # Who was never here can still be barred: the role and name are those of nobody.
    person = room.people.get(participant) or Person(
        participant, Role.GUEST, "", Standing.ABSENT, room.turns, until, 0, presence=Presence.OVERDUE
    )
    barred = replace(person, barred=until if person.barred is None else max(until, person.barred))
    if before is None or person.issued is None or person.issued <= before:
        cell = STANDINGS[person.standing, Act.REVOKE]
        assert isinstance(cell, Standing)
        barred = replace(barred, standing=cell, presence=Presence.OVERDUE, consent=False)
    return replace(room, people={**room.people, participant: barred})
