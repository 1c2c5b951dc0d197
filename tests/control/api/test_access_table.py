"""`tests/access.toml`: who may what, held against the interface on both databases."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from control.api.endpoint import Route
from control.identity.roles import Role
from tests.control.api.request import Request
from tests.control.api.requests import REQUESTS
from tests.control.api.test_schemathesis import role_for
from tests.control.api.world import Answer, Place, World

TABLE: Final[dict[str, Any]] = tomllib.loads((Path(__file__).resolve().parents[2] / "access.toml").read_text())
MISSING: Final = "z" * 26
IDENTIFIER: Final = re.compile(r"(?<![a-z2-7])[a-z2-7]{26}(?![a-z2-7])")
ENDS_SESSIONS: Final = {"log_in", "log_out", "change_place"}
PUBLIC_IDS: Final = {("log_in", "clinic"), ("log_in", "person"), ("list_slots", "clinic"), ("book", "clinic")}
"""What anybody may name: a lab's logins, and the clinics in which patients look for a time."""


def exchanged(request: Request, new: str, old: str | None = None) -> Request:
    """The same request with another identifier for `old`, or for every one in its path, query and body."""

    def each(text: str) -> str:
        return IDENTIFIER.sub(lambda found: new if old in (None, found[0]) else found[0], text)

    return Request(
        {name: each(id_) for name, id_ in request.ids.items()},
        json.loads(each(json.dumps(request.body))),
        each(request.query),
        request.headers,
    )


def identifiers(request: Request) -> Iterator[str]:
    """Those in a request, in its order."""
    yield from IDENTIFIER.findall(json.dumps([list(request.ids.values()), request.query, request.body]))


def named(request: Request, identifier: str) -> str:
    """The member, parameter or part of the path that carries it."""
    for name, value in request.ids.items():
        if value == identifier:
            return name
    text = request.query + json.dumps(request.body)
    found = re.search(rf'(\w+)(?:=|": \[?"){identifier}', text)
    assert found is not None, text
    return found[1]


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
        if expected in (404, 422):
            truly = await ask(world, route, exchanged(request, MISSING), role)
            if (truly.status, truly.body) != (expected, response.body):
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


async def test_one_identifier_of_another_clinic_is_as_good_as_none(world: World) -> None:
    """A request about one's own things, with a single one of another clinic among them."""
    faults, compared = [], 0
    for route in world.routes:
        role = role_for(route)
        theirs = list(identifiers(await REQUESTS[route.name](world, world.east)))
        for position, foreign in enumerate(theirs):
            own = await REQUESTS[route.name](world, world.west)
            mine = list(identifiers(own))
            assert len(mine) == len(theirs), route.name
            if mine[position] == foreign or (route.name, named(own, mine[position])) in PUBLIC_IDS:
                continue
            answers = []
            for id_ in (foreign, MISSING):
                answers.append(await ask(world, route, exchanged(own, id_, mine[position]), role))
            compared += 1
            there, gone = answers
            if (there.status, there.body) != (gone.status, gone.body):
                what = named(own, mine[position])
                faults.append(f"{route.name}, {what}: {there.status} {there.body!r} for {gone.status} {gone.body!r}")
    assert faults == []
    assert compared > len(world.routes) / 2
