"""Who speaks, from how loud each is (RFC 6464): sans-IO, one room. Times are seconds of any steady clock."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

QUIETEST_SPEECH: Final = -50.0
"""In dBov. Speech at a laptop is about -35 to -20, a quiet room below -60."""
OVER_NOISE: Final = 10.0
"""In dB: what does not stand out of a person's own noise so far is part of it."""
NOISE_RISE: Final = 3.0
"""In dB a second: a steady hum is learnt within seconds, and forgotten between two words."""
QUIETEST_NOISE: Final = -90.0
FIRST_NOISE: Final = -55.0
"""Of somebody never heard: a hum is no speech, and speech is at once."""
ATTACK: Final = 0.3
"""How long somebody must be loud to count as speaking: a cough or a door is shorter."""
PAUSE: Final = 0.5
"""Speech has pauses; one that is longer begins anew."""
HOLD: Final = 1.5
"""Whoever spoke counts as speaking for so long after."""
MOST: Final = 3
"""Speakers at once: more is a hubbub in which nobody is found."""


@dataclass(slots=True)
class _Voice:
    noise: float
    heard_at: float
    loud_since: float = 0.0
    loud_at: float | None = None
    """When last it was loud."""


class Speakers:
    """The speakers of a room. They change in `hear`, `keep` and `handle_timeout`."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self._speaking: dict[str, float] = {}
        """Since when, in that order."""

    @property
    def current(self) -> tuple[str, ...]:
        """Who speaks now, whoever has spoken the longest first."""
        return tuple(self._speaking)

    def hear(self, now: float, levels: Mapping[str, float]) -> None:
        """How loud people have been since the last call, in dBov (0 is the loudest); who is not named was silent."""
        for name, level in levels.items():
            voice = self._voices.get(name)
            if voice is None:
                voice = self._voices[name] = _Voice(FIRST_NOISE, now)
            self._hear(voice, now, level)
        for name, voice in self._voices.items():
            if name not in levels:
                self._hear(voice, now, QUIETEST_NOISE)
        self._decide(now)

    def keep(self, now: float, audible: Collection[str]) -> None:
        """Forgets whoever can't be heard any more: gone, muted, or the gate closed."""
        for name in [name for name in self._voices if name not in audible]:
            del self._voices[name]
            self._speaking.pop(name, None)
        self._decide(now)

    def next_timeout(self) -> float | None:
        """When somebody will have been quiet for too long."""
        ends = (self._end(name) for name in self._speaking)
        return min(ends, default=None)

    def handle_timeout(self, now: float) -> None:
        """The time that `next_timeout` named has come, perhaps."""
        self._decide(now)

    def _hear(self, voice: _Voice, now: float, level: float) -> None:
        elapsed = now - voice.heard_at
        voice.heard_at = now
        # Where nobody made a sound, nothing was told.
        noise = QUIETEST_NOISE if elapsed > PAUSE else voice.noise + NOISE_RISE * elapsed
        voice.noise = max(QUIETEST_NOISE, min(level, noise))
        if level < max(QUIETEST_SPEECH, voice.noise + OVER_NOISE):
            return
        if voice.loud_at is None or now - voice.loud_at > PAUSE:
            voice.loud_since = now
        voice.loud_at = now

    def _decide(self, now: float) -> None:
        for name in [name for name in self._speaking if self._end(name) <= now]:
            del self._speaking[name]
        for name, voice in self._voices.items():
            if name in self._speaking or not self._begins(voice, now):
                continue
            if len(self._speaking) >= MOST:
                quietest = min(self._speaking, key=self._last)
                if now - self._last(quietest) <= PAUSE:
                    continue
                del self._speaking[quietest]
            self._speaking[name] = now

    def _begins(self, voice: _Voice, now: float) -> bool:
        return voice.loud_at is not None and now - voice.loud_at <= PAUSE and voice.loud_at - voice.loud_since >= ATTACK

    def _last(self, name: str) -> float:
        return self._voices[name].loud_at or 0.0

    def _end(self, name: str) -> float:
        return self._last(name) + HOLD
