"""Offers of stock browsers, captured by `offers.js`, and what becomes of them over a call's life."""

import itertools
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from sfu.commands import Codec, Encoding, Extensions
from sfu.errors import SDP_CODES, SdpError
from sfu.sdp import (
    VIDEO,
    Candidate,
    CodecPolicy,
    LocalTransport,
    Negotiated,
    OfferedTrack,
    agreed,
    negotiate,
    peek,
)

DATA = Path(__file__).with_name("data")
LOCAL = LocalTransport(
    "srvfrag",
    "srvpassword0123456789ab",
    "sha-256 " + ":".join(["AB"] * 32),
    (Candidate("192.0.2.7", 7882), Candidate("2001:db8::7", 7882), Candidate("192.0.2.7", 7883, "tcp")),
)
MICROPHONE = OfferedTrack("0", "audio", "microphone")
CAMERA = OfferedTrack("1", "video", "camera")
OFFERS = sorted(path.stem for path in DATA.glob("*.sdp"))


def captured(name: str) -> str:
    return (DATA / f"{name}.sdp").read_text()


def counter(start: int = 1000) -> Callable[[], int]:
    numbers = itertools.count(start)
    return lambda: next(numbers)


def answer_to(
    offer: str,
    *tracks: OfferedTrack,
    previous: Negotiated | None = None,
    new_ssrc: Callable[[], int] | None = None,
    policy: CodecPolicy | None = None,
    viewers: Collection[Collection[str]] = (),
) -> Negotiated:
    return negotiate(
        offer,
        tracks,
        LOCAL,
        previous=previous,
        cname="server",
        new_ssrc=new_ssrc or counter(2000 if previous else 1000),
        policy=policy or CodecPolicy(),
        viewers=viewers,
    )


def sections(sdp: str) -> list[list[str]]:
    """The lines of each section."""
    return [part.rstrip("\n").split("\n") for part in _parts(sdp.replace("\r\n", "\n"))[1:]]


def _parts(sdp: str) -> list[str]:
    return re.split(r"^(?=m=)", sdp, flags=re.M)


def head(sdp: str) -> list[str]:
    return sdp.split("m=", 1)[0].split("\r\n")[:-1]


def values(section: list[str], name: str) -> list[str]:
    prefix = f"a={name}:"
    return [line.removeprefix(prefix) for line in section if line.startswith(prefix)]


def code_of(offer: str, *tracks: OfferedTrack) -> str:
    with pytest.raises(SdpError) as caught:
        answer_to(offer, *tracks)
    assert caught.value.code in SDP_CODES
    return caught.value.code


# What a browser offers


@pytest.mark.parametrize("name", OFFERS)
def test_a_browsers_offer_is_answered_section_by_section(name: str) -> None:
    offer = captured(name)
    result = answer_to(offer, MICROPHONE, CAMERA)
    assert result.answer.startswith("v=0\r\no=- ")
    assert result.answer.endswith("\r\n")
    offered, answered = sections(offer), sections(result.answer)
    assert [part[0].split()[0] for part in answered] == [part[0].split()[0] for part in offered]
    assert [values(part, "mid") for part in answered] == [values(part, "mid") for part in offered]
    assert "a=ice-lite" in head(result.answer)
    assert f"a=group:BUNDLE {' '.join(mid for part in offered for mid in values(part, 'mid'))}" in head(result.answer)
    for index, part in enumerate(answered):
        assert part[0].split()[1] == "9"
        assert ("a=recvonly" if index < 2 else "a=sendonly") in part
        assert "a=rtcp-mux" in part
        assert "a=setup:passive" in part
        assert values(part, "ice-ufrag") == ["srvfrag"]
        assert "a=end-of-candidates" in part


