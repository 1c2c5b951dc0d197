"""RTP header extensions that we know (RFC 8285), by URI."""

from typing import Final

from sfu.commands import Extensions, Kind
from sfu.sdp.parse import Section

URIS: Final[dict[str, str]] = {
    "mid": "urn:ietf:params:rtp-hdrext:sdes:mid",
    "rid": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "repaired_rid": "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "transport_cc": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "abs_send_time": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "audio_level": "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
}
"""URI by field of `Extensions`."""

_COMMON: Final = frozenset({"mid", "transport_cc", "abs_send_time"})
_RECEIVED: Final[dict[Kind, frozenset[str]]] = {
    "audio": _COMMON | {"audio_level"},
    "video": _COMMON | {"rid", "repaired_rid"},
}
_SENT: Final[dict[Kind, frozenset[str]]] = {"audio": _COMMON | {"audio_level"}, "video": _COMMON}

MAX_ID: Final = 14
"""The highest id of the one-byte form; we write no other (section 4.2)."""


def select(section: Section, kind: Kind, *, sent: bool) -> Extensions:
    """Those of the section's that we use in what we send, or in what we receive."""
    wanted = (_SENT if sent else _RECEIVED)[kind]
    ids: dict[str, int] = {}
    useful = ("sendrecv", "recvonly" if sent else "sendonly")
    for name, uri in URIS.items():
        number, direction = section.extensions.get(uri, (0, "inactive"))
        if name in wanted and direction in useful and 0 < number <= MAX_ID and number not in ids.values():
            ids[name] = number
    return Extensions(**ids)


_MIRROR: Final = {"sendrecv": "", "sendonly": "/recvonly", "recvonly": "/sendonly", "inactive": "/inactive"}


def lines(extensions: Extensions, section: Section) -> list[str]:
    """The answer's lines, by id; a direction that the offer gave is answered by its mirror (section 6)."""
    found = {number: URIS[name] for name in URIS if (number := getattr(extensions, name)) is not None}
    return [f"a=extmap:{number}{_MIRROR[section.extensions[uri][1]]} {uri}" for number, uri in sorted(found.items())]
