"""Content arrives, and everything about its packets is written anew for each viewer."""

import itertools
from dataclasses import replace

import pytest

from benchmarks.link import LinkConfig
from sfu.commands import Encoding, Route
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.content import Stamp
from tests.bed.dialect import CHROMIUM, FIREFOX, KINDS
from tests.bed.receiver import Received, Receiver


def settle(bed: Bed, people: list[Person]) -> None:
    """Stop sending and let what is under way arrive."""
    for person in people:
        bed.stop(person)
    bed.run(2 * SECOND)


def whole_frames(stamps: list[Stamp]) -> list[int]:
    """Frame numbers of which every piece came."""
    pieces: dict[int, set[int]] = {}
    for stamp in stamps:
        pieces.setdefault(stamp.frame, set()).add(stamp.piece)
    wanted = {stamp.frame: stamp.pieces for stamp in stamps}
    return sorted(frame for frame, seen in pieces.items() if len(seen) == wanted[frame])


def assert_contiguous(receiver: Receiver) -> None:
    numbers = [received.sequence for received in receiver.received]
    assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))


def steps(received: list[Received]) -> list[int]:
    """Timestamp differences in order of sequence, as signed numbers."""
    stamps = [one.packet.timestamp for one in sorted(received, key=lambda one: one.sequence)]
    return [(b - a + (1 << 31)) % (1 << 32) - (1 << 31) for a, b in itertools.pairwise(stamps)]


def test_content_arrives_whole_both_ways() -> None:
    bed = Bed()
    people = bed.call(2)
    bed.run(5 * SECOND)
    settle(bed, people)
    for viewer, maker in (people, people[::-1]):
        audio, video = viewer.receiver("audio"), viewer.receiver("video")
        made = maker.sender("audio").frame
        assert [stamp.frame for stamp in audio.stamps] == list(range(made))
        frames = whole_frames(video.stamps)
        assert frames == list(range(frames[0], maker.sender("video").frame))
        assert video.stamps[0].keyframe
        assert len(frames) > 100
        assert {stamp.sender for stamp in audio.stamps + video.stamps} == {maker.peer}
        assert_contiguous(audio)
        assert_contiguous(video)
        assert viewer.client.refused == 0
        assert viewer.client.strays == []


def test_headers_are_the_viewers_own() -> None:
    bed = Bed()
    one, two = bed.call(2)
    bed.run(3 * SECOND)
    for viewer, maker in ((one, two), (two, one)):
        for kind in KINDS:
            receiver = viewer.receiver(kind)
            ids = viewer.dialect.extensions(kind)
            codec = viewer.dialect.codecs(kind)[0]
            known = {ids.mid, ids.transport_cc, ids.abs_send_time, ids.audio_level}
            for received in receiver.received:
                packet = received.packet
                assert packet.ssrc == receiver.section.ssrc
                assert not maker.client.senders[maker.track(kind)].owns(packet.ssrc)
                assert packet.payload_type == codec.payload_type
                assert {ident for ident, _ in packet.extensions} <= known
                if ids.transport_cc is not None:
                    assert packet.extension(ids.transport_cc) is not None
                if kind == "audio":
                    assert packet.extension(ids.audio_level) == bytes((0x80 | 30,))
                if ids.abs_send_time is not None:
                    value = packet.extension(ids.abs_send_time)
                    assert value is not None
                    assert len(value) == 3


def test_abs_send_time_runs_with_the_clock() -> None:
    bed = Bed()
    one, _ = bed.call(2)
    bed.run(3 * SECOND)
    ident = one.dialect.video_extensions.abs_send_time
    times = [
        (received.at, int.from_bytes(received.packet.extension(ident) or b"", "big"))
        for received in one.receiver("video").received
    ]
    first_at, first = times[0]
    for at, value in times:
        ticks = (value - first) % (1 << 24)
        assert abs(ticks / (1 << 18) - (at - first_at) / SECOND) < 1e-3


def test_transport_numbers_have_no_gap_over_all_streams() -> None:
    bed = Bed()
    viewer, *_ = bed.call(4)
    bed.run(2 * SECOND)
    numbers = []
    for receiver in viewer.client.receivers.values():
        ident = receiver.section.extensions.transport_cc
        for received in receiver.received:
            numbers.append((received.at, int.from_bytes(received.packet.extension(ident) or b"", "big")))
    unwrapped = sorted((number - numbers[0][1] + (1 << 15)) % (1 << 16) - (1 << 15) for _, number in numbers)
    assert unwrapped == list(range(unwrapped[0], unwrapped[0] + len(unwrapped)))


