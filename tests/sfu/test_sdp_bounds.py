"""Any text is answered or refused with a code, and never at great cost."""

import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.commands import Kind
from sfu.errors import SDP_CODES, SdpError
from sfu.sdp import Candidate, LocalTransport, Negotiated, OfferedTrack, Source, negotiate
from sfu.sdp.parse import MAX_BYTES, MAX_FORMATS, MAX_LINES, MAX_SECTIONS
from tests.bed.bombs import BOMBS, largest

DATA = Path(__file__).with_name("data")
LOCAL = LocalTransport("frag", "p" * 24, "sha-256 " + ":".join(["AB"] * 32), (Candidate("192.0.2.7", 7882),))
CAPTURED = {path.stem: path.read_text() for path in sorted(DATA.glob("*.sdp"))}
LINES = sorted({line for text in CAPTURED.values() for line in text.split("\n")})
TRACKS = (OfferedTrack("0", "audio", "microphone"), OfferedTrack("1", "video", "camera"))


def outcome(offer: str, tracks: tuple[OfferedTrack, ...] = TRACKS) -> Negotiated | str:
    """The answer, or the code of the refusal; anything else raised is a fault of ours."""
    source = random.Random(1)
    try:
        result = negotiate(offer, tracks, LOCAL, previous=None, cname="server", new_ssrc=lambda: source.getrandbits(32))
    except SdpError as error:
        return error.code if error.code in SDP_CODES else pytest.fail(error.code)
    assert_sound(offer, result)
    return result


def assert_sound(offer: str, result: Negotiated) -> None:
    """Every line has a type, and there are as many sections as were offered."""
    lines = result.answer.split("\r\n")
    assert lines.pop() == ""
    assert all(re.fullmatch(r"[vostcma]=[\x20-\x7e]+", line) for line in lines)
    offered = [line for line in offer.replace("\r\n", "\n").split("\n") if line.startswith("m=")]
    assert len([line for line in lines if line.startswith("m=")]) == len(offered)
    ssrcs = [ssrc for slot in result.slots for ssrc in (slot.ssrc, slot.rtx_ssrc) if ssrc is not None]
    assert len(set(ssrcs)) == len(ssrcs)
    pairs = [(slot.kind, pair) for slot, pair in zip(result.slots, result.pairs, strict=True)]
    assert len(set(pairs)) == len(pairs)


@given(st.text())
@settings(deadline=None)
def test_any_text(text: str) -> None:
    assert isinstance(outcome(text), str)


@given(st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=40)), max_size=60))
@settings(deadline=None)
def test_any_lines(lines: list[str]) -> None:
    outcome("v=0\no=- 1 1 IN IP4 0\n" + "\n".join(lines))


@given(st.sampled_from(sorted(CAPTURED)), st.integers(0, 2**32), st.integers(1, 8))
@settings(max_examples=300, deadline=None)
def test_damaged_offers(name: str, seed: int, faults: int) -> None:
    source = random.Random(seed)
    lines = CAPTURED[name].split("\n")
    for _ in range(faults):
        at = source.randrange(len(lines))
        match source.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, source.choice(LINES))
            case 2:
                lines[at] = lines[at][: source.randrange(len(lines[at]) + 1)]
            case 3:
                lines[at] = re.sub(
                    r"\d+", lambda _: str(source.choice([0, 1, 15, 128, 65536, 2**32, 10**25])), lines[at]
                )
            case _:
                there = source.randrange(len(lines))
                lines[at], lines[there] = lines[there], lines[at]
    outcome("\n".join(lines))


@given(
    st.lists(
        st.builds(
            OfferedTrack,
            st.one_of(st.sampled_from(["0", "1", "2"]), st.text(max_size=5)),
            st.sampled_from(["audio", "video"]),
            st.sampled_from(["camera", "microphone", "screen"]),
        ),
        max_size=4,
    )
)
@settings(deadline=None)
def test_any_list_of_tracks(tracks: list[OfferedTrack]) -> None:
    result = outcome(CAPTURED["chromium-1"], tuple(tracks))
    right: set[tuple[str, Kind]] = {("0", "audio"), ("1", "video")}
    named = [(track.mid, track.kind) for track in tracks]
    if set(named) <= right and len(set(named)) == len(named):
        assert isinstance(result, Negotiated)
        published: set[tuple[str, Source]] = {(track.mid, track.source) for track in result.tracks}
        assert published == {(track.mid, track.source) for track in tracks}
    else:
        assert result == "sdp_unknown_track"


@pytest.mark.parametrize("line", sorted({line.partition(":")[0] for line in LINES if line.startswith("a=")}))
@pytest.mark.parametrize("value", ["", ":", ": ", ":x", ":0", ":0 ", ": : ;"])
def test_each_attribute_with_next_to_nothing(line: str, value: str) -> None:
    offer = CAPTURED["firefox-1-simulcast"]
    outcome(offer.replace("\nm=", f"\n{line}{value}\nm=", 1))
    outcome(offer + f"{line}{value}\n")


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_with_little_work(name: str) -> None:
    offer, code = BOMBS[name]
    before = time.process_time()
    assert outcome(offer) == code
    assert time.process_time() - before < 1.0  # some 20 ms at most; the bound is for a loaded machine


def test_the_largest_offers_are_answered() -> None:
    offer = largest(CAPTURED["chromium-1"])
    assert len(offer) < MAX_BYTES
    result = outcome(offer)
    assert isinstance(result, Negotiated)
    assert len(result.slots) == MAX_SECTIONS - 2


@pytest.mark.parametrize("more", [0, 1])
def test_a_section_has_as_many_formats_as_rtp_has_payload_types(more: int) -> None:
    numbers = [*sorted(range(MAX_FORMATS), key=lambda number: number != 111), *[0] * more]
    formats = " ".join(map(str, numbers))
    offer = re.sub(r"^(m=audio 9 \S+) .*$", rf"\1 {formats}", CAPTURED["chromium-1"], count=1, flags=re.M)
    assert isinstance(outcome(offer), str if more else Negotiated)


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_lines_and_no_more(more: int) -> None:
    offer = CAPTURED["chromium-1"].rstrip("\n") + "\n"
    offer += "a=x\n" * (MAX_LINES - offer.count("\n") + more)
    assert isinstance(outcome(offer), str if more else Negotiated)
