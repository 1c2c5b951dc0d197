"""SRTP that does not authenticate, or comes again: the call stays up, and nothing passes twice."""

from dataclasses import replace

import pytest

from tests.bed import rtcp
from tests.bed.bed import MILLISECOND, SECOND, SERVER, Bed
from tests.bed.rtcp import PictureLoss
from tests.bed.rtp import RtpPacket
from tests.hostile.call import assert_call_is_whole

FORGED = 1_000_000


def test_a_million_bad_tags_leave_the_call_up() -> None:
    """CVE-2021-41105."""
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    encoding = maker.sender("video").encodings[0]
    body = bed.random.randbytes(40) + bytes(16)
    before = bed.plane.snapshot().counters["dropped_auth"]
    for _ in range(100):
        # Numbers that come next, and such as would make the receiver count a round too many.
        numbers = [(encoding.sequence + ahead + n) & 0xFFFF for ahead in (0, 0x7000) for n in range(500)]
        forged = [RtpPacket(96, number, 0, encoding.ssrc, body).write() for number in numbers]
        for _ in range(FORGED // 100 // len(forged)):
            for data in forged:
                bed.plane.receive(bed.now, SERVER, maker.client.ice.address, data)
            bed.run(2 * MILLISECOND)
    assert bed.plane.snapshot().counters["dropped_auth"] == before + FORGED
    assert_call_is_whole(bed, viewer, maker)


@pytest.mark.parametrize("crossing", [False, True], ids=["one round", "across the roll-over"])
@pytest.mark.parametrize("age", [1, 63, 64, 127, 128, 1_023, 1_024, 1_025, 1_200])
def test_replayed_packets_are_refused_at_every_age(age: int, crossing: bool) -> None:
    """By the replay list, and not only because a slot writes no number twice."""
    start = 65_536 - (age + 1) // 2 if crossing else 1_000
    bed = Bed()
    viewer, maker = bed.open(), bed.open()
    bed.connect()
    bed.mesh([viewer, maker])
    sealing = maker.client.sealing
    assert sealing is not None
    sender = maker.sender("audio")
    sender.encodings[0].sequence = start
    sent = []
    for _ in range(age + 1):
        sender.start(bed.now)
        for outgoing in sender.handle_timeout(bed.now):
            assert outgoing.stamp is not None
            bed.watch.arrived(outgoing.stamp)
            sent.append(sealing.rtp(outgoing.packet.write()))
            bed.inject(maker.client.ice.address, sent[-1])
        bed.run(1)
    sender.stop()
    forwarded = viewer.rtp_since(0)
    assert forwarded == age + 1
    before = bed.plane.snapshot().counters
    for data in (sent[0], sent[0], sent[-1]):
        bed.inject(maker.client.ice.address, data)
    bed.run(SECOND)
    assert viewer.rtp_since(0) == forwarded
    after = bed.plane.snapshot().counters
    assert after["dropped_replay"] - before["dropped_replay"] == 3
    assert after["rtp_received"] == before["rtp_received"]


@pytest.mark.parametrize("age", [0, 1, 20, 60, 100, 300])
def test_a_retransmission_makes_no_number_be_used_twice(age: int) -> None:
    """The original number of a retransmission is under no replay check: a lie there must not reuse a nonce (RFC 7714).

    The bed decrypts all that the viewer is sent with libsrtp's replay check on.
    """
    bed = Bed()
    viewer, mallory = bed.call(2)
    bed.run(5 * SECOND)
    sender = mallory.sender("video")
    encoding = sender.encodings[0]
    assert sender.codec.rtx_payload_type is not None
    before = len(viewer.receiver("video").received)
    bed.stop(mallory, "video")
    bed.run(SECOND // 10)
    for back in (age, age, age + 1):
        number = (encoding.sequence - 1 - back) & 0xFFFF
        kept = encoding.history[number]
        forged = replace(kept.packet, payload=kept.packet.payload[:10] + bytes(200))
        mallory.client.send_media(bed.now, sender.rtx(encoding, replace(kept, packet=forged, stamp=None)))
        bed.touch(mallory)
        bed.run(SECOND // 10)
    assert len(viewer.receiver("video").received) <= before + 10


def test_replayed_control_packets_are_refused() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    sealing = viewer.client.sealing
    assert sealing is not None
    pli = sealing.rtcp(rtcp.write(PictureLoss(1, viewer.receiver("video").section.ssrc)))
    begin = bed.now
    before = bed.plane.snapshot().counters["dropped_replay"]
    for _ in range(5):
        bed.inject(viewer.client.ice.address, pli)
        bed.run(SECOND)
    assert bed.plane.snapshot().counters["dropped_replay"] - before == 4
    assert len([at for at, _ in maker.sender("video").keyframe_requests if at > begin]) == 1


def test_a_jump_of_numbers_is_survived() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    for jump in (30_000, 20_000, 600, 32_000):
        bed.run(SECOND)
        encoding = maker.sender("audio").encodings[0]
        encoding.sequence = (encoding.sequence + jump) & 0xFFFF
        video = maker.sender("video").encodings[0]
        video.sequence = (video.sequence + jump) & 0xFFFF
    bed.run(3 * SECOND)
    assert viewer.receiver("audio").received[-1].at > bed.now - 100 * MILLISECOND
    assert viewer.receiver("video").received[-1].at > bed.now - 100 * MILLISECOND
