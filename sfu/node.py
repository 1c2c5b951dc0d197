"""The face of the media node: rooms and people by name, offers and answers, gates; events up."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from sfu import dtls
from sfu.addresses import announced
from sfu.commands import ClosePeer, OpenPeer, RestartIce, SetGate, SetMute, SetRoutes, SetSections
from sfu.config import MediaConfig
from sfu.errors import SfuError
from sfu.events import ConsentLost, ConsentRegained, DtlsReceived, Event, PathChanged, TrackStarted, Validated
from sfu.plane import Plane, Snapshot, ThreadPlane
from sfu.room_events import (
    NodeEvent,
    PeerConnected,
    PeerDisconnected,
    PeerFailed,
    Slots,
    SlotsNeeded,
    TracksChanged,
    TrackView,
)
from sfu.router import Member, Place, Publication, Router
from sfu.sdp import Candidate, LocalTransport, Negotiated, OfferedTrack, Published, negotiate, peek
from sfu.transport import Transport

_HANDSHAKE_THREADS: Final = 2


@dataclass(slots=True)
class _Connection:
    """A peer in the wire: one PeerConnection of the participant."""

    number: int
    local: LocalTransport
    negotiated: Negotiated
    transport: Transport
    publications: tuple[Publication, ...] = ()
    connected: bool = False


@dataclass(slots=True)
class _Peer:
    room: str
    participant: str
    size: int
    open: bool = False
    muted: set[str] = field(default_factory=set)
    connection: _Connection | None = None
    view: tuple[TrackView, ...] = ()
    slots: Slots = field(default_factory=lambda: Slots(1, 1))


@dataclass(slots=True)
class _Room:
    number: int
    peers: dict[str, _Peer] = field(default_factory=dict)
    router: Router = field(default_factory=Router)


class Node:
    """All rooms of one media thread. Every method is called on the event loop; none blocks."""

    def __init__(
        self,
        plane: Plane,
        addresses: Sequence[str],
        *,
        certificate: dtls.Certificate,
        executor: Executor,
        clock: Callable[[], float] = time.monotonic,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._plane = plane
        self._candidates = tuple(Candidate(address, plane.port) for address in addresses)
        self._certificate = certificate
        self._executor = executor
        self._clock = clock
        self._random_bits = random_bits
        self._rooms: dict[str, _Room] = {}
        self._by_number: dict[int, _Peer] = {}
        self._last_number = 0
        self._ssrcs: set[int] = set()
        self._stop: Callable[[], None] | None = None
        self.events: Callable[[NodeEvent], None] = _ignore

    @classmethod
    def start(cls, config: MediaConfig) -> "Node":
        """A node on real sockets, on the running loop. OSError: the port is taken, or an address does not resolve."""
        plane = ThreadPlane(config, seed=secrets.randbits(64))
        try:
            addresses = announced(config.announce)
        except OSError:
            plane.close()
            raise
        executor = ThreadPoolExecutor(_HANDSHAKE_THREADS, thread_name_prefix="venterom-dtls")
        node = cls(plane, addresses, certificate=dtls.Certificate.generate(time.time), executor=executor)
        plane.listen(node.receive)

        def stop() -> None:
            plane.close()
            executor.shutdown(wait=False, cancel_futures=True)

        node._stop = stop
        return node

    def stop(self) -> None:
        """Closes every transport and, where the node opened them, the sockets."""
        for room in tuple(self._rooms):
            self.close_room(room)
        if self._stop is not None:
            self._stop()
            self._stop = None

    @property
    def port(self) -> int:
        """The UDP port of media."""
        return self._plane.port

    def snapshot(self) -> Snapshot:
        """The wire's own view of everything."""
        return self._plane.snapshot()

    def number(self, room: str, participant: str) -> int | None:
        """The participant's peer in the wire, none before its first offer."""
        peer = self._find(room, participant)
        return peer.connection.number if peer is not None and peer.connection is not None else None

    # What the room asks for

    def open_peer(self, room: str, participant: str, *, size: int) -> Slots:
        """Makes a place for a participant, its gate closed; one that is there stays as it is.

        `size` is how many people are expected in the room; the answer is how many receive sections to offer.
        """
        found = self._rooms.get(room)
        if found is None:
            found = self._rooms[room] = _Room(self._next_number())
        peer = found.peers.get(participant)
        if peer is None:
            peer = found.peers[participant] = _Peer(room, participant, size)
        peer.slots = self._wanted(found, peer)
        return peer.slots

    async def offer(self, room: str, participant: str, sdp: str, tracks: Sequence[OfferedTrack]) -> str:
        """Answers an offer. A PeerConnection that is new to us gets a new transport in place of the participant's old.

        SfuError with a code `sdp_*`, or `peer_unknown`; then everything is as it was.
        """
        peer = self._find(room, participant)
        if peer is None:
            raise SfuError("peer_unknown", "the participant has no place in the room")
        before = peer.connection
        offered = peek(sdp)
        if before is not None and offered.session == before.negotiated.session:
            known = before.negotiated
            restarts = offered.ice_ufrag != known.ice_ufrag
            local = self._local() if restarts else before.local
            negotiated = self._negotiate(sdp, tracks, local, known)
            if set(negotiated.fingerprints) == set(known.fingerprints):
                if restarts:
                    self._plane.apply(RestartIce(before.number, local.ufrag, local.pwd, negotiated.ice_ufrag))
                before.local, before.negotiated = local, negotiated
                self._sections(peer, before)
                return negotiated.answer
        local = self._local()
        negotiated = self._negotiate(sdp, tracks, local, None)
        self._disconnect(peer)
        self._connect(peer, local, negotiated)
        return negotiated.answer

    def set_gate(self, room: str, participant: str, open: bool) -> None:
        """Media passes between open gates only. Closing holds from the moment that the wire has it."""
        peer = self._find(room, participant)
        if peer is None or peer.open == open:
            return
        peer.open = open
        if peer.connection is not None:
            self._plane.apply(SetGate(peer.connection.number, open))
        self._refresh(room)

    def set_mute(self, room: str, participant: str, track: str, muted: bool) -> None:
        """Mutes a participant's own track for everybody, over reconnects too. SfuError `track_unknown`."""
        peer = self._find(room, participant)
        publications = peer.connection.publications if peer is not None and peer.connection is not None else ()
        found = next((item for item in publications if item.id == track), None)
        if peer is None or peer.connection is None or found is None:
            raise SfuError("track_unknown", "no such track of this participant")
        (peer.muted.add if muted else peer.muted.discard)(track)
        self._plane.apply(SetMute(found.track, muted))
        peer.connection.publications = tuple(
            replace(item, muted=muted) if item is found else item for item in publications
        )
        self._refresh(room)

    def close_peer(self, room: str, participant: str) -> None:
        """Forgets a participant; nothing more comes from or goes to it."""
        found = self._rooms.get(room)
        peer = found.peers.pop(participant, None) if found is not None else None
        if found is None or peer is None:
            return
        self._disconnect(peer)
        if found.peers:
            self._refresh(room)
        else:
            del self._rooms[room]

    def close_room(self, room: str) -> None:
        """Forgets a room and all in it."""
        found = self._rooms.pop(room, None)
        if found is not None:
            for peer in found.peers.values():
                self._disconnect(peer)

    # What the wire tells

    def receive(self, event: Event) -> None:
        """Takes an event of the wire. One about a peer that is gone has no effect."""
        match event:
            case DtlsReceived(number, datagram):
                peer = self._by_number.get(number)
                if peer is not None and peer.connection is not None:
                    peer.connection.transport.receive(datagram)
            case ConsentLost(number):
                peer = self._by_number.get(number)
                if peer is not None:
                    self.events(PeerDisconnected(peer.room, peer.participant))
            case ConsentRegained(number):
                peer = self._by_number.get(number)
                if peer is not None and peer.connection is not None and peer.connection.connected:
                    self.events(PeerConnected(peer.room, peer.participant))
            case Validated() | PathChanged() | TrackStarted():
                pass
            case _:
                assert_never(event)

    # Inside

    def _find(self, room: str, participant: str) -> _Peer | None:
        found = self._rooms.get(room)
        return found.peers.get(participant) if found is not None else None

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    def _new_ssrc(self) -> int:
        while True:
            ssrc = self._random_bits(32)
            if ssrc and ssrc not in self._ssrcs:
                self._ssrcs.add(ssrc)
                return ssrc

    def _local(self) -> LocalTransport:
        # 48 and 144 bits in ice-chars; RFC 8839 section 5.4 asks for 24 and 128.
        return LocalTransport(
            ufrag=f"{self._random_bits(48):012x}",
            pwd=f"{self._random_bits(144):036x}",
            fingerprint=self._certificate.fingerprint,
            candidates=self._candidates,
        )

    def _negotiate(
        self, sdp: str, tracks: Sequence[OfferedTrack], local: LocalTransport, previous: Negotiated | None
    ) -> Negotiated:
        return negotiate(sdp, tracks, local, previous=previous, cname="venterom", new_ssrc=self._new_ssrc)

    def _connect(self, peer: _Peer, local: LocalTransport, negotiated: Negotiated) -> None:
        number = self._next_number()
        room = self._rooms[peer.room]

        def connected() -> None:
            connection.connected = True
            self.events(PeerConnected(peer.room, peer.participant))

        def failed(code: str) -> None:
            self.events(PeerFailed(peer.room, peer.participant, code))

        handshake = dtls.Handshake(self._certificate, negotiated.fingerprints, now=self._clock())
        transport = Transport(number, self._plane, self._executor, self._clock, handshake, connected, failed)
        connection = peer.connection = _Connection(number, local, negotiated, transport)
        self._by_number[number] = peer
        self._plane.apply(OpenPeer(number, room.number, local.ufrag, local.pwd, negotiated.ice_ufrag, self._new_ssrc()))
        if peer.open:
            self._plane.apply(SetGate(number, True))
        self._sections(peer, connection)

    def _disconnect(self, peer: _Peer) -> None:
        connection = peer.connection
        if connection is None:
            return
        peer.connection = None
        connection.transport.close()
        del self._by_number[connection.number]
        for slot in connection.negotiated.slots:
            self._ssrcs.discard(slot.ssrc)
            if slot.rtx_ssrc is not None:
                self._ssrcs.discard(slot.rtx_ssrc)
        self._plane.apply(ClosePeer(connection.number))

    def _sections(self, peer: _Peer, connection: _Connection) -> None:
        """Hands a negotiation to the wire; tracks keep their numbers while their section does."""
        before = {item.id: item for item in connection.publications}
        publications: list[Publication] = []
        receive = []
        for track_id, published in _named(peer.participant, connection.negotiated):
            known = before.get(track_id)
            number = known.track if known is not None else self._next_number()
            muted = track_id in peer.muted
            publications.append(Publication(track_id, number, published.kind, published.source, muted))
            receive.append(replace(published.receive, track=number))
        connection.publications = tuple(publications)
        self._plane.apply(SetSections(connection.number, tuple(receive), connection.negotiated.slots))
        for item in publications:
            if item.muted:
                self._plane.apply(SetMute(item.track, True))
        self._refresh(peer.room)

    def _refresh(self, name: str) -> None:
        """Plans the room anew, tells the wire, and tells each viewer what changed for it."""
        room = self._rooms[name]
        plan = room.router.plan([_member(peer) for peer in room.peers.values()])
        self._plane.apply(SetRoutes(room.number, plan.routes))
        for peer in tuple(room.peers.values()):
            view = plan.views[peer.participant]
            if view != peer.view:
                peer.view = view
                self.events(TracksChanged(peer.room, peer.participant, view))
            self._grow(room, peer)

    def _wanted(self, room: _Room, peer: _Peer) -> Slots:
        others = [other for other in room.peers.values() if other is not peer and other.open]
        people = max(1, peer.size - 1, len(others))
        screens = sum(
            item.source == "screen" for other in others if other.connection for item in other.connection.publications
        )
        return Slots(people, people + screens)

    def _grow(self, room: _Room, peer: _Peer) -> None:
        """Asks for more sections as the room grows; only who is inside hears how many there are."""
        if not peer.open or peer.connection is None:
            return
        wanted = self._wanted(room, peer)
        slots = Slots(max(peer.slots.audio, wanted.audio), max(peer.slots.video, wanted.video))
        if slots != peer.slots:
            peer.slots = slots
            self.events(SlotsNeeded(peer.room, peer.participant, slots))


def _named(participant: str, negotiated: Negotiated) -> Iterator[tuple[str, Published]]:
    """Ids that last over reconnects: by person and source, numbered from the second of a source on."""
    seen: dict[str, int] = {}
    for published in negotiated.tracks:
        seen[published.source] = count = seen.get(published.source, 0) + 1
        suffix = "" if count == 1 else f"-{count}"
        yield f"{participant}-{published.source}{suffix}", published


def _member(peer: _Peer) -> Member:
    connection = peer.connection
    if connection is None:
        return Member(peer.participant, None, peer.open)
    places = tuple(
        Place(slot.slot, slot.mid, slot.kind, pair)
        for slot, pair in zip(connection.negotiated.slots, connection.negotiated.pairs, strict=True)
    )
    return Member(peer.participant, connection.number, peer.open, connection.publications, places)


def _ignore(_event: NodeEvent) -> None:
    """Nobody listens yet."""
