"""Storms of keyframe requests and of control packets: the publisher is asked twice a second at the most."""

import itertools

from tests.bed.bed import MILLISECOND, SECOND, Bed
from tests.bed.sender import Media
from tests.plane.test_keyframes import request, requests


def test_fifty_receivers_with_a_hundred_requests_a_second_make_two_upstream() -> None:
    bed = Bed()
    # Small pictures, and only one publisher: the requests are what counts.
    maker = bed.open(media={"video": Media(interval=40 * MILLISECOND, size=200)})
    viewers = [bed.open(kinds=()) for _ in range(50)]
    bed.connect()
    bed.mesh([maker, *viewers])
    bed.start(maker)
    bed.run(SECOND)
    begin = bed.now
    for _ in range(300):
        for viewer in viewers:
            request(bed, viewer)
        bed.run(10 * MILLISECOND)
    bed.run(100 * MILLISECOND)
    sent = requests(maker, begin)
    assert 5 <= len(sent) <= 7
    assert all(after - before >= 480 * MILLISECOND for before, after in itertools.pairwise(sent))
    assert {ssrc for _, ssrc in maker.sender("video").keyframe_requests} == {maker.sender("video").encodings[0].ssrc}
