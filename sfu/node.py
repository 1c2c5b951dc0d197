"""The face of the media node: rooms and people by name, offers and answers, gates; events up."""

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, assert_never

from sfu import dtls
from sfu.addresses import Endpoint, announced
from sfu.commands import ClosePeer, OpenPeer, RestartIce, SetGate, SetMute, SetSections
from sfu.config import MediaConfig
from sfu.errors import DTLS_CODES, SfuError
from sfu.events import ConsentLost, ConsentRegained, DtlsReceived, Event, Levels, PathChanged, TrackStarted, Validated
from sfu.hearing import Hearing
from sfu.news import News
from sfu.peers import Connection, Peer, Room
from sfu.plane import Plane, Snapshot, ThreadPlane
from sfu.planning import Planner
from sfu.publishing import publications
from sfu.room_events import (
    NodeEvent,
    OfferNeeded,
    PeerConnected,
    PeerDisconnected,
    PeerEvent,
    PeerFailed,
    Slots,
    SlotsNeeded,
    SpeakersChanged,
    TracksChanged,
)
from sfu.sdp import (
    VIDEO,
    Candidate,
    CodecPolicy,
    LocalTransport,
    Negotiated,
    OfferedTrack,
    negotiate,
    peek,
)
from sfu.stats import Histogram, NodeStatistics, Tally, doubling
from sfu.transport import CallLater, Outcome, Timer, Transport, on_loop

_HANDSHAKE_THREADS: Final = 2
_HANDSHAKE_BOUNDS: Final = tuple(doubling(0.01, 30.0))


