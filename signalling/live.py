"""One room at work: takes inputs in order, drives the node, tells the participants, and watches the clocks.

Two states are kept. `newest` holds everything decided; closings act on the node as soon as they are in it. `shown`
holds what has taken effect: a step waits in the queue until the journal has it on disk, behind those before it. Only
then are gates opened and people told, in the order in which things happened; so a crash takes back nothing that anybody
was told. A closing that the disk is slow to take is told nevertheless; an opening never is.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, assert_never

import structlog

from signalling import messages
from signalling.audience import Audience, Link
from signalling.clock import Clock
from signalling.config import SignallingConfig
from signalling.effects import CloseGate, ClosePeer, Dismiss, OpenGate, effects
from signalling.errors import RoomError, SignallingError
from signalling.inputs import (
    Consent,
    Disconnect,
    End,
    Enter,
    Expire,
    HostBack,
    HostLost,
    Input,
    Recorded,
    Return,
    is_opening,
)
from signalling.journal import Journal
from signalling.node import Node, Slots, TrackView
from signalling.ratelimit import Allowance
from signalling.records import Record
from signalling.redact import mark
from signalling.room import Ended, Person, Room, apply, host_patience
from signalling.step import step
from signalling.timers import Timers

log: Final = structlog.get_logger("venterom.signalling")

TELL_WITHIN: Final = 0.25
"""Seconds after which people hear of a closing, also if the disk has not taken it."""

Settle = Callable[[SignallingError | None], None]
"""Told once, when a step has taken effect or failed for good."""


@dataclass(frozen=True, slots=True)
class Services:
    """What a room needs of the world."""

    config: SignallingConfig
    node: Node
    journal: Journal
    clock: Clock
    welcome: Callable[[Room, Person, Slots, int | None], messages.Joined]
    over: Callable[[Room], None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """The connection behind an entry or a return, and the id of the message that asked for it."""

    link: Link
    re: int | None


@dataclass(slots=True, eq=False)
class _Step:
    event: Input
    at: float
    after: Room
    closed: frozenset[str]
    waits: bool
    durable: bool
    """Whether it settles only on disk, be it told before or not."""
    arrival: Arrival | None
    settle: Settle


def _ignore(_: SignallingError | None) -> None:
    return


class LiveRoom:
    """A room, its connections, its timers and its peers on the node."""

    def __init__(self, room: Room, services: Services) -> None:
        self._services = services
        self._newest = self._shown = room
        self._steps: deque[_Step] = deque()
        self._showing = False
        self._blank = True
        self._audience = Audience()
        self._peers: dict[str, bool] = {}  # those open on the node, and whether their gate is
        self._allowances: dict[str, Allowance] = {}
        self._timers = Timers(services.clock)
        self._log = log.bind(room=mark(room.id))

    @property
    def state(self) -> Room:
        """Everything decided so far."""
        return self._newest

    @property
    def shown(self) -> Room:
        """What has taken effect."""
        return self._shown

    @property
    def is_blank(self) -> bool:
        """Whether nothing has ever happened here."""
        return self._blank and not self._steps

    def start(self) -> None:
        """Sets the clocks of a room that was restored."""
        self._blank = False
        for person in self._newest.people.values():
            if person.seated:
                self._start_away(person.id)
        self._watch()

    def submit(
        self, event: Input, *, arrival: Arrival | None = None, durable: bool = False, settle: Settle = _ignore
    ) -> None:
        """Decides an input (raises SignallingError, and then nothing has changed) and has it take effect.

        What is `durable` settles once it is on disk too, also a closing that people hear of before.
        """
        opening = is_opening(event)
        if opening and not self._services.journal.healthy:
            raise RoomError("storage_unavailable")
        at = self._services.clock.wall()
        after = step(self._newest, event, at)
        before, self._newest = self._newest, after
        waits = isinstance(event, Recorded) and self._services.journal.healthy
        item = _Step(event, at, after, self._close(before, after), waits, durable, arrival, settle)
        self._steps.append(item)
        if waits and not opening:
            self._timers.start(item, TELL_WITHIN, partial(self._tell_anyway, item))
        if isinstance(event, Recorded):
            record = Record(after.id, after.epoch, 0, at, event)
            self._services.journal.submit(record, opening=opening, done=partial(self._written, item))
        self._show()
        self._watch()

    def disconnect(self, participant: str, link: Link) -> None:
        """A connection is gone; one that was taken over means nothing."""
        if self._audience.is_current(participant, link):
            self._audience.detach(participant)
            self._services.node.set_listening(self._newest.id, participant, False)
            self._try(Disconnect(participant))
            self._start_away(participant)
            self._watch()

    def is_current(self, participant: str, link: Link) -> bool:
        """Whether this connection speaks for the participant."""
        return self._audience.is_current(participant, link)

    def allowance(self, participant: str) -> Allowance:
        """What the participant may send, kept over reconnects, and until it is full again for who has left."""
        if participant not in self._allowances:
            now = self._services.clock.monotonic()
            self._allowances[participant] = Allowance.full(self._services.config, now)
        return self._allowances[participant]

    def media(self, participant: str, alive: bool) -> None:
        """The node says whether a participant's transport is up."""
        person = self._newest.people.get(participant)
        if person is not None and person.seated and person.consent is not alive:
            self._try(Consent(participant, alive))

    def tracks(self, participant: str, tracks: tuple[TrackView, ...]) -> None:
        """The node says what a participant gets of others."""
        self._audience.set_tracks(participant, tracks)
        self._audience.tell_tracks(participant, self._newest)

    def speakers(self, participants: tuple[str, ...]) -> None:
        """The node says who speaks."""
        self._audience.set_speakers(participants)
        for participant in self._audience:
            self._audience.tell_speakers(participant, self._shown, self._newest)

    def tell(self, participant: str, message: messages.ServerMessage) -> None:
        """Passes a message on, if the participant is connected."""
        self._audience.tell(participant, message)

    def storage_recovered(self) -> None:
        """The journal takes openings again."""
        self._watch()

    def stop(self) -> None:
        """Stops the clocks."""
        self._timers.stop_all()

    # --- steps

    def _try(self, event: Input) -> None:
        try:
            self.submit(event)
        except RoomError as error:
            self._log.debug("input refused", kind=event.kind, code=error.code)

    def _written(self, item: _Step, on_disk: bool) -> None:
        if on_disk:
            item.waits = False
        else:
            self._steps.remove(item)
            self._fold()
            for other in self._steps:
                other.waits = other.waits and is_opening(other.event)
            item.settle(RoomError("storage_unavailable"))
        self._show()
        self._watch()
        if on_disk and item.durable:
            item.settle(None)

    def _tell_anyway(self, item: _Step) -> None:
        item.waits = False
        self._show()
        self._watch()

    def _fold(self) -> None:
        """Decides the steps in the queue anew, after one of them has failed."""
        room = self._shown
        for item in self._steps:
            item.after = room = apply(room, item.event, item.at)
        self._newest = room
        for participant, is_open in self._peers.items():
            if is_open and not room.gate(participant):
                self._set_gate(participant, False)

    def _show(self) -> None:
        if self._showing:
            return
        self._showing = True
        try:
            while self._steps and not self._steps[0].waits:
                item = self._steps.popleft()
                before, self._shown = self._shown, item.after
                self._take_effect(before, item)
        finally:
            self._showing = False

    def _take_effect(self, before: Room, item: _Step) -> None:
        self._blank = False
        self._timers.stop(item)
        follows = list(effects(before, self._shown))
        match item.event:
            case Enter(participant=participant) | Return(participant=participant) if item.arrival is not None:
                self._attach(participant, item.arrival, fresh=isinstance(item.event, Enter))
            case _:
                pass
        for effect in follows:
            if isinstance(effect, Dismiss):
                self._dismiss(effect)
        for participant in self._audience:
            self._audience.tell_state(participant, self._shown, self._services.clock.wall())
        for effect in follows:
            if isinstance(effect, OpenGate):
                self._open_gate(effect.participant)
                self._audience.tell_tracks(effect.participant, self._newest)
        for participant in self._audience:
            self._audience.tell_speakers(participant, self._shown, self._newest)
        if not item.durable:
            item.settle(None)
        if isinstance(self._shown.life, Ended):
            self.stop()
            self._services.over(self._shown)

    def _dismiss(self, effect: Dismiss) -> None:
        self._timers.stop(effect.participant)
        self._audience.dismiss(effect.participant, effect.reason)
        self._forget_allowances()

    def _forget_allowances(self) -> None:
        """Only full ones: nobody gets more by leaving and coming back. Who is connected holds on to theirs."""
        now = self._services.clock.monotonic()
        for participant, allowance in tuple(self._allowances.items()):
            if participant not in self._audience and allowance.is_full(now):
                del self._allowances[participant]

    # --- connections

    def _attach(self, participant: str, arrival: Arrival, *, fresh: bool) -> None:
        link = arrival.link
        for effect in effects(self._shown, self._newest):
            if isinstance(effect, Dismiss) and effect.participant == participant:
                link.dismiss(effect.reason)  # on the way in, already on the way out
                return
        if fresh and participant in self._peers:
            # Another device may hold the old transport: it gets nothing more, whether it heard so or not.
            self._close_peer(participant)
        self._timers.stop(participant)
        self._audience.attach(participant, link, returns=not fresh)
        slots = self._services.node.open_peer(self._shown.id, participant, size=self._shown.size)
        self._peers.setdefault(participant, False)
        person = self._shown.people[participant]
        link.send(self._services.welcome(self._shown, person, slots, arrival.re))
        self._audience.tell_state(participant, self._shown, self._services.clock.wall())
        self._services.node.set_listening(self._shown.id, participant, True)
        self._open_gate(participant)
        self._audience.tell_tracks(participant, self._newest)
        self._audience.tell_speakers(participant, self._shown, self._newest)
        if link.closed:
            self.disconnect(participant, link)

    # --- the node

    def _close(self, before: Room, after: Room) -> frozenset[str]:
        """Has closings act at once; returns whose gates they close."""
        closed = set()
        for effect in effects(before, after):
            match effect:
                case CloseGate(participant=participant):
                    closed.add(participant)
                    if self._peers.get(participant):
                        self._set_gate(participant, False)
                case ClosePeer(participant=participant):
                    if participant in self._peers:
                        self._close_peer(participant)
                case OpenGate() | Dismiss():
                    pass
                case _:
                    assert_never(effect)
        if isinstance(after.life, Ended):
            self._services.node.close_room(after.id)
        return frozenset(closed)

    def _open_gate(self, participant: str) -> None:
        """Opens the gate, unless something that was decided meanwhile closes it."""
        if self._peers.get(participant) is not False:
            return
        later = any(participant in item.closed for item in self._steps)
        if self._shown.gate(participant) and self._newest.gate(participant) and not later:
            self._set_gate(participant, True)

    def _set_gate(self, participant: str, is_open: bool) -> None:
        self._peers[participant] = is_open
        self._services.node.set_gate(self._shown.id, participant, is_open)

    def _close_peer(self, participant: str) -> None:
        del self._peers[participant]
        self._audience.forget_tracks(participant)
        self._services.node.close_peer(self._shown.id, participant)

    # --- clocks

    def _watch(self) -> None:
        """Sets the clocks: how long people may be without a host, and how long a room without people."""
        room = self._newest
        if isinstance(room.life, Ended):
            # What waits for the disk to tell of the end goes on until then.
            self._timers.stop(HostLost)
            self._timers.stop(End)
            return
        config = self._services.config
        if room.host_lost and room.hosts_there() and self._services.journal.healthy:
            self._try(HostBack())
            return
        patience = host_patience(room, config.host_absence)
        if patience == 0:
            self._try(HostLost())
            return
        self._timers.keep(HostLost, patience, partial(self._try, HostLost()))
        empty = not self._audience and not self._steps
        expiry = End(None, "expired", expired=True)
        self._timers.keep(End, config.seat_life if empty else None, partial(self._try, expiry))

    def _start_away(self, participant: str) -> None:
        self._timers.start(participant, self._services.config.away, partial(self._try, Expire(participant)))
