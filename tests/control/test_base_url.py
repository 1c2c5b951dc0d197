"""Addresses that are given out begin as the settings say, whatever Host a request names."""

from pathlib import Path

import pytest

from control.config import HttpConfig


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (HttpConfig(public_url="https://video.example.org", port=1), "https://video.example.org"),
        (HttpConfig(port=8080), "http://localhost:8080"),
        (HttpConfig(port=8443, tls_certificate=Path("c"), tls_key=Path("k")), "https://localhost:8443"),
    ],
)
def test_without_an_address_of_its_own_a_lab_is_on_this_machine(settings: HttpConfig, url: str) -> None:
    assert settings.base_url == url
