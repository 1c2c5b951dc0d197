"""The world, on both databases, for consultations too."""

from tests.control.api.conftest import world

__all__ = ["world"]
