"""A request that comes again is done once and answered alike."""

import asyncio
from typing import Any

import pytest

from control.api.idempotency import once
from control.identity.callers import Integrator, Nobody
from tests.control.api.toy import BEARER, Client, FullError, Thing, Toy, log_in

FIRST = "0b6f2d5e-booking-1"


async def make(client: Client, key: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any, str]:
    async with client.post("/api/v1/things", json=body, headers={**headers, "Idempotency-Key": key}) as response:
        return response.status, await response.json(), response.headers.get("ETag", "")


async def test_the_same_request_again_is_answered_alike_and_done_once(client: Client, toy: Toy) -> None:
    first = await make(client, FIRST, {"name": "x", "size": 2}, BEARER)
    again = await make(client, FIRST, {"size": 2, "name": "x"}, BEARER)
    assert first[0] == 201
    assert again == first
    assert len(toy.things) == 1


async def test_another_body_under_the_same_key_is_refused(client: Client, toy: Toy) -> None:
    await make(client, FIRST, {"name": "x"}, BEARER)
    status, problem, _ = await make(client, FIRST, {"name": "y"}, BEARER)
    assert (status, problem["code"]) == (422, "idempotency_conflict")
    assert [thing.name for thing in toy.things] == ["x"]


async def test_keys_are_the_callers_own(client: Client, toy: Toy) -> None:
    await make(client, FIRST, {"name": "x"}, BEARER)
    status, thing, _ = await make(client, FIRST, {"name": "y"}, await log_in(client))
    assert (status, thing["name"]) == (201, "y")
    assert len(toy.things) == 2


async def test_twins_at_once_make_one(client: Client, toy: Toy) -> None:
    answers = await asyncio.gather(*(make(client, FIRST, {"name": "x"}, BEARER) for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)
    assert len(toy.things) == 1


async def test_what_was_refused_may_be_tried_again(client: Client, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.things += [Thing(id="z" * 26, version=1, name="x", note="", colour="red", size=1, at=None)] * 300
    status, problem, _ = await make(client, FIRST, {"name": "x"}, BEARER)
    assert (status, problem["code"]) == (409, FullError.code)
    toy.things.clear()
    assert (await make(client, FIRST, {"name": "x"}, BEARER))[0] == 201


@pytest.mark.parametrize("key", ["short", "x" * 201, "with space in it", "blåbærsyltetøy"])
async def test_a_key_has_a_form(client: Client, key: str) -> None:
    status, problem, _ = await make(client, key, {"name": "x"}, BEARER)
    assert (status, problem["code"]) == (400, "header_invalid")


def test_nothing_kept_lets_anybody_guess_a_body_or_repeat_a_request() -> None:
    """A digest of the body alone could be held against all identity numbers there are."""
    body = {"number": "12057900499"}
    one, other = (once(key, Nobody(), "book", {}, body) for key in (FIRST, FIRST + "x"))
    assert one.content != other.content
    assert FIRST not in repr(one)


def test_path_and_route_are_part_of_the_request() -> None:
    caller = Integrator("journal", "a" * 26)
    requests = [once(FIRST, caller, "move", {"id": id_}, None) for id_ in ("a", "b")]
    assert requests[0].content != requests[1].content
    assert once(FIRST, caller, "book", {}, None).route != requests[0].route
