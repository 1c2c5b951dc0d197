"""Offers that are made to cost much, each with the code by which it is refused; and the largest that is none."""

import re

from sfu.sdp.parse import MAX_BYTES, MAX_LINES, MAX_SECTIONS

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
    "fewer short attributes": (HEAD + SECTION + "a=\n" * (MAX_LINES - 10), "sdp_malformed"),
    "ssrcs": (HEAD + SECTION + "".join(f"a=ssrc:{n}\n" for n in range(16_000)), "sdp_malformed"),
    "extensions": (HEAD + SECTION + "".join(f"a=extmap:1 u{n}\n" for n in range(12_000)), "sdp_malformed"),
    "parameters": (HEAD + SECTION + "a=fmtp:111 " + "a=b;" * 60_000, "sdp_malformed"),
    "fingerprints": (HEAD + ("a=fingerprint:sha-1 00\n") * 11_000, "sdp_no_bundle"),
    "a bundle": (HEAD + "a=group:BUNDLE " + " ".join(map(str, range(40_000))), "sdp_malformed"),
    "payload types": (HEAD + "m=audio 9 x" + " 1" * 120_000 + "\na=mid:a", "sdp_malformed"),
    "payload types everywhere": (HEAD + ("m=audio 9 x" + " 1" * 128 + "\na=mid:a\n") * 128, "sdp_malformed"),
    "simulcast": (HEAD + SECTION + "a=simulcast:send " + ";".join(map(str, range(40_000))), "sdp_malformed"),
    "digits": (HEAD + SECTION + "a=ssrc:" + "9" * 200_000, "sdp_malformed"),
}


def largest(offer: str) -> str:
    """That of a browser with two sections that send, and as many receive sections as there may be."""
    parts = re.split(r"^(?=m=)", offer, flags=re.M)
    like = parts[3]
    parts += [re.sub(r"^a=mid:.*$", f"a=mid:{index}", like, flags=re.M) for index in range(4, MAX_SECTIONS)]
    mids = " ".join(map(str, range(MAX_SECTIONS)))
    return re.sub(r"^a=group:BUNDLE .*$", f"a=group:BUNDLE {mids}", "".join(parts), flags=re.M)
