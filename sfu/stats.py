"""What the node counts: the wire's counters by what they tell, and how long handshakes take. Nobody is named in it."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal

Direction = Literal["received", "sent"]

CONTENTS: Final = ("stun", "dtls", "rtcp", "audio", "video", "repair")
"""What datagrams are, as the wire tells them apart."""

OTHER: Final = "other"
"""The rest of the datagrams: dropped before it was known what they are."""

_DROPPED: Final = "dropped_"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Datagrams, and bytes of UDP payload."""

    datagrams: int
    bytes: int


@dataclass(frozen=True, slots=True)
class WireStatistics:
    """A media thread's numbers, all of one moment. Nothing is ever reset."""

    counters: Mapping[str, int]
    history_bytes: int
    """Held for retransmission, in all."""
    cpu: float
    """Seconds of CPU that the media thread has used."""

    def traffic(self, direction: Direction) -> Mapping[str, Traffic]:
        """By content, `OTHER` included."""
        counted = self.counters
        found = {
            content: Traffic(counted[f"{content}_{direction}"], counted[f"{content}_bytes_{direction}"])
            for content in CONTENTS
        }
        found[OTHER] = Traffic(
            counted[f"datagrams_{direction}"] - sum(each.datagrams for each in found.values()),
            counted[f"bytes_{direction}"] - sum(each.bytes for each in found.values()),
        )
        return found

    def drops(self) -> Mapping[str, int]:
        """Packets that were not passed on, by reason."""
        return {
            name.removeprefix(_DROPPED): count for name, count in self.counters.items() if name.startswith(_DROPPED)
        }


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often something took how long, at one moment."""

    buckets: tuple[tuple[float, int], ...]
    """Upper bounds in seconds, the last infinite, and how many were at most as long."""
    total: float
    """Seconds in all."""

    @property
    def count(self) -> int:
        return self.buckets[-1][1]


class Histogram:
    """Counts durations by size. `bounds` are seconds, growing."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._total = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._total += seconds

    def read(self) -> Distribution:
        bounds = (*self._bounds, float("inf"))
        return Distribution(tuple(zip(bounds, accumulate(self._counts), strict=True)), self._total)


class Tally:
    """Counts by a code out of a known set; any other code counts as the last of them."""

    __slots__ = ("_counts",)

    def __init__(self, codes: Sequence[str]) -> None:
        self._counts = dict.fromkeys(codes, 0)

    def add(self, code: str) -> None:
        known = code if code in self._counts else next(reversed(self._counts))
        self._counts[known] += 1

    def read(self) -> Mapping[str, int]:
        return dict(self._counts)


@dataclass(frozen=True, slots=True)
class NodeStatistics:
    """The node's numbers at one moment."""

    wire: WireStatistics
    raised_priority: bool
    """Whether the system gave the media thread a raised priority."""
    transports: int
    """PeerConnections that were offered and not closed."""
    connected: int
    """Those over which media can flow."""
    handshakes: Distribution
    """From a client's first DTLS datagram to the keys."""
    failed_handshakes: Mapping[str, int]
    """By code of `sfu.errors.DTLS_CODES`."""


def doubling(first: float, last: float) -> Iterator[float]:
    """Bounds for a histogram, each twice the one before."""
    while first <= last:
        yield first
        first *= 2
