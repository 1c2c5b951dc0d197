"""Bad input to every route, on both databases: a 4xx with a code, nothing of it said back, nothing stored."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import select

from control.api.endpoint import PREFIX, Route
from control.api.problems import CONTENT_TYPE
from control.identity.roles import Role
from control.store.base import Base
from tests.control.api.request import Request
from tests.control.api.requests import REQUESTS
from tests.control.api.test_schemathesis import role_for
from tests.control.api.world import World

CANARY: Final = "Kanari Fuglesang 12057900499"
JSON: Final = "application/json"

NO_JSON: Final[tuple[tuple[bytes, str], ...]] = (
    (b"", JSON),
    (CANARY.encode(), JSON),
    (b'"' + CANARY.encode() + b'"', JSON),
    (b"[]", JSON),
    (b'{"a":' * 500 + b"1" + b"}" * 500, JSON),
    (b"[" * 20_000, JSON),
    (b'{"name": "' + b"\xff\xfe" + b'"}', JSON),
    (json.dumps({"name": CANARY}).encode("utf-16"), JSON),
    (b'{"name": "\\ud800"}', JSON),
    (b'{"name": NaN}', JSON),
    (b'{"name": 1e999}', JSON),
    (json.dumps({"name": CANARY * 5000}).encode(), JSON),
    (b"name=" + CANARY.encode(), "application/x-www-form-urlencoded"),
    (b"<name/>", "text/xml"),
)


def spoilt(good: Mapping[str, Any]) -> Iterator[bytes]:
    """A good body with one thing wrong in it."""
    text = json.dumps(good)
    yield json.dumps({**good, CANARY: 1}).encode()
    yield f'{{"a": 1, "a": 2, {text[1:]}'.encode()
    for name in good:
        for value in (CANARY + "\0", {CANARY: CANARY}, [[CANARY]], 1e300):
            yield json.dumps({**good, name: value}).encode()
        yield text[:-1].encode() + f', "{name}": null}}'.encode()


async def everything(world: World) -> dict[str, list[dict[str, Any]]]:
    """All rows of all clinics, as they are."""
    async with world.database.look(None) as session:
        found = {}
        for mapper in Base.registry.mappers:
            rows = await session.scalars(select(mapper.class_), execution_options={"across": "operation"})
            contents = ({each.key: getattr(row, each.key) for each in mapper.column_attrs} for row in rows)
            found[mapper.class_.__name__] = sorted(contents, key=repr)
        return found


async def refused(world: World, route: Route, request: Request, body: bytes, kind: str) -> str | None:
    """What is wrong with the answer."""
    role = role_for(route)
    headers = {"Content-Type": kind, **request.headers, **({} if role is None else await world.headers_of(role))}
    path = PREFIX + route.path.format_map(request.ids)
    async with world.client.request(route.method, path, data=body, headers=headers) as response:
        text = await response.text()
        wrong = [
            response.status not in (400, 413, 415, 422),
            response.content_type != CONTENT_TYPE or not json.loads(text).get("code"),
            any(part.lower() in text.lower() for part in CANARY.split()),
        ]
        return f"{route.name}: {response.status} for {body[:80]!r}: {text[:300]}" if any(wrong) else None


async def test_whatever_is_wrong_with_a_body_it_is_said_by_a_code_and_leaves_nothing(world: World) -> None:
    asked = [(route, await REQUESTS[route.name](world, world.west)) for route in world.routes if route.body is not None]
    for route, _ in asked:
        if (role := role_for(route)) is not None:
            await world.headers_of(role)
    before = await everything(world)
    assert before["Patient"]
    faults = []
    for route, request in asked:
        for body, kind in (*NO_JSON, *((body, JSON) for body in spoilt(request.body))):
            faults.append(await refused(world, route, request, body, kind))
    assert [fault for fault in faults if fault is not None] == []
    assert await everything(world) == before


async def test_a_body_where_none_belongs_and_an_unknown_query_are_refused_everywhere(world: World) -> None:
    for route in world.routes:
        request = await REQUESTS[route.name](world, world.west)
        role = role_for(route)
        path = route.path.format_map(request.ids)
        response = await world.ask(
            route.method, f"{path}?{'kanari'}={'fuglesang'}", role, body=request.body, headers=request.headers
        )
        assert (response.status, response.json["code"]) == (422, "invalid_input"), route.name
        assert b"kanari" not in response.body
        if route.body is None:
            response = await world.ask(route.method, path, role, body={"name": CANARY}, headers=request.headers)
            code = response.json["code"]
            assert (response.status, code) in ((400, "body_unexpected"), (422, "invalid_input")), route.name


FORBIDDEN: Final = ("\x01", "\x1b[31m", "\x0c", "\x7f", "\x85", "\u202e", "\u2066", "\ufdd0", "\uffff", "\U0010ffff")
HARMLESS: Final = (
    "Robert'); DROP TABLE patient;--",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "{{7*7}} ${7*7} %s %n",
    "Ólafur Þór 🧑\u200d⚕️",
    "مريم عبد الله",
    "Zo\u0308e\u0351 K",
    "null",
)
TEXTS: Final = (
    ("create_patient", "name"),
    ("create_patient", "address"),
    ("add_attendee", "name"),
    ("tell_delay", "text"),
)
"""Fields that people write, of routes that keep them."""


async def test_texts_that_control_or_turn_others_are_refused_in_real_fields(world: World) -> None:
    routes = {route.name: route for route in world.routes}
    for name, member in TEXTS:
        route = routes[name]
        request = await REQUESTS[name](world, world.west)
        if (role := role_for(route)) is not None:
            await world.headers_of(role)
        before = await everything(world)
        for bad in FORBIDDEN:
            path = route.path.format_map(request.ids)
            body = {**(request.body or {}), member: f"Kari {bad}Nordmann"}
            answer = await world.ask(route.method, path, role, body=body, headers=request.headers)
            assert (answer.status, answer.json["code"]) == (400, "text_forbidden"), (name, member, bad)
        assert await everything(world) == before


async def test_texts_that_only_look_odd_are_kept_as_they_are(world: World) -> None:
    routes = {route.name: route for route in world.routes}
    for name, member in TEXTS:
        route = routes[name]
        for odd in HARMLESS:
            request = await REQUESTS[name](world, world.west)
            body = {**(request.body or {}), member: odd}
            answer = await world.ask(
                route.method,
                route.path.format_map(request.ids),
                role_for(route) or Role.PATIENT,
                body=body,
                headers=request.headers,
            )
            assert 200 <= answer.status < 300, (name, member, odd, answer.body)
            if member == "name":
                assert answer.json["name"] == unicodedata.normalize("NFC", odd)
