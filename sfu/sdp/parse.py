"""SDP text to typed values (RFC 8866), within strict bounds. What we have no use for is skipped, never kept."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, cast, get_args

from sfu.errors import SdpError

MAX_BYTES: Final = 256 * 1024
MAX_SECTIONS: Final = 128
MAX_LINES: Final = MAX_BYTES // 16
"""Browsers' lines have some 30 bytes on average."""
MAX_FORMATS: Final = 128
"""RTP has no more payload types."""

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

_DIRECTIONS: Final = frozenset(get_args(Direction))
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,64}", re.ASCII)
_PROTOCOL: Final = re.compile(r"[!#$%&'*+\-./0-9A-Z^_`a-z{|}~]{1,64}", re.ASCII)
_MID: Final = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,16}", re.ASCII)  # 16: an RFC 8285 one-byte element's most
_RID: Final = re.compile(r"[0-9A-Za-z_\-]{1,16}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_REDUNDANCY: Final = re.compile(r"[0-9]{1,3}(?:/[0-9]{1,3}){0,7}", re.ASCII)
_UFRAG: Final = re.compile(r"[0-9A-Za-z+/]{4,256}", re.ASCII)
_PWD: Final = re.compile(r"[0-9A-Za-z+/]{22,256}", re.ASCII)
_FINGERPRINT: Final = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){0,63}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_HASH_BYTES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}


@dataclass(frozen=True, slots=True)
class RtpMap:
    """`a=rtpmap`; the name in lower case."""

    name: str
    clock_rate: int
    channels: int


@dataclass(slots=True)
class Transport:
    """What may stand in a section or above all of them."""

    ice_ufrag: str | None = None
    ice_pwd: str | None = field(default=None, repr=False)
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    setup: str | None = None


@dataclass(slots=True)
class Section:
    """One m= section."""

    media: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    mid: str | None = None
    direction: Direction | None = None
    transport: Transport = field(default_factory=Transport)
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    bundle_only: bool = False
    payload_types: tuple[int, ...] = ()
    rtpmaps: dict[int, RtpMap] = field(default_factory=dict)
    parameters: dict[int, dict[str, str]] = field(default_factory=dict)
    redundancy: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Payload types that one of redundant audio holds (RFC 2198 section 5)."""
    feedback: dict[str, set[str]] = field(default_factory=dict)
    """By payload type as text, "*" for all of them."""
    extensions: dict[str, tuple[int, Direction]] = field(default_factory=dict)
    """Id and direction by URI."""
    ssrcs: dict[int, None] = field(default_factory=dict)
    """In the order they are first named."""
    flows: dict[int, int] = field(default_factory=dict)
    """SSRC of the retransmissions by that of the originals (RFC 5576 FID)."""
    simulcast_ssrcs: tuple[int, ...] = ()
    send_rids: dict[str, None] = field(default_factory=dict)
    simulcast: tuple[str, ...] = ()

    @property
    def is_rejected(self) -> bool:
        """Port 0 means stopped, except where it means "only bundled" (RFC 9143 section 6)."""
        return self.port == 0 and not self.bundle_only


@dataclass(slots=True)
class Offer:
    """A whole offer."""

    session: str
    bundle: tuple[str, ...] | None = None
    direction: Direction | None = None
    transport: Transport = field(default_factory=Transport)
    sections: list[Section] = field(default_factory=list)


def malformed(detail: str) -> SdpError:
    return SdpError("sdp_malformed", detail)


def parse(text: str) -> Offer:
    """Raises SdpError; its detail names the kind of line, never what stood in it."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise SdpError("sdp_too_big")
    if _CONTROL.search(text):
        raise malformed("control characters")
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    if len(lines) > MAX_LINES:
        raise malformed("too many lines")
    if sum(line.startswith("m=") for line in lines) > MAX_SECTIONS:
        raise SdpError("sdp_too_many_sections")
    if len(lines) < 2 or lines[0] != "v=0":
        raise malformed("v=")
    offer = Offer(_origin(lines[1]))
    section: Section | None = None
    for line in lines[2:]:
        if len(line) < 2 or line[1] != "=":
            raise malformed("a line without a type")
        match line[0]:
            case "m":
                section = _media(line[2:])
                offer.sections.append(section)
            case "a":
                name, colon, value = line[2:].partition(":")
                _attribute(offer, section, name, value if colon else None)
            case "s" | "t" | "c" | "b" | "i" | "u" | "e" | "p" | "r" | "z" | "k":
                pass
            case _:
                raise malformed("an unknown type of line")
    _check_mids(offer)
    return offer


