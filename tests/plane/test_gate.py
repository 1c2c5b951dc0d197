"""Nothing that came while a gate was closed is ever forwarded, cached or sent again.

`Bed.watch` looks at every packet where it leaves the wire, in every test; here are those that try to get past it.
"""

import pytest

from benchmarks.link import LinkConfig
from sfu.commands import Route
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.rtcp import Nack, PictureLoss

UP_DELAY = DOWN_DELAY = LinkConfig().delay


def nack_everything(bed: Bed, viewer: Person, before: int = 600) -> None:
    """Ask again for whatever the slot's stream had in its last numbers."""
    receiver = viewer.receiver("video")
    newest = max((received.sequence for received in receiver.received), default=0)
    numbers = tuple((newest - back) & 0xFFFF for back in range(before, -20, -1))
    for at in range(0, len(numbers), 200):
        viewer.client.send_rtcp(Nack(viewer.client.ssrc, receiver.section.ssrc, numbers[at : at + 200]))
    bed.touch(viewer)


def made_while(viewer: Person, since: int, until: int) -> list[int]:
    """When what it received of that time was made, by the time it came to the server."""
    return [
        stamp.made_at
        for receiver in viewer.client.receivers.values()
        for stamp in receiver.stamps
        if since <= stamp.made_at + UP_DELAY < until
    ]


@pytest.mark.parametrize("closed", ["maker", "viewer", "both"])
def test_in_the_lobby_not_one_byte_of_media_passes(closed: str) -> None:
    bed = Bed()
    viewer = bed.open(gate=closed == "maker")
    maker = bed.open(gate=closed == "viewer")
    bed.connect()
    bed.mesh([viewer, maker])
    for person in (viewer, maker):
        bed.start(person)
    bed.run(5 * SECOND)
    nack_everything(bed, viewer)
    bed.run(SECOND)
    if closed == "both":
        assert bed.plane.snapshot().history_bytes == 0, "what came through no gate is in no cache"
    assert viewer.rtp_since(0) == 0
    assert maker.rtp_since(0) == 0


def test_admission_starts_at_the_opening() -> None:
    bed = Bed()
    viewer, maker = bed.open(), bed.open(gate=False)
    bed.connect()
    bed.mesh([viewer, maker])
    for person in (viewer, maker):
        bed.start(person)
    bed.run(2 * SECOND)
    opened = bed.now
    bed.set_gate(maker, True)
    bed.run(500 * MILLISECOND)
    for person in (viewer, maker):
        assert made_while(person, 0, opened) == []
        assert person.receiver("audio").stamps
        first = person.receiver("video").stamps[0]
        assert first.keyframe
        assert first.piece == 0
        # A request went out with the opening: the picture is there within a frame and a round trip.
        assert first.made_at - opened <= 2 * UP_DELAY + 40 * MILLISECOND


@pytest.mark.parametrize("who", ["maker", "viewer"])
def test_a_pause_is_silent_and_forgets(who: str) -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    chosen = maker if who == "maker" else viewer
    bed.set_gate(chosen, False)
    closed = bed.now
    nack_everything(bed, viewer)
    bed.run(3 * SECOND)
    assert viewer.rtp_since(closed) == 0
    assert maker.rtp_since(closed) == 0
    bed.set_gate(chosen, True)
    opened = bed.now
    nack_everything(bed, viewer)
    bed.run(1 * SECOND)
    nack_everything(bed, viewer)
    bed.run(1 * SECOND)
    assert made_while(viewer, closed, opened) == []
    again = [one.stamp for one in viewer.receiver("video").received if one.retransmitted and one.stamp]
    assert all(stamp.made_at + UP_DELAY >= opened for stamp in again)
    assert made_while(viewer, opened, bed.now)


def test_after_opening_a_nack_for_what_came_before_gives_nothing() -> None:
    bed = Bed()
    viewer, _maker = bed.call(2)
    viewer.receiver("video").nacks = False
    bed.run(SECOND)
    # Lost on the way to the viewer, in the server's history when the gate closes.
    viewer.path.set(down=LinkConfig(loss=0.5))
    bed.run(200 * MILLISECOND)
    bed.set_gate(viewer, False)
    bed.set_gate(viewer, True)
    opened = bed.now
    viewer.path.set(down=LinkConfig())
    nack_everything(bed, viewer)
    bed.run(2 * SECOND)
    # What the viewer's feedback had told as lost before the closing has come by now.
    again = [one for one in viewer.receiver("video").received if one.retransmitted and one.at >= opened + DOWN_DELAY]
    assert [one for one in again if one.stamp is not None and one.stamp.made_at + UP_DELAY < opened] == []


