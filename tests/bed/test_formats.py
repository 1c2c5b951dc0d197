"""The bed's own writers and parsers, against known bytes and against each other."""

import pytest

from tests.bed import content, rtcp, stun
from tests.bed.content import Stamp
from tests.bed.rtcp import Rtcp
from tests.bed.rtp import RtpPacket, parse
from tests.bed.transport_cc import TransportFeedback

# RFC 5769 section 2.1: sample request with short-term credentials.
_SAMPLE = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a683676592020200008001"
    "49aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)


def test_the_sample_of_rfc_5769_is_read() -> None:
    message = stun.parse(_SAMPLE)
    assert message is not None
    assert message.kind is stun.Class.REQUEST
    assert message.username() == "evtj:h6vY"
    assert message.integrity_valid("VOkJxbRl1RmTxUk/WvJxBt")
    assert message.fingerprint_valid()
    assert not message.integrity_valid("VOkJxbRl1RmTxUk/WvJxBT")


@pytest.mark.parametrize("address", [("192.0.2.1", 32853), ("2001:db8::1", 1)])
def test_a_success_response_tells_the_mapped_address(address: stun.Address) -> None:
    message = stun.parse(stun.binding_success(b"t" * 12, address, "password"))
    assert message is not None
    assert message.mapped_address() == address
    assert message.integrity_valid("password")
    assert message.fingerprint_valid()


@pytest.mark.parametrize(
    "packet",
    [
        rtcp.SenderReport(1, 2 << 32, 3, 4, 5, (rtcp.ReportBlock(6, 7, -8, 9, 10, 11, 12),)),
        rtcp.ReceiverReport(1, (rtcp.ReportBlock(6), rtcp.ReportBlock(7))),
        rtcp.SourceDescription(((1, "abc"), (2, "abcdef"))),
        rtcp.Goodbye((1, 2)),
        rtcp.Nack(1, 2, (65_530, 65_535, 3, 100)),
        rtcp.PictureLoss(1, 2),
        rtcp.FullIntra(1, ((2, 3), (4, 5))),
        rtcp.Remb(1, 131_072, (2, 3)),
        TransportFeedback(1, 2, 3, ((65_535, 64_000), (0, None), (1, 64_250), (2, 200_000), (3, 199_000))),
    ],
    ids=lambda packet: type(packet).__name__,
)
def test_rtcp_comes_back_as_it_was_written(packet: Rtcp) -> None:
    assert rtcp.parse(rtcp.write(packet)) == [packet]


def test_rtp_comes_back_as_it_was_written() -> None:
    packet = RtpPacket(96, 65_535, 1, 2, b"payload", True, ((1, b"a"), (4, b"bcd")), padding=9)
    assert parse(packet.write()) == packet


@pytest.mark.parametrize("codec", ["opus", "VP8", "H264", "VP9", "AV1"])
@pytest.mark.parametrize("piece", [0, 1, 2])
def test_content_comes_back_as_it_was_written(codec: str, piece: int) -> None:
    stamp = Stamp(1, 2, 3, 4, 5_000_000, 6, piece, 3, True)
    data = content.payload(codec, stamp, 300)
    assert len(data) == 300
    assert content.read(data) == stamp
    with pytest.raises(ValueError, match="not what its maker wrote"):
        content.read(data[:-1] + bytes((data[-1] ^ 1,)))
