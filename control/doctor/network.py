"""Looks at ports and addresses: free, or held by a server of ours that runs; and whether clients can reach them."""

import errno
import ipaddress
import json
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from control.config import Settings
from control.doctor.findings import Finding, fail, ok, warn
from control.doctor.host import Host, listener, media_holder
from sfu.addresses import announced

_PATIENCE_S: Final = 3.0
_PRIVILEGED: Final = "AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit, or run the doctor as root"


@dataclass(frozen=True, slots=True)
class Server:
    """A server of ours that answers on the HTTP port; its process, where that is ours to know."""

    pid: int | None


def running_server(settings: Settings) -> Server | None:
    """Asks the HTTP port for its health."""
    scheme = "http" if settings.http.tls_certificate is None else "https"
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE  # only to see whose port it is; the certificate is looked at in its file
    opener = urllib.request.build_opener(  # no proxy of the environment: this is our own port
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
    )
    for host in settings.http.listen:
        url = f"{scheme}://{_url_host(host)}:{settings.http.port}/healthz"
        try:
            with opener.open(url, timeout=_PATIENCE_S) as answer:
                if json.loads(answer.read(1000)) == {"status": "ok"}:
                    return Server(listener(settings.http.port))
        except (OSError, ValueError):
            continue
    return None


def look_at_network(settings: Settings, host: Host, server: Server | None) -> Iterator[Finding]:
    """The findings in their order."""
    yield _http_port(settings, server)
    yield from _media_ports(settings, server)
    yield _announced(settings, host)


def _http_port(settings: Settings, server: Server | None) -> Finding:
    check, port = "HTTP port", settings.http.port
    if server is not None:
        return ok(check, f"{port}/tcp: a server of ours answers there")
    errors = {host: _bind(host, port, socket.SOCK_STREAM) for host in settings.http.listen}
    if errno.EADDRINUSE in errors.values():
        return fail(check, f"{port}/tcp is taken by another program", f"ss -ltnp 'sport = :{port}' shows which")
    if errno.EACCES in errors.values():
        return fail(check, f"{port}/tcp: ports below 1024 need a right that this user lacks", _PRIVILEGED)
    if all(error is not None for error in errors.values()):
        return fail(check, "no address of http.listen is of this host", "ip address shows them")
    return ok(check, f"{port}/tcp is free")


def _media_ports(settings: Settings, server: Server | None) -> Iterator[Finding]:
    yield _media_port(settings.media.port, socket.SOCK_DGRAM, server)
    for port in (settings.media.port, *settings.media.tcp_ports):
        yield _media_port(port, socket.SOCK_STREAM, server)


def _media_port(port: int, kind: socket.SocketKind, server: Server | None) -> Finding:
    check = "media port"
    is_udp = kind is socket.SOCK_DGRAM
    shown = f"{port}/{'udp' if is_udp else 'tcp'}"
    errors = {_bind(host, port, kind) for host in ("0.0.0.0", "::")}
    if errno.EACCES in errors:
        return fail(check, f"{shown}: ports below 1024 need a right that this user lacks", _PRIVILEGED)
    if errno.EADDRINUSE not in errors:
        if server is not None:
            return fail(check, f"{shown} is free, though a server runs: it has other settings", "restart it")
        return ok(check, f"{shown} is free")
    holder = (media_holder if is_udp else listener)(port)
    if server is not None and (holder is None or holder == server.pid):
        return ok(check, f"{shown}: held by the server that runs")
    advice = f"ss -{'lunp' if is_udp else 'ltnp'} 'sport = :{port}' shows which"
    return fail(check, f"{shown} is taken by another program", advice)


def _announced(settings: Settings, host: Host) -> Finding:
    check = "media addresses"
    try:
        endpoints = announced(settings.media.announce, settings.media.port)
    except OSError:
        return fail(check, "a name in media.announce does not resolve", "getent hosts NAME; better an address")
    addresses = [address for address, _ in endpoints]
    shown = ", ".join(addresses)
    if all(ipaddress.ip_address(address).is_loopback for address in addresses):
        return fail(check, f"only this host itself reaches {shown}", "media.announce = the address that browsers reach")
    foreign = [address for address in addresses if address not in host.addresses]
    if foreign:
        return warn(
            check,
            f"{', '.join(foreign)} is not of this host: right behind NAT or in a container, else wrong",
            f"let the router forward {_ways_in(settings)} here; ip address shows what this host has",
        )
    return ok(check, shown)


def _ways_in(settings: Settings) -> str:
    """All that browsers send media to."""
    ways = [f"{settings.media.port}/udp", *(f"{port}/tcp" for port in (settings.media.port, *settings.media.tcp_ports))]
    return f"{', '.join(ways[:-1])} and {ways[-1]}"


def _bind(host: str, port: int, kind: socket.SocketKind) -> int | None:
    """Tries a port; the error's number, none where it is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.errno
    return None


def _url_host(host: str) -> str:
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{local}]" if ":" in local else local