def _origin(line: str) -> str:
    fields = line[2:].split(" ")
    if not line.startswith("o=") or len(fields) != 6 or not _NUMBER.fullmatch(fields[1]):
        raise malformed("o=")
    return fields[1]


def _media(value: str) -> Section:
    fields = value.split(" ")
    if not 4 <= len(fields) <= 3 + MAX_FORMATS or not (_TOKEN.fullmatch(fields[0]) and _PROTOCOL.fullmatch(fields[2])):
        raise malformed("m=")
    section = Section(fields[0], _number(fields[1], 65535, "m="), fields[2], tuple(fields[3:]))
    if not all(_TOKEN.fullmatch(name) for name in section.formats):
        raise malformed("m=")
    if section.media in ("audio", "video"):
        section.payload_types = tuple(dict.fromkeys(_number(name, 127, "m=") for name in section.formats))
    return section


def _check_mids(offer: Offer) -> None:
    mids: set[str] = set()
    for section in offer.sections:
        if section.mid is None:
            if not section.is_rejected:
                raise malformed("a section without mid")
        elif section.mid in mids:
            raise malformed("mid")
        else:
            mids.add(section.mid)
    if offer.bundle is not None and not mids.issuperset(offer.bundle):
        raise malformed("group")


def _attribute(offer: Offer, section: Section | None, name: str, value: str | None) -> None:
    if value is None:
        if name in _DIRECTIONS:
            (offer if section is None else section).direction = cast(Direction, name)
        elif section is not None and name in _FLAGS:
            setattr(section, _FLAGS[name], True)
    elif name in _TRANSPORT:
        _TRANSPORT[name](offer.transport if section is None else section.transport, value)
    elif section is None:
        if name == "group" and offer.bundle is None:
            offer.bundle = _bundle(value)
    elif name in _SECTION:
        _SECTION[name](section, value)


def _bundle(value: str) -> tuple[str, ...] | None:
    semantics, *mids = value.split() or [""]
    if semantics != "BUNDLE":
        return None
    if len(set(mids)) != len(mids) or not all(_MID.fullmatch(mid) for mid in mids):
        raise malformed("group")
    return tuple(mids)


def _ice_ufrag(transport: Transport, value: str) -> None:
    transport.ice_ufrag = _matching(_UFRAG, value, "ice-ufrag")


def _ice_pwd(transport: Transport, value: str) -> None:
    transport.ice_pwd = _matching(_PWD, value, "ice-pwd")


def _fingerprint(transport: Transport, value: str) -> None:
    algorithm, _, digest = value.partition(" ")
    algorithm, digest = algorithm.lower(), digest.strip()
    if not _FINGERPRINT.fullmatch(digest):
        raise malformed("fingerprint")
    size = _HASH_BYTES.get(algorithm)
    if size is None:
        return
    if len(digest) != 3 * size - 1:
        raise malformed("fingerprint")
    entry = (algorithm, digest.upper())
    if entry not in transport.fingerprints:
        if len(transport.fingerprints) == 8:
            raise malformed("fingerprint")
        transport.fingerprints.append(entry)


def _setup(transport: Transport, value: str) -> None:
    transport.setup = _matching(_TOKEN, value, "setup")


def _mid(section: Section, value: str) -> None:
    section.mid = _matching(_MID, value, "mid")


