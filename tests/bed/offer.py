"""Offers as a browser writes them, and what it reads of the answer (RFC 8829); nothing is shared with `sfu.sdp`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sfu.commands import Codec, Encoding, Extensions, Kind, ReceiveTrack, SendSlot
from tests.bed.dialect import Dialect
from tests.bed.ice import Credentials
from tests.bed.stun import Address

_URIS = {
    "mid": "urn:ietf:params:rtp-hdrext:sdes:mid",
    "rid": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "repaired_rid": "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "transport_cc": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "abs_send_time": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "audio_level": "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client needs of an answer."""

    credentials: Credentials
    fingerprints: tuple[tuple[str, str], ...]
    server: Address
    tracks: tuple[ReceiveTrack, ...]
    slots: tuple[SendSlot, ...]


def write(
    session: int,
    version: int,
    local: Credentials,
    fingerprint: str,
    dialect: Dialect,
    sends: Sequence[Kind],
    pairs: int,
) -> str:
    """Sections that send first, then pairs of receive sections; `fingerprint` is "sha-256 AA:.."."""
    receives: list[Kind] = ["audio", "video"] * pairs
    lines = [
        "v=0",
        f"o=- {session} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(str(mid) for mid in range(len(sends) + len(receives))),
        "a=msid-semantic: WMS",
    ]
    for mid, kind in enumerate([*sends, *receives]):
        lines += _section(kind, mid, mid < len(sends), local, fingerprint, dialect)
    return "\r\n".join(lines) + "\r\n"


def _section(
    kind: Kind, mid: int, sending: bool, local: Credentials, fingerprint: str, dialect: Dialect
) -> Iterator[str]:
    codecs, ids = dialect.codecs(kind), dialect.extensions(kind)
    numbers = [n for codec in codecs for n in (codec.payload_type, codec.rtx_payload_type) if n is not None]
    yield f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, numbers))}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=ice-ufrag:{local.ufrag}"
    yield f"a=ice-pwd:{local.pwd}"
    yield f"a=fingerprint:{fingerprint}"
    yield "a=setup:actpass"
    yield f"a=mid:{mid}"
    for name, uri in _URIS.items():
        number = getattr(ids, name)
        if number is not None:
            yield f"a=extmap:{number} {uri}"
    yield "a=sendonly" if sending else "a=recvonly"
    yield "a=rtcp-mux"
    for codec in codecs:
        yield f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{'/2' if kind == 'audio' else ''}"
        yield f"a=rtcp-fb:{codec.payload_type} transport-cc"
        if kind == "video":
            yield from (f"a=rtcp-fb:{codec.payload_type} {name}" for name in ("nack", "nack pli", "ccm fir"))
        elif codec.name == "opus" and dialect.repairs_sound:
            yield f"a=rtcp-fb:{codec.payload_type} nack"
        if codec.name == "red":
            inner = codec.format.partition("/")[2]
            yield f"a=fmtp:{codec.payload_type} {inner}/{inner}"
        if codec.name == "H264":
            yield f"a=fmtp:{codec.payload_type} profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1"
        if codec.rtx_payload_type is not None:
            yield f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock_rate}"
            yield f"a=fmtp:{codec.rtx_payload_type} apt={codec.payload_type}"


def read(text: str, *, first_track: int) -> Answer:
    """Sections that the answer receives in become tracks, numbered from `first_track`; those it sends in, slots."""
    session, *sections = [part.split("\r\n") for part in text.replace("\r\nm=", "\0m=").split("\0")]
    tracks: list[ReceiveTrack] = []
    slots: list[SendSlot] = []
    for line, section in enumerate(sections):
        if "a=recvonly" in section:
            tracks.append(_track(section, first_track + len(tracks)))
        elif "a=sendonly" in section:
            slots.append(_slot(section, line))
    everything = session + sections[0]
    candidate = _values(everything, "candidate")[0].split()
    return Answer(
        credentials=Credentials(_values(everything, "ice-ufrag")[0], _values(everything, "ice-pwd")[0]),
        fingerprints=tuple(_pair(value) for value in _values(everything, "fingerprint")),
        server=(candidate[4], int(candidate[5])),
        tracks=tuple(tracks),
        slots=tuple(slots),
    )


def _pair(value: str) -> tuple[str, str]:
    first, second = value.split(" ", 1)
    return first, second


def _values(section: Sequence[str], name: str) -> list[str]:
    prefix = f"a={name}:"
    return [line[len(prefix) :] for line in section if line.startswith(prefix)]


def _kind(section: Sequence[str]) -> Kind:
    return "audio" if section[0].startswith("m=audio") else "video"


def _codecs(section: Sequence[str]) -> tuple[Codec, ...]:
    maps = {int(first): name for first, name in map(_pair, _values(section, "rtpmap"))}
    repairs = {}
    for repair, parameters in map(_pair, _values(section, "fmtp")):
        if parameters.startswith("apt="):
            repairs[int(parameters[4:])] = int(repair)
    found = []
    for number in map(int, section[0].split()[3:]):
        name, rate, *_ = maps[number].split("/")
        if name != "rtx":
            found.append(Codec(name, name, number, int(rate), repairs.get(number)))
    return tuple(found)


def _extensions(section: Sequence[str]) -> Extensions:
    numbers = {uri: int(number.split("/")[0]) for number, uri in map(_pair, _values(section, "extmap"))}
    return Extensions(**{name: numbers[uri] for name, uri in _URIS.items() if uri in numbers})


def _track(section: Sequence[str], track: int) -> ReceiveTrack:
    feedback = {value.split(" ", 1)[1] for value in _values(section, "rtcp-fb")}
    return ReceiveTrack(
        track=track,
        mid=_values(section, "mid")[0],
        kind=_kind(section),
        codecs=_codecs(section),
        extensions=_extensions(section),
        encodings=(Encoding(),),
        nack="nack" in feedback,
        pli="nack pli" in feedback,
        transport_cc="transport-cc" in feedback,
    )


def _slot(section: Sequence[str], line: int) -> SendSlot:
    groups = [value.split() for value in _values(section, "ssrc-group") if value.startswith("FID ")]
    ssrc, cname = _values(section, "ssrc")[0].split(" cname:")
    return SendSlot(
        slot=line,
        mid=_values(section, "mid")[0],
        kind=_kind(section),
        ssrc=int(ssrc),
        rtx_ssrc=int(groups[0][2]) if groups else None,
        cname=cname,
        codecs=_codecs(section),
        extensions=_extensions(section),
    )
