"""What all tests share."""

import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings must not change what is tested."""
    for name in list(os.environ):
        if name.startswith("VENTEROM_"):
            monkeypatch.delenv(name)