@pytest.mark.parametrize("name", OFFERS)
def test_what_is_named_in_the_answer_was_offered_and_is_known(name: str) -> None:
    offer = captured(name)
    result = answer_to(offer, MICROPHONE, CAMERA)
    for offered, answered in zip(sections(offer), sections(result.answer), strict=True):
        payload_types = answered[0].split()[3:]
        assert set(payload_types) <= set(offered[0].split()[3:])
        assert [value.split()[0] for value in values(answered, "rtpmap")] == payload_types
        known = {"opus/48000/2", "red/48000/2", "rtx/90000"} | {f"{name}/90000" for name in VIDEO}
        assert {value.split()[1] for value in values(answered, "rtpmap")} <= known
        mirror = {"sendonly": "recvonly", "recvonly": "sendonly"}
        entries = [re.match(r"(\d+)/(\w+) (.*)", value) for value in values(offered, "extmap")]
        extensions = {f"{found[1]}/{mirror[found[2]]} {found[3]}" for found in entries if found}
        extensions |= {value for value in values(offered, "extmap") if re.match(r"\d+ ", value)}
        assert set(values(answered, "extmap")) <= extensions
        assert set(values(answered, "rtcp-fb")) <= set(values(offered, "rtcp-fb"))
    for foreign in (
        "red/90000",
        "ulpfec",
        "profile-id=2",
        "telephone-event",
        "playout-delay",
        "video-orientation",
        "stereo",
    ):
        assert foreign not in result.answer


@pytest.mark.parametrize("name", OFFERS)
def test_slots_have_ssrcs_cname_and_a_stream_per_pair(name: str) -> None:
    pairs = 1 if "-1" in name else 3
    result = answer_to(captured(name), MICROPHONE, CAMERA)
    assert len(result.slots) == 2 * pairs
    assert result.pairs == tuple(n for n in range(1, pairs + 1) for _ in range(2))
    answered = sections(result.answer)
    ssrcs: set[int] = set()
    for slot, pair in zip(result.slots, result.pairs, strict=True):
        lines = answered[slot.slot]
        assert values(lines, "mid") == [slot.mid]
        assert values(lines, "msid") == [f"slot{pair} slot{pair}-{slot.kind}"]
        if slot.kind == "video":
            assert slot.rtx_ssrc is not None
            assert values(lines, "ssrc-group") == [f"FID {slot.ssrc} {slot.rtx_ssrc}"]
            assert values(lines, "ssrc") == [f"{slot.ssrc} cname:server", f"{slot.rtx_ssrc} cname:server"]
            ssrcs.add(slot.rtx_ssrc)
        else:
            assert slot.rtx_ssrc is None
            assert values(lines, "ssrc") == [f"{slot.ssrc} cname:server"]
        ssrcs.add(slot.ssrc)
    assert len(ssrcs) == 3 * pairs
    for published in answered[:2]:
        assert not values(published, "msid")
        assert not values(published, "ssrc")


def test_chromiums_camera() -> None:
    result = answer_to(captured("chromium-1"), MICROPHONE, CAMERA)
    microphone, camera = (published.receive for published in result.tracks)
    assert [published.source for published in result.tracks] == ["microphone", "camera"]
    assert microphone.codecs == (Codec("red", "red/111", 63, 48000), Codec("opus", "opus", 111, 48000))
    assert microphone.extensions == Extensions(mid=4, transport_cc=3, abs_send_time=2, audio_level=1)
    assert (microphone.nack, microphone.pli, microphone.transport_cc) == (False, False, True)
    assert camera.codecs == (
        Codec("VP8", "VP8", 96, 90000, 97),
        Codec("H264", "H264/1/42e01f", 108, 90000, 109),
        Codec("VP9", "VP9/0", 98, 90000, 99),
        Codec("AV1", "AV1/0", 45, 90000, 46),
    )
    assert camera.extensions == Extensions(mid=4, rid=10, repaired_rid=11, transport_cc=3, abs_send_time=2)
    assert (camera.nack, camera.pli, camera.transport_cc) == (True, True, True)
    (encoding,) = camera.encodings
    assert encoding.rid is None
    assert f"a=ssrc-group:FID {encoding.ssrc} {encoding.rtx_ssrc}" in captured("chromium-1").split("\n")
    assert microphone.track == camera.track == 0


def test_firefoxes_camera() -> None:
    result = answer_to(captured("firefox-1"), MICROPHONE, CAMERA)
    camera = result.tracks[1].receive
    assert camera.codecs == (
        Codec("VP8", "VP8", 120, 90000, 124),
        Codec("VP9", "VP9/0", 121, 90000, 125),
        Codec("AV1", "AV1/0", 99, 90000, 100),
    )
    assert camera.extensions == Extensions(mid=3, transport_cc=7, abs_send_time=4)
    simulcast = answer_to(captured("firefox-1-simulcast"), MICROPHONE, CAMERA)
    assert simulcast.tracks[1].receive.extensions == replace(camera.extensions, rid=9, repaired_rid=10)
    rid = "9/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    assert rid in values(sections(simulcast.answer)[1], "extmap")


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_simulcast_is_received_by_rid(browser: str) -> None:
    result = answer_to(captured(f"{browser}-1-simulcast"), MICROPHONE, CAMERA)
    assert result.tracks[1].receive.encodings == (Encoding("q"), Encoding("h"), Encoding("f"))
    camera = sections(result.answer)[1]
    assert values(camera, "rid") == ["q recv", "h recv", "f recv"]
    assert values(camera, "simulcast") == ["recv q;h;f"]