class Node:
    """All rooms of one media thread. Every method is called on the event loop; none waits for the network.

    `events` hears what happened at the end of each of them, when all is consistent: it may call back in.
    """

    def __init__(
        self,
        plane: Plane,
        endpoints: Sequence[Endpoint],
        *,
        certificate: dtls.Certificate,
        executor: Executor,
        clock: Callable[[], float] = time.monotonic,
        call_later: CallLater = on_loop,
        random_bits: Callable[[int], int] = secrets.randbits,
        codecs: CodecPolicy | None = None,
    ) -> None:
        self._plane = plane
        self._candidates = _candidates(endpoints, plane.tcp_ports)
        self._certificate = certificate
        self._executor = executor
        self._clock = clock
        self._call_later = call_later
        self._random_bits = random_bits
        self._codecs = codecs or CodecPolicy()
        self._rooms: dict[str, Room] = {}
        self._by_number: dict[int, Peer] = {}
        self._by_voice: dict[int, Peer] = {}  # by the number of a microphone's track
        self._last_number = 0
        self._news = News()
        self._planner = Planner(plane, self._codecs, self._tell)
        self._stop: Callable[[], None] | None = None
        self.events: Callable[[NodeEvent], None] = _ignore
        self._handshakes = Histogram(_HANDSHAKE_BOUNDS)
        self._failed_handshakes = Tally(tuple(DTLS_CODES))
        self.raised_priority: bool | None = None
        """Whether the system gave the media thread a raised priority; None where the node has no thread."""

    @classmethod
    def start(cls, config: MediaConfig) -> "Node":
        """A node on real sockets, on the running loop. OSError: the port is taken, or an address does not resolve."""
        plane = ThreadPlane(config, seed=secrets.randbits(64))
        try:
            endpoints = announced(config.announce, plane.port)
        except OSError:
            plane.close()
            raise
        executor = ThreadPoolExecutor(_HANDSHAKE_THREADS, thread_name_prefix="venterom-dtls")
        codecs = CodecPolicy(
            video=tuple(VIDEO[name] for name in config.video_codecs), redundancy=config.audio_redundancy
        )
        certificate = dtls.Certificate.generate(time.time)
        node = cls(plane, endpoints, certificate=certificate, executor=executor, codecs=codecs)
        plane.listen(node.receive)
        node.raised_priority = plane.raised_priority

        def stop() -> None:
            plane.close()
            executor.shutdown(cancel_futures=True)  # waits for a step under way: milliseconds

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

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        """The TCP ports of media."""
        return self._plane.tcp_ports

    def snapshot(self) -> Snapshot:
        """The wire's own view of everything."""
        return self._plane.snapshot()

    def statistics(self) -> NodeStatistics:
        """The numbers of node and wire."""
        connections = [peer.connection for peer in self._by_number.values()]
        return NodeStatistics(
            wire=self._plane.statistics(),
            raised_priority=bool(self.raised_priority),
            transports=len(connections),
            connected=sum(connection is not None and connection.flowing for connection in connections),
            handshakes=self._handshakes.read(),
            failed_handshakes=self._failed_handshakes.read(),
        )

    def number(self, room: str, participant: str) -> int | None:
        """The participant's peer in the wire, none before its first offer."""
        peer = self._find(room, participant)
        return peer.connection.number if peer is not None and peer.connection is not None else None

    # What the room asks for

    def open_peer(self, room: str, participant: str, *, size: int) -> Slots:
        """Makes a place for a participant, its gate closed; one that is there stays as it is, or expects more people.

        `size` is how many people are expected in the room; the answer is how many receive sections to offer.
        """
        found = self._rooms.get(room)
        if found is None:
            found = self._rooms[room] = Room(self._next_number(), self._hearing(room))
        peer = found.peers.get(participant)
        if peer is None:
            peer = found.peers[participant] = Peer(room, participant, size)
        return self._planner.expect(found, peer, size)

    async def offer(self, room: str, participant: str, sdp: str, tracks: Sequence[OfferedTrack]) -> str:
        """Answers an offer. A PeerConnection that is new to us gets a new transport in place of the participant's old.

        SfuError with a code `sdp_*`, or `peer_unknown`; then everything is as it was.
        """
        peer = self._find(room, participant)
        if peer is None:
            raise SfuError("peer_unknown", "the participant has no place in the room")
        offered = peek(sdp)
        known = peer.connection
        if known is not None and known.negotiated.session != offered.session:
            known = None
        ssrc = self._new_ssrc() if known is None else known.ssrc
        restarts = known is None or known.negotiated.ice_ufrag != offered.ice_ufrag
        local = self._local() if known is None or restarts else known.local
        negotiated = negotiate(
            sdp,
            tracks,
            local,
            previous=None if known is None else known.negotiated,
            cname="venterom",
            new_ssrc=lambda: self._new_ssrc(ssrc),
            policy=self._codecs,
            viewers=self._rooms[room].viewers(peer),
        )
        # Nothing has changed so far, and nothing fails from here on.
        answer = negotiated.answer
        negotiated = replace(negotiated, answer="")  # up to 100 kB that nobody reads again
        if known is None or set(negotiated.fingerprints) != set(known.negotiated.fingerprints):
            # Another certificate is another DTLS association (RFC 8842 section 4).
            self._disconnect(peer)
            self._connect(peer, ssrc, local, negotiated)
        else:
            if restarts:
                self._plane.apply(RestartIce(known.number, local.ufrag, local.pwd, negotiated.ice_ufrag))
            known.local, known.negotiated, known.outdated = local, negotiated, False
            self._sections(peer, known)
        self._deliver()
        return answer

    def set_gate(self, room: str, participant: str, open: bool) -> None:
        """Media passes between open gates only. Closing holds from the moment that the wire has it."""
        peer = self._find(room, participant)
        if peer is None or peer.open == open:
            return
        peer.open = open
        if peer.connection is not None:
            self._plane.apply(SetGate(peer.connection.number, open))
        self._refresh(room)
        self._deliver()

    def set_listening(self, room: str, participant: str, listening: bool) -> None:
        """Whether the participant can be told who is where: until then nobody takes a place that somebody else had."""
        peer = self._find(room, participant)
        if peer is None or peer.listening == listening:
            return
        peer.listening = listening
        self._refresh(room)
        self._deliver()

    def set_mute(self, room: str, participant: str, track: str, muted: bool) -> None:
        """Mutes a participant's own track for everybody, over reconnects too. SfuError `track_unknown`."""
        peer = self._find(room, participant)
        if peer is None or track not in peer.known:
            raise SfuError("track_unknown", "no such track of this participant")
        (peer.muted.add if muted else peer.muted.discard)(track)
        published = peer.connection.published if peer.connection is not None else {}
        for mid, item in published.items():
            if item.id == track and item.muted != muted:
                self._plane.apply(SetMute(item.track, muted))
                published[mid] = replace(item, muted=muted)
        self._refresh(room)
        self._deliver()

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
            self.close_room(room)
        self._deliver()

    def close_room(self, room: str) -> None:
        """Forgets a room and all in it."""
        found = self._rooms.pop(room, None)
        if found is not None:
            found.hearing.close()
            for peer in found.peers.values():
                self._disconnect(peer)

    # What the wire and the transports tell

    def receive(self, event: Event) -> None:
        """Takes an event of the wire. One about a peer that is gone has no effect."""
        match event:
            case DtlsReceived(number, datagram):
                connection = self._connection(number)
                if connection is not None:
                    connection.transport.receive(datagram)
            case ConsentLost(number):
                self._consent(number, False)
            case ConsentRegained(number):
                self._consent(number, True)
            case Levels(levels):
                self._hear(levels)
            case Validated() | PathChanged() | TrackStarted():
                pass
            case _:
                assert_never(event)
        self._deliver()

    def _consent(self, number: int, consents: bool) -> None:
        connection = self._connection(number)
        if connection is not None:
            connection.consents = consents
            self._note_flow(self._by_number[number], connection)

    def _hear(self, levels: Sequence[tuple[int, int]]) -> None:
        loud: dict[str, dict[str, float]] = {}
        for track, level in levels:
            peer = self._by_voice.get(track)
            # What was heard before a closing may be told after it.
            if peer is not None and peer.audible:
                heard = loud.setdefault(peer.room, {})
                heard[peer.participant] = max(-float(level), heard.get(peer.participant, -float(level)))
        for room, heard in loud.items():
            self._rooms[room].hearing.hear(heard)

    def _hearing(self, room: str) -> Hearing:
        def changed(speakers: tuple[str, ...]) -> None:
            self._news.add(SpeakersChanged(room, speakers), lambda: self._are_speaking(room, speakers))

        def wake_later(delay: float, wake: Callable[[], None]) -> Timer:
            def woken() -> None:
                wake()
                self._deliver()

            return self._call_later(delay, woken)

        return Hearing(self._clock, wake_later, changed)

    def _are_speaking(self, room: str, speakers: tuple[str, ...]) -> bool:
        found = self._rooms.get(room)
        return found is not None and found.hearing.current == speakers

    def _transport_came_to(self, peer: Peer, connection: Connection, outcome: Outcome) -> None:
        match outcome:
            case dtls.Connected():
                connection.secured = True
                self._handshakes.observe(self._clock() - connection.transport.began)
                self._note_flow(peer, connection)
            case dtls.Failed(code):
                # The wire keeps the peer: its alert has yet to leave.
                self._failed_handshakes.add(code)
                self._tell(peer, PeerFailed(peer.room, peer.participant, code))
            case dtls.Closed():
                # The browser closed its PeerConnection; there is no need to wait until its consent runs out.
                self._disconnect(peer)
                self._refresh(peer.room)
            case _:
                assert_never(outcome)
        self._deliver()

    def _note_flow(self, peer: Peer, connection: Connection) -> None:
        if connection.flowing != connection.told_flowing:
            connection.told_flowing = connection.flowing
            kind = PeerConnected if connection.flowing else PeerDisconnected
            self._tell(peer, kind(peer.room, peer.participant))

    # Inside

    def _find(self, room: str, participant: str) -> Peer | None:
        found = self._rooms.get(room)
        return found.peers.get(participant) if found is not None else None

    def _connection(self, number: int) -> Connection | None:
        peer = self._by_number.get(number)
        return peer.connection if peer is not None else None

    def _deliver(self) -> None:
        self._news.tell(self.events)

    def _tell(self, peer: Peer, event: PeerEvent) -> None:
        self._news.add(event, lambda: self._is_current(peer, event))

    def _is_current(self, peer: Peer, event: PeerEvent) -> bool:
        """Whether the person is still there, and nothing newer is on its way."""
        if self._find(peer.room, peer.participant) is not peer:
            return False
        match event:
            case TracksChanged(tracks=tracks):
                return tracks == peer.view
            case SlotsNeeded(slots=slots):
                return slots == peer.slots
            case OfferNeeded():
                return peer.connection is not None and peer.connection.outdated
            case PeerConnected() | PeerDisconnected() | PeerFailed():
                return True
            case _:
                assert_never(event)

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    def _new_ssrc(self, other_than: int = 0) -> int:
        # One transport has a hundred at the most, and negotiation keeps its own apart.
        while (ssrc := self._random_bits(32)) in (0, other_than):
            pass
        return ssrc

    def _local(self) -> LocalTransport:
        # 48 and 144 bits in ice-chars; RFC 8839 section 5.4 asks for 24 and 128.
        return LocalTransport(
            ufrag=f"{self._random_bits(48):012x}",
            pwd=f"{self._random_bits(144):036x}",
            fingerprint=self._certificate.fingerprint,
            candidates=self._candidates,
        )

    def _connect(self, peer: Peer, ssrc: int, local: LocalTransport, negotiated: Negotiated) -> None:
        number = self._next_number()

        def tell(outcome: Outcome) -> None:
            self._transport_came_to(peer, connection, outcome)

        handshake = dtls.Handshake(self._certificate, negotiated.fingerprints, now=self._clock())
        transport = Transport(number, self._plane, handshake, tell, self._executor, self._clock, self._call_later)
        connection = peer.connection = Connection(number, ssrc, local, negotiated, transport)
        self._by_number[number] = peer
        room = self._rooms[peer.room].number
        self._plane.apply(OpenPeer(number, room, local.ufrag, local.pwd, negotiated.ice_ufrag, ssrc))
        if peer.open:
            self._plane.apply(SetGate(number, True))
        self._sections(peer, connection)

    def _disconnect(self, peer: Peer) -> None:
        connection = peer.connection
        if connection is None:
            return
        connection.transport.close()
        connection.secured = False
        self._note_flow(peer, connection)
        peer.connection = None
        for item in connection.published.values():
            self._by_voice.pop(item.track, None)
        del self._by_number[connection.number]
        self._plane.apply(ClosePeer(connection.number))

    def _sections(self, peer: Peer, connection: Connection) -> None:
        """Hands a negotiation to the wire."""
        negotiated = connection.negotiated
        before = {item.track: item.muted for item in connection.published.values()}
        published = connection.published = publications(
            peer.participant,
            negotiated.tracks,
            connection.published,
            muted=peer.muted,
            new_number=self._next_number,
        )
        peer.known.update(item.id for item in published.values())
        for track in before:
            self._by_voice.pop(track, None)
        self._by_voice.update((item.track, peer) for item in published.values() if item.source == "microphone")
        tracks = tuple(replace(item.receive, track=published[item.mid].track) for item in negotiated.tracks)
        self._plane.apply(SetSections(connection.number, tracks, negotiated.slots))
        for item in published.values():
            if item.muted != before.get(item.track, False):
                self._plane.apply(SetMute(item.track, item.muted))
        self._refresh(peer.room)

    def _refresh(self, room: str) -> None:
        self._planner.refresh(self._rooms[room])


def _candidates(endpoints: Sequence[Endpoint], tcp_ports: Sequence[int]) -> tuple[Candidate, ...]:
    """UDP, then TCP for whoever can't reach us by it (RFC 6544): there too, and on the further ports."""
    addresses = tuple(dict.fromkeys(address for address, _ in endpoints))
    further = tuple((address, port) for port in tcp_ports[1:] for address in addresses)
    streams = (*endpoints, *further) if tcp_ports else ()
    return (
        *(Candidate(*endpoint) for endpoint in endpoints),
        *(Candidate(*endpoint, "tcp") for endpoint in streams),
    )


def _ignore(_event: NodeEvent) -> None:
    """Nobody listens yet."""
