"""What follows from who is in a room and what they negotiated: routes for the wire, and what each viewer is told."""

from collections.abc import Callable, Sequence
from typing import Final

from sfu.commands import SetRoutes
from sfu.peers import Peer, Room
from sfu.plane import Plane
from sfu.room_events import OfferNeeded, PeerEvent, Slots, SlotsNeeded, TracksChanged
from sfu.router import Member, wanted
from sfu.sdp import CodecPolicy, agreed


class Planner:
    """Plans a room anew whenever something in it has changed. `tell` takes what a person's browser has to know."""

    def __init__(self, plane: Plane, codecs: CodecPolicy, tell: Callable[[Peer, PeerEvent], None]) -> None:
        self._plane: Final = plane
        self._codecs: Final = codecs
        self._tell: Final = tell

    def expect(self, room: Room, peer: Peer, size: int) -> Slots:
        """How many receive sections the person is to offer, with so many people expected."""
        peer.size = max(peer.size, size)
        # Who is not inside must not learn how many are.
        peer.slots = wanted(peer.size, _others(room.members(), peer) if peer.open else ())
        return peer.slots

    def refresh(self, room: Room) -> None:
        """Tells the wire the routes, and notes what changed for each viewer."""
        members = room.members()
        plan = room.router.plan(members)
        self._plane.apply(SetRoutes(room.number, plan.routes))
        for peer in room.peers.values():
            view = plan.views[peer.participant]
            if view != peer.view:
                peer.view = view
                self._tell(peer, TracksChanged(peer.room, peer.participant, view))
            self._grow(peer, members)
            self._agree(peer, room)
        room.hearing.keep({peer.participant for peer in room.peers.values() if peer.audible})

    def _grow(self, peer: Peer, members: Sequence[Member]) -> None:
        """Asks for more sections as the room grows; only who is inside hears how many there are."""
        if not peer.open or peer.connection is None:
            return
        enough = wanted(peer.size, _others(members, peer))
        slots = Slots(max(peer.slots.audio, enough.audio), max(peer.slots.video, enough.video))
        if slots != peer.slots:
            peer.slots = slots
            self._tell(peer, SlotsNeeded(peer.room, peer.participant, slots))

    def _agree(self, peer: Peer, room: Room) -> None:
        """Asks for a new offer where what the participant sends is not what most who see it decode."""
        connection = peer.connection
        if connection is None or connection.outdated or not peer.open:
            return
        viewers = room.viewers(peer)
        for track in connection.negotiated.tracks:
            offered = [codec.format for codec in track.receive.codecs]
            if track.kind == "video" and track.answered[0] not in agreed(offered, viewers, self._codecs.video):
                connection.outdated = True
                self._tell(peer, OfferNeeded(peer.room, peer.participant))
                return


def _others(members: Sequence[Member], peer: Peer) -> list[Member]:
    return [member for member in members if member.participant != peer.participant]