def test_slots_agree_on_what_we_send() -> None:
    result = answer_to(captured("chromium-1"), MICROPHONE, CAMERA)
    audio, video = result.slots
    assert audio.extensions == Extensions(mid=4, transport_cc=3, abs_send_time=2, audio_level=1)
    assert video.extensions == Extensions(mid=4, transport_cc=3, abs_send_time=2)
    assert [codec.payload_type for codec in audio.codecs] == [63, 111]
    assert [codec.payload_type for codec in video.codecs] == [96, 108, 98, 45]


def test_the_transport() -> None:
    offer = captured("firefox-1")
    result = answer_to(offer, MICROPHONE, CAMERA)
    assert result.setup == "passive"
    assert f"a=ice-ufrag:{result.ice_ufrag}\n" in offer
    assert f"a=ice-pwd:{result.ice_pwd}\n" in offer
    ((algorithm, value),) = result.fingerprints
    assert f"a=fingerprint:{algorithm} {value}\n" in offer
    assert peek(offer).session == result.session
    assert peek(offer).ice_ufrag == result.ice_ufrag
    assert f"o=- {result.session} 1 IN IP4 0.0.0.0" in head(result.answer)
    assert f"a=fingerprint:{LOCAL.fingerprint}" in head(result.answer)
    first = sections(result.answer)[0]
    assert values(first, "ice-pwd") == [LOCAL.pwd]
    assert values(first, "candidate") == [
        "1 1 udp 2130706431 192.0.2.7 7882 typ host",
        "2 1 udp 2130706175 2001:db8::7 7882 typ host",
        f"3 1 tcp {(90 << 24) | (((4 << 13) | 8189) << 8) | 255} 192.0.2.7 7883 typ host tcptype passive",
    ]


def test_nothing_secret_is_shown() -> None:
    result = answer_to(captured("chromium-1"), MICROPHONE, CAMERA)
    assert result.ice_pwd not in repr(result)
    assert LOCAL.pwd not in repr(result)
    assert LOCAL.pwd not in repr(LOCAL)
    assert "192.0.2.7" not in repr(LOCAL)


# Over a call's life


def grown(offer: str, kinds: tuple[str, ...]) -> str:
    """The offer with further sections like its slots, as `addTransceiver` appends them."""
    parts = _parts(offer)
    mids = [str(index) for index in range(len(parts) - 1)]
    for kind in kinds:
        like = next(part for part in parts[3:] if part.startswith(f"m={kind}"))
        mids.append(str(len(mids)))
        parts.append(re.sub(r"^a=mid:.*$", f"a=mid:{mids[-1]}", like, flags=re.M))
    return re.sub(r"^a=group:BUNDLE .*$", f"a=group:BUNDLE {' '.join(mids)}", "".join(parts), flags=re.M)


def stopped(offer: str, *mids: str) -> str:
    """The offer with those transceivers stopped: port 0, and out of the bundle."""
    parts = _parts(offer)
    for index, part in enumerate(parts):
        found = re.search(r"^a=mid:(.*)$", part, flags=re.M)
        if found and found[1] in mids:
            part = re.sub(r"^(m=\w+) \d+", r"\1 0", part)
            parts[index] = re.sub(r"^a=(sendonly|recvonly)$", "a=inactive", part, flags=re.M).replace(
                "a=bundle-only\n", ""
            )
    left = [mid for mid in re.search(r"BUNDLE (.*)", offer)[1].split() if mid not in mids]  # type: ignore[index]
    return re.sub(r"^a=group:BUNDLE .*$", f"a=group:BUNDLE {' '.join(left)}", "".join(parts), flags=re.M)


