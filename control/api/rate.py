"""How many requests one session, one key or one address may make: token buckets, in tables of bounded size.

Who is logged in is counted by the session alone: a hospital's hundreds share an address, and one of them that asks too
much slows nobody else.
"""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_network
from math import ceil
from typing import Final

from control.api.config import ApiConfig
from control.api.errors import RateLimitedError

_TABLE: Final = 20_000


class Buckets:
    """A bucket for each key. One that is not in the table is full; what falls out of it was longest unused."""

    def __init__(self, rate: float, burst: int, size: int = _TABLE) -> None:
        self._rate = rate
        self._burst = burst
        self._size = size
        self._levels: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def take(self, key: bytes, now: float) -> float:
        """Takes one token: 0, or the seconds until there is one. `now` is monotonic."""
        level, since = self._levels.pop(key, (float(self._burst), now))
        level = min(float(self._burst), level + (now - since) * self._rate)
        wait = 0.0 if level >= 1 else (1 - level) / self._rate
        self._levels[key] = (level if wait else level - 1, now)
        if len(self._levels) > self._size:
            self._levels.popitem(last=False)
        return wait

    def __len__(self) -> int:
        return len(self._levels)


class RateLimits:
    """The limits of the interface."""

    def __init__(self, config: ApiConfig, now: Callable[[], float]) -> None:
        self._known = Buckets(config.session_rate, config.session_burst)
        self._unknown = Buckets(config.address_rate, config.address_burst)
        self._now = now

    def count_known(self, key: bytes) -> None:
        """A request of a session or a key (raises RateLimitedError)."""
        _check(self._known.take(key, self._now()))

    def count_unknown(self, address: IPv4Address | IPv6Address | None) -> None:
        """A request without a login; whoever has no address shares one bucket."""
        _check(self._unknown.take(_of(address), self._now()))


def _of(address: IPv4Address | IPv6Address | None) -> bytes:
    match address:
        case None:
            return b""
        case IPv4Address():
            return address.packed
        case IPv6Address():
            return ip_network((address, 64), strict=False).network_address.packed


def _check(wait: float) -> None:
    if wait:
        raise RateLimitedError("too many requests; wait a little", retry_after=max(1, ceil(wait)))
