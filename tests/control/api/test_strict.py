"""Bad input: a 4xx with a code, nothing kept, and nothing of it said back."""

import json
from typing import Any

import pytest
from yarl import URL

from tests.control.api.toy import BEARER, Client, Toy

CANARY = "Kanari"


async def refused(client: Client, body: bytes | str, **headers: str) -> tuple[int, dict[str, Any]]:
    given = {"Content-Type": "application/json", **BEARER, **headers}
    async with client.post("/api/v1/things", data=body, headers=given) as response:
        assert response.content_type == "application/problem+json", await response.text()
        text = await response.text()
        assert CANARY.lower() not in text.lower()
        return response.status, json.loads(text)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "json_malformed"),
        (b'{"name": "Kanari"', 400, "json_malformed"),
        (b'{"name": "Kanari"} x', 400, "json_malformed"),
        (b"{'name': 'Kanari'}", 400, "json_malformed"),
        (b'{"name": "Kan\xffari"}', 400, "json_malformed"),
        (b'{"name": "Kanari\xed\xa0\x80"}', 400, "json_malformed"),
        (b'\xef\xbb\xbf{"name": "Kanari"}', 400, "json_malformed"),
        ('{"name": "Kanari"}'.encode("utf-16"), 400, "json_malformed"),
        (b'{"name": "x", "size": NaN}', 400, "json_malformed"),
        (b'{"name": "x", "size": -Infinity}', 400, "json_malformed"),
        (b'{"name": "x", "name": "Kanari"}', 400, "json_duplicate_member"),
        (b'{"name": "x", "n\\u0061me": "Kanari"}', 400, "json_duplicate_member"),
        (b'{"name": "x", "tags": [{"a": 1, "a": 2}]}', 400, "json_duplicate_member"),
        (b'{"name": "Kanari\\u0000"}', 400, "text_forbidden"),
        (b'{"name": "Kanari\\ud800"}', 400, "text_forbidden"),
        (b'{"Kanari\\u0000": 1}', 400, "text_forbidden"),
        (b'{"name": "x", "note": "Kanari\\u000c"}', 400, "text_forbidden"),
        *(
            (json.dumps({"name": f"Kanari{chr(code)}"}).encode(), 400, "text_forbidden")
            for code in (*range(9), 0x0B, 0x1F, 0x7F, 0x85, 0x9F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
        ),
        *(
            (f'{{"name": "Kanari{chr(code)}"}}'.encode(), 400, "text_forbidden")
            for code in (0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF)
        ),
        (b'{"name": "x", "size": 9007199254740992}', 400, "json_number_range"),
        (b'{"name": "x", "size": ' + b"9" * 5000 + b"}", 400, "json_number_range"),
        (b'{"name": "x", "size": 1e400}', 400, "json_number_range"),
        (b'{"tags": ' + b"[" * 17 + b"]" * 17 + b"}", 400, "json_too_deep"),
        (b"[" * 4000 + b"]" * 4000, 400, "json_too_deep"),
        (b'{"a":' * 1100 + b"1" + b"}" * 1100, 400, "json_too_deep"),
        (json.dumps({"name": "x", "note": "Kanari " * 2000}).encode(), 413, "too_big"),
        (b"[]", 422, "invalid_input"),
        (b'"Kanari"', 422, "invalid_input"),
        (b"null", 422, "invalid_input"),
    ],
)
async def test_what_is_no_strict_json_is_refused_by_its_code(
    client: Client, toy: Toy, body: bytes, status: int, code: str
) -> None:
    found, problem = await refused(client, body)
    assert (found, problem["code"]) == (status, code)
    assert toy.things == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/problem+json"},
        {"Content-Type": ""},
        {"Content-Encoding": "identity"},
    ],
)
async def test_only_plain_json_is_taken(client: Client, toy: Toy, headers: dict[str, str]) -> None:
    status, problem = await refused(client, b'{"name": "x"}', **headers)
    assert (status, problem["code"]) == (415, "unsupported_media_type")
    assert toy.things == []


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("/name", "missing")]),
        ({"name": ""}, [("/name", "too_short")]),
        ({"name": "Kanari" * 100}, [("/name", "too_long")]),
        ({"name": 1}, [("/name", "wrong_type")]),
        ({"name": None}, [("/name", "wrong_type")]),
        ({"name": "x", "Kanari/~": 1}, [("", "unknown_member")]),
        ({"name": "x", "size": "1"}, [("/size", "wrong_type")]),
        ({"name": "x", "size": 1.5}, [("/size", "wrong_type")]),
        ({"name": "x", "size": True}, [("/size", "wrong_type")]),
        ({"name": "x", "size": 0}, [("/size", "too_small")]),
        ({"name": "x", "size": 11}, [("/size", "too_big")]),
        ({"name": "x", "colour": "Kanari"}, [("/colour", "unknown_choice")]),
        ({"name": "x", "at": "Kanari"}, [("/at", "malformed")]),
        ({"name": "x", "at": "2026-03-02T08:00:00"}, [("/at", "zone_missing")]),
        ({"name": "x", "at": "0001-01-01T00:00:00+14:00"}, [("/at", "out_of_range")]),
        ({"name": "x", "at": 1772438400}, [("/at", "wrong_type")]),
        ({"name": "x", "tags": ["a", 2]}, [("/tags/1", "wrong_type")]),
        ({"name": "x", "tags": ["a"] * 4}, [("/tags", "too_long")]),
        ({"name": "", "size": 0}, [("/name", "too_short"), ("/size", "too_small")]),
    ],
)
async def test_each_wrong_value_is_told_by_place_and_code(
    client: Client, toy: Toy, body: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    status, problem = await refused(client, json.dumps(body))
    assert (status, problem["code"]) == (422, "invalid_input")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == errors
    assert toy.things == []


@pytest.mark.parametrize(
    "name",
    [
        "Robert'); DROP TABLE patients;--",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "{{7*7}} ${7*7} %s %n",
        "Ólafur Þór ☃ 🧑‍⚕️ \u200fمريم",
        "Z\u0351\u0327a",
        "\u2028\ufeff",
        "one\n\ttwo",
        "null",
        "-1",
    ],
)
async def test_a_naughty_string_is_data(client: Client, name: str) -> None:
    async with client.post("/api/v1/things", json={"name": name}, headers=BEARER) as response:
        assert response.status == 201
        assert (await response.json())["name"] == name


async def test_a_body_where_none_belongs_is_refused(client: Client) -> None:
    async with client.get("/api/v1/things", data=b"{}", headers=BEARER) as response:
        assert (response.status, (await response.json())["code"]) == (400, "body_unexpected")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=0", 422, "invalid_input"),
        ("limit=201", 422, "invalid_input"),
        ("limit=Kanari", 422, "invalid_input"),
        ("kanari=1", 422, "invalid_input"),
        ("colour=kanari", 422, "invalid_input"),
        ("since=kanari", 422, "invalid_input"),
        ("limit=1&limit=2", 400, "query_malformed"),
        ("limit=1&%6cimit=2", 400, "query_malformed"),
        ("colour=%ff", 400, "query_malformed"),
        ("colour=red%00", 400, "text_forbidden"),
        ("cursor=Kanari", 400, "cursor_invalid"),
        ("cursor=WzFd", 400, "cursor_invalid"),
        ("cursor=W10", 400, "cursor_invalid"),
        ("cursor=WyJhIiwiYiJd", 400, "cursor_invalid"),
        ("cursor=" + "Q" * 401, 422, "invalid_input"),
        ("cursor=%C3%A5", 422, "invalid_input"),
    ],
)
async def test_a_query_is_as_strict(client: Client, query: str, status: int, code: str) -> None:
    async with client.get(URL(f"/api/v1/things?{query}", encoded=True), headers=BEARER) as response:
        assert (response.status, (await response.json())["code"]) == (status, code)
        assert CANARY.lower() not in (await response.text()).lower()


@pytest.mark.parametrize("identifier", ["1", "A" * 26, "a" * 25, "a" * 27, "%00", "a" * 25 + "%0a", "..%2f", "a" * 26])
async def test_what_is_no_identifier_looks_like_what_is_not_there(client: Client, identifier: str) -> None:
    async with client.get(URL(f"/api/v1/things/{identifier}", encoded=True), headers=BEARER) as response:
        assert response.status == 404
        found = await response.read()
    async with client.get(f"/api/v1/things/{'z' * 26}", headers=BEARER) as response:
        assert await response.read() == found