def test_a_retransmission_that_was_asked_for_before_the_pause_stays_out() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    maker.path.set(up=LinkConfig(delay=150_000, loss=0.3))
    bed.run(250 * MILLISECOND)
    bed.set_gate(maker, False)
    closed = bed.now
    bed.run(60 * MILLISECOND)
    bed.set_gate(maker, True)
    maker.path.set(up=LinkConfig(delay=150_000))
    bed.run(2 * SECOND)
    assert [one.stamp for one in viewer.receiver("video").received if one.at > closed + 100 * MILLISECOND]
    # The watch has judged every packet; what was first sent before the closing never came after it.
    sent_before = [
        one.stamp
        for one in viewer.receiver("video").received
        if one.at > closed + UP_DELAY and one.stamp is not None and one.stamp.made_at + 150_000 <= closed
    ]
    assert sent_before == []


def test_mute_stops_one_track_and_forgets_it() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    bed.set_mute(maker.track("video"), True)
    muted = bed.now
    bed.run(2 * SECOND)
    video, audio = viewer.receiver("video"), viewer.receiver("audio")
    assert [one for one in video.received if one.at > muted + UP_DELAY] == []
    assert len([one for one in audio.received if one.at > muted]) >= 99
    # The other direction knows nothing of it.
    assert [one for one in maker.receiver("video").received if one.at > muted + SECOND]
    bed.set_mute(maker.track("video"), False)
    unmuted = bed.now
    nack_everything(bed, viewer)
    bed.run(SECOND)
    later = [one.stamp for one in video.received if one.at > unmuted and one.stamp is not None]
    assert later[0].keyframe
    assert all(stamp.made_at + UP_DELAY >= unmuted for stamp in later)
    numbers = sorted(one.sequence for one in video.received)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_a_mute_may_come_before_the_first_packet() -> None:
    bed = Bed()
    viewer, maker = bed.open(), bed.open()
    bed.connect()
    bed.mesh([viewer, maker])
    bed.set_mute(maker.track("audio"), True)
    bed.start(maker)
    bed.run(SECOND)
    assert viewer.receiver("audio").received == []
    assert viewer.receiver("video").received


def test_a_new_offer_keeps_the_mute() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.set_mute(maker.track("audio"), True)
    muted = bed.now
    bed.run(100 * MILLISECOND)
    bed.set_sections(maker, ("audio", "video"), 1)
    bed.run(SECOND)
    assert [one for one in viewer.receiver("audio").received if one.at > muted + 2 * UP_DELAY] == []
    assert [one for one in viewer.receiver("video").received if one.at > muted + 500 * MILLISECOND]


def test_keyframe_requests_stay_in_front_of_a_closed_gate() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    bed.set_gate(viewer, False)
    bed.run(500 * MILLISECOND)
    before = len(maker.sender("video").keyframe_requests)
    for _ in range(20):
        viewer.client.send_rtcp(PictureLoss(viewer.client.ssrc, viewer.receiver("video").section.ssrc))
        bed.touch(viewer)
        bed.run(100 * MILLISECOND)
    assert len(maker.sender("video").keyframe_requests) == before


def test_a_closed_peer_is_gone() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    bed.close(maker)
    bed.set_routes(1, ())
    closed = bed.now
    bed.run(2 * SECOND)
    assert viewer.rtp_since(closed) == 0
    assert maker.rtp_since(closed) == 0
    # Its checks are answered no more.
    assert not [at for at, _, _ in maker.sent_to if at > closed]


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(5, 20))])
def test_gates_mutes_and_routes_at_random_on_bad_links(seed: int) -> None:
    bed = Bed(seed)
    link = LinkConfig(delay=30_000, loss=0.08, jitter=20_000, reorder=0.1, reorder_by=60_000, duplicate=0.05)
    people = bed.call(4, link=link)
    random = bed.random
    is_open = {person.peer: True for person in people}
    muted: set[int] = set()
    everything = bed.mesh(people)
    for _ in range(150):
        bed.run(random.randrange(1, 300) * MILLISECOND)
        person = random.choice(people)
        match random.randrange(6):
            case 0 | 1 | 2:
                is_open[person.peer] = not is_open[person.peer]
                bed.set_gate(person, is_open[person.peer])
            case 3:
                track = random.choice(person.tracks).track
                muted ^= {track}
                bed.set_mute(track, track in muted)
            case 4:
                routes: set[Route] = {route for route in everything if random.random() < 0.8}
                bed.set_routes(1, routes)
                assert bed.plane.routes() == routes
            case _:
                bed.restart_ice(person)
    assert bed.watch.checked > 1_000
    for person in people:
        if not is_open[person.peer]:
            bed.set_gate(person, True)
        for section in person.tracks:
            bed.set_mute(section.track, False)
    bed.set_routes(1, everything)
    end = bed.now
    bed.run(3 * SECOND)
    for person in people:
        for receiver in person.client.receivers.values():
            assert [one for one in receiver.received if one.at > end + SECOND], "what is open flows"
