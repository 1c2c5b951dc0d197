"""Which of the offered codecs we take, and how the answer words them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sfu.commands import Codec, Kind
from sfu.sdp.parse import RtpMap, Section

VIDEO: Final[Mapping[str, str]] = {"VP8": "VP8", "H264": "H264/1/42e01f", "VP9": "VP9/0", "AV1": "AV1/0"}
"""`Codec.format` of the one form that we take of each, by its name in settings; the most widely decoded first."""

FEEDBACK: Final[dict[Kind, tuple[str, ...]]] = {
    "audio": ("transport-cc", "nack"),
    "video": ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"),
}
"""RTCP feedback that we honour (RFC 4585, 5104), in the order the answer lists it."""


@dataclass(frozen=True, slots=True)
class CodecPolicy:
    """Codecs by `Codec.format`, the preferred first: a browser sends the first that the answer names."""

    audio: tuple[str, ...] = ("opus",)
    video: tuple[str, ...] = tuple(VIDEO.values())
    redundancy: bool = True
    """Whether audio may come with copies of what went before (RFC 2198)."""

    def of(self, kind: Kind) -> tuple[str, ...]:
        return self.audio if kind == "audio" else self.video


@dataclass(frozen=True, slots=True)
class Accepted:
    """A codec, and the lines of the answer that go with it."""

    codec: Codec
    parameters: str
    """Value of `a=fmtp` without the payload type; may be empty."""
    feedback: tuple[str, ...]
    channels: int


def _opus(rtpmap: RtpMap, parameters: dict[str, str]) -> tuple[Codec, str] | None:
    """RFC 7587. Stereo is left out: two channels of speech cost twice the bits of one."""
    if (rtpmap.clock_rate, rtpmap.channels) != (48000, 2):
        return None
    wanted = ["minptime=10"] if parameters.get("minptime") == "10" else []
    wanted += [f"{name}=1" for name in ("useinbandfec", "usedtx") if parameters.get(name) == "1"]
    return Codec("opus", "opus", 0, 48000), ";".join(wanted)


def _vp8(rtpmap: RtpMap, _parameters: dict[str, str]) -> tuple[Codec, str] | None:
    """RFC 7741."""
    return (Codec("VP8", "VP8", 0, 90000), "") if rtpmap.clock_rate == 90000 else None


def _h264(rtpmap: RtpMap, parameters: dict[str, str]) -> tuple[Codec, str] | None:
    """RFC 6184: constrained baseline in packetization mode 1, which all browsers have; any level is the same format."""
    profile = parameters.get("profile-level-id", "").lower()
    if rtpmap.clock_rate != 90000 or parameters.get("packetization-mode") != "1" or len(profile) != 6:
        return None
    try:
        idc, iop, _level = bytes.fromhex(profile)
    except ValueError:
        return None
    # RFC 6184 table 5: baseline, main or extended, narrowed by constraint flags to what baseline shares with main.
    patterns = ((0x42, 0x4F, 0x40), (0x4D, 0x8F, 0x80), (0x58, 0xCF, 0xC0))
    if not any(idc == profile_idc and iop & mask == value for profile_idc, mask, value in patterns):
        return None
    asymmetry = "level-asymmetry-allowed=1;" if parameters.get("level-asymmetry-allowed") == "1" else ""
    wanted = f"{asymmetry}packetization-mode=1;profile-level-id={profile}"
    return Codec("H264", VIDEO["H264"], 0, 90000), wanted


def _vp9(rtpmap: RtpMap, parameters: dict[str, str]) -> tuple[Codec, str] | None:
    """RFC 9628: profile 0, which is the one that is meant where none is named (section 6.1)."""
    if rtpmap.clock_rate != 90000 or parameters.get("profile-id", "0") != "0":
        return None
    return Codec("VP9", VIDEO["VP9"], 0, 90000), _echo(parameters, "profile-id")


def _av1(rtpmap: RtpMap, parameters: dict[str, str]) -> tuple[Codec, str] | None:
    """RTP payload format for AV1, section 7.2: main profile and tier; the level is the client's own."""
    if rtpmap.clock_rate != 90000 or parameters.get("profile", "0") != "0" or parameters.get("tier", "0") != "0":
        return None
    level = parameters.get("level-idx", "5")
    if not (level.isascii() and level.isdigit() and len(level) <= 2):
        return None
    return Codec("AV1", VIDEO["AV1"], 0, 90000), _echo(parameters, "level-idx", "profile", "tier")