def _rtpmap(section: Section, value: str) -> None:
    payload_type, _, encoding = value.partition(" ")
    fields = encoding.split("/")
    if not 2 <= len(fields) <= 3 or not _TOKEN.fullmatch(fields[0]):
        raise malformed("rtpmap")
    channels = _number(fields[2], 255, "rtpmap") if len(fields) == 3 else 1
    number = _number(payload_type, 127, "rtpmap")
    section.rtpmaps[number] = RtpMap(fields[0].lower(), _number(fields[1], 10_000_000, "rtpmap"), channels)


def _fmtp(section: Section, value: str) -> None:
    payload_type, _, text = value.partition(" ")
    parameters: dict[str, str] = {}
    for item in text.split(";"):
        name, equals, setting = item.strip().partition("=")
        if equals:
            parameters[name.lower()] = setting
    number = _number(payload_type, 127, "fmtp")
    section.parameters[number] = parameters
    if _REDUNDANCY.fullmatch(text.strip()):
        section.redundancy[number] = tuple(text.strip().split("/"))


def _rtcp_fb(section: Section, value: str) -> None:
    payload_type, _, kind = value.partition(" ")
    if payload_type != "*":
        payload_type = str(_number(payload_type, 127, "rtcp-fb"))
    section.feedback.setdefault(payload_type, set()).add(kind.strip())


def _extmap(section: Section, value: str) -> None:
    entry, _, rest = value.partition(" ")
    identifier, slash, direction = entry.partition("/")
    number = _number(identifier, 65535, "extmap")
    uri = rest.split(" ", 1)[0]
    if number == 0 or not uri or (slash and direction not in _DIRECTIONS):
        raise malformed("extmap")
    section.extensions.setdefault(uri, (number, cast(Direction, direction or "sendrecv")))


def _ssrc(section: Section, value: str) -> None:
    section.ssrcs[_number(value.partition(" ")[0], 0xFFFFFFFF, "ssrc")] = None


def _ssrc_group(section: Section, value: str) -> None:
    semantics, *fields = value.split() or [""]
    if semantics not in ("FID", "SIM"):
        return
    numbers = [_number(item, 0xFFFFFFFF, "ssrc-group") for item in fields]
    if semantics == "SIM":
        section.simulcast_ssrcs = tuple(numbers)
    elif len(numbers) == 2:
        section.flows[numbers[0]] = numbers[1]
    else:
        raise malformed("ssrc-group")


def _rid(section: Section, value: str) -> None:
    fields = value.split(" ")
    if len(fields) < 2 or not _RID.fullmatch(fields[0]):
        raise malformed("rid")
    if fields[1] == "send":
        section.send_rids[fields[0]] = None


def _simulcast(section: Section, value: str) -> None:
    """RFC 8853: "send a;b,c recv d": alternatives are divided by commas, paused ones marked by a tilde."""
    fields = value.split()
    if len(fields) not in (2, 4):
        raise malformed("simulcast")
    for direction, streams in zip(fields[::2], fields[1::2], strict=True):
        if direction == "send":
            first = [stream.split(",", 1)[0].removeprefix("~") for stream in streams.split(";")]
            section.simulcast = tuple(_matching(_RID, rid, "simulcast") for rid in first)


_FLAGS: Final = {"rtcp-mux": "rtcp_mux", "rtcp-rsize": "rtcp_rsize", "bundle-only": "bundle_only"}

_TRANSPORT: Final[dict[str, Callable[[Transport, str], None]]] = {
    "ice-ufrag": _ice_ufrag,
    "ice-pwd": _ice_pwd,
    "fingerprint": _fingerprint,
    "setup": _setup,
}

_SECTION: Final[dict[str, Callable[[Section, str], None]]] = {
    "mid": _mid,
    "rtpmap": _rtpmap,
    "fmtp": _fmtp,
    "rtcp-fb": _rtcp_fb,
    "extmap": _extmap,
    "ssrc": _ssrc,
    "ssrc-group": _ssrc_group,
    "rid": _rid,
    "simulcast": _simulcast,
}


def _matching(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise malformed(what)
    return value


def _number(text: str, most: int, what: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise malformed(what)
    return int(text)
