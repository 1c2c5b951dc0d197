"""Keyframe requests: as few upstream as serve everybody, and none is forgotten."""

from benchmarks.link import LinkConfig
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.rtcp import FullIntra, PictureLoss


def request(bed: Bed, viewer: Person) -> None:
    viewer.client.send_rtcp(PictureLoss(viewer.client.ssrc, viewer.receiver("video").section.ssrc))
    bed.touch(viewer)


def requests(maker: Person, since: int = 0) -> list[int]:
    return [at for at, _ in maker.sender("video").keyframe_requests if at >= since]


def test_a_request_is_answered_by_a_keyframe() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    before = len({stamp.frame for stamp in viewer.receiver("video").stamps if stamp.keyframe})
    request(bed, viewer)
    bed.run(100 * MILLISECOND)
    assert len({stamp.frame for stamp in viewer.receiver("video").stamps if stamp.keyframe}) == before + 1
    assert requests(maker)


def test_full_intra_requests_count_as_well() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    begin = bed.now
    section = viewer.receiver("video").section
    for number in range(20):
        viewer.client.send_rtcp(FullIntra(viewer.client.ssrc, ((section.ssrc, number),)))
        bed.touch(viewer)
        bed.run(50 * MILLISECOND)
    assert 1 <= len(requests(maker, begin)) <= 3


def test_a_late_joiner_sees_a_picture_within_a_round_trip_and_a_frame() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(3 * SECOND)
    late = bed.open(slots=2)
    bed.connect(late)
    joined = bed.now
    bed.mesh([viewer, maker, late])
    bed.run(SECOND)
    first = late.receiver("video", 1).received[0]
    assert first.stamp is not None
    assert first.stamp.sender == maker.peer
    assert first.stamp.keyframe
    assert first.at - joined <= 2 * 10 * MILLISECOND + 40 * MILLISECOND + 10 * MILLISECOND


def test_a_lost_request_is_asked_again() -> None:
    bed = Bed()
    maker, viewer = bed.open(), bed.open()
    bed.connect()
    bed.start(maker)
    bed.run(2 * SECOND)
    maker.path.set(down=LinkConfig(loss=0.7))
    bed.mesh([maker, viewer])
    bed.run(10 * SECOND)
    assert viewer.receiver("video").received


def test_a_keyframe_whose_first_packet_was_lost_starts_late_but_whole() -> None:
    for seed in range(20):
        bed = Bed(seed)
        maker, viewer = bed.open(), bed.open()
        bed.connect()
        bed.start(maker)
        bed.run(SECOND)
        maker.path.set(up=LinkConfig(loss=0.25))
        bed.mesh([maker, viewer])
        bed.run(3 * SECOND)
        receiver = viewer.receiver("video")
        ordered = sorted(receiver.received, key=lambda one: one.sequence)
        assert ordered
        first = ordered[0].stamp
        assert first is not None
        assert first.keyframe
        assert first.piece == 0


def test_a_request_for_what_is_not_shown_goes_nowhere() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    begin = bed.now
    publisher_ssrc = maker.sender("video").encodings[0].ssrc
    audio_ssrc = viewer.receiver("audio").section.ssrc
    for ssrc in (publisher_ssrc, audio_ssrc, 0, 0xFFFF_FFFF, maker.receiver("video").section.ssrc):
        viewer.client.send_rtcp(PictureLoss(viewer.client.ssrc, ssrc))
        bed.touch(viewer)
        bed.run(600 * MILLISECOND)
    assert requests(maker, begin) == []
