"""Offers again in the middle of a call: what stays goes on without a seam, and no number is used twice.

The bed decrypts all that is sent with libsrtp's replay check on, so a number used twice ends a test.
"""

import itertools
from dataclasses import replace

from sfu.commands import Encoding, SetSections
from tests.bed.bed import MILLISECOND, SECOND, Bed
from tests.bed.dialect import KINDS


def test_more_slots_leave_the_others_as_they_were() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    third = bed.open(slots=2)
    bed.connect(third)
    bed.set_sections(viewer, KINDS, 2)
    bed.mesh([viewer, maker, third])
    bed.start(third)
    bed.run(2 * SECOND)
    for kind in KINDS:
        old = viewer.receiver(kind, 0)
        assert old.missing == []
        times = [one.at for one in old.received]
        assert max(after - before for before, after in itertools.pairwise(times)) <= 45 * MILLISECOND
        assert {stamp.sender for stamp in old.stamps} == {maker.peer}
        assert {stamp.sender for stamp in viewer.receiver(kind, 1).stamps} == {third.peer}
    keyframes = {stamp.frame for stamp in viewer.receiver("video", 0).stamps if stamp.keyframe}
    # The newcomer needs one; nobody else does.
    assert len(keyframes) <= 2


def test_a_slot_that_goes_and_comes_back_counts_on() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    for _ in range(4):
        bed.run(SECOND)
        bed.set_routes(1, ())
        bed.set_sections(viewer, KINDS, 0)
        bed.run(200 * MILLISECOND)
        bed.set_sections(viewer, KINDS, 1)
        bed.mesh([viewer, maker])
    began = bed.now
    bed.run(SECOND)
    for kind in KINDS:
        assert [one for one in viewer.receiver(kind).received if one.at > began + 500 * MILLISECOND]
    assert viewer.client.refused == 0


def test_an_ssrc_that_moves_to_another_line_counts_on() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    for step in (-1, 1, 1, -1):
        viewer.slots = tuple(replace(section, slot=section.slot + step) for section in viewer.slots)
        bed.apply(SetSections(viewer.peer, viewer.tracks, viewer.slots))
        viewer.client.receivers = {
            receiver.section.slot + step: receiver for receiver in viewer.client.receivers.values()
        }
        for slot, receiver in viewer.client.receivers.items():
            receiver.section = replace(receiver.section, slot=slot)
        bed.mesh([viewer, maker])
        bed.run(SECOND)
    for kind in KINDS:
        assert viewer.receiver(kind).received[-1].at > bed.now - 100 * MILLISECOND


def test_a_track_that_is_withdrawn_is_gone_and_may_come_back() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    bed.set_sections(maker, ("audio",), 1)
    withdrawn = bed.now
    bed.run(SECOND)
    assert [one for one in viewer.receiver("video").received if one.at > withdrawn + 20 * MILLISECOND] == []
    assert [one for one in viewer.receiver("audio").received if one.at > withdrawn + 500 * MILLISECOND]
    assert maker.peer * 100 + 1 not in {route.track for route in bed.plane.routes()}
    bed.set_sections(maker, KINDS, 1)
    bed.mesh([viewer, maker])
    bed.start(maker, "video")
    again = bed.now
    bed.run(SECOND)
    first = next(one.stamp for one in viewer.receiver("video").received if one.at > again)
    assert first is not None
    assert first.keyframe
    numbers = sorted(one.sequence for one in viewer.receiver("video").received)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_a_publisher_may_change_its_ssrc() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    changed = bed.now
    for kind in KINDS:
        encoding = maker.sender(kind).encodings[0]
        encoding.ssrc, encoding.rtx_ssrc = encoding.ssrc ^ 0x55, encoding.rtx_ssrc ^ 0x55
        encoding.sequence, encoding.timestamp_offset = 17, 99
        encoding.history.clear()
        # MID is on its first packets, as at every beginning.
        encoding.acknowledged = False
    bed.run(2 * SECOND)
    for kind in KINDS:
        receiver = viewer.receiver(kind)
        assert receiver.missing == []
        assert receiver.received[-1].at > bed.now - 50 * MILLISECOND
        ordered = sorted(receiver.received, key=lambda one: one.sequence)
        for before, after in itertools.pairwise(ordered):
            step = (after.packet.timestamp - before.packet.timestamp) % (1 << 32)
            assert step < receiver.section.codecs[0].clock_rate
    first = next(one for one in viewer.receiver("video").received if one.at > changed + 25 * MILLISECOND)
    assert first.stamp is not None


def test_an_ssrc_that_the_offer_names_needs_no_mid() -> None:
    bed = Bed()
    viewer, maker = bed.open(), bed.open(encodings=(Encoding(ssrc=0x0ABC_DEF0, rtx_ssrc=0x0ABC_DEF1),))
    bed.connect()
    bed.mesh([viewer, maker])
    sender = maker.sender("video")
    assert sender.encodings[0].ssrc == 0x0ABC_DEF0
    sender.encodings[0].acknowledged = True
    bed.start(maker)
    bed.run(SECOND)
    assert viewer.receiver("video").received


def test_payload_types_may_change_with_an_offer() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    # The viewer's next offer has the same codec under another number.
    dialect = replace(viewer.dialect, video=(replace(viewer.dialect.video[0], payload_type=45, rtx_payload_type=46),))
    viewer.dialect = dialect
    bed.set_sections(viewer, KINDS, 1)
    changed = bed.now
    bed.run(SECOND)
    later = [one for one in viewer.receiver("video").received if one.at > changed + 20 * MILLISECOND]
    assert later
    assert {one.packet.payload_type for one in later} == {45}
    assert [stamp for stamp in viewer.receiver("video").stamps if stamp.sender != maker.peer] == []