@pytest.mark.parametrize("name", OFFERS)
def test_a_re_offer_changes_nothing_but_the_version(name: str) -> None:
    first = answer_to(captured(name), MICROPHONE, CAMERA)
    again = answer_to(captured(name), MICROPHONE, CAMERA, previous=first)
    assert again == replace(first, answer=again.answer, version=2)
    assert again.answer == first.answer.replace(f"{first.session} 1 IN", f"{first.session} 2 IN")


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_growth_adds_slots_and_keeps_the_others(browser: str) -> None:
    first = answer_to(captured(f"{browser}-1"), MICROPHONE, CAMERA)
    more = answer_to(
        grown(captured(f"{browser}-1"), ("audio", "video", "audio", "video")), MICROPHONE, CAMERA, previous=first
    )
    assert more.slots[:2] == first.slots
    assert more.pairs == (1, 1, 2, 2, 3, 3)
    assert {slot.ssrc for slot in more.slots[2:]}.isdisjoint({slot.ssrc for slot in first.slots})
    assert [slot.slot for slot in more.slots] == [2, 3, 4, 5, 6, 7]


def test_growth_by_kind_still_pairs() -> None:
    offer = grown(captured("chromium-1"), ("audio", "audio", "video", "video"))
    assert answer_to(offer, MICROPHONE, CAMERA).pairs == (1, 1, 2, 3, 2, 3)


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_stopped_slot_is_rejected_and_the_others_stay(browser: str) -> None:
    offer = captured(f"{browser}-3")
    first = answer_to(offer, MICROPHONE, CAMERA)
    less = answer_to(stopped(offer, "2", "3"), MICROPHONE, CAMERA, previous=first)
    assert less.slots == first.slots[2:]
    assert less.pairs == (2, 2, 3, 3)
    assert [part[0].split()[1] for part in sections(less.answer)] == ["9", "9", "0", "0", "9", "9", "9", "9"]
    assert "a=group:BUNDLE 0 1 4 5 6 7" in head(less.answer)
    back = answer_to(offer, MICROPHONE, CAMERA, previous=less)
    assert back.pairs == first.pairs
    assert back.slots[2:] == first.slots[2:]


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_the_first_section_may_stop(browser: str) -> None:
    offer = captured(f"{browser}-1")
    first = answer_to(offer, MICROPHONE, CAMERA)
    less = answer_to(stopped(offer, "0"), CAMERA, previous=first)
    assert [published.mid for published in less.tracks] == ["1"]
    answered = sections(less.answer)
    assert answered[0][0].split()[1] == "0"
    assert less.slots == first.slots


def test_ice_restart_shows_in_the_ufrag_alone() -> None:
    offer = captured("chromium-1")
    first = answer_to(offer, MICROPHONE, CAMERA)
    restarted = re.sub(r"a=ice-ufrag:.*", "a=ice-ufrag:NEWfrag", offer)
    assert peek(restarted).session == first.session
    assert peek(restarted).ice_ufrag == "NEWfrag" != first.ice_ufrag
    again = answer_to(restarted, MICROPHONE, CAMERA, previous=first)
    assert again == replace(first, answer=again.answer, version=2, ice_ufrag="NEWfrag")


def test_a_new_ssrc_is_one_that_is_not_in_use() -> None:
    numbers = iter([7, 0, 7, 8, 8, 9])
    result = answer_to(captured("chromium-1"), MICROPHONE, CAMERA, new_ssrc=lambda: next(numbers))
    assert [(slot.ssrc, slot.rtx_ssrc) for slot in result.slots] == [(7, None), (8, 9)]
    later = iter([7, 8, 9, 10, 11, 12])
    more = answer_to(
        grown(captured("chromium-1"), ("audio", "video")),
        MICROPHONE,
        CAMERA,
        previous=result,
        new_ssrc=lambda: next(later),
    )
    assert [(slot.ssrc, slot.rtx_ssrc) for slot in more.slots[2:]] == [(10, None), (11, 12)]


def test_a_section_that_is_not_listed_is_idle() -> None:
    result = answer_to(captured("chromium-1"), CAMERA)
    assert [published.mid for published in result.tracks] == ["1"]
    assert "a=inactive" in sections(result.answer)[0]
    assert sections(result.answer)[0][0].split()[1] == "9"


