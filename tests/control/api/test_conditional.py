"""Changes that say what they change: ETag, If-Match, If-None-Match."""

import asyncio

import pytest

from tests.control.api.toy import BEARER, Client

NEW = {"name": "x"}


async def make(client: Client) -> str:
    async with client.post("/api/v1/things", json=NEW, headers=BEARER) as response:
        assert (response.status, response.headers["ETag"]) == (201, '"1"')
        place = response.headers["Location"]
        assert place == f"/api/v1/things/{(await response.json())['id']}"
        return place


async def change(client: Client, place: str, if_match: str | None) -> tuple[int, str]:
    headers = BEARER if if_match is None else {**BEARER, "If-Match": if_match}
    async with client.put(place, json=NEW, headers=headers) as response:
        answer = await response.json()
        return response.status, answer.get("code") or response.headers["ETag"]


@pytest.mark.parametrize(
    ("if_match", "answer"),
    [
        (None, (428, "precondition_required")),
        ('"1"', (200, '"2"')),
        ("*", (200, '"2"')),
        ('"7", "1"', (200, '"2"')),
        ('W/"1"', (412, "precondition_failed")),
        ('"2"', (412, "precondition_failed")),
        ('"01"', (412, "precondition_failed")),
        ('"x"', (412, "precondition_failed")),
        ('"99999999999999999999"', (412, "precondition_failed")),
        ("1", (400, "header_invalid")),
        ('"1" "2"', (400, "header_invalid")),
        ("", (400, "header_invalid")),
    ],
)
async def test_a_change_names_the_version_it_is_of(
    client: Client, if_match: str | None, answer: tuple[int, str]
) -> None:
    place = await make(client)
    assert await change(client, place, if_match) == answer


async def test_of_two_at_once_one_is_told_that_it_came_late(client: Client) -> None:
    place = await make(client)
    answers = await asyncio.gather(*(change(client, place, '"1"') for _ in range(5)))
    assert sorted(answers) == [(200, '"2"'), *[(412, "precondition_failed")] * 4]


@pytest.mark.parametrize(
    ("if_none_match", "status"), [('"1"', 304), ('W/"1"', 304), ('"9", "1"', 304), ("*", 304), ('"2"', 200), ("1", 200)]
)
async def test_what_is_unchanged_is_not_sent_again(client: Client, if_none_match: str, status: int) -> None:
    place = await make(client)
    async with client.get(place, headers={**BEARER, "If-None-Match": if_none_match}) as response:
        assert (response.status, response.headers["ETag"]) == (status, '"1"')
        assert bool(await response.read()) == (status == 200)
