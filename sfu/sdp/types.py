"""What goes into a negotiation and comes out of it."""

from dataclasses import dataclass, field
from typing import Literal

from sfu.commands import Kind, ReceiveTrack, SendSlot

Source = Literal["camera", "microphone", "screen"]


@dataclass(frozen=True, slots=True)
class OfferedTrack:
    """What the client says about a section that it sends in."""

    mid: str
    kind: Kind
    source: Source


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host candidate of ours (RFC 8839): over UDP, or passive over TCP."""

    address: str = field(repr=False)
    port: int
    protocol: Literal["udp", "tcp"] = "udp"


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our side of the one transport; `fingerprint` as in `a=fingerprint`: "sha-256 AA:BB:..."."""

    ufrag: str
    pwd: str = field(repr=False)
    fingerprint: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Peek:
    """Which PeerConnection an offer is of, and the client's ICE user name fragment."""

    session: str
    ice_ufrag: str


@dataclass(frozen=True, slots=True)
class Published:
    """A track that the client sends; `receive.track` is 0 until the node numbers it."""

    mid: str
    kind: Kind
    source: Source
    receive: ReceiveTrack
    answered: tuple[str, ...]
    """`Codec.format` of what the answer names: the client sends the first. `receive` has all that it could send."""


@dataclass(frozen=True, slots=True)
class Negotiated:
    """One offer and its answer, and what the next negotiation of the same PeerConnection starts from."""

    answer: str = field(repr=False)
    session: str
    """Session id of the offer's o= line: another one means another PeerConnection."""
    version: int
    """Of the answer's o= line, one higher each time (RFC 8829 section 5.3.2)."""
    ice_ufrag: str
    """The client's; when it differs from the last, the offer restarts ICE (RFC 8839 section 4.4.1.1.1)."""
    ice_pwd: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    """Algorithm and value of each of the client's, sha-256, sha-384 and sha-512 only."""
    setup: str
    """Our side of DTLS: "passive"."""
    tracks: tuple[Published, ...]
    slots: tuple[SendSlot, ...]
    pairs: tuple[int, ...]
    """Per slot the number of its stream (`slotN`): an audio and a video slot of the same number play in one stream."""
