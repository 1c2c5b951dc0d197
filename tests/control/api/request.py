"""What a test asks of a route."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.control.api.world import Place, World


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for beside method and path."""

    ids: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Builder = Callable[[World, Place], Awaitable[Request]]
"""Makes what the request needs in the database, anew each time."""
