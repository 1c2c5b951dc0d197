"""`tests/access.toml`: who may what, held against the interface on both databases."""

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from control.api.endpoint import Route
from control.identity.roles import Role
from tests.control.api.request import Request
from tests.control.api.requests import REQUESTS
from tests.control.api.world import Answer, Place, World

TABLE: Final[dict[str, Any]] = tomllib.loads((Path(__file__).resolve().parents[2] / "access.toml").read_text())
MISSING: Final = "z" * 26
ENDS_SESSIONS: Final = {"log_in", "log_out", "change_place"}


async def ask(world: World, route: Route, request: Request, role: Role | None) -> Answer:
    path = route.path.format_map(request.ids) + request.query
    response = await world.ask(route.method, path, role, body=request.body, headers=request.headers)
    if route.name in ENDS_SESSIONS and role is not None:
        world.headers.pop(role, None)
    return response


async def test_every_route_is_in_the_table(world: World) -> None:
    assert {name: row["route"] for name, row in TABLE.items()} == {
        route.name: f"{route.method} {route.path}" for route in world.routes
    }
    assert REQUESTS.keys() == TABLE.keys()
    for row in TABLE.values():
        assert row.keys() == {"route", "nobody", "own", "other"}
        assert row["own"].keys() == row["other"].keys() == set(Role)


async def test_every_role_may_what_the_table_says_and_no_more(world: World) -> None:
    faults: list[str] = []

    async def hold(route: Route, place: Place, role: Role | None, expected: int, what: str) -> None:
        request = await REQUESTS[route.name](world, place)
        response = await ask(world, route, request, role)
        if response.status != expected:
            faults.append(
                f"{route.name}: {role or 'nobody'}, {what}: {response.status} for {expected}: {response.body!r}"
            )
        if expected == 404 and route.parameters:
            gone = Request(dict.fromkeys(route.parameters, MISSING), request.body, request.query, request.headers)
            truly = await ask(world, route, gone, role)
            if (truly.status, truly.body) != (404, response.body):
                faults.append(f"{route.name}: {role}, {what}: looks otherwise than what does not exist")

    for route in world.routes:
        row = TABLE[route.name]
        await hold(route, world.west, None, row["nobody"], "no login")
        for role in Role:
            await hold(route, world.west, role, row["own"][role], "own clinic")
            await hold(route, world.east, role, row["other"][role], "other clinic")
    assert faults == []


@pytest.mark.parametrize("role", Role)
async def test_the_table_says_of_each_role_what_the_declaration_says(world: World, role: Role) -> None:
    """A role that a route is not for is told so whatever it asks about, before anything is looked up."""
    for route in world.routes:
        row = TABLE[route.name]
        if isinstance(route.access, frozenset) and role not in route.access:
            assert (row["own"][role], row["other"][role]) == (403, 403), route.name
