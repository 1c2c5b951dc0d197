"""Sender and receiver reports (RFC 3550 section 6.4): lip sync is kept, every SSRC is reported, BYE closes nothing."""

import pytest

from benchmarks.link import LinkConfig
from sfu.commands import Kind, Route
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.dialect import KINDS
from tests.bed.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    microseconds_of,
)


def blocks(person: Person) -> list[tuple[int, ReportBlock]]:
    """Every report block that came, and when."""
    return [
        (arrived.at, block)
        for arrived in person.client.rtcp
        if isinstance(arrived.packet, SenderReport | ReceiverReport)
        for block in arrived.packet.blocks
    ]


def made_to_clock(viewer: Person, kind: Kind, report: SenderReport, at: int) -> float:
    """How far the server's clock is ahead of the moment at which a packet was made, by what that report says."""
    receiver = viewer.receiver(kind)
    rate = receiver.section.codecs[0].clock_rate
    one = max((one for one in receiver.received if one.at <= at), key=lambda one: one.sequence)
    assert one.stamp is not None
    ticks = (one.packet.timestamp - report.rtp + (1 << 31)) % (1 << 32) - (1 << 31)
    return microseconds_of(report.ntp) + ticks * SECOND / rate - one.stamp.made_at


def assert_lip_sync(viewer: Person, since: int = 0) -> None:
    for at, video in viewer.receiver("video").reports:
        for audio_at, audio in viewer.receiver("audio").reports:
            if min(at, audio_at) >= since and abs(audio_at - at) < 2 * SECOND:
                difference = made_to_clock(viewer, "video", video, at) - made_to_clock(viewer, "audio", audio, audio_at)
                assert abs(difference) < 3 * MILLISECOND


@pytest.mark.parametrize("link", [LinkConfig(), LinkConfig(delay=60_000, jitter=30_000, loss=0.03)])
def test_sender_reports_keep_lip_sync(link: LinkConfig) -> None:
    bed = Bed()
    people = bed.call(2, link=link)
    bed.run(15 * SECOND)
    for viewer in people:
        assert len(viewer.receiver("audio").reports) >= 3
        assert len(viewer.receiver("video").reports) >= 3
        assert_lip_sync(viewer)


def test_lip_sync_comes_back_with_another_publisher() -> None:
    bed = Bed()
    viewer, first, second = (bed.open() for _ in range(3))
    bed.connect()
    for person in (first, second):
        bed.start(person)
    for person in (first, second, first):
        bed.set_routes(1, {Route(person.track(kind), viewer.peer, viewer.slot(kind)) for kind in KINDS})
        switched = bed.now
        bed.run(8 * SECOND)
        later = switched + SECOND
        for kind in KINDS:
            assert [at for at, _ in viewer.receiver(kind).reports if at > later]
        reports = [(at, report) for at, report in viewer.receiver("video").reports if at > later]
        audio = [(at, report) for at, report in viewer.receiver("audio").reports if at > later]
        video_offset = made_to_clock(viewer, "video", reports[-1][1], reports[-1][0])
        audio_offset = made_to_clock(viewer, "audio", audio[-1][1], audio[-1][0])
        assert abs(video_offset - audio_offset) < 3 * MILLISECOND


def test_sender_reports_count_what_was_sent() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(5 * SECOND)
    bed.stop(maker)
    bed.run(5 * SECOND)
    for kind in KINDS:
        receiver = viewer.receiver(kind)
        _, report = receiver.reports[-1]
        assert report.packets == len(receiver.received)
        assert report.octets == sum(len(one.payload) for one in receiver.received)


def test_every_ssrc_is_reported_retransmissions_too() -> None:
    bed = Bed()
    _, maker = bed.call(2)
    maker.path.set(up=LinkConfig(loss=0.05))
    bed.run(10 * SECOND)
    reported = {block.ssrc for _, block in blocks(maker)}
    video = maker.sender("video").encodings[0]
    assert reported == {maker.sender("audio").encodings[0].ssrc, video.ssrc, video.rtx_ssrc}


def test_receiver_reports_tell_the_loss_and_the_round_trip() -> None:
    bed = Bed()
    _, maker = bed.call(2, repair=False)
    bed.run(2 * SECOND)
    assert max(block.cumulative_lost for _, block in blocks(maker)) == 0
    begin = bed.now
    maker.path.set(up=LinkConfig(loss=0.2))
    bed.run(20 * SECOND)
    sender = maker.sender("video").encodings[0]
    mine = [(at, block) for at, block in blocks(maker) if block.ssrc == sender.ssrc and at > begin + 2 * SECOND]
    assert mine
    share = sum(block.fraction_lost for _, block in mine) / len(mine) / 256
    assert 0.14 < share < 0.26
    _, last = mine[-1]
    received = last.highest_sequence & 0xFFFF
    assert (sender.sequence - received) & 0xFFFF < 200
    for at, block in mine:
        if block.last_sr:
            now = (maker.client.wall_clock + at) % (65_536 * SECOND) * 65_536 // SECOND
            ntp_now = (now + 2_208_988_800 * 65_536) & 0xFFFFFFFF
            trip = (ntp_now - block.last_sr - block.delay_since_last_sr) & 0xFFFFFFFF
            assert abs(trip / 65_536 - 0.02) < 0.002


def test_reports_name_the_slots_and_their_cname() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    bed.run(5 * SECOND)
    names = {
        chunk
        for arrived in viewer.client.rtcp
        if isinstance(arrived.packet, SourceDescription)
        for chunk in arrived.packet.chunks
    }
    wanted = {(viewer.receiver(kind).section.ssrc, f"slot-{viewer.peer}") for kind in KINDS}
    assert wanted <= names
    slot_ssrcs = {section.ssrc for section in viewer.slots}
    reports = {a.packet.ssrc for a in viewer.client.rtcp if isinstance(a.packet, SenderReport)}
    assert reports == slot_ssrcs, "our own SSRCs alone, never a publisher's"


def test_a_slot_that_stands_still_has_no_sender_report() -> None:
    bed = Bed()
    viewer, maker = bed.open(), bed.open()
    bed.connect()
    bed.mesh([viewer, maker])
    bed.start(viewer)
    bed.run(5 * SECOND)
    for kind in KINDS:
        assert viewer.receiver(kind).reports == []
        assert maker.receiver(kind).reports


def test_bye_closes_nothing() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    encodings = [maker.sender(kind).encodings[0] for kind in KINDS]
    maker.client.send_rtcp(Goodbye(tuple(encoding.ssrc for encoding in encodings)))
    bed.touch(maker)
    said = bed.now
    bed.run(3 * SECOND)
    for kind in KINDS:
        receiver = viewer.receiver(kind)
        assert receiver.missing == []
        assert [one for one in receiver.received if one.at > said + 2 * SECOND]
    assert not [arrived for arrived in viewer.client.rtcp if isinstance(arrived.packet, Goodbye)]
