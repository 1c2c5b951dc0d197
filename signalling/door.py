"""Who has connected and not joined yet: so many places, and who gives way when one more comes."""

from collections.abc import Hashable
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Generic, TypeVar

Address = IPv4Address | IPv6Address
Visitor = TypeVar("Visitor", bound=Hashable)

_NETWORK: Final = 64
"""Bits of the network that one subscriber has in IPv6."""


class Door(Generic[Visitor]):
    """Nobody is refused here: who comes needs a place for one round trip, a flood wants them for as long as it can.

    Once all places are taken the oldest visitor of the source that holds the most gives way. So a flood from one
    address takes places from itself only, and one from more addresses than there are places those of the oldest.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._sources: dict[Visitor, Hashable] = {}
        self._visitors: dict[Hashable, dict[Visitor, None]] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def enter(self, visitor: Visitor, address: Address | None) -> Visitor | None:
        """Takes the visitor as the newest; returns who gives way and has no place any more."""
        source = _source(address)
        self._sources[visitor] = source
        self._visitors.setdefault(source, {})[visitor] = None
        if len(self._sources) <= self._places:
            return None
        # As many sources as places at the most: far less work than the WebSocket that was just opened.
        most = max(self._visitors.values(), key=len)
        oldest = next(iter(most))
        self.leave(oldest)
        return oldest

    def leave(self, visitor: Visitor) -> None:
        """The visitor has joined, or is gone, perhaps for long."""
        if visitor not in self._sources:
            return
        source = self._sources.pop(visitor)
        visitors = self._visitors[source]
        del visitors[visitor]
        if not visitors:
            del self._visitors[source]


def _source(address: Address | None) -> Hashable:
    """Whom a place is counted for: an IPv4 address, or a network in IPv6; all without an address are one."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or int(address) >> (address.max_prefixlen - _NETWORK)
    return address
