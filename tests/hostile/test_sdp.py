"""SDP bombs (CVE-2020-13901, CVE-2018-1000098): through the node in the middle of a call, refused with bounded work."""

import time

import pytest

from sfu.errors import SfuError
from sfu.sdp import OfferedTrack
from tests.bed import offer
from tests.bed.dialect import CHROMIUM, KINDS
from tests.bed.ice import Credentials
from tests.sfu.test_sdp_bounds import BOMBS
from tests.sfu.test_thread_plane import BROWSER, TRACKS, Caller, Server, connect, media_both_ways

HOST = "127.0.0.1"
CPU_S = 1.0
"""Some 10 to 100 ms each; the bound is for a loaded machine."""


def high_payload_types(text: str) -> str:
    """Payload types that RTP has no room for."""
    return text.replace(" 96", " 128").replace(":96", ":128").replace(" 111", " 255").replace(":111", ":255")


async def test_bombs_are_refused_with_bounded_work_and_the_call_goes_on() -> None:
    server = Server(HOST)
    callers = [await Caller.enter(server, ident, HOST) for ident in (1, 2)]
    await connect(server, *callers)
    before = server.node.snapshot()
    local = Credentials.random(callers[0].random)
    good = offer.write(1, 1, local, BROWSER.fingerprint, CHROMIUM, KINDS, 1)
    server.node.open_peer("r", "mallory", size=2)
    bombs = {name: text for name, (text, _) in BOMBS.items()} | {"payload types over 127": high_payload_types(good)}
    assert bombs["payload types over 127"] != good
    tracks: list[OfferedTrack] = list(TRACKS)
    for name, text in bombs.items():
        for participant in ("mallory", callers[0].name):
            start = time.process_time()
            with pytest.raises(SfuError) as caught:
                await server.node.offer("r", participant, text, tracks)
            assert time.process_time() - start < CPU_S, name
            assert caught.value.code.startswith("sdp_"), name
    after = server.node.snapshot()
    assert (after.peers, after.open_routes) == (before.peers, before.open_routes)
    await media_both_ways(server, *callers)
    for caller in callers:
        caller.close()
    server.node.stop()
