"""aiortc as a client: it takes our answer, and its DTLS connects to ours."""

import asyncio
import itertools
import time

import pytest
from aioice.ice import get_host_addresses
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from sfu.dtls import Certificate, Connected
from sfu.sdp import OfferedTrack, negotiate
from tests.sfu.lite import LiteServer


async def test_aiortc_connects() -> None:
    ssrcs = itertools.count(1000)
    own = get_host_addresses(use_ipv4=True, use_ipv6=False)
    if not own:
        pytest.skip("aiortc sends from no loopback address, and this machine has no other")
    server = await LiteServer.start(Certificate.generate(time.time), own[0])
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
    peer.addTransceiver(VideoStreamTrack(), direction="sendonly")
    peer.addTransceiver("audio", direction="recvonly")
    peer.addTransceiver("video", direction="recvonly")
    try:
        await peer.setLocalDescription(await peer.createOffer())
        result = negotiate(
            peer.localDescription.sdp,
            [OfferedTrack("0", "audio", "microphone"), OfferedTrack("1", "video", "camera")],
            server.local,
            previous=None,
            cname="server",
            new_ssrc=lambda: next(ssrcs),
        )
        server.expect(result.fingerprints)
        await peer.setRemoteDescription(RTCSessionDescription(result.answer, "answer"))
        assert [transceiver.currentDirection for transceiver in peer.getTransceivers()] == [
            "sendonly", "sendonly", "recvonly", "recvonly",
        ]  # fmt: skip
        await asyncio.wait_for(server.done.wait(), 20)
        assert server.handshake is not None
        assert isinstance(server.handshake.state, Connected)
    finally:
        await peer.close()
        server.close()
