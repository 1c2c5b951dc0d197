"""One direction of a network path, by seed: loss, a line with a drop-tail queue, delay, jitter, reordering, duplicates.

Nothing here reads a clock: `now` is an argument, in microseconds, and never goes back. The same calls give the same
fates.
"""

from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Final, Self

from benchmarks.link.capacity import Capacity

OVERHEAD: Final = 28 + 4
"""Bytes that a UDP payload has around it on the line: IPv4 and UDP, and Mahimahi's tunnel."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """Loss by Gilbert and Elliott: per datagram the chance to go bad, to come good again, and to be lost in either."""

    to_bad: float
    to_good: float
    lost_in_bad: float = 1.0
    lost_in_good: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """Times in microseconds, shares between 0 and 1; jitter keeps the order, `reorder` is the share held back."""

    delay: int = 10_000
    jitter: int = 0
    loss: float | Bursts = 0.0
    """Before the queue: a share, each datagram by itself, or in bursts."""
    reorder: float = 0.0
    reorder_by: int = 15_000
    duplicate: float = 0.0
    capacity: Capacity | None = None
    """None: a line without a limit."""
    queue: int | None = None
    """Bytes that may wait for the line, overhead included; more are dropped at the tail. None: without a limit."""
    outages: tuple[tuple[int, int], ...] = ()
    """From when until when nothing gets through."""


class Link:
    """Says when a datagram arrives: never, once, or twice."""

    def __init__(self, config: LinkConfig, seed: int) -> None:
        self.config = config
        self.down = False
        """While true nothing gets through: an outage that somebody switches."""
        self._random = Random(seed)
        self._weather = Random(~seed)
        """Draws of its own: with or without bursts the other draws stay the same."""
        self._bad = False
        self._last = 0
        self._waiting: deque[tuple[int, int]] = deque()
        """When each datagram in the queue leaves it, and its size."""
        self._queued = 0
        self._turn = (0, 0)
        """The opportunity being used: its moment, and what is left of it."""

    def carry(self, now: int, size: int) -> tuple[int, ...]:
        """Arrival times of a datagram with a UDP payload of that size that is sent now."""
        config, random = self.config, self._random
        # One draw each, needed or not: a change of one share leaves the fate of the others' draws as it was.
        lost, held, twice, jitter = (random.random() for _ in range(4))
        if self._is_out(now) or lost < self._share_lost():
            return ()
        leaves = self._leaves(now, size + OVERHEAD)
        if leaves is None or self._is_out(leaves):
            return ()
        arrival = leaves + config.delay + int(jitter * config.jitter)
        if held < config.reorder:
            arrival += config.reorder_by
        else:
            arrival = self._last = max(arrival, self._last)
        return (arrival, arrival + 1) if twice < config.duplicate else (arrival,)

    def queued(self, now: int) -> int:
        """Bytes that wait for the line, overhead included."""
        while self._waiting and self._waiting[0][0] <= now:
            self._queued -= self._waiting.popleft()[1]
        return self._queued

    def _is_out(self, when: int) -> bool:
        return self.down or any(begin <= when < end for begin, end in self.config.outages)

    def _share_lost(self) -> float:
        loss = self.config.loss
        if not isinstance(loss, Bursts):
            return loss
        change = loss.to_good if self._bad else loss.to_bad
        if self._weather.random() < change:
            self._bad = not self._bad
        return loss.lost_in_bad if self._bad else loss.lost_in_good

    def _leaves(self, now: int, size: int) -> int | None:
        """When the last of its bytes has left the line; None where the queue has no room for it.

        A datagram may span opportunities and share them; what an opportunity has left when the queue is empty is lost.
        """
        capacity, limit = self.config.capacity, self.config.queue
        if capacity is None:
            return now
        if limit is not None and self.queued(now) + size > limit:
            return None
        when, left = self._turn if self._turn[0] > now else capacity.after(now)
        needed = size
        while needed > left:
            needed -= left
            when, left = capacity.after(when)
        self._turn = (when, left - needed)
        self._waiting.append((when, size))
        self._queued += size
        return when


@dataclass(slots=True)
class Path:
    """Both directions between a client and the server."""

    up: Link
    down: Link

    @classmethod
    def of(cls, config: LinkConfig, seed: int) -> Self:
        return cls(Link(config, 2 * seed), Link(config, 2 * seed + 1))

    def set(self, *, up: LinkConfig | None = None, down: LinkConfig | None = None) -> None:
        if up is not None:
            self.up.config = up
        if down is not None:
            self.down.config = down

    def cut(self, is_cut: bool = True) -> None:
        """Begins an outage both ways, or ends it."""
        self.up.down = self.down.down = is_cut
