"""A good request of every route, about the things of one clinic: what tests of access and of bad input begin with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from control.identity.roles import Role
from tests.control.api.world import Place, World
from tests.control.store.rows import Meeting, meeting


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


async def _meeting(world: World, place: Place) -> Meeting:
    return await meeting(world.database, place.clinic, place.practitioner, [place.patient])


async def _place(world: World, place: Place) -> Request:
    return Request({"id": (await _meeting(world, place)).consultation}, body={})


async def _consultation(world: World, place: Place) -> Request:
    return Request({"id": (await _meeting(world, place)).consultation})


async def _verdict(world: World, place: Place) -> Request:
    return Request({"id": (await _meeting(world, place)).consultation}, body={"verdict": "good"})


async def _identification(world: World, place: Place) -> Request:
    made = await _meeting(world, place)
    return Request({"id": made.consultation}, body={"attendee": made.patients[0], "method": "known"})


async def _attendance(world: World, place: Place) -> Request:
    made = await _meeting(world, place)
    body = {"attendee": made.patients[0], "attended": True, "method": "known"}
    return Request({"id": made.consultation}, body=body)


async def _link(world: World, place: Place) -> Request:
    made = await _meeting(world, place)
    return Request(body={"link": world.links.token(place.clinic, made.patients[0], 1)})


REQUESTS: Final[Mapping[str, Builder]] = {
    "read_session": _plain,
    "log_in": _log_in,
    "change_place": _change_place,
    "log_out": _plain,
    "read_me": _plain,
    "list_looks": _plain,
    "list_audit_events": _audit,
    "read_consultation": _consultation,
    "join_consultation": _place,
    "test_consultation": _place,
    "record_test": _verdict,
    "tell_delay": _place,
    "tell_cant_wait": _place,
    "change_to_physical": _place,
    "identify": _identification,
    "read_attendance": _consultation,
    "register_attendance": _attendance,
    "read_link": _link,
    "read_worklist": _plain,
    "read_clock": _plain,
    "set_clock": _set_clock,
    "reset_clock": _plain,
}
