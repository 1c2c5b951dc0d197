"""The capture itself: an instrument that sees nothing would pass every test of absence."""

import socket
import struct
import time

import pytest

from tests.browser.capture import Capture, Kind, classify

_UDP_SEGMENT = 103


def rtp(ssrc: int, length: int, payload_type: int = 96) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, 1, 2, ssrc).ljust(length, b"\0")


@pytest.mark.parametrize(
    ("datagram", "kind"),
    [
        (b"\x00\x01", "stun"),
        (b"\x16\xfe", "dtls"),
        (b"\x80\x60", "rtp"),
        (b"\x80\xe0", "rtp"),
        (b"\x80\xc8", "rtcp"),
        (b"\x81\xcd", "rtcp"),
        (b"\x40\x00", "unknown"),
        (b"\x80", "unknown"),
        (b"", "unknown"),
    ],
)
def test_datagrams_are_told_apart(datagram: bytes, kind: Kind) -> None:
    assert classify(datagram) == kind


async def test_each_datagram_is_seen_once_and_bursts_are_cut() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        client.bind(("127.0.0.1", 0))
        port, to_port = server.getsockname()[1], client.getsockname()[1]
        with Capture(port) as capture:
            start = time.time()
            server.sendto(rtp(7, 100), client.getsockname())
            client.sendto(rtp(8, 100), server.getsockname())
            other.sendto(rtp(9, 100), ("::1", port))
            client.sendto(rtp(10, 100), ("127.0.0.1", 9))  # not of our port
            server.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 500)
            server.sendto(rtp(11, 500) + rtp(12, 500) + rtp(13, 200), client.getsockname())
            deadline = time.monotonic() + 5
            while len(capture.packets()) < 6 and time.monotonic() < deadline:
                time.sleep(0.01)  # noqa: ASYNC251
            capture.assert_complete()
            seen = [(packet.ssrc, packet.length) for packet in capture.packets(after=start)]
            assert seen == [(7, 100), (8, 100), (9, 100), (11, 500), (12, 500), (13, 200)]
            assert [packet.ssrc for packet in capture.sent_by_server(start, to_port=to_port)] == [7, 11, 12, 13]
            assert [packet.ssrc for packet in capture.rtp_after(start, to_port=port)] == [8, 9]
            assert capture.packets(after=time.time()) == []
