"""Watches how busy the process is, and says whether it opens new rooms: the one place where load is measured."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from control.lag import LagMeter
from control.overload import LimitsConfig, Load, Strain, strains
from sfu.stats import Distribution
from signalling.stats import People

_SAMPLE_EVERY: Final = 1.0
"""Seconds between looks at media thread and memory."""

_log = structlog.get_logger(__name__)


class Watch:
    """Measures from `start` to `stop`, on the running event loop. Until then nothing is at its limit."""

    def __init__(
        self,
        limits: LimitsConfig,
        people: Callable[[], People],
        media_cpu: Callable[[], float],
        memory: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        *,
        all_gone: Callable[[], None],
    ) -> None:
        """`media_cpu` gives seconds that the media thread has used, `memory` the share in use.

        `all_gone` is called once whenever nobody is left of those who were here.
        `media_cpu` raises RuntimeError once the thread has ended, which it does by a bug alone.
        """
        self.media_ended: Final = asyncio.Event()
        self._limits = limits
        self._people = people
        self._media_cpu = media_cpu
        self._memory = memory
        self._all_gone = all_gone
        self._clock = clock
        self._lag = LagMeter(clock())
        self._anybody = False
        self._sampled: tuple[float, float] | None = None
        self._media_share = 0.0
        self._memory_share = 0.0
        self._strains: frozenset[Strain] = frozenset()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._lag = LagMeter(self._clock())
        self._sample(self._clock())
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def lag(self) -> Distribution:
        """By how much ticks were late so far."""
        return self._lag.read()

    def strains(self) -> frozenset[Strain]:
        """What is at its limit, by the people of this moment and by the last look at the rest."""
        people = self._people()
        load = Load(people.rooms, people.total, self._lag.recent, self._media_share, self._memory_share)
        found = strains(load, self._limits, self._strains)
        if found != self._strains:
            (_log.warning if found else _log.info)("overload", at_limit=sorted(found))
            self._strains = found
        return found

    def opens_rooms(self) -> bool:
        """Whether a new room may be opened."""
        return not self.strains()

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, self._lag.due - self._clock()), self._tick)

    def _tick(self) -> None:
        now = self._clock()
        self._lag.tick(now)
        if self._sampled is None or now - self._sampled[0] >= _SAMPLE_EVERY:
            self._sample(now)
            self.strains()
        self._arm()

    def _sample(self, now: float) -> None:
        anybody = self._people().total > 0
        if self._anybody and not anybody:
            self._all_gone()
        self._anybody = anybody
        self._memory_share = self._memory()
        try:
            used = self._media_cpu()
        except RuntimeError:
            self._sampled = None
            if not self.media_ended.is_set():
                _log.error("media_thread_ended", remedy="report it with the panic that stands above")
                self.media_ended.set()
            return
        if self._sampled is not None and now > self._sampled[0]:
            self._media_share = (used - self._sampled[1]) / (now - self._sampled[0])
        self._sampled = (now, used)
