"""A good request of every route, about the things of one clinic: what tests of access and of bad input begin with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from control.identity.roles import Role
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


async def _plain(world: World, place: Place) -> Request:
    return Request()


async def _log_in(world: World, place: Place) -> Request:
    person = place.people[Role.SECRETARY]
    return Request(body={"person": person, "role": "secretary", "clinic": world.west.clinic})


async def _change_place(world: World, place: Place) -> Request:
    return Request(body={"role": "secretary", "clinic": place.clinic})


async def _audit(world: World, place: Place) -> Request:
    return Request(query=f"?patient={place.patient}")


async def _set_clock(world: World, place: Place) -> Request:
    return Request(body={"now": "2026-03-02T09:00:00Z"})


REQUESTS: Final[Mapping[str, Builder]] = {
    "read_session": _plain,
    "log_in": _log_in,
    "change_place": _change_place,
    "log_out": _plain,
    "read_me": _plain,
    "list_looks": _plain,
    "list_audit_events": _audit,
    "read_clock": _plain,
    "set_clock": _set_clock,
    "reset_clock": _plain,
}
