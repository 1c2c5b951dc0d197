"""The answer's text (RFC 8829 section 5.3), from what was decided per section. Only what we decided stands in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sfu.commands import Extensions, SendSlot
from sfu.sdp import extensions
from sfu.sdp.codecs import Accepted
from sfu.sdp.parse import Offer, Section
from sfu.sdp.types import Candidate, LocalTransport, Published


@dataclass(frozen=True, slots=True)
class Rejected:
    """Stopped by the client, or nothing we take: port 0."""

    section: Section


@dataclass(frozen=True, slots=True)
class Idle:
    """In place, and nobody sends."""

    section: Section
    codecs: tuple[Accepted, ...]
    extensions: Extensions


@dataclass(frozen=True, slots=True)
class Receive:
    """The client sends a track."""

    section: Section
    codecs: tuple[Accepted, ...]
    extensions: Extensions
    published: Published


@dataclass(frozen=True, slots=True)
class Send:
    """A slot that we send in; `pair` numbers its stream."""

    section: Section
    codecs: tuple[Accepted, ...]
    extensions: Extensions
    slot: SendSlot
    pair: int


Plan = Rejected | Idle | Receive | Send


def write(offer: Offer, plans: Sequence[Plan], local: LocalTransport, version: int, msid_prefix: str) -> str:
    """The whole answer, ending in CRLF."""
    live = {plan.section.mid for plan in plans if not isinstance(plan, Rejected)}
    bundle = [mid for mid in offer.bundle or () if mid in live]
    lines = [
        "v=0",
        f"o=- {offer.session} {version} IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        # Above the sections: Firefox 153 crashes on a bundled section that has no fingerprint from anywhere.
        f"a=fingerprint:{local.fingerprint}",
        f"a=group:BUNDLE {' '.join(bundle)}",
    ]
    for plan in plans:
        lines += _section(plan, local, msid_prefix)
    return "\r\n".join(lines) + "\r\n"


def _section(plan: Plan, local: LocalTransport, msid_prefix: str) -> Iterator[str]:
    section = plan.section
    if isinstance(plan, Rejected):
        yield f"m={section.media} 0 {section.protocol} {section.formats[0]}"
        yield "c=IN IP4 0.0.0.0"
        if section.mid is not None:
            yield f"a=mid:{section.mid}"
        yield "a=inactive"
        return
    payload_types = " ".join(str(number) for item in plan.codecs for number in _payload_types(item))
    yield f"m={section.media} 9 {section.protocol} {payload_types}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{section.mid}"
    yield from _transport(local)
    yield "a=rtcp-mux"
    if section.rtcp_rsize:
        yield "a=rtcp-rsize"
    for item in plan.codecs:
        yield from _codec(item)
    yield from extensions.lines(plan.extensions, section)
    match plan:
        case Receive(published=published):
            yield "a=recvonly"
            yield from _rids(published)
        case Send(slot=slot, pair=pair):
            yield "a=sendonly"
            yield from _source(slot, f"{msid_prefix}{pair}")
        case Idle():
            yield "a=inactive"


def _payload_types(item: Accepted) -> list[int]:
    rtx = item.codec.rtx_payload_type
    return [item.codec.payload_type] if rtx is None else [item.codec.payload_type, rtx]


def _codec(item: Accepted) -> Iterator[str]:
    codec = item.codec
    channels = f"/{item.channels}" if item.channels > 1 else ""
    yield f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}"
    if item.parameters:
        yield f"a=fmtp:{codec.payload_type} {item.parameters}"
    for kind in item.feedback:
        yield f"a=rtcp-fb:{codec.payload_type} {kind}"
    if codec.rtx_payload_type is not None:
        yield f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock_rate}"
        yield f"a=fmtp:{codec.rtx_payload_type} apt={codec.payload_type}"


def _rids(published: Published) -> Iterator[str]:
    rids = [encoding.rid for encoding in published.receive.encodings if encoding.rid is not None]
    for rid in rids:
        yield f"a=rid:{rid} recv"
    if rids:
        yield f"a=simulcast:recv {';'.join(rids)}"


def _source(slot: SendSlot, stream: str) -> Iterator[str]:
    yield f"a=msid:{stream} {stream}-{slot.kind}"
    if slot.rtx_ssrc is not None:
        yield f"a=ssrc-group:FID {slot.ssrc} {slot.rtx_ssrc}"
    yield f"a=ssrc:{slot.ssrc} cname:{slot.cname}"
    if slot.rtx_ssrc is not None:
        yield f"a=ssrc:{slot.rtx_ssrc} cname:{slot.cname}"


def _transport(local: LocalTransport) -> Iterator[str]:
    """In every section, though the bundle's first would do (RFC 9143 section 7.1.3): when that one is stopped and the
    next becomes the first, Firefox takes credentials where there were none for an ICE restart, and aiortc reads the
    candidates of the last section alone."""
    yield f"a=ice-ufrag:{local.ufrag}"
    yield f"a=ice-pwd:{local.pwd}"
    yield "a=setup:passive"
    for index, candidate in enumerate(local.candidates):
        yield _candidate(index, candidate)
    yield "a=end-of-candidates"


def _candidate(index: int, candidate: Candidate) -> str:
    """RFC 8839 section 5.1, RFC 6544 section 4.5; the priority by RFC 8445 section 5.1.2.1."""
    tcp = candidate.protocol == "tcp"
    preference = (4 << 13) | (8191 - index) if tcp else 65535 - index
    priority = ((90 if tcp else 126) << 24) | (preference << 8) | 255
    kind = "typ host tcptype passive" if tcp else "typ host"
    return f"a=candidate:{index + 1} 1 {candidate.protocol} {priority} {candidate.address} {candidate.port} {kind}"
