"""What one participant is told about the room: a snapshot, and the messages that lead from one snapshot to the next.

Who is in the lobby learns its place and the notice, and nothing about anybody else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from signalling import messages
from signalling.roles import RIGHTS, Right, Role
from signalling.room import Notice, Paused, Person, Presence, Room, Standing


@dataclass(frozen=True, slots=True)
class Shown:
    """Somebody as others see it."""

    id: str
    name: str = field(repr=False)
    role: Role
    state: messages.State
    waiting_since: float | None
    removed_before: bool | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The view from the lobby."""

    position: int
    waiting: int
    notice: Notice | None


@dataclass(frozen=True, slots=True)
class Inside:
    """The view of somebody admitted."""

    held: bool
    pause: tuple[str | None, str] | None
    people: tuple[Shown, ...]


View = Waiting | Inside


def view(room: Room, participant: str) -> View | None:
    """What the participant may know now; None for who has no seat."""
    person = room.people.get(participant)
    if person is None or not person.seated:
        return None
    if person.standing is Standing.LOBBY:
        queue = [each.id for each in _queue(room)]
        place = queue.index(participant) if participant in queue else len(queue)
        return Waiting(place + 1, max(len(queue), place + 1), room.notice)
    return Inside(person.standing is Standing.HELD, _pause(room, person), tuple(_people(room, person)))


def changes(old: View | None, new: View, now: float) -> Iterator[messages.ServerMessage]:
    """The messages that tell of the new view, whole where there was none of its kind before. `now` is wall time."""
    if isinstance(new, Waiting):
        if new != old:
            told = new.notice
            notice = None if told is None else messages.Notice(minutes=told.minutes, text=told.text)
            yield messages.Lobby(position=new.position, waiting=new.waiting, notice=notice)
        return
    before = old if isinstance(old, Inside) else None
    if before is None:
        yield messages.Admitted()
    if new.held != (before is not None and before.held):
        yield messages.Held() if new.held else messages.Released()
    if new.pause != (before and before.pause):
        yield messages.Resumed() if new.pause is None else messages.Paused(by=new.pause[0], reason=new.pause[1])
    if before is None or new.people != before.people:
        yield messages.Participants(participants=[_participant(each, now) for each in new.people])


def _pause(room: Room, person: Person) -> tuple[str | None, str] | None:
    if isinstance(room.life, Paused):
        return room.life.by, room.life.reason
    if room.host_lost and Right.HOST not in RIGHTS[person.role]:
        return None, "no_host"
    return None


def _queue(room: Room) -> list[Person]:
    waiting = (each for each in room.people.values() if each.standing is Standing.LOBBY and not each.gone)
    return sorted(waiting, key=lambda each: each.turn)


def _people(room: Room, viewer: Person) -> Iterator[Shown]:
    leads = Right.SEE_LOBBY in RIGHTS[viewer.role]
    inside = (each for each in room.people.values() if each.inside and not each.gone)
    for each in sorted(inside, key=lambda each: each.turn):
        yield _shown(each, leads)
    if leads:
        for each in _queue(room):
            yield _shown(each, leads)


def state_of(person: Person) -> messages.State:
    """How somebody with a seat looks to others."""
    if person.presence is not Presence.CONNECTED:
        return "reconnecting"
    if person.standing is Standing.LOBBY:
        return "lobby"
    return "held" if person.standing is Standing.HELD else "admitted"


def _shown(person: Person, to_host: bool) -> Shown:
    return Shown(
        id=person.id,
        name=person.name,
        role=person.role,
        state=state_of(person),
        waiting_since=person.since if person.standing is Standing.LOBBY else None,
        removed_before=True if to_host and person.barred is not None else None,
    )


def _participant(shown: Shown, now: float) -> messages.Participant:
    waited = None if shown.waiting_since is None else max(0, int(now - shown.waiting_since))
    return messages.Participant(
        id=shown.id,
        name=shown.name,
        role=shown.role,
        state=shown.state,
        waited=waited,
        removed_before=shown.removed_before,
    )
