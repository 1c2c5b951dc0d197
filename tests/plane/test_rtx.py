"""Retransmission both ways (RFC 4585, RFC 4588): who asks, what is kept, and for how long."""

from benchmarks.link import Bursts, LinkConfig
from sfu.commands import Encoding, Kind
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.dialect import CHROMIUM_REPAIRING
from tests.bed.receiver import Received
from tests.bed.rtcp import Nack, ReceiverReport
from tests.bed.sender import Media


def ask(bed: Bed, viewer: Person, *sequences: int) -> None:
    section = viewer.receiver("video").section
    viewer.client.send_rtcp(Nack(viewer.client.ssrc, section.ssrc, tuple(number & 0xFFFF for number in sequences)))
    bed.touch(viewer)


def repeated(viewer: Person) -> list[Received]:
    return [one for one in viewer.receiver("video").received if one.retransmitted]


def at_about(viewer: Person, when: int) -> Received:
    """What the viewer got next after that moment."""
    return min((one for one in viewer.receiver("video").received if one.at >= when), key=lambda one: one.at)


def test_the_server_asks_the_publisher_for_what_is_missing() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    viewer.receiver("video").nacks = False
    maker.path.set(up=LinkConfig(loss=0.05))
    bed.run(10 * SECOND)
    maker.path.set(up=LinkConfig())
    bed.run(SECOND)
    bed.stop(maker)
    bed.run(SECOND)
    receiver = viewer.receiver("video")
    assert maker.sender("video").nacked
    assert maker.sender("video").encodings[0].rtx_packets > 20
    assert receiver.missing == []
    seen = {(stamp.frame, stamp.piece) for stamp in receiver.stamps}
    assert len(seen) == len(receiver.stamps), "nothing twice"
    audio = maker.sender("audio").encodings[0].ssrc
    assert [ssrc for _, ssrc, _ in maker.sender("video").nacked if ssrc == audio] == []


def test_the_server_does_not_ask_for_reordered_packets_or_for_ever() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    maker.path.set(up=LinkConfig(reorder=0.2, reorder_by=5_000))
    bed.run(3 * SECOND)
    assert maker.sender("video").nacked == []
    # A publisher that never answers is asked a bounded number of times.
    maker.sender("video").encodings[0].history.clear()
    maker.path.set(up=LinkConfig(loss=0.5))
    bed.run(60 * MILLISECOND)
    maker.path.set(up=LinkConfig())
    maker.sender("video").encodings[0].history.clear()
    bed.run(5 * SECOND)
    counts: dict[int, int] = {}
    for _, _, sequence in maker.sender("video").nacked:
        counts[sequence] = counts.get(sequence, 0) + 1
    assert counts
    assert max(counts.values()) <= 30
    # And the viewer is given a keyframe, since nothing else helps.
    assert [stamp for stamp in viewer.receiver("video").stamps if stamp.keyframe and stamp.frame > 75]


def test_the_server_repeats_for_the_viewer() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    viewer.path.set(down=LinkConfig(loss=0.05))
    bed.run(10 * SECOND)
    viewer.path.set(down=LinkConfig())
    bed.run(SECOND)
    receiver = viewer.receiver("video")
    assert receiver.missing == []
    again = repeated(viewer)
    assert len(again) > 20
    section = receiver.section
    for one in again:
        assert one.packet.ssrc == section.rtx_ssrc
        assert one.packet.payload_type == section.codecs[0].rtx_payload_type
    # RFC 4588 section 4: the RTX stream has numbers of its own; some were lost on the way, none comes twice.
    numbers = [one.packet.sequence for one in again]
    assert len(set(numbers)) == len(numbers)
    # The publisher knows nothing of the viewer's losses.
    assert maker.sender("video").nacked == []


def test_a_repeated_packet_is_the_same_packet() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    bed.run(SECOND)
    one = at_about(viewer, bed.now - 200 * MILLISECOND)
    ask(bed, viewer, one.sequence)
    bed.run(100 * MILLISECOND)
    (again,) = repeated(viewer)
    assert again.sequence == one.sequence
    assert again.payload == one.payload
    assert again.packet.timestamp == one.packet.timestamp
    assert again.packet.marker == one.packet.marker


