"""Loss both ways on both legs, and what is heard and seen of it.

The model of playout: a picture is shown, and sound is played, after the longest way that nothing disturbs (both one-way
delays, their jitter, what reordering holds back) and a buffer. For pictures that is 2.5 round trips of a leg, what
libwebrtc comes to when it sees retransmissions again and again (of asking once a round trip, two rounds fit and a third
does not); for sound it is as each test says. A packet counts as lost when it comes later than undisturbed, whichever
leg lost it.
"""

from dataclasses import dataclass, replace

import pytest

from benchmarks.link import Bursts, LinkConfig
from sfu.commands import Route
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.dialect import CHROMIUM_FULL, CHROMIUM_REPAIRING, FIREFOX_FULL, Dialect
from tests.bed.rtcp import FullIntra, PictureLoss
from tests.bed.sender import Media

FAST = Media(interval=33_333, size=5_000)
"""1.2 Mbit/s, 30 pictures a second."""

RANDOM = LinkConfig(loss=0.05)
BURSTS = LinkConfig(loss=Bursts(to_bad=0.0264, to_good=0.5))
"""5 % as well, two in a row on average."""
DISORDER = LinkConfig(loss=0.05, jitter=5 * MILLISECOND, reorder=0.02, duplicate=0.02)


@dataclass(frozen=True, slots=True)
class Repair:
    """Of the packets that a viewer should have got."""

    sent: int
    lost: int
    late: int
    never: int

    @property
    def in_time(self) -> float:
        return 1 - self.late / self.lost


def spoil(people: list[Person], config: LinkConfig) -> None:
    for person in people:
        person.path.set(up=config, down=config)


def held_back(config: LinkConfig) -> int:
    """The longest that a leg keeps what it does not lose, beyond its delay."""
    return config.jitter + (config.reorder_by if config.reorder else 0)


