"""The addresses at which clients can reach this host."""

import ipaddress
import socket
from collections.abc import Iterable, Sequence

import psutil


def announced(configured: Sequence[str]) -> tuple[str, ...]:
    """The configured addresses, names among them resolved once; all of this host when none is configured.

    OSError when a name does not resolve.
    """
    if not configured:
        return reachable(
            item.address.partition("%")[0]
            for items in psutil.net_if_addrs().values()
            for item in items
            if item.family in (socket.AF_INET, socket.AF_INET6)
        )
    addresses: list[str] = []
    for item in configured:
        try:
            addresses.append(str(ipaddress.ip_address(item)))
        except ValueError:
            try:
                infos = socket.getaddrinfo(item, None, type=socket.SOCK_DGRAM)
            except UnicodeError as error:  # no name at all, such as one with an empty label
                raise OSError("media.announce has what is neither an address nor a name") from error
            addresses.extend(str(info[4][0]) for info in infos)
    return tuple(dict.fromkeys(addresses))


def reachable(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those that a client could use: IPv4 before IPv6, and loopback last, for a browser on the host itself."""
    parsed = dict.fromkeys(ipaddress.ip_address(address) for address in addresses)
    usable = [ip for ip in parsed if not (ip.is_link_local or ip.is_unspecified or ip.is_multicast)]
    return tuple(str(ip) for ip in sorted(usable, key=lambda ip: (ip.is_loopback, ip.version)))