def test_a_storm_of_nacks_is_answered_once_a_round_trip() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    bed.run(3 * SECOND)
    one = at_about(viewer, bed.now - 50 * MILLISECOND)
    for _ in range(200):
        ask(bed, viewer, one.sequence, one.sequence)
        bed.run(MILLISECOND // 2)
    bed.run(100 * MILLISECOND)
    # 100 ms of asking at a round trip of 20 ms.
    assert 1 <= len(repeated(viewer)) <= 8


def test_history_is_a_second_on_a_short_path() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    bed.run(5 * SECOND)
    young, old = at_about(viewer, bed.now - 800 * MILLISECOND), at_about(viewer, bed.now - 1_500 * MILLISECOND)
    ask(bed, viewer, young.sequence, old.sequence)
    bed.run(100 * MILLISECOND)
    assert [again.sequence for again in repeated(viewer)] == [young.sequence]


def test_history_is_two_round_trips_on_a_long_path() -> None:
    bed = Bed()
    viewer, maker = bed.open(link=LinkConfig(delay=500_000)), bed.open()
    bed.connect()
    bed.mesh([viewer, maker])
    bed.start(maker)
    bed.start(viewer)
    bed.run(20 * SECOND)  # reports have told the server the round trip of a second
    sent = at_about(viewer, bed.now - 700 * MILLISECOND)  # is 1.2 s old at the server, 1.7 s when the question comes
    older = at_about(viewer, bed.now - 1_700 * MILLISECOND)
    ask(bed, viewer, sent.sequence, older.sequence)
    bed.run(1_500 * MILLISECOND)
    assert [again.sequence for again in repeated(viewer)] == [sent.sequence]


def test_history_is_half_a_megabyte_at_most() -> None:
    bed = Bed()
    # 10 Mbit/s: 512 KiB are 0.4 s of it.
    media: dict[Kind, Media] = {"video": Media(interval=20 * MILLISECOND, size=25_000)}
    viewer, _ = bed.call(2, media=media)
    bed.run(3 * SECOND)
    young, old = at_about(viewer, bed.now - 250 * MILLISECOND), at_about(viewer, bed.now - 700 * MILLISECOND)
    ask(bed, viewer, young.sequence, old.sequence)
    bed.run(100 * MILLISECOND)
    assert [again.sequence for again in repeated(viewer)] == [young.sequence]


def test_history_is_shared_by_all_viewers_and_goes_with_time() -> None:
    held = []
    for count in (1, 10):
        bed = Bed()
        maker = bed.open(media={"video": Media(interval=20 * MILLISECOND, size=25_000)})
        viewers = [bed.open(kinds=()) for _ in range(count)]
        bed.connect()
        bed.mesh([maker, *viewers])
        bed.start(maker, "video")
        bed.run(2 * SECOND)
        held.append(bed.plane.snapshot().history_bytes)
        bed.stop(maker)
        bed.run(SECOND)
    assert held[0] == held[1]
    assert 256 * 1024 < held[0] <= 512 * 1024


def test_empty_retransmissions_change_nothing_and_are_reported() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    sender = maker.sender("video")
    for _ in range(40):
        bed.run(50 * MILLISECOND)
        for outgoing in sender.rtx_padding(bed.now, 3):
            maker.client.send_media(bed.now, outgoing)
        bed.touch(maker)
    bed.run(2 * SECOND)
    receiver = viewer.receiver("video")
    assert receiver.missing == []
    assert receiver.padding == 0
    blocks = {
        block.ssrc
        for arrived in maker.client.rtcp
        if isinstance(arrived.packet, ReceiverReport)
        for block in arrived.packet.blocks
    }
    assert sender.encodings[0].rtx_ssrc in blocks


def test_retransmissions_before_the_first_report_are_told_apart_by_repaired_rid() -> None:
    bed = Bed()
    encodings = (Encoding(rid="h"), Encoding(rid="q"))
    viewer, maker = bed.open(), bed.open(encodings=encodings)
    bed.connect()
    bed.mesh([viewer, maker])
    maker.path.set(up=LinkConfig(loss=0.2))
    bed.start(maker)
    bed.run(700 * MILLISECOND)
    maker.path.set(up=LinkConfig())
    bed.run(SECOND)
    assert all(encoding.rtx_packets for encoding in maker.sender("video").encodings)
    receiver = viewer.receiver("video")
    assert receiver.missing == []
    assert {stamp.encoding for stamp in receiver.stamps} == {0}


def test_a_packet_that_comes_by_retransmission_and_late_is_sent_once() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    viewer.receiver("video").nacks = False
    # Held back for longer than the server's patience: it asks, and then both come.
    maker.path.set(up=LinkConfig(reorder=0.1, reorder_by=60_000))
    bed.run(5 * SECOND)
    maker.path.set(up=LinkConfig())
    bed.run(SECOND)
    assert maker.sender("video").encodings[0].rtx_packets > 5
    stamps = viewer.receiver("video").stamps
    assert len({(stamp.frame, stamp.piece) for stamp in stamps}) == len(stamps)


def test_sound_is_sent_again_both_ways_and_is_the_same() -> None:
    """The bed's tap takes nothing else for a repeat than what is the same to the byte."""
    bed = Bed()
    viewer, maker = (bed.open(kinds=("audio",), dialect=CHROMIUM_REPAIRING) for _ in range(2))
    bed.connect()
    bed.mesh([viewer, maker])
    bed.start(maker)
    bed.run(SECOND)
    lossy = LinkConfig(loss=Bursts(to_bad=0.05, to_good=0.4))
    maker.path.set(up=lossy)
    viewer.path.set(down=lossy)
    bed.run(20 * SECOND)
    maker.path.set(up=LinkConfig())
    viewer.path.set(down=LinkConfig())
    bed.run(SECOND)
    receiver, sender = viewer.receiver("audio"), maker.sender("audio")
    counters = bed.plane.snapshot().counters
    asked = {sequence for _, _, sequence in sender.nacked}
    assert 20 < counters["rtx_recovered"] <= len(asked)
    assert counters["rtx_sent"] > 50
    # The first that a viewer asks for is not there yet.
    assert len(receiver.missing) <= 6
    frames = [stamp.frame for stamp in receiver.stamps]
    assert len(frames) == len(set(frames)), "nothing twice"
    assert {ssrc for _, ssrc, _ in sender.nacked} == {sender.encodings[0].ssrc}