def _echo(parameters: dict[str, str], *names: str) -> str:
    return ";".join(f"{name}={parameters[name]}" for name in names if name in parameters)


_CODECS: Final[dict[tuple[Kind, str], Callable[[RtpMap, dict[str, str]], tuple[Codec, str] | None]]] = {
    ("audio", "opus"): _opus,
    ("video", "vp8"): _vp8,
    ("video", "h264"): _h264,
    ("video", "vp9"): _vp9,
    ("video", "av1"): _av1,
}


def select(section: Section, kind: Kind, policy: CodecPolicy) -> tuple[Accepted, ...]:
    """The section's codecs that the policy takes, one of each format, by the policy's order; empty when none is."""
    found: dict[str, Accepted] = {}
    wanted = policy.of(kind)
    retransmissions = _retransmissions(section)
    for payload_type in section.payload_types:
        rtpmap = section.rtpmaps.get(payload_type)
        matcher = _CODECS.get((kind, rtpmap.name)) if rtpmap else None
        match = matcher(rtpmap, section.parameters.get(payload_type, {})) if rtpmap and matcher else None
        if rtpmap is None or match is None or match[0].format in found or match[0].format not in wanted:
            continue
        codec, parameters = match
        offered = section.feedback.get("*", set()) | section.feedback.get(str(payload_type), set())
        feedback = tuple(kind_ for kind_ in FEEDBACK[kind] if kind_ in offered)
        rtx = retransmissions.get(payload_type) if "nack" in feedback and kind == "video" else None
        codec = replace(codec, payload_type=payload_type, rtx_payload_type=rtx)
        found[codec.format] = Accepted(codec, parameters, feedback, rtpmap.channels)
    ordered = sorted(found.values(), key=lambda accepted: wanted.index(accepted.codec.format))
    return (*(_redundancy(section, found["opus"]) if policy.redundancy and "opus" in found else ()), *ordered)


def _redundancy(section: Section, opus: Accepted) -> Iterator[Accepted]:
    """Redundant audio (RFC 2198) of that Opus. What it holds is named in the payload, and so is part of the format."""
    inner = str(opus.codec.payload_type)
    for payload_type in section.payload_types:
        rtpmap = section.rtpmaps.get(payload_type)
        holds = section.redundancy.get(payload_type, ())
        if rtpmap and rtpmap.name == "red" and rtpmap.clock_rate == 48000 and len(holds) > 1 and set(holds) == {inner}:
            codec = Codec("red", f"red/{inner}", payload_type, 48000)
            yield Accepted(codec, "/".join(holds), (), rtpmap.channels)
            return


def agreed(offered: Sequence[str], viewers: Collection[Collection[str]], preferred: Sequence[str]) -> tuple[str, ...]:
    """Formats that somebody may send, the preferred first: what all viewers decode, else what the most of them do."""
    decoders = {name: sum(name in viewer for viewer in viewers) for name in offered}
    most = max(decoders.values(), default=0)
    return tuple(sorted((name for name in offered if decoders[name] == most), key=preferred.index))


def _retransmissions(section: Section) -> dict[int, int]:
    """RTX payload type by the one it repeats (RFC 4588 section 8.6)."""
    found: dict[int, int] = {}
    for payload_type in section.payload_types:
        rtpmap = section.rtpmaps.get(payload_type)
        repeats = section.parameters.get(payload_type, {}).get("apt", "")
        if rtpmap and rtpmap.name == "rtx" and repeats.isascii() and repeats.isdigit() and len(repeats) <= 3:
            found.setdefault(int(repeats), payload_type)
    return found
