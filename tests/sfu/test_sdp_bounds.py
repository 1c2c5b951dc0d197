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
from sfu.sdp.parse import MAX_BYTES, MAX_SECTIONS

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


HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
SECTION = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
BOMBS = {
    "a megabyte": (HEAD + "a=" + "x" * 1_000_000, "sdp_too_big"),
    "a megabyte of nothing": ("\n" * 1_000_000, "sdp_too_big"),
    "few characters, many bytes": (HEAD + "s=" + "\N{GRINNING FACE}" * (MAX_BYTES // 4), "sdp_too_big"),
    "ten thousand sections": (HEAD + "m=a 9 b c\r\n" * 10_000, "sdp_too_many_sections"),
    "one section too many": (HEAD + SECTION * (MAX_SECTIONS + 1), "sdp_too_many_sections"),
    "empty lines": (HEAD + "\n" * 200_000, "sdp_malformed"),
    "short attributes": (HEAD + SECTION + "a=\n" * 80_000, "sdp_malformed"),
    "ssrcs": (HEAD + SECTION + "".join(f"a=ssrc:{n}\n" for n in range(16_000)), "sdp_malformed"),
    "extensions": (HEAD + SECTION + "".join(f"a=extmap:1 u{n}\n" for n in range(12_000)), "sdp_malformed"),
    "parameters": (HEAD + SECTION + "a=fmtp:111 " + "a=b;" * 60_000, "sdp_malformed"),
    "fingerprints": (HEAD + ("a=fingerprint:sha-1 00\n") * 11_000, "sdp_no_bundle"),
    "a bundle": (HEAD + "a=group:BUNDLE " + " ".join(map(str, range(40_000))), "sdp_malformed"),
    "payload types": (HEAD + "m=audio 9 x" + " 1" * 120_000 + "\na=mid:a", "sdp_no_bundle"),
    "simulcast": (HEAD + SECTION + "a=simulcast:send " + ";".join(map(str, range(40_000))), "sdp_malformed"),
    "digits": (HEAD + SECTION + "a=ssrc:" + "9" * 200_000, "sdp_malformed"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_with_little_work(name: str) -> None:
    offer, code = BOMBS[name]
    before = time.process_time()
    assert outcome(offer) == code
    assert time.process_time() - before < 1.0  # some 10 to 100 ms; the bound is for a loaded machine


def test_the_largest_offers_are_answered() -> None:
    parts = re.split(r"^(?=m=)", CAPTURED["chromium-1"], flags=re.M)
    like = parts[3]
    parts += [re.sub(r"^a=mid:.*$", f"a=mid:{index}", like, flags=re.M) for index in range(4, MAX_SECTIONS)]
    mids = " ".join(map(str, range(MAX_SECTIONS)))
    offer = re.sub(r"^a=group:BUNDLE .*$", f"a=group:BUNDLE {mids}", "".join(parts), flags=re.M)
    assert len(offer) < MAX_BYTES
    result = outcome(offer)
    assert isinstance(result, Negotiated)
    assert len(result.slots) == MAX_SECTIONS - 2
