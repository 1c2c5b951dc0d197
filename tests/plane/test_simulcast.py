"""Three encodings by rid, as both browsers offer them: one is shown, and whatever happens to them a picture goes on."""

from itertools import pairwise

from benchmarks.link import LinkConfig
from sfu.commands import Encoding
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.rtcp import Goodbye

RIDS = (Encoding(rid="q"), Encoding(rid="h"), Encoding(rid="f"))


def call() -> tuple[Bed, Person, Person]:
    bed = Bed(4)
    viewer, maker = bed.call(2, encodings=RIDS)
    bed.run(2 * SECOND)
    return bed, viewer, maker


def shown_since(viewer: Person, when: int) -> set[int]:
    """Encodings that the viewer got."""
    return {one.stamp.encoding for one in viewer.receiver("video").received if one.at >= when and one.stamp}


def test_the_first_encoding_is_shown_and_another_while_it_stops() -> None:
    bed, viewer, maker = call()
    assert shown_since(viewer, bed.now - SECOND) == {0}
    first = maker.sender("video").encodings[0]
    first.active = False
    stopped = bed.now
    bed.run(6 * SECOND)
    assert shown_since(viewer, bed.now - SECOND) == {1}
    frames = [one.at for one in viewer.receiver("video").received if one.at >= stopped and one.packet.marker]
    assert frames[0] - stopped < 3 * SECOND, "silence of two seconds, and a keyframe"
    first.active = True
    bed.run(4 * SECOND)
    receiver = viewer.receiver("video")
    assert len(shown_since(viewer, bed.now - SECOND)) == 1
    assert receiver.missing == []
    assert receiver.abandoned == 0


def test_a_goodbye_and_padding_change_nothing() -> None:
    bed, viewer, maker = call()
    sender = maker.sender("video")
    for encoding in sender.encodings:
        maker.client.send_rtcp(Goodbye((encoding.ssrc,)))
        for outgoing in sender.padding(bed.now, 5, encoding=encoding.index):
            maker.client.send_media(bed.now, outgoing)
        for outgoing in sender.rtx_padding(bed.now, 5, encoding=encoding.index):
            maker.client.send_media(bed.now, outgoing)
    bed.touch(maker)
    start = bed.now
    bed.run(2 * SECOND)
    receiver = viewer.receiver("video")
    frames = [one.at for one in receiver.received if one.at >= start and one.packet.marker]
    assert max(after - before for before, after in pairwise(frames)) <= 60 * MILLISECOND
    assert receiver.missing == []
    assert shown_since(viewer, start) == {0}


def test_retransmissions_are_known_by_the_repaired_rid_of_their_first_packets() -> None:
    """Browsers probe with empty ones before the first receiver report, and name nothing after it."""
    bed = Bed(4)
    viewer, maker = bed.call(2, encodings=RIDS)
    sender = maker.sender("video")
    bed.run(60 * MILLISECOND)
    for encoding in sender.encodings:
        for outgoing in sender.rtx_padding(bed.now, 1, encoding=encoding.index):
            maker.client.send_media(bed.now, outgoing)
    bed.touch(maker)
    bed.run(3 * SECOND)
    assert all(encoding.acknowledged for encoding in sender.encodings)
    maker.path.set(up=LinkConfig(loss=0.05))
    bed.run(10 * SECOND)
    maker.path.set(up=LinkConfig())
    bed.run(2 * SECOND)
    assert bed.plane.snapshot().counters["rtx_recovered"] > 20
    assert viewer.receiver("video").missing == []
    assert len({ssrc for _, ssrc, _ in sender.nacked}) == 3, "every encoding, for any may be shown next"
