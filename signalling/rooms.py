"""All rooms of the node: who may enter, whose grants are spent, and what control may do. The journal restores it."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, assert_never

import structlog

from signalling import grant as grants
from signalling import messages, seat
from signalling.audience import Link
from signalling.clock import Clock, Timer
from signalling.config import SignallingConfig
from signalling.errors import CODES, GrantError, RoomError, SeatError, SignallingError
from signalling.feed import Feed
from signalling.inputs import Act, End, Enter, Input, Move, Open, Return, SetNotice, SetRole
from signalling.journal import Journal
from signalling.keys import KeySource, SigningKey
from signalling.live import Arrival, LiveRoom, Services
from signalling.node import (
    Node,
    NodeEvent,
    OfferedTrack,
    OfferNeeded,
    PeerConnected,
    PeerDisconnected,
    PeerFailed,
    Slots,
    SlotsNeeded,
    SpeakersChanged,
    TracksChanged,
)
from signalling.ratelimit import Allowance
from signalling.records import Record
from signalling.recovery import is_over, replay
from signalling.redact import mark
from signalling.requests import input_of
from signalling.roles import Role
from signalling.room import Ended, Person, Room, apply, restored
from signalling.spent import SpentGrants
from signalling.stats import Meter, People, count_people
from signalling.turn import Turn

log: Final = structlog.get_logger("venterom.signalling")

PRUNE_EVERY: Final = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A connection that has joined."""

    room: LiveRoom
    participant: str
    link: Link

    @property
    def allowance(self) -> Allowance:
        """What the participant may send."""
        return self.room.allowance(self.participant)