def test_sequence_and_timestamp_roll_over() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    for kind in KINDS:
        encoding = maker.sender(kind).encodings[0]
        encoding.sequence = 65_500
        rate = maker.sender(kind).codec.clock_rate
        # The timestamp rolls over one second from now.
        encoding.timestamp_offset = -(bed.now + SECOND) * rate // SECOND % (1 << 32)
    bed.run(3 * SECOND)
    settle(bed, [viewer, maker])
    for kind, step in zip(KINDS, (960, 3600), strict=True):
        receiver = viewer.receiver(kind)
        assert_contiguous(receiver)
        assert {abs(difference) for difference in steps(receiver.received)} <= {0, step}
        assert all(difference >= 0 for difference in steps(receiver.received))
        assert whole_frames(receiver.stamps)[-1] == maker.sender(kind).frame - 1


def test_padding_leaves_no_gap() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    sender = maker.sender("video")
    for _ in range(50):
        bed.run(33 * MILLISECOND)
        for outgoing in (*sender.padding(bed.now, 3), *sender.rtx_padding(bed.now, 2)):
            maker.client.send_media(bed.now, outgoing)
        bed.touch(maker)
    settle(bed, [viewer, maker])
    receiver = viewer.receiver("video")
    assert receiver.padding == 0
    assert_contiguous(receiver)
    assert receiver.missing == []
    frames = whole_frames(receiver.stamps)
    assert frames == list(range(frames[0], sender.frame))


@pytest.mark.parametrize("seed", range(5))
def test_padding_on_a_bad_link_repeats_no_number(seed: int) -> None:
    # Late padding must not move the numbers of what has overtaken it: libsrtp would refuse a number used twice.
    bed = Bed(seed)
    viewer, maker = bed.call(2)
    viewer.receiver("video").nacks = False
    maker.path.set(up=LinkConfig(loss=0.05, jitter=20_000, reorder=0.2, reorder_by=30_000, duplicate=0.05))
    sender = maker.sender("video")
    for _ in range(300):
        bed.run(bed.random.randrange(1, 20) * MILLISECOND)
        for outgoing in sender.padding(bed.now, bed.random.randrange(4)):
            maker.client.send_media(bed.now, outgoing)
        bed.touch(maker)
    settle(bed, [viewer, maker])
    receiver = viewer.receiver("video")
    seen = {(stamp.frame, stamp.piece) for stamp in receiver.stamps}
    assert len(seen) == len(receiver.stamps)
    first = min(frame for frame, _ in seen)
    assert whole_frames(receiver.stamps) == list(range(first, sender.frame))
    for one in receiver.received:
        assert one.stamp is not None
    ordered = [one.stamp for one in sorted(receiver.received, key=lambda one: one.sequence)]
    keys = [(stamp.frame, stamp.piece) for stamp in ordered if stamp is not None]
    assert keys == sorted(keys)


@pytest.mark.parametrize("seed", range(5))
def test_a_bad_link_both_ways_loses_no_video(seed: int) -> None:
    bed = Bed(seed)
    link = LinkConfig(delay=40_000, loss=0.05, jitter=10_000, reorder=0.05, duplicate=0.03)
    people = bed.call(3, link=link)
    bed.run(10 * SECOND)
    settle(bed, people)
    for viewer in people:
        for nth in range(2):
            receiver = viewer.receiver("video", nth)
            assert receiver.abandoned == 0
            assert receiver.missing == []
            frames = whole_frames(receiver.stamps)
            assert len(frames) > 200
            # The last packets may be lost with nothing after them to show it.
            assert frames == list(range(frames[0], frames[-1] + 1))


def test_a_codec_that_the_viewer_lacks_is_not_sent() -> None:
    bed = Bed()
    vp8_only = replace(CHROMIUM, video=CHROMIUM.video[:1])
    viewer = bed.open(dialect=vp8_only)
    maker = bed.open(dialect=FIREFOX)
    bed.connect()
    maker.sender("video").codec = FIREFOX.video[1]
    bed.mesh([viewer, maker])
    bed.start(maker)
    bed.run(2 * SECOND)
    assert len(viewer.receiver("audio").received) > 50
    assert viewer.receiver("video").received == []
    assert viewer.client.strays == []


