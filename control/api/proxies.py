"""Where a request comes from: its peer, or what a proxy that the settings name says of it."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_address(request: web.Request, proxies: Sequence[Network]) -> Address | None:
    """The address that asks. Forwarded headers of anybody else are what anybody could write."""
    peer = None if request.transport is None else request.transport.get_extra_info("peername")
    address = _parse(peer[0]) if isinstance(peer, tuple) else None
    return forwarded(address, request.headers.getall("X-Forwarded-For", ()), proxies)


def forwarded(peer: Address | None, headers: Iterable[str], proxies: Sequence[Network]) -> Address | None:
    """Who asked the outermost of our proxies. Each adds who asked it at the right end, so reading begins there."""
    address = peer
    for hop in reversed([hop for header in headers for hop in header.split(",")]):
        if not is_trusted(address, proxies):
            break
        before = _parse(hop.strip())
        if before is None:
            break
        address = before
    return address


def is_trusted(address: Address | None, proxies: Sequence[Network]) -> bool:
    """Whether this is one of our own proxies."""
    return address is not None and any(address.version == network.version and address in network for network in proxies)


def _parse(text: object) -> Address | None:
    try:
        address = ip_address(str(text).partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
