"""What the node tells whoever keeps the room: one small type per event, in names rather than numbers."""

from dataclasses import dataclass

from sfu.commands import Kind
from sfu.sdp import Source


@dataclass(frozen=True, slots=True)
class Slots:
    """Receive sections that a participant shall have, so that everybody in the room has a place."""

    audio: int
    video: int


@dataclass(frozen=True, slots=True)
class TrackView:
    """A track as a viewer sees it; `mid` names the viewer's section that it fills, none when there is no place."""

    id: str
    participant: str
    kind: Kind
    source: Source
    muted: bool
    mid: str | None


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """Media can flow both ways: ICE and DTLS are done."""

    room: str
    participant: str


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """The participant's consent to receive has run out (RFC 7675); its gate is as it was."""

    room: str
    participant: str


@dataclass(frozen=True, slots=True)
class PeerFailed:
    """The transport will not come; only a new offer helps."""

    room: str
    participant: str
    code: str


@dataclass(frozen=True, slots=True)
class TracksChanged:
    """All tracks that a viewer may see now: those of others, while both gates are open."""

    room: str
    participant: str
    tracks: tuple[TrackView, ...]


@dataclass(frozen=True, slots=True)
class SlotsNeeded:
    """The room has grown: the participant should add receive sections and offer again."""

    room: str
    participant: str
    slots: Slots


@dataclass(frozen=True, slots=True)
class OfferNeeded:
    """Somebody who sees the participant can't decode what it sends: the answer to a new offer names what all can."""

    room: str
    participant: str


@dataclass(frozen=True, slots=True)
class SpeakersChanged:
    """Who speaks now, whoever has spoken the longest first: nobody whose gate is closed, nobody who is muted."""

    room: str
    participants: tuple[str, ...]


PeerEvent = PeerConnected | PeerDisconnected | PeerFailed | TracksChanged | SlotsNeeded | OfferNeeded
"""About one participant."""

NodeEvent = PeerEvent | SpeakersChanged
