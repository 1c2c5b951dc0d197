"""Lists in parts: every item once, whatever the size of the parts, and cursors that tell nothing and take nothing."""

from datetime import UTC, datetime

import pytest

from control.api.errors import CursorError
from control.api.paging import Position, cursor_of, position_of
from tests.control.api.toy import BEARER, Client

MOMENT = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("limit", [1, 2, 5, 7, 200])
async def test_each_item_comes_once(client: Client, limit: int) -> None:
    for number in range(5):
        async with client.post("/api/v1/things", json={"name": f"thing {number}"}, headers=BEARER) as response:
            assert response.status == 201
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        async with client.get("/api/v1/things", params=query, headers=BEARER) as response:
            assert response.status == 200
            answer = await response.json()
        assert 1 <= len(answer["items"]) <= limit
        found += [item["name"] for item in answer["items"]]
        cursor = answer["next"]
    assert found == [f"thing {number}" for number in range(5)]


async def test_an_empty_list_has_no_next(client: Client) -> None:
    async with client.get("/api/v1/things", headers=BEARER) as response:
        assert await response.json() == {"items": [], "next": None}


@pytest.mark.parametrize("position", [("a",), (MOMENT, "a" * 26), (-5, MOMENT), (2**62,)])
def test_a_cursor_gives_back_what_it_was_made_of(position: Position) -> None:
    assert position_of(cursor_of(position), *map(type, position)) == position


@pytest.mark.parametrize(
    ("position", "kinds"),
    [
        (("a",), (int,)),
        ((1,), (str,)),
        (("a", "b"), (str,)),
        ((), (str,)),
        (("2026-03-02",), (datetime,)),
        (("2026-03-02T08:00:00",), (datetime,)),
        ((2**63,), (int,)),
        (("a\0",), (str,)),
        ((True,), (int,)),
    ],
)
def test_a_cursor_of_another_list_is_refused(position: Position, kinds: tuple[type, ...]) -> None:
    with pytest.raises(CursorError):
        position_of(cursor_of(position), *kinds)