class Rooms:
    """The registry. `start` before anything else; all calls on one event loop."""

    def __init__(
        self,
        config: SignallingConfig,
        node: Node,
        keys: KeySource,
        node_key: SigningKey,
        journal: Journal,
        clock: Clock,
        turn: Turn | None = None,
        feed: Feed | None = None,
    ) -> None:
        self._config = config
        self._feed = feed
        self._turn = turn
        self._node = node
        self._keys = keys
        self._node_key = node_key
        self._journal = journal
        self._clock = clock
        self._services = Services(config, node, journal, clock, self._welcome, self._over)
        self._live: dict[str, LiveRoom] = {}
        self._ended: dict[str, Room] = {}
        self._spent = SpentGrants()
        self._pruning: Timer | None = None
        self._log = log
        self.meter: Final = Meter()
        self.opens_rooms: Callable[[], bool] = lambda: True
        """Asked before a room comes into being; set by the owner, who knows how busy the host is."""

    @property
    def memory(self) -> float:
        """For how many seconds an ended room is remembered: as long as any seat in it."""
        return self._config.seat_life + seat.LEEWAY_S

    def start(self, records: Iterable[Record]) -> None:
        """Takes up what the journal has, and listens to the node."""
        found = replay(records)
        for grant, forget_at in found.spent.items():
            self._spent.add(grant, forget_at)
        now = self._clock.wall()
        for name, room in found.rooms.items():
            if isinstance(room.life, Ended):
                if not is_over(room, now, self.memory):
                    self._ended[name] = replace(room, people={})
            else:
                self._live[name] = LiveRoom(restored(room), self._services)
        self._node.events = self.handle
        self._journal.on_recovery = self._storage_recovered
        for live in list(self._live.values()):
            live.start()
        self._prune()
        log.info("rooms restored", live=len(self._live), ended=len(self._ended))

    def stop(self) -> None:
        """Stops the clocks; nothing is ended."""
        if self._pruning is not None:
            self._pruning.cancel()
            self._pruning = None
        for live in self._live.values():
            live.stop()

    # --- participants

    async def join(self, join: messages.Join, link: Link) -> Member:
        """Lets a connection in by grant or seat (raises SignallingError), and sends it `joined` and the state."""
        began = self._clock.monotonic()
        try:
            if join.grant is not None:
                member = await self._enter(join, join.grant, link)
            else:
                member = await self._return(join, join.seat or "", link)
        except SignallingError as error:
            self.meter.refused_joins.add(error.code)
            raise
        self.meter.joins.observe(self._clock.monotonic() - began)
        return member

    def people(self) -> People:
        """How many rooms and people there are."""
        return count_people(live.state for live in self._live.values())

    @property
    def remembered(self) -> tuple[int, int]:
        """How many ended rooms and spent grants are known until they have run out by themselves."""
        return len(self._ended), len(self._spent)

    def forget(self) -> None:
        """Drops what has run out by itself; done every minute unasked."""
        now = self._clock.wall()
        self._spent.forget(now)
        self._ended = {name: room for name, room in self._ended.items() if not is_over(room, now, self.memory)}

    async def _enter(self, join: messages.Join, token: str, link: Link) -> Member:
        grant = grants.verify(token, self._keys, audience=self._config.audience, now=self._clock.wall())
        if join.room is not None and join.room != grant.room:
            raise GrantError("grant_wrong_room")
        if grant.id in self._spent:
            raise GrantError("grant_replayed")
        event = Enter(
            participant=grant.participant,
            role=grant.role,
            name=join.name if grant.rename and join.name is not None else grant.name,
            gate=grant.gate,
            size=grant.size,
            issued=grant.issued,
            issuer=grant.id.issuer,
            jti=grant.id.jti,
            forget_at=grant.forget_at,
            acr=grant.acr,
        )
        self._spent.add(grant.id, grant.forget_at)
        try:
            live = await self._settled(self._room(grant.room), event, Arrival(link, join.id))
        except SignallingError:
            self._spent.discard(grant.id, grant.forget_at)
            raise
        self._log.info("entered", **self._marks(grant.room, grant.participant), role=grant.role, gate=grant.gate)
        return Member(live, grant.participant, link)

    async def _return(self, join: messages.Join, token: str, link: Link) -> Member:
        place = seat.verify(token, self._node_key, now=self._clock.wall())
        if join.room is not None and join.room != place.room:
            raise GrantError("grant_wrong_room")
        live = self._live.get(place.room)
        if live is None or live.state.epoch != place.epoch:
            known = live is not None or place.room in self._ended
            raise RoomError("room_ended") if known else SeatError("seat_dead")
        await self._settled(live, Return(place.participant, place.number), Arrival(link, join.id))
        self._log.info("returned", **self._marks(place.room, place.participant))
        return Member(live, place.participant, link)

    def do(self, member: Member, command: messages.Command | messages.Mute) -> None:
        """Carries out a command (raises SignallingError or SfuError). What fails later is told by an `error`."""
        self._check_current(member)
        if isinstance(command, messages.Mute):
            self._node.set_mute(member.room.state.id, member.participant, command.track, command.muted)
            return

        def settle(error: SignallingError | None) -> None:
            if error is not None:
                member.link.send(messages.Error(re=command.id, code=error.code, message=error.message))

        member.room.submit(input_of(command, member.participant, member.room.state), settle=settle)
        self._log.info(command.type, **self._marks(member.room.state.id, member.participant))

    async def offer(self, member: Member, sdp: str, tracks: Iterable[messages.OfferedTrack]) -> str:
        """The answer to an offer (raises SignallingError or SfuError)."""
        self._check_current(member)
        offered = [OfferedTrack(mid=track.mid, kind=track.kind, source=track.source) for track in tracks]
        return await self._node.offer(member.room.state.id, member.participant, sdp, offered)

    def disconnect(self, member: Member) -> None:
        """The member's connection is gone."""
        member.room.disconnect(member.participant, member.link)

    # --- control: closings act at once, and each command returns once it is on disk

    async def open(self, room: str, *, size: int = 2, at: float | None = None) -> None:
        """Opens a room before anybody comes, or makes it larger.

        With the wall time `at` of the decision it may be repeated: what was ended since stays so.
        """
        live = await self._unless_done(room, at, unasked=False)
        event = Open(size, at)
        if live is not None and (at is None or apply(live.state, event, at) != live.state):
            await self._settled(live, event, durable=True)
        else:
            await self._on_disk()

    async def revoke(self, room: str, participant: str, *, before: float | None = None) -> None:
        """Takes a person out, and kills the seat and every grant issued up to now, used or not.

        With the wall time `before` of the decision it may be repeated, after a crash for instance: it concerns grants
        issued up to then, and whoever has entered by a later one stays.
        """
        event = Move(participant, Act.REVOKE, None, before=before)
        live = await self._unless_done(room, before)
        if live is not None and (before is None or apply(live.state, event, before) != live.state):
            await self._settled(live, event, durable=True)
        else:
            await self._on_disk()

    async def end(self, room: str, *, reason: str | None = None, before: float | None = None) -> None:
        """Ends the room; grants issued up to now never open it again.

        With the wall time `before` of the decision it may be repeated, after a crash for instance: it concerns grants
        issued up to then, and a life of the room that began later by control's doing goes on.
        """
        live = await self._unless_done(room, before)
        if live is not None and (before is None or not live.state.is_later(before)):
            await self._settled(live, End(None, reason, before=before), durable=True)
        else:
            await self._on_disk()

    async def notice(self, room: str, *, minutes: int | None = None, text: str | None = None) -> None:
        """Tells the lobby about a delay (raises RoomError("room_ended") where there is no such room)."""
        await self._settled(self._known(room), SetNotice(None, minutes, text), durable=True)

    async def set_rights(self, room: str, participant: str, role: Role, *, before: float | None = None) -> None:
        """Makes somebody something else, with the rights of that role, until a grant says otherwise.

        With the wall time `before` of the decision it may be repeated: who has entered by a later grant is what that
        says. RoomError `room_ended` where there is no such room, `unknown_participant` where the person has no seat.
        """
        live = self._known(room)
        person = live.state.people.get(participant)
        later = before is not None and person is not None and person.issued is not None and person.issued > before
        if person is not None and person.seated and (later or person.role is role):
            await self._on_disk()
        else:
            await self._settled(live, SetRole(participant, role), durable=True)

    def roster(self, room: str) -> Room | None:
        """What has taken effect in the room: who stands where, paused or not; of an ended room, that it has ended.

        None where there is no such room, or none any more that is remembered.
        """
        live = self._live.get(room)
        return self._ended.get(room) if live is None else live.shown

    # --- the node

    def handle(self, event: NodeEvent) -> None:
        """Takes an event of the node."""
        live = self._live.get(event.room)
        if live is None:
            return
        match event:
            case PeerConnected(participant=participant):
                live.media(participant, True)
            case PeerDisconnected(participant=participant):
                live.media(participant, False)
            case PeerFailed(participant=participant, code=code):
                live.media(participant, False)
                live.tell(participant, messages.Error(code=code, message=CODES["transport_failed"]))
            case TracksChanged(participant=participant, tracks=tracks):
                live.tracks(participant, tracks)
            case SlotsNeeded(participant=participant, slots=slots):
                live.tell(participant, messages.Slots(audio=slots.audio, video=slots.video))
            case OfferNeeded(participant=participant):
                live.tell(participant, messages.Renegotiate(reason="codec"))
            case SpeakersChanged(participants=speakers):
                live.speakers(speakers)
            case _:
                assert_never(event)

    # --- inside

    def _check_current(self, member: Member) -> None:
        if not member.room.is_current(member.participant, member.link):
            raise SeatError("seat_dead")

    def _known(self, name: str) -> LiveRoom:
        live = self._live.get(name)
        if live is None:
            raise RoomError("room_ended")
        return live

    async def _unless_done(self, name: str, before: float | None, *, unasked: bool = True) -> LiveRoom | None:
        """The room that control means; None where it is over, for what was given and decided up to then too."""
        live = self._live.get(name)
        if live is not None and isinstance(live.state.life, Ended):
            await self._on_disk()
        ended = self._ended.get(name) if name not in self._live else None
        if before is not None and ended is not None and ended.dead_until is not None and before <= ended.dead_until:
            return None
        return self._room(name, unasked=unasked)

    async def _on_disk(self) -> None:
        """Waits for what was decided so far: what asks for nothing new may not return before that is on disk."""
        written = asyncio.get_running_loop().create_future()
        self._journal.after(lambda: None if written.done() else written.set_result(None))
        await written

    def _room(self, name: str, *, unasked: bool = False) -> LiveRoom:
        """The room's present life, or a new one, which joins the registry once something has happened in it.

        RoomError `overloaded`: a new one is too much; who enters a room that is there, or returns, is always taken,
        and what control closes (`unasked`) as well.
        """
        live = self._live.get(name)
        if live is not None:
            return live
        if not unasked and (not self.opens_rooms() or (self._feed is not None and self._feed.is_full)):
            raise RoomError("overloaded")
        ended = self._ended.get(name)
        epoch = int(self._clock.wall() * 1000)
        if ended is None:
            return LiveRoom(Room(name, epoch), self._services)
        return LiveRoom(ended.successor(max(epoch, ended.epoch + 1)), self._services)

    async def _settled(
        self, live: LiveRoom, event: Input, arrival: Arrival | None = None, *, durable: bool = False
    ) -> LiveRoom:
        """Submits, and waits until it has taken effect, and is on disk where that is asked (raises SignallingError)."""
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settle(error: SignallingError | None) -> None:
            if settled.done():
                return
            if error is None:
                settled.set_result(None)
            else:
                settled.set_exception(error)

        self._live[live.state.id] = live
        try:
            live.submit(event, arrival=arrival, durable=durable, settle=settle)
            await settled
        except asyncio.CancelledError:
            if arrival is not None and isinstance(event, Enter | Return):
                live.disconnect(event.participant, arrival.link)  # it may be in already, and not know
            raise
        except SignallingError:
            if live.is_blank:
                live.stop()
                self._live.pop(live.state.id, None)
            raise
        return live

    def _welcome(self, room: Room, person: Person, slots: Slots, re: int | None) -> messages.Joined:
        place = seat.Seat(room.id, room.epoch, person.id, person.seat)
        return messages.Joined(
            re=re,
            participant=person.id,
            seat=seat.issue(place, self._node_key, now=self._clock.wall(), life=self._config.seat_life),
            room=room.id,
            role=person.role,
            name=person.name,
            gate="open" if person.inside else "lobby",
            slots=messages.SlotCounts(audio=slots.audio, video=slots.video),
            ice_servers=self._ice_servers(),
        )

    def _ice_servers(self) -> list[messages.IceServer]:
        servers = [
            messages.IceServer(urls=list(server.urls), username=server.username, credential=server.credential)
            for server in self._config.ice_servers
        ]
        if self._turn is not None:
            servers.append(self._turn.server(self._clock.wall()))
        return servers

    def _over(self, room: Room) -> None:
        self._live.pop(room.id, None)
        self._ended[room.id] = replace(room, people={})
        self._log.info("ended", room=mark(room.id))

    def _storage_recovered(self) -> None:
        for live in list(self._live.values()):
            live.storage_recovered()

    def _prune(self) -> None:
        self.forget()
        self._pruning = self._clock.call_at(self._clock.monotonic() + PRUNE_EVERY, self._prune)

    def _marks(self, room: str, participant: str) -> dict[str, str]:
        return {"room": mark(room), "participant": mark(room, participant)}
