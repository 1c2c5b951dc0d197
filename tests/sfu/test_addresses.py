"""Which addresses are offered to clients."""

import socket
from typing import Any, NamedTuple

import psutil
import pytest

from sfu import addresses
from sfu.config import MediaConfig


class Interface(NamedTuple):
    family: int
    address: str


def test_what_is_configured_is_offered_as_it_is() -> None:
    configured = ("2001:db8::7", "192.0.2.7", "192.0.2.7", "2001:0DB8:0::0007")
    assert addresses.announced(configured, 7882) == (("2001:db8::7", 7882), ("192.0.2.7", 7882))


def test_names_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(name: str, port: None, *, type: int) -> list[Any]:
        assert (name, type) == ("media.example", socket.SOCK_DGRAM)
        return [(0, 0, 0, "", ("192.0.2.7", 0)), (0, 0, 0, "", ("2001:db8::7", 0, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert addresses.announced(("192.0.2.9", "media.example"), 7882) == (
        ("192.0.2.9", 7882),
        ("192.0.2.7", 7882),
        ("2001:db8::7", 7882),
    )
    assert addresses.announced(("media.example:7000",), 7882) == (("192.0.2.7", 7000), ("2001:db8::7", 7000))


def test_an_entry_may_have_a_port_of_its_own() -> None:
    configured = ("192.0.2.7:7000", "192.0.2.7", "[2001:db8::7]:443", "[2001:db8::8]", "2001:db8::9")
    assert addresses.announced(configured, 7882) == (
        ("192.0.2.7", 7000),
        ("192.0.2.7", 7882),
        ("2001:db8::7", 443),
        ("2001:db8::8", 7882),
        ("2001:db8::9", 7882),
    )


@pytest.mark.parametrize("item", ["192.0.2.7:", "192.0.2.7:0", "192.0.2.7:65536", "[2001:db8::7]:x", "media:-1"])
def test_a_port_that_is_none_is_a_fault_of_the_settings(item: str) -> None:
    with pytest.raises(ValueError, match=r"media\.announce"):
        MediaConfig(announce=(item,))


@pytest.mark.parametrize("name", ["", "a..b", "x" * 70])
def test_what_cannot_be_a_name_is_an_os_error(name: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 (its kinds have no common text)
        addresses.announced((name,), 7882)


def test_a_name_that_is_unknown_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(OSError, match="unknown"):
        addresses.announced(("nobody.example",), 7882)


def test_all_of_the_host_without_what_no_client_can_use(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "lo": [Interface(socket.AF_INET, "127.0.0.1"), Interface(socket.AF_INET6, "::1")],
        "eth0": [
            Interface(socket.AF_PACKET, "02:00:00:00:00:01"),
            Interface(socket.AF_INET6, "fe80::1%eth0"),
            Interface(socket.AF_INET6, "2001:db8::7"),
            Interface(socket.AF_INET, "192.0.2.7"),
            Interface(socket.AF_INET, "169.254.1.1"),
        ],
        "eth1": [Interface(socket.AF_INET, "192.0.2.7"), Interface(socket.AF_INET, "0.0.0.0")],
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: found)
    offered = ("192.0.2.7", "2001:db8::7", "127.0.0.1", "::1")
    assert addresses.announced((), 7882) == tuple((address, 7882) for address in offered)


def test_this_host_has_one() -> None:
    assert addresses.announced((), 7882)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none(port: int) -> None:
    with pytest.raises(ValueError, match=r"media\.port"):
        MediaConfig(port=port)