def test_h264_goes_the_same_road() -> None:
    bed = Bed()
    viewer, maker = bed.open(dialect=FIREFOX), bed.open(dialect=CHROMIUM)
    bed.connect()
    maker.sender("video").codec = CHROMIUM.video[1]
    bed.mesh([viewer, maker])
    bed.start(maker)
    bed.run(2 * SECOND)
    settle(bed, [maker])
    receiver = viewer.receiver("video")
    assert receiver.stamps[0].keyframe
    assert receiver.stamps[0].piece == 0
    assert {one.packet.payload_type for one in receiver.received} == {126}
    assert whole_frames(receiver.stamps)[-1] == maker.sender("video").frame - 1


def test_another_track_continues_the_slot() -> None:
    bed = Bed()
    viewer, first, second = (bed.open() for _ in range(3))
    bed.connect()
    audio, video = viewer.slot("audio"), viewer.slot("video")

    def show(person: Person) -> None:
        bed.set_routes(
            1,
            {
                Route(person.track("audio"), viewer.peer, audio),
                Route(person.track("video"), viewer.peer, video),
            },
        )

    bed.start(first)
    bed.start(second)
    show(first)
    for turn in range(6):
        bed.run(SECOND)
        show((second, first)[turn % 2])
    settle(bed, [first, second])
    for kind, rate in zip(KINDS, (48_000, 90_000), strict=True):
        receiver = viewer.receiver(kind)
        assert_contiguous(receiver)
        ordered = sorted(receiver.received, key=lambda one: one.sequence)
        for before, after in itertools.pairwise(ordered):
            assert before.stamp is not None
            assert after.stamp is not None
            step = (after.packet.timestamp - before.packet.timestamp) % (1 << 32)
            elapsed = (after.at - before.at) * rate / SECOND
            # Time goes on as the clock does, over the change of source too.
            assert abs(step - elapsed) <= rate / 20
            if before.stamp.sender != after.stamp.sender and kind == "video":
                assert after.stamp.keyframe
                assert after.stamp.piece == 0
        assert {stamp.sender for stamp in receiver.stamps} == {first.peer, second.peer}


def test_of_a_simulcast_one_encoding_arrives() -> None:
    bed = Bed()
    encodings = (Encoding(rid="q"), Encoding(rid="h"), Encoding(rid="f"))
    viewer, maker = bed.call(2, encodings=encodings)
    bed.run(4 * SECOND)
    settle(bed, [viewer, maker])
    receiver = viewer.receiver("video")
    assert {stamp.encoding for stamp in receiver.stamps} == {0}
    frames = whole_frames(receiver.stamps)
    assert frames == list(range(frames[0], maker.sender("video").frame))
    # Reports have come, so MID and RID were left out for the larger part of it.
    assert all(encoding.acknowledged for encoding in maker.sender("video").encodings)


def test_rooms_do_not_mix() -> None:
    bed = Bed()
    here, there = bed.call(2, room=1), bed.call(2, room=2)
    bed.run(2 * SECOND)
    for people in (here, there):
        members = {person.peer for person in people}
        for person in people:
            for receiver in person.client.receivers.values():
                assert receiver.stamps
                assert {stamp.sender for stamp in receiver.stamps} == members - {person.peer}


def test_a_route_into_another_room_is_no_route() -> None:
    bed = Bed()
    viewer, stranger = bed.open(room=1), bed.open(room=2)
    bed.connect()
    bed.start(stranger)
    bed.apply_routes_unwatched(1, {Route(stranger.track("audio"), viewer.peer, viewer.slot("audio"))})
    bed.run(SECOND)
    assert viewer.rtp_since(0) == 0


def test_datagrams_fit_the_path() -> None:
    bed = Bed()
    people = bed.call(2)
    bed.run(3 * SECOND)
    for person in people:
        assert max(len(data) for _, _, data in person.sent_to) <= 1_232


def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        bed = Bed(3)
        people = bed.call(3, link=LinkConfig(loss=0.05, jitter=5_000, reorder=0.05))
        bed.run(3 * SECOND)
        runs.append([person.sent_to for person in people])
    assert runs[0] == runs[1]
