"""Offer in, answer out (RFC 8829): what the client sends become tracks, what it wants to receive become slots."""

from sfu.sdp.codecs import VIDEO, CodecPolicy, agreed
from sfu.sdp.negotiation import negotiate, peek
from sfu.sdp.types import Candidate, LocalTransport, Negotiated, OfferedTrack, Peek, Published, Source

__all__ = [
    "VIDEO",
    "Candidate",
    "CodecPolicy",
    "LocalTransport",
    "Negotiated",
    "OfferedTrack",
    "Peek",
    "Published",
    "Source",
    "agreed",
    "negotiate",
    "peek",
]
