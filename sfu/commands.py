"""What the node asks of the wire: one small type per intent, applied in order."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["audio", "video"]


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec as one section names it; `format` is what makes two sections' codecs the same."""

    name: str
    format: str
    payload_type: int
    clock_rate: int
    rtx_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class Extensions:
    """Ids of the RTP header extensions (RFC 8285) that a section agreed on."""

    mid: int | None = None
    rid: int | None = None
    repaired_rid: int | None = None
    transport_cc: int | None = None
    abs_send_time: int | None = None
    audio_level: int | None = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """One quality of a published track: named by rid (RFC 8851), by SSRC, or by nothing (the section's only one)."""

    rid: str | None = None
    ssrc: int | None = None
    rtx_ssrc: int | None = None


@dataclass(frozen=True, slots=True)
class ReceiveTrack:
    """A section in which a peer sends to us."""

    track: int
    mid: str
    kind: Kind
    codecs: tuple[Codec, ...]
    extensions: Extensions
    encodings: tuple[Encoding, ...]
    nack: bool
    pli: bool
    transport_cc: bool


@dataclass(frozen=True, slots=True)
class SendSlot:
    """A section in which we send to a peer; `slot` is the index of its m-line, its SSRCs are ours and stay."""

    slot: int
    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int | None
    cname: str
    codecs: tuple[Codec, ...]
    extensions: Extensions


@dataclass(frozen=True, slots=True)
class Route:
    """A track fills a viewer's slot."""

    track: int
    viewer: int
    slot: int


@dataclass(frozen=True, slots=True)
class OpenPeer:
    """A transport: our ICE credentials, theirs, and the SSRC that our RTCP speaks with."""

    peer: int
    room: int
    ufrag: str
    pwd: str
    remote_ufrag: str
    ssrc: int


@dataclass(frozen=True, slots=True)
class RestartIce:
    """New credentials (RFC 8445 section 9); the old ones serve until the new are used."""

    peer: int
    ufrag: str
    pwd: str
    remote_ufrag: str


@dataclass(frozen=True, slots=True)
class SendDtls:
    """DTLS datagrams to the peer's selected address."""

    peer: int
    datagrams: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SetKeys:
    """SRTP keys (RFC 5764): each is master key followed by salt; `local` seals what we send."""

    peer: int
    profile: int
    local: bytes
    remote: bytes


@dataclass(frozen=True, slots=True)
class SetSections:
    """All sections of a peer after an offer and answer; the wire applies the difference."""

    peer: int
    tracks: tuple[ReceiveTrack, ...]
    slots: tuple[SendSlot, ...]


@dataclass(frozen=True, slots=True)
class SetGate:
    """Media passes only between open gates. A peer starts closed."""

    peer: int
    open: bool


@dataclass(frozen=True, slots=True)
class SetMute:
    """A muted track passes nobody's gate."""

    track: int
    muted: bool


@dataclass(frozen=True, slots=True)
class SetRoutes:
    """The room's whole wanted forwarding table; the wire applies the difference."""

    room: int
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """Forget a peer, its tracks and its slots."""

    peer: int


Command = OpenPeer | RestartIce | SendDtls | SetKeys | SetSections | SetGate | SetMute | SetRoutes | ClosePeer
