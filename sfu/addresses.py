"""The addresses at which clients can reach this host."""

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence

import psutil

Endpoint = tuple[str, int]
"""An address and a port."""


def announced(configured: Sequence[str], port: int) -> tuple[Endpoint, ...]:
    """The configured addresses, names among them resolved once; all of this host when none is configured.

    Each with its own port where it names one (`192.0.2.7:7000`, `[2001:db8::7]:7000`, `media.example:7000`), else with
    `port`. OSError when a name does not resolve.
    """
    if not configured:
        found = reachable(
            item.address.partition("%")[0]
            for items in psutil.net_if_addrs().values()
            for item in items
            if item.family in (socket.AF_INET, socket.AF_INET6)
        )
        return tuple((address, port) for address in found)
    endpoints: list[Endpoint] = []
    for item in configured:
        host, own = split(item)
        endpoints.extend((address, own or port) for address in _resolve(host))
    return tuple(dict.fromkeys(endpoints))


def split(item: str) -> tuple[str, int | None]:
    """The host of an entry of `media.announce`, and its port where it names one. ValueError for a port that is none."""
    bracketed = re.fullmatch(r"\[([^]]*)\](?::(.*))?", item)
    if bracketed is not None:
        host, port = bracketed.groups()
    elif item.count(":") == 1:
        host, _, port = item.partition(":")
    else:  # a bare address of IPv6, or no port at all
        return item, None
    if port is None:
        return host, None
    if not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise ValueError("media.announce: a port is 1 to 65535")
    return host, int(port)


def _resolve(host: str) -> Iterable[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except UnicodeError as error:  # no name at all, such as one with an empty label
        raise OSError("media.announce has what is neither an address nor a name") from error
    return [str(info[4][0]) for info in infos]


def reachable(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those that a client could use: IPv4 before IPv6, and loopback last, for a browser on the host itself."""
    parsed = dict.fromkeys(ipaddress.ip_address(address) for address in addresses)
    usable = [ip for ip in parsed if not (ip.is_link_local or ip.is_unspecified or ip.is_multicast)]
    return tuple(str(ip) for ip in sorted(usable, key=lambda ip: (ip.is_loopback, ip.version)))
