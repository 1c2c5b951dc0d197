"""The test bed: simulated clients around the real engine, in virtual time, every packet watched where it leaves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypedDict, Unpack

from benchmarks.link import LinkConfig, Path
from sfu.commands import (
    ClosePeer,
    Command,
    Encoding,
    Kind,
    OpenPeer,
    ReceiveTrack,
    RestartIce,
    Route,
    SendSlot,
    SetGate,
    SetKeys,
    SetMute,
    SetRoutes,
    SetSections,
)
from sfu.config import MediaConfig
from sfu.events import Event
from sfu.plane import VirtualPlane
from tests.bed.client import SimClient
from tests.bed.clock import MILLISECOND, SECOND
from tests.bed.content import Stamp
from tests.bed.dialect import CHROMIUM, FIREFOX, Dialect, published, slots
from tests.bed.ice import Credentials
from tests.bed.network import SERVER, Emission, Host, Network
from tests.bed.receiver import Receiver
from tests.bed.sender import Media, Sender
from tests.bed.srtp import Keys, Opening, Profile
from tests.bed.watch import GateWatch


@dataclass(slots=True, eq=False, kw_only=True)
class Person(Host):
    """A host, and what the bed told the plane of it."""

    peer: int
    room: int
    credentials: Credentials
    """The server's ICE credentials for it."""
    keys: Keys
    dialect: Dialect
    tracks: tuple[ReceiveTrack, ...] = ()
    slots: tuple[SendSlot, ...] = ()

    def track(self, kind: Kind) -> int:
        """Its first track of that kind."""
        return next(section.track for section in self.tracks if section.kind == kind)

    def slot(self, kind: Kind, nth: int = 0) -> int:
        return [section.slot for section in self.slots if section.kind == kind][nth]

    def sender(self, kind: Kind) -> Sender:
        return self.client.senders[self.track(kind)]

    def receiver(self, kind: Kind, nth: int = 0) -> Receiver:
        return self.client.receivers[self.slot(kind, nth)]


_FIRST_SLOT = 2
"""Lines keep their places (RFC 8829 section 5.2.2), whatever is sent in those before."""


class Options(TypedDict, total=False):
    """What `Bed.call` hands on to `Bed.open`."""

    room: int
    profile: Profile
    dialect: Dialect
    link: LinkConfig
    encodings: Sequence[Encoding]
    repair: bool
    media: Mapping[Kind, Media]
    nominate: Literal["after", "at_once"]


