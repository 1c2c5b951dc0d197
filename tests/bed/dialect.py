"""The numbers that a browser would choose, payload types and extension ids: each browser has its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sfu.commands import Codec, Encoding, Extensions, Kind, ReceiveTrack, SendSlot

KINDS: tuple[Kind, ...] = ("audio", "video")


@dataclass(frozen=True, slots=True)
class Dialect:
    audio: tuple[Codec, ...]
    video: tuple[Codec, ...]
    audio_extensions: Extensions
    video_extensions: Extensions
    repairs_sound: bool = False
    """Whether lost sound is sent again: asked of it, and asked for by it."""

    def codecs(self, kind: Kind) -> tuple[Codec, ...]:
        return self.audio if kind == "audio" else self.video

    def extensions(self, kind: Kind) -> Extensions:
        return self.audio_extensions if kind == "audio" else self.video_extensions


H264 = "H264/1/42e01f"

CHROMIUM = Dialect(
    audio=(Codec("opus", "opus", 111, 48_000),),
    video=(Codec("VP8", "VP8", 96, 90_000, 97), Codec("H264", H264, 103, 90_000, 104)),
    audio_extensions=Extensions(audio_level=1, abs_send_time=2, transport_cc=3, mid=4),
    video_extensions=Extensions(abs_send_time=2, transport_cc=3, mid=4, rid=10, repaired_rid=11),
)

FIREFOX = Dialect(
    audio=(Codec("opus", "opus", 109, 48_000),),
    video=(Codec("VP8", "VP8", 120, 90_000, 124), Codec("H264", H264, 126, 90_000, 127)),
    audio_extensions=Extensions(audio_level=1, mid=3, transport_cc=7),
    video_extensions=Extensions(mid=3, abs_send_time=4, transport_cc=7, rid=5, repaired_rid=6),
)


VP9, AV1 = "VP9/0", "AV1/0"

CHROMIUM_FULL = replace(
    CHROMIUM,
    audio=(Codec("red", "red/111", 63, 48_000), *CHROMIUM.audio),
    video=(*CHROMIUM.video, Codec("VP9", VP9, 98, 90_000, 99), Codec("AV1", AV1, 45, 90_000, 46)),
)
"""With all that it has."""

CHROMIUM_REPAIRING = replace(CHROMIUM_FULL, repairs_sound=True)
"""As our own pages make it."""

FIREFOX_FULL = replace(
    FIREFOX,
    video=(FIREFOX.video[0], Codec("VP9", VP9, 121, 90_000, 125), Codec("AV1", AV1, 99, 90_000, 100)),
)
"""Without H.264, as it comes from Debian."""


def published(
    dialect: Dialect,
    kinds: Sequence[Kind],
    *,
    first_track: int,
    encodings: Sequence[Encoding] = (Encoding(),),
    repair: bool = True,
) -> Iterator[ReceiveTrack]:
    """Sections that a client sends in; audio has one encoding always."""
    for index, kind in enumerate(kinds):
        repairs = repair and (kind == "video" or dialect.repairs_sound)
        extensions = dialect.extensions(kind)
        if kind == "audio" and repairs:
            extensions = replace(extensions, transport_cc=None, abs_send_time=None)
        yield ReceiveTrack(
            track=first_track + index,
            mid=str(index),
            kind=kind,
            codecs=dialect.codecs(kind),
            extensions=extensions,
            encodings=tuple(encodings) if kind == "video" else (Encoding(),),
            nack=repairs,
            pli=kind == "video",
            transport_cc=extensions.transport_cc is not None,
        )


def slots(
    dialect: Dialect, kinds: Sequence[Kind], *, first_line: int, first_ssrc: int, cname: str
) -> Iterator[SendSlot]:
    """Sections that a client receives in, with SSRCs of the server's choice."""
    for index, kind in enumerate(kinds):
        ssrc = first_ssrc + 2 * index
        yield SendSlot(
            slot=first_line + index,
            mid=str(first_line + index),
            kind=kind,
            ssrc=ssrc,
            rtx_ssrc=ssrc + 1 if kind == "video" else None,
            cname=cname,
            codecs=dialect.codecs(kind),
            extensions=dialect.extensions(kind),
        )
