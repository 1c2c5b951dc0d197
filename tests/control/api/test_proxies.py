"""Forwarded headers are believed from our own proxies, and from nobody else."""

from ipaddress import ip_address, ip_network

import pytest

from control.api.proxies import forwarded

OURS = (ip_network("10.0.0.0/24"), ip_network("2001:db8:f::/48"))


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["192.0.2.1"], "198.51.100.7"),
        ("10.0.1.1", ["192.0.2.1"], "10.0.1.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9", "192.0.2.1 , 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", ["10.0.0.9, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("2001:db8:f::1", ["2001:db8:1::5"], "2001:db8:1::5"),
        ("10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
    ],
)
def test_the_client_is_who_asked_the_outermost_of_our_proxies(peer: str, headers: list[str], client: str) -> None:
    assert str(forwarded(ip_address(peer), headers, OURS)) == client


def test_without_proxies_nothing_is_believed() -> None:
    assert str(forwarded(ip_address("127.0.0.1"), ["192.0.2.1"], ())) == "127.0.0.1"
    assert forwarded(None, ["192.0.2.1"], OURS) is None
