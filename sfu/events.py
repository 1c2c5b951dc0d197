"""What the wire tells the node: one small type per event."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DtlsReceived:
    """A DTLS datagram from a validated address of the peer (RFC 7983)."""

    peer: int
    datagram: bytes


@dataclass(frozen=True, slots=True)
class Validated:
    """The peer's first address was validated by ICE."""

    peer: int


@dataclass(frozen=True, slots=True)
class PathChanged:
    """Media to the peer now goes to another address."""

    peer: int


@dataclass(frozen=True, slots=True)
class ConsentLost:
    """No authenticated Binding request for 30 s (RFC 7675): nothing more is sent to the peer."""

    peer: int


@dataclass(frozen=True, slots=True)
class ConsentRegained:
    """The peer's checks are back."""

    peer: int


@dataclass(frozen=True, slots=True)
class TrackStarted:
    """The first packet of a track arrived while it could pass."""

    track: int


@dataclass(frozen=True, slots=True)
class Levels:
    """How loud audio tracks have been since the last of these (RFC 6464), a few times a second.

    Tracks that pass and were not silent, of rooms with two open gates at least, each with its level in -dBov: 0 is the
    loudest, 127 silence.
    """

    levels: tuple[tuple[int, int], ...]


Event = DtlsReceived | Validated | PathChanged | ConsentLost | ConsentRegained | TrackStarted | Levels
