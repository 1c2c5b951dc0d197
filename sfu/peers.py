"""What the node knows of a room: who has a place in it, and through which connection."""

from dataclasses import dataclass, field

from sfu.hearing import Hearing
from sfu.room_events import Slots, TrackView
from sfu.router import Member, Place, Publication, Router
from sfu.sdp import LocalTransport, Negotiated
from sfu.transport import Transport


@dataclass(slots=True)
class Connection:
    """A peer in the wire: one PeerConnection of the participant."""

    number: int
    ssrc: int
    """What our RTCP speaks with."""
    local: LocalTransport
    negotiated: Negotiated
    transport: Transport
    published: dict[str, Publication] = field(default_factory=dict)
    """By mid."""
    secured: bool = False
    """DTLS is done, and the browser has not closed it."""
    consents: bool = True
    """Nothing was heard of consent running out; nobody is secured who never had any."""
    told_flowing: bool = False
    outdated: bool = False
    """A new offer was asked for and has not come."""

    @property
    def flowing(self) -> bool:
        """Whether media can flow."""
        return self.secured and self.consents


@dataclass(slots=True)
class Peer:
    """A participant's place in a room, whatever connection it has."""

    room: str
    participant: str
    size: int
    """How many people are expected."""
    open: bool = False
    listening: bool = True
    """Whether it can be told now who is where."""
    known: set[str] = field(default_factory=set)
    """Ids of all tracks that it has ever published here."""
    muted: set[str] = field(default_factory=set)
    connection: Connection | None = None
    view: tuple[TrackView, ...] = ()
    slots: Slots = field(default_factory=lambda: Slots(1, 1))
    """As it was told last."""

    @property
    def audible(self) -> bool:
        """Whether anybody may hear the participant speak: the gate is open, and a microphone is not muted."""
        published = self.connection.published.values() if self.connection is not None else ()
        return self.open and any(item.source == "microphone" and not item.muted for item in published)

    def decodes(self) -> frozenset[str] | None:
        """The formats of video that it can be sent; none while it takes no video."""
        slots = self.connection.negotiated.slots if self.connection is not None else ()
        formats = [frozenset(codec.format for codec in slot.codecs) for slot in slots if slot.kind == "video"]
        return frozenset.intersection(*formats) if formats else None

    def member(self) -> Member:
        """As the router sees it."""
        connection = self.connection
        if connection is None:
            return Member(self.participant, None, self.open, listening=self.listening)
        places = tuple(
            Place(slot.slot, slot.mid, slot.kind, pair)
            for slot, pair in zip(connection.negotiated.slots, connection.negotiated.pairs, strict=True)
        )
        published = tuple(connection.published.values())
        return Member(self.participant, connection.number, self.open, published, places, self.listening)


@dataclass(slots=True)
class Room:
    """`number` is its name in the wire."""

    number: int
    hearing: Hearing
    peers: dict[str, Peer] = field(default_factory=dict)
    router: Router = field(default_factory=Router)

    def members(self) -> list[Member]:
        return [peer.member() for peer in self.peers.values()]

    def viewers(self, of: Peer) -> list[frozenset[str]]:
        """Who is inside beside that peer, each by what it decodes. Who waits changes nothing for those who talk."""
        found = (peer.decodes() for peer in self.peers.values() if peer is not of and peer.open)
        return [formats for formats in found if formats is not None]
