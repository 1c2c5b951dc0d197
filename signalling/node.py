"""What signalling asks of the media node, and what it hears from it. Nothing here knows how media moves."""

from collections.abc import Callable, Sequence
from typing import Protocol

from sfu.room_events import (
    NodeEvent,
    OfferNeeded,
    PeerConnected,
    PeerDisconnected,
    PeerFailed,
    Slots,
    SlotsNeeded,
    SpeakersChanged,
    TracksChanged,
    TrackView,
)
from sfu.sdp import OfferedTrack

__all__ = [
    "Node",
    "NodeEvent",
    "OfferNeeded",
    "OfferedTrack",
    "PeerConnected",
    "PeerDisconnected",
    "PeerFailed",
    "Slots",
    "SlotsNeeded",
    "SpeakersChanged",
    "TrackView",
    "TracksChanged",
]


class Node(Protocol):
    """One media node. Gates start closed. Errors are `sfu.errors.SfuError` with a code for the client."""

    events: Callable[[NodeEvent], None]

    def open_peer(self, room: str, participant: str, *, size: int) -> Slots: ...
    async def offer(self, room: str, participant: str, sdp: str, tracks: Sequence[OfferedTrack]) -> str: ...
    def set_gate(self, room: str, participant: str, open: bool) -> None: ...
    def set_listening(self, room: str, participant: str, listening: bool) -> None: ...
    def set_mute(self, room: str, participant: str, track: str, muted: bool) -> None: ...
    def close_peer(self, room: str, participant: str) -> None: ...
    def close_room(self, room: str) -> None: ...