class Bed(Network):
    """Peers, tracks and slots get their numbers here, and the plane its commands; no SDP, and keys without DTLS."""

    plane: VirtualPlane

    def __init__(self, seed: int = 0, config: MediaConfig | None = None, now: int = 1_000 * SECOND) -> None:
        config = config or MediaConfig(port=SERVER[1], announce=(SERVER[0],))
        super().__init__(VirtualPlane(config, now=now, seed=seed), now)
        self.random = Random(seed)
        self.seed = seed
        self.watch = GateWatch()
        self.people: dict[int, Person] = {}
        self.events: list[tuple[int, Event]] = []
        self.on_event = lambda event: self.events.append((self.now, event))
        self.on_arrival = self._note_arrival
        self.on_emission = self._judge
        self._next_peer = 1

    def _note_arrival(self, stamp: Stamp) -> None:
        self.watch.arrived(stamp)

    def _judge(self, emission: Emission) -> None:
        person = emission.host
        assert isinstance(person, Person)
        self.watch.left(person.peer, emission.stamp)
        # A retransmission may be of the track that had the slot before.
        if not emission.retransmitted:
            self.watch.routed(person.room, person.peer, emission.receiver.section.slot, emission.stamp)

    # People

    def open(
        self,
        *,
        room: int = 1,
        kinds: Sequence[Kind] = ("audio", "video"),
        slots: int = 1,
        profile: Profile = Profile.AEAD_AES_128_GCM,
        dialect: Dialect | None = None,
        link: LinkConfig | None = None,
        encodings: Sequence[Encoding] = (Encoding(),),
        repair: bool = True,
        media: Mapping[Kind, Media] | None = None,
        nominate: Literal["after", "at_once"] | None = None,
        gate: bool = True,
        keys: bool = True,
    ) -> Person:
        """A participant with sections agreed; `slots` are pairs of audio and video. It connects as time passes."""
        peer, self._next_peer = self._next_peer, self._next_peer + 1
        odd = peer % 2 == 1
        dialect = dialect or (CHROMIUM if odd else FIREFOX)
        server, local = Credentials.random(self.random), Credentials.random(self.random)
        ours = Keys.random(profile, self.random)
        client = SimClient(
            peer,
            address=(f"192.0.2.{peer % 250 + 1}", 40_000 + peer),
            server=SERVER,
            local=local,
            remote=server,
            keys=ours if keys else None,
            seed=self.seed,
            nominate=nominate or ("after" if odd else "at_once"),
            # Clocks of people differ by minutes.
            wall_clock=1_700_000_000 * SECOND + self.random.randrange(-300, 300) * SECOND,
        )
        path = Path.of(link or LinkConfig(), self.seed << 16 | peer)
        person = Person(
            client,
            path,
            Opening(ours.profile, ours.receive),
            peer=peer,
            room=room,
            credentials=server,
            keys=ours,
            dialect=dialect,
        )
        self.people[peer] = person
        self.apply(OpenPeer(peer, room, server.ufrag, server.pwd, local.ufrag, 0x5000_0000 + peer))
        if keys:
            self.give_keys(person)
        self.set_sections(person, kinds, slots, encodings=encodings, repair=repair, media=media or {})
        if gate:
            self.set_gate(person, True)
        self.add(person)
        return person

    def give_keys(self, person: Person) -> None:
        """The server's side of the keys, as DTLS would give it."""
        keys = person.keys
        self.apply(SetKeys(person.peer, int(keys.profile), local=keys.receive, remote=keys.send))

    def set_sections(
        self,
        person: Person,
        kinds: Sequence[Kind],
        pairs: int,
        *,
        encodings: Sequence[Encoding] = (Encoding(),),
        repair: bool = True,
        media: Mapping[Kind, Media] | None = None,
    ) -> None:
        peer = person.peer
        person.tracks = tuple(
            published(person.dialect, kinds, first_track=peer * 100, encodings=encodings, repair=repair)
        )
        receive: list[Kind] = ["audio", "video"] * pairs
        first = 0x1000_0000 + peer * 0x1000
        person.slots = tuple(
            slots(person.dialect, receive, first_line=_FIRST_SLOT, first_ssrc=first, cname=f"slot-{peer}")
        )
        self.apply(SetSections(peer, person.tracks, person.slots))
        wanted = media or {}
        shapes = {section.track: wanted[section.kind] for section in person.tracks if section.kind in wanted}
        person.client.set_sections(person.tracks, person.slots, shapes)
        if person.dialect.repairs_sound:
            person.client.repair_sound()

    def connect(self, *people: Person, limit: int = 5 * SECOND) -> None:
        """Wait until everybody has a selected path."""
        everybody = people or tuple(self.people.values())
        self.run_while(lambda: any(person.client.ice.selected is None for person in everybody), limit)

    def call(self, count: int = 2, **options: Unpack[Options]) -> list[Person]:
        """People in one room who all see each other and send."""
        people = [self.open(slots=max(1, count - 1), **options) for _ in range(count)]
        self.connect(*people)
        self.mesh(people)
        for person in people:
            self.start(person)
        return people

    # Commands

    def apply(self, command: Command) -> None:
        self.settle()
        self.plane.apply(command)
        self.drain()

    def set_gate(self, person: Person, is_open: bool) -> None:
        # What the command itself sets free counts as after it.
        self.settle()
        self.watch.gate(person.peer, is_open)
        self.apply(SetGate(person.peer, is_open))
        person.client.set_epoch(person.client.epoch + 1)

    def set_mute(self, track: int, muted: bool) -> None:
        self.settle()
        self.watch.mute(track, muted)
        self.apply(SetMute(track, muted))

    def set_routes(self, room: int, routes: Iterable[Route]) -> None:
        """The room's whole table."""
        wanted = frozenset(routes)
        self.settle()
        self.watch.routes(room, wanted)
        self.apply(SetRoutes(room, tuple(sorted(wanted, key=lambda route: (route.viewer, route.slot)))))

    def apply_routes_unwatched(self, room: int, routes: Iterable[Route]) -> None:
        """A table that must lead to nothing: the watch goes on expecting what it expected."""
        self.apply(SetRoutes(room, tuple(routes)))

    def mesh(self, people: Sequence[Person]) -> frozenset[Route]:
        """Everybody sees everybody, slots filled in order of the people."""
        routes = set()
        for viewer in people:
            free: dict[Kind, list[int]] = {"audio": [], "video": []}
            for slot in viewer.slots:
                free[slot.kind].append(slot.slot)
            for other in people:
                for track in other.tracks if other is not viewer else ():
                    if free[track.kind]:
                        routes.add(Route(track.track, viewer.peer, free[track.kind].pop(0)))
        self.set_routes(people[0].room, routes)
        return frozenset(routes)

    def close(self, person: Person) -> None:
        """The server forgets the peer; its client goes on, unaware."""
        self.settle()
        self.watch.gate(person.peer, False)
        self.apply(ClosePeer(person.peer))

    def restart_ice(self, person: Person) -> None:
        """New credentials on both sides."""
        server, local = Credentials.random(self.random), Credentials.random(self.random)
        person.credentials = server
        self.apply(RestartIce(person.peer, server.ufrag, server.pwd, local.ufrag))
        person.client.ice.restart(self.now, local, server)
        self.touch(person)

    def start(self, person: Person, *kinds: Kind) -> None:
        """Begin to send those kinds, or all."""
        person.client.start(self.now, *(person.track(kind) for kind in kinds))
        self.touch(person)

    def stop(self, person: Person, *kinds: Kind) -> None:
        person.client.stop(*(person.track(kind) for kind in kinds))


__all__ = ["MILLISECOND", "SECOND", "SERVER", "Bed", "Person"]