def repair_of(bed: Bed, config: LinkConfig, rtt: int, duration: int, buffer: int) -> Repair:
    """One who sends, one who watches, each with that round trip and that link to the server."""
    config = replace(config, delay=rtt // 2)
    clean = LinkConfig(delay=rtt // 2, jitter=config.jitter)
    people = viewer, maker = bed.call(2, media={"video": FAST}, link=clean)
    bed.run(5 * SECOND)
    start = bed.now
    asked = len(maker.sender("video").keyframe_requests)
    spoil(people, config)
    bed.run(duration)
    end = bed.now - SECOND
    spoil(people, clean)
    bed.run(3 * SECOND)
    assert len(maker.sender("video").keyframe_requests) == asked, "repaired without keyframes"
    undisturbed = rtt + 2 * held_back(config) + 2 * MILLISECOND
    arrived: dict[tuple[int, int], int] = {}
    frames: dict[int, int] = {}
    for one in viewer.receiver("video").received:
        if one.stamp is not None and start <= one.stamp.made_at < end:
            arrived.setdefault((one.stamp.frame, one.stamp.piece), one.at - one.stamp.made_at)
            frames[one.stamp.frame] = one.stamp.pieces
    pieces = [(frame, piece) for frame, count in frames.items() for piece in range(count)]
    delays = [arrived.get(piece) for piece in pieces]
    lost = [delay for delay in delays if delay is None or delay > undisturbed]
    late = [delay for delay in lost if delay is None or delay > undisturbed + buffer]
    found = Repair(len(pieces), len(lost), len(late), delays.count(None))
    print(f"round trip {rtt // MILLISECOND} ms: {found}, in time {found.in_time:.4f}")
    return found


WEATHERS = pytest.mark.parametrize("config", [RANDOM, BURSTS, DISORDER], ids=["random", "bursts", "disorder"])


@WEATHERS
def test_lost_pictures_are_repaired_before_they_are_shown(config: LinkConfig) -> None:
    rtt = 80 * MILLISECOND
    found = repair_of(Bed(1), config, rtt, 40 * SECOND, buffer=5 * rtt // 2)
    assert found.lost > 0.08 * found.sent
    assert found.in_time >= 0.99
    assert found.never == 0


@pytest.mark.long
@WEATHERS
@pytest.mark.parametrize("rtt", [20, 40, 150, 300])
def test_near_and_far_nothing_stays_lost(config: LinkConfig, rtt: int) -> None:
    found = repair_of(Bed(2), config, rtt * MILLISECOND, 40 * SECOND, buffer=5 * rtt * MILLISECOND // 2)
    assert found.lost > 0.05 * found.sent
    assert found.never == 0


LISTENERS = pytest.mark.parametrize("listener", [CHROMIUM_FULL, FIREFOX_FULL], ids=["reads it", "does not"])


@dataclass(frozen=True, slots=True)
class Heard:
    """Shares of what was said."""

    lost: float
    """What did not come by a packet of its own in time; where reordering is waited for, the server's copy may."""
    concealed: float
    """What did not come in time at all."""


def heard_of(
    listener: Dialect,
    weather: LinkConfig,
    *,
    speaker_is: Dialect = CHROMIUM_FULL,
    delay: int = 40 * MILLISECOND,
    buffer: int = 60 * MILLISECOND,
    seed: int = 3,
) -> Heard:
    """Two minutes of audio, disturbed on the way in; for a Chromium that listens, on the way out as well."""
    bed = Bed(seed)
    speaker = bed.open(kinds=("audio",), dialect=speaker_is, link=LinkConfig(delay=delay))
    viewer = bed.open(kinds=("audio",), dialect=listener, link=LinkConfig(delay=delay))
    bed.connect()
    bed.mesh([speaker, viewer])
    bed.start(speaker)
    bed.run(2 * SECOND)
    start = bed.now
    disturbed = [speaker] if listener is FIREFOX_FULL else [speaker, viewer]
    spoil(disturbed, replace(weather, delay=delay))
    undisturbed = 2 * delay + len(disturbed) * held_back(weather)
    bed.run(120 * SECOND)
    end = bed.now - SECOND
    played: set[int] = set()
    own: set[int] = set()
    for one in viewer.receiver("audio").received:
        for stamp in (*one.copies, one.stamp):
            if stamp is None or not start <= stamp.made_at < end:
                continue
            if one.at <= stamp.made_at + undisturbed + buffer:
                played.add(stamp.frame)
            if stamp is one.stamp and one.at <= stamp.made_at + undisturbed + 2 * MILLISECOND:
                own.add(stamp.frame)
    expected = (end - start) // (20 * MILLISECOND)
    found = Heard(1 - len(own) / expected, 1 - len(played) / expected)
    print(f"one way {delay // MILLISECOND} ms: lost {found.lost:.4f}, concealed {found.concealed:.4f}")
    return found


@LISTENERS
@pytest.mark.parametrize("weather", [RANDOM, DISORDER], ids=["random", "disorder"])
def test_redundant_audio_hides_loss(listener: Dialect, weather: LinkConfig) -> None:
    found = heard_of(listener, weather)
    assert found.lost > 0.03
    assert found.concealed <= 0.01
    assert found.concealed > 0, "what is lost twice in a row is lost"


FAR_AND_NEAR = pytest.mark.parametrize("delay", [10, 75, 150])
"""One way, so that a leg's round trip is 20 to 300 ms."""


@pytest.mark.long
@LISTENERS
@FAR_AND_NEAR
@pytest.mark.parametrize("weather", [RANDOM, DISORDER], ids=["random", "disorder"])
def test_redundant_audio_hides_loss_near_and_far(listener: Dialect, weather: LinkConfig, delay: int) -> None:
    """A copy comes 20 ms after what was lost, however far it comes from."""
    found = heard_of(listener, weather, delay=delay * MILLISECOND)
    assert found.lost > 0.03
    assert found.concealed <= 0.01


@LISTENERS
def test_redundant_audio_hides_the_edges_of_bursts(listener: Dialect) -> None:
    """A copy is in the next packet alone: of each burst the last packet comes back, those before it do not."""
    found = heard_of(listener, BURSTS)
    assert 0 < found.concealed < 0.6 * found.lost


WAYS = pytest.mark.parametrize("listener", [FIREFOX_FULL, CHROMIUM_REPAIRING], ids=["one way", "both ways"])


def heard_again(listener: Dialect, weather: LinkConfig, delay: int) -> Heard:
    """With sound sent again, played after the undisturbed way and what the SDK has players wait while sound is lost.

    That is 80 ms and two round trips of a leg, and 400 ms at most (web/sdk/patience.js).
    """
    buffer = min(80 * MILLISECOND + 2 * (2 * delay), 400 * MILLISECOND)
    return heard_of(listener, weather, speaker_is=CHROMIUM_REPAIRING, delay=delay, buffer=buffer)


@WAYS
@pytest.mark.parametrize("config", [RANDOM, BURSTS], ids=["random", "bursts"])
def test_sound_that_is_sent_again_hides_bursts(listener: Dialect, config: LinkConfig) -> None:
    found = heard_again(listener, config, 20 * MILLISECOND)
    assert found.concealed <= 0.01
    assert found.lost > 0.03


@pytest.mark.long
@WAYS
@FAR_AND_NEAR
@WEATHERS
def test_sound_that_is_sent_again_near_and_far(listener: Dialect, config: LinkConfig, delay: int) -> None:
    """Of bursts on both ways a little more stays lost: near, one longer than the wait; far, what is asked for twice."""
    found = heard_again(listener, config, delay * MILLISECOND)
    assert found.lost > 0.03
    assert found.concealed <= (0.02 if config is BURSTS and listener is CHROMIUM_REPAIRING else 0.01)


def test_no_storm_of_keyframe_requests_whatever_viewers_do() -> None:
    """25 viewers, each with 100 requests of both kinds a second; a viewer comes and goes as well."""
    bed = Bed(5)
    maker = bed.open(dialect=CHROMIUM_FULL)
    viewers = [bed.open(kinds=()) for _ in range(25)]
    bed.connect()
    routes = bed.mesh([maker, *viewers])
    bed.start(maker)
    bed.run(2 * SECOND)
    start = bed.now
    for round_ in range(300):
        for viewer in viewers:
            section, client = viewer.receiver("video").section, viewer.client
            client.send_rtcp(
                PictureLoss(client.ssrc, section.ssrc), FullIntra(client.ssrc, ((section.ssrc, round_ & 0xFF),))
            )
            bed.touch(viewer)
        if round_ % 10 == 0:
            gone = {Route(maker.track("video"), viewers[0].peer, viewers[0].slot("video"))}
            bed.set_routes(1, routes - gone if round_ % 20 == 0 else routes)
        bed.run(10 * MILLISECOND)
    asked = [at for at, _ in maker.sender("video").keyframe_requests if at >= start]
    assert len(asked) >= 4, "nor too few"
    for first, third in zip(asked, asked[2:], strict=False):
        assert third - first >= SECOND - 50 * MILLISECOND
    assert bed.plane.snapshot().counters["keyframe_requests_received"] > 14_000