def test_the_policy_chooses_and_orders_codecs() -> None:
    policy = CodecPolicy(video=("H264/1/42e01f", "VP8"))
    result = answer_to(captured("chromium-1"), MICROPHONE, CAMERA, policy=policy)
    assert sections(result.answer)[1][0].split()[3:] == ["108", "109", "96", "97"]
    only = answer_to(captured("chromium-1"), MICROPHONE, CAMERA, policy=CodecPolicy(video=("H264/1/42e01f",)))
    assert [codec.name for codec in only.slots[1].codecs] == ["H264"]


def test_one_kind_without_a_codec_is_rejected_alone() -> None:
    policy = CodecPolicy(video=("H264/1/42e01f",))
    result = answer_to(captured("firefox-1"), MICROPHONE, CAMERA, policy=policy)
    answered = sections(result.answer)
    assert [part[0].split()[1] for part in answered] == ["9", "0", "9", "0"]
    assert "a=group:BUNDLE 0 2" in head(result.answer)
    assert [published.mid for published in result.tracks] == ["0"]
    assert [slot.kind for slot in result.slots] == ["audio"]


# Single lines

MINIMAL = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE a v
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:a
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=rtcp-mux
a=sendrecv
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1;stereo=1
a=ssrc:5 cname:x
m=video 9 UDP/TLS/RTP/SAVPF 96 97
a=mid:v
a=recvonly
a=rtpmap:96 VP8/90000
a=rtcp-fb:* nack
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
""".format(fingerprint=":".join(["0A"] * 32))
SOUND = OfferedTrack("a", "audio", "microphone")


def changed(old: str, new: str) -> str:
    assert old in MINIMAL
    return MINIMAL.replace(old, new)


def test_the_least_offer() -> None:
    result = answer_to(MINIMAL, SOUND)
    assert result.tracks[0].receive.encodings == (Encoding(ssrc=5),)
    assert values(sections(result.answer)[0], "fmtp") == ["111 minptime=10;useinbandfec=1;usedtx=1"]
    assert values(sections(result.answer)[1], "rtcp-fb") == ["96 nack"]
    assert result.slots[0].codecs[0].rtx_payload_type == 97


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("v=0", "v=1", "sdp_malformed"),
        ("o=- 1 1 IN IP4 127.0.0.1", "o=- one 1 IN IP4 127.0.0.1", "sdp_malformed"),
        ("o=- 1 1", "o=- \u0661 1", "sdp_malformed"),
        ("s=-", "nonsense", "sdp_malformed"),
        ("s=-", "y=-", "sdp_malformed"),
        ("s=-", "s=\x00", "sdp_malformed"),
        ("SAVPF 111", "SAVPF 128", "sdp_malformed"),
        ("SAVPF 111", "SAVPF", "sdp_malformed"),
        ("audio 9", "audio 65536", "sdp_malformed"),
        ("audio 9", "audio -1", "sdp_malformed"),
        ("rtpmap:111 opus/48000/2", "rtpmap:300 opus/48000/2", "sdp_malformed"),
        ("rtpmap:111 opus/48000/2", "rtpmap:111 opus", "sdp_malformed"),
        ("a=mid:a", "a=mid:v", "sdp_malformed"),
        ("a=mid:a\n", "", "sdp_malformed"),
        ("a=mid:a", "a=mid:" + "a" * 17, "sdp_malformed"),
        ("a=mid:a", "a=mid:a b", "sdp_malformed"),
        ("BUNDLE a v", "BUNDLE a v w", "sdp_malformed"),
        ("BUNDLE a v", "BUNDLE a v a", "sdp_malformed"),
        ("BUNDLE a v", "BUNDLE a", "sdp_no_bundle"),
        ("a=group:BUNDLE a v\n", "", "sdp_no_bundle"),
        ("group:BUNDLE a v", "group:BUNDLE", "sdp_no_bundle"),
        ("audio 9", "audio 0", "sdp_no_bundle"),
        ("a=rtcp-mux\n", "", "sdp_no_rtcp_mux"),
        ("a=ice-ufrag:abcd\n", "", "sdp_no_ice"),
        ("ice-ufrag:abcd", "ice-ufrag:abc", "sdp_malformed"),
        ("ice-ufrag:abcd", "ice-ufrag:ab:cd", "sdp_malformed"),
        ("ice-pwd:0123456789012345678901", "ice-pwd:short", "sdp_malformed"),
        ("a=fingerprint:sha-256 0A", "a=fingerprint:sha-1 0A", "sdp_no_fingerprint"),
        ("a=fingerprint:sha-256 0A:", "a=fingerprint:sha-256 ", "sdp_malformed"),
        ("a=fingerprint:sha-256 0A", "a=fingerprint:sha-256 XX", "sdp_malformed"),
        ("setup:actpass", "setup:passive", "sdp_bad_setup"),
        ("a=setup:actpass\n", "", "sdp_bad_setup"),
        ("a=sendrecv", "a=recvonly", "sdp_unknown_track"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=video 9 UDP/TLS/RTP/SAVPF 111", "sdp_unknown_track"),
        ("ssrc:5", "ssrc:4294967296", "sdp_malformed"),
        ("ssrc:5", "ssrc:five", "sdp_malformed"),
        ("a=ssrc:5 cname:x", "a=extmap:0 urn:x", "sdp_malformed"),
        ("a=ssrc:5 cname:x", "a=ssrc-group:FID 1 2 3", "sdp_malformed"),
        ("a=ssrc:5 cname:x", "a=rid:a", "sdp_malformed"),
        ("a=ssrc:5 cname:x", "a=simulcast:send", "sdp_malformed"),
    ],
)
def test_each_fault_has_its_code(old: str, new: str, code: str) -> None:
    assert code_of(changed(old, new), SOUND) == code


@pytest.mark.parametrize(
    "tracks",
    [
        [OfferedTrack("x", "audio", "microphone")],
        [OfferedTrack("v", "video", "camera")],
        [OfferedTrack("a", "video", "camera")],
        [SOUND, SOUND],
        [OfferedTrack("", "audio", "microphone")],
    ],
)
def test_tracks_must_name_sending_sections(tracks: list[OfferedTrack]) -> None:
    assert code_of(MINIMAL, *tracks) == "sdp_unknown_track"


def test_no_codec_at_all() -> None:
    assert code_of(MINIMAL.replace("opus", "speex").replace("VP8", "theora"), SOUND) == "sdp_no_common_codec"


def test_every_code_has_a_meaning_and_every_error_a_code() -> None:
    for code, meaning in SDP_CODES.items():
        error = SdpError(code)
        assert error.code == code
        assert str(error) == meaning == error.message
    assert str(SdpError("sdp_malformed", "o=")).endswith(" (o=)")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("t=0 0", "t=0 0\na=unknown:thing\na=msid-semantic: WMS *\nb=AS:100\nc=IN IP4 1.2.3.4"),
        ("a=rtcp-mux", "a=rtcp-mux\na=candidate:1 1 udp 1 x.local 9 typ host\na=crypto:1 AES key"),
        ("a=ssrc:5 cname:x", "a=ssrc:5 cname:x\na=fmtp:111 broken;;=;a=b=c\na=rtcp-fb:111 nonsense"),
        ("v=0\n", "v=0\n"),
        ("s=-", "s=ééé"),
        ("a=sendrecv\n", ""),
        ("a=sendrecv", "a=sendonly"),
        ("setup:actpass", "setup:active"),
        ("a=sendrecv", "a=sendrecv\na=extmap:4711 urn:ietf:params:rtp-hdrext:sdes:mid"),
    ],
)
def test_what_we_do_not_know_is_skipped(old: str, new: str) -> None:
    result = answer_to(changed(old, new), SOUND)
    assert len(result.tracks) == 1
    for foreign in ("unknown", "candidate:1 1 udp 1 ", "crypto", "nonsense", "broken", "4711"):
        assert foreign not in result.answer


def test_line_ends_may_be_either() -> None:
    with_cr = answer_to(MINIMAL.replace("\n", "\r\n"), SOUND)
    assert with_cr == answer_to(MINIMAL, SOUND)
    assert answer_to(MINIMAL.rstrip("\n"), SOUND) == with_cr


def test_transport_may_stand_above_the_sections() -> None:
    names = ("ice-ufrag", "ice-pwd", "fingerprint", "setup")
    lines = [line for line in MINIMAL.split("\n") if line.startswith(tuple(f"a={name}:" for name in names))]
    moved = "\n".join(line for line in MINIMAL.split("\n") if line not in lines)
    result = answer_to(moved.replace("t=0 0", "\n".join(["t=0 0", *lines])), SOUND)
    assert result == answer_to(MINIMAL, SOUND)


def test_a_data_channel_is_declined_even_when_it_leads() -> None:
    transport = "\n".join(line for line in MINIMAL.split("\n") if re.match("a=(ice|finger|setup)", line))
    data = f"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:d\na=sctp-port:5000\n{transport}\n"
    result = answer_to(changed("m=audio", data + "m=audio").replace("BUNDLE a v", "BUNDLE d a v"), SOUND)
    answered = sections(result.answer)
    assert answered[0] == [
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=mid:d",
        "a=inactive",
    ]
    assert "a=group:BUNDLE a v" in head(result.answer)
    assert "a=end-of-candidates" in answered[1]


@pytest.mark.parametrize(
    ("parameters", "taken"),
    [
        ("packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1", True),
        ("profile-level-id=42C028; packetization-mode=1", True),
        ("packetization-mode=1;profile-level-id=4d801f", True),
        ("packetization-mode=1;profile-level-id=42001f", False),
        ("packetization-mode=1;profile-level-id=4d001f", False),
        ("packetization-mode=1;profile-level-id=640c1f", False),
        ("packetization-mode=0;profile-level-id=42e01f", False),
        ("profile-level-id=42e01f", False),
        ("packetization-mode=1;profile-level-id=42e0", False),
        ("packetization-mode=1;profile-level-id=42 e01", False),
        ("packetization-mode=1", False),
    ],
)
def test_h264_is_taken_as_constrained_baseline(parameters: str, taken: bool) -> None:
    offer = changed("rtpmap:96 VP8/90000", f"rtpmap:96 h264/90000\na=fmtp:96 {parameters}")
    result = answer_to(offer, SOUND)
    assert [codec.format for slot in result.slots for codec in slot.codecs] == (["H264/1/42e01f"] if taken else [])


@pytest.mark.parametrize(
    ("codec", "parameters", "taken"),
    [
        ("VP9", "", "VP9/0"),
        ("VP9", "profile-id=0", "VP9/0"),
        ("VP9", "profile-id=2", None),
        ("AV1", "", "AV1/0"),
        ("AV1", "level-idx=5;profile=0;tier=0", "AV1/0"),
        ("AV1", "level-idx=31", "AV1/0"),
        ("AV1", "profile=1", None),
        ("AV1", "tier=1", None),
        ("AV1", "level-idx=x", None),
        ("AV1", "level-idx=100000", None),
    ],
)
def test_vp9_and_av1_are_taken_in_their_main_profiles(codec: str, parameters: str, taken: str | None) -> None:
    line = f"\na=fmtp:96 {parameters}" if parameters else ""
    result = answer_to(changed("rtpmap:96 VP8/90000", f"rtpmap:96 {codec}/90000{line}"), SOUND)
    assert [codec.format for slot in result.slots for codec in slot.codecs] == ([taken] if taken else [])
    if taken and parameters:
        assert f"a=fmtp:96 {parameters}" in result.answer


def test_redundant_audio_leads_where_it_holds_our_opus() -> None:
    offer = captured("chromium-1")
    answered = sections(answer_to(offer, MICROPHONE, CAMERA).answer)
    for section in (answered[0], answered[2]):
        assert section[0].split()[3:] == ["63", "111"]
        assert "a=rtpmap:63 red/48000/2" in section
        assert "63 111/111" in values(section, "fmtp")
    for old, new in (
        ("a=fmtp:63 111/111\n", ""),
        ("a=fmtp:63 111/111", "a=fmtp:63 111"),
        ("a=fmtp:63 111/111", "a=fmtp:63 111/0"),
        ("a=fmtp:63 111/111", "a=fmtp:63 9/9"),
        ("red/48000/2", "red/8000"),
        ("111 63 9", "111 9"),
    ):
        assert old in offer
        result = answer_to(offer.replace(old, new), MICROPHONE, CAMERA)
        assert [codec.name for codec in result.slots[0].codecs] == ["opus"]
    off = answer_to(offer, MICROPHONE, CAMERA, policy=CodecPolicy(redundancy=False))
    assert "red/" not in off.answer


@pytest.mark.parametrize(
    ("viewers", "names"),
    [
        ([], "abc"),
        (["abc"], "abc"),
        (["cb", "abc"], "bc"),
        (["c", "abc"], "c"),
        (["d"], "abc"),
        (["a", "b", "b"], "b"),
        (["a", "b"], "ab"),
    ],
)
def test_what_all_decode_is_agreed_on_or_else_what_most_do(viewers: list[str], names: str) -> None:
    assert agreed("cab", viewers, "abcd") == tuple(names)


def test_the_answer_names_what_viewers_decode_and_the_rest_is_taken_all_the_same() -> None:
    viewers = [{"VP8", "AV1/0"}, {"VP9/0", "AV1/0", "VP8"}]
    policy = CodecPolicy(video=("AV1/0", "VP9/0", "VP8", "H264/1/42e01f"))
    result = answer_to(captured("chromium-1"), MICROPHONE, CAMERA, policy=policy, viewers=viewers)
    camera = result.tracks[1]
    assert camera.answered == ("AV1/0", "VP8")
    assert sections(result.answer)[1][0].split()[3:] == ["45", "46", "96", "97"]
    assert [codec.format for codec in camera.receive.codecs] == list(policy.video)
    assert [codec.format for codec in result.slots[1].codecs] == list(policy.video), (
        "what it receives is its own affair"
    )


def test_rtx_needs_nack_and_its_own_codec() -> None:
    assert answer_to(changed("a=rtcp-fb:* nack\n", ""), SOUND).slots[0].rtx_ssrc is None
    assert answer_to(changed("apt=96", "apt=98"), SOUND).slots[0].rtx_ssrc is None
    assert answer_to(changed("apt=96", "apt=\u0669\u0666"), SOUND).slots[0].rtx_ssrc is None


def test_sound_is_sent_again_where_that_is_offered() -> None:
    plain = captured("chromium-1")
    offer = plain.replace("a=rtpmap:111 opus/48000/2\n", "a=rtpmap:111 opus/48000/2\na=rtcp-fb:111 nack\n")
    result = answer_to(offer, MICROPHONE, CAMERA)
    microphone, camera = (published.receive for published in result.tracks)
    assert microphone.nack
    answered = sections(result.answer)
    sent = next(lines for lines in answered[2:] if lines[0].startswith("m=audio"))
    assert values(sent, "rtcp-fb") == ["111 transport-cc", "111 nack"]
    # What a browser seals twice under one index must be the same: nothing in its header is of the moment.
    assert values(answered[0], "rtcp-fb") == ["111 nack"]
    assert microphone.extensions == Extensions(mid=4, audio_level=1)
    assert not microphone.transport_cc
    before = answer_to(plain, MICROPHONE, CAMERA)
    assert (camera, result.slots) == (before.tracks[1].receive, before.slots)


def test_simulcast_by_ssrc_and_in_part() -> None:
    sim = "a=ssrc:1 cname:x\na=ssrc:2 cname:x\na=ssrc:11 cname:x\na=ssrc-group:SIM 1 2\na=ssrc-group:FID 1 11"
    offer = changed("a=ssrc:5 cname:x", sim)
    assert answer_to(offer, SOUND).tracks[0].receive.encodings == (Encoding(ssrc=1, rtx_ssrc=11), Encoding(ssrc=2))


@pytest.mark.parametrize(
    ("lines", "rids"),
    [
        ("a=rid:q send\na=rid:h send\na=simulcast:send q;~h", ["q", "h"]),
        ("a=rid:q send\na=rid:r send\na=rid:h send\na=simulcast:send q,r;h", ["q", "h"]),
        ("a=rid:q send\na=simulcast:send q;ghost", ["q"]),
        ("a=rid:q recv\na=simulcast:recv q", [None]),
        ("a=rid:q send", [None]),
        ("\n".join(f"a=rid:{n} send" for n in "abcdef") + "\na=simulcast:send a;b;c;d;e;f", ["a", "b", "c", "d"]),
    ],
)
def test_rids(lines: str, rids: list[str | None]) -> None:
    offer = captured("chromium-1")
    camera = f"a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\n{lines}\na=mid:1\n"
    result = answer_to(offer.replace("a=mid:1\n", camera), MICROPHONE, CAMERA)
    assert [encoding.rid for encoding in result.tracks[1].receive.encodings] == rids


def test_transport_cc_needs_its_extension() -> None:
    offer = captured("chromium-1")
    bare = re.sub(r"a=extmap:\d+ .*transport-wide-cc.*\n", "", offer)
    result = answer_to(bare, MICROPHONE, CAMERA)
    assert not any(published.receive.transport_cc for published in result.tracks)
    assert "transport-cc" not in result.answer
