"""Who speaks, as a table: levels every 200 ms in, speakers out."""

from dataclasses import dataclass, field

import pytest

from sfu.speakers import HOLD, MOST, Speakers

STEP = 0.2
SPEECH, MURMUR, HUM, QUIET = -28.0, -45.0, -47.0, -70.0


@dataclass
class Heard:
    """Speakers, a clock, and what was told."""

    speakers: Speakers = field(default_factory=Speakers)
    now: float = 100.0

    def current(self) -> tuple[str, ...]:
        return self.speakers.current

    def hear(self, seconds: float, **levels: float) -> None:
        """The same levels for a while; nobody audible means that nothing is told at all."""
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            due = self.speakers.next_timeout()
            if due is not None and due <= self.now:
                self.speakers.handle_timeout(self.now)
            if levels:
                self.speakers.hear(self.now, levels)


@pytest.mark.parametrize(
    ("levels", "speaks"),
    [
        pytest.param([SPEECH] * 5, True, id="speech"),
        pytest.param([QUIET] * 20 + [SPEECH] * 4, True, id="speech-after-quiet"),
        pytest.param([None] * 20 + [SPEECH] * 4, True, id="speech-after-silence"),
        pytest.param([HUM] * 50 + [SPEECH] * 4, True, id="speech-over-a-hum"),
        pytest.param([SPEECH, QUIET, SPEECH, None, SPEECH], True, id="words"),
        pytest.param([QUIET] * 20 + [MURMUR] * 5, True, id="a-soft-voice"),
        pytest.param([SPEECH] * 2, False, id="a-cough"),
        pytest.param([SPEECH, None, None, None, SPEECH, None, None, None, SPEECH], False, id="knocking"),
        pytest.param([QUIET] * 20, False, id="quiet"),
        pytest.param([HUM] * 5, False, id="a-hum-from-the-start"),
        pytest.param([-30.0] * 60, False, id="a-loud-hum-in-the-end"),
        pytest.param([QUIET] * 5 + [HUM] * 80, False, id="a-fan-switched-on"),
        pytest.param([HUM, HUM + 4, HUM - 3] * 10, False, id="an-uneven-hum"),
        pytest.param([], False, id="nothing"),
    ],
)
def test_speech_is_told_from_noise(levels: list[float | None], speaks: bool) -> None:
    heard = Heard()
    for level in levels:
        heard.hear(STEP, **({} if level is None else {"anna": level}))
    assert heard.current() == (("anna",) if speaks else ())


def test_whoever_begins_is_found_within_a_second_and_held_through_pauses() -> None:
    heard = Heard()
    heard.hear(3, anna=QUIET, bo=QUIET)
    heard.hear(0.6, anna=SPEECH, bo=QUIET)
    assert heard.current() == ("anna",)
    for _ in range(5):
        heard.hear(HOLD - STEP, anna=QUIET, bo=QUIET)
        assert heard.current() == ("anna",)
        heard.hear(STEP, anna=SPEECH, bo=QUIET)
    heard.hear(HOLD, anna=QUIET, bo=QUIET)
    assert heard.current() == ()


def test_a_silence_of_all_ends_by_the_clock() -> None:
    heard = Heard()
    heard.hear(1, anna=SPEECH)
    due = heard.speakers.next_timeout()
    assert due is not None
    assert due == pytest.approx(heard.now + HOLD)
    heard.speakers.handle_timeout(due - 0.01)
    assert heard.current() == ("anna",)
    heard.speakers.handle_timeout(due)
    assert heard.current() == ()
    assert heard.speakers.next_timeout() is None


def test_who_speaks_the_longest_comes_first() -> None:
    heard = Heard()
    heard.hear(1, anna=QUIET, bo=SPEECH)
    heard.hear(1, anna=-10.0, bo=SPEECH)
    assert heard.current() == ("bo", "anna"), "however loud the other is"


def test_of_many_a_few_are_shown_and_who_pauses_makes_room() -> None:
    heard = Heard()
    loud = dict.fromkeys("abc", SPEECH)
    heard.hear(1, **loud)
    assert heard.current() == tuple("abc")
    assert len(loud) == MOST
    heard.hear(2, d=SPEECH, **loud)
    assert heard.current() == tuple("abc"), "nobody who goes on is pushed aside"
    heard.hear(0.8, a=SPEECH, b=QUIET, c=SPEECH, d=SPEECH)
    assert heard.current() == ("a", "c", "d")


def test_who_can_no_longer_be_heard_is_no_speaker_and_begins_anew() -> None:
    heard = Heard()
    heard.hear(1, anna=SPEECH, bo=SPEECH)
    heard.speakers.keep(heard.now, {"bo"})
    assert heard.current() == ("bo",)
    heard.hear(STEP, anna=SPEECH, bo=SPEECH)
    assert heard.current() == ("bo",)
    heard.hear(0.4, anna=SPEECH, bo=SPEECH)
    assert heard.current() == ("bo", "anna")
