"""One direction of a network path: loss, delay, jitter, reordering and duplication, all by seed."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """Times in microseconds, shares between 0 and 1; jitter keeps the order, `reorder` is the share held back."""

    delay: int = 10_000
    jitter: int = 0
    loss: float = 0.0
    reorder: float = 0.0
    reorder_by: int = 15_000
    duplicate: float = 0.0


class Link:
    """Says when a datagram arrives: never, once, or twice."""

    def __init__(self, config: LinkConfig, seed: int) -> None:
        self.config = config
        self.down = False
        """While true nothing arrives: an outage."""
        self._random = Random(seed)
        self._last = 0

    def carry(self, now: int) -> tuple[int, ...]:
        """Arrival times of a datagram that is sent now."""
        config, random = self.config, self._random
        # One draw each, needed or not: a change of one share leaves the fate of the others' draws as it was.
        lost, held, twice, jitter = (random.random() for _ in range(4))
        if self.down or lost < config.loss:
            return ()
        arrival = now + config.delay + int(jitter * config.jitter)
        if held < config.reorder:
            arrival += config.reorder_by
        else:
            arrival = self._last = max(arrival, self._last)
        return (arrival, arrival + 1) if twice < config.duplicate else (arrival,)


@dataclass(slots=True)
class Path:
    """Both directions between a client and the server."""

    up: Link
    down: Link

    @classmethod
    def of(cls, config: LinkConfig, seed: int) -> "Path":
        return cls(Link(config, 2 * seed), Link(config, 2 * seed + 1))

    def set(self, *, up: LinkConfig | None = None, down: LinkConfig | None = None) -> None:
        if up is not None:
            self.up.config = up
        if down is not None:
            self.down.config = down
