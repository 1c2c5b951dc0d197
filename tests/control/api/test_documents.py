"""The OpenAPI document and its page: of the same tables as the handlers, complete, and without a script."""

from html.parser import HTMLParser
from typing import Any

import pytest

from control.api.docs import page
from control.api.openapi import document, refusals
from tests.control.api.toy import Client, Toy

VOID = {"meta", "link"}


@pytest.fixture
def described(toy: Toy) -> dict[str, Any]:
    return document(toy.routes())


def references(part: Any) -> list[str]:
    match part:
        case dict():
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [found for value in part.values() for found in references(value)]
        case list():
            return [found for value in part for found in references(value)]
        case _:
            return []


def test_every_route_is_described(toy: Toy, described: dict[str, Any]) -> None:
    operations = {
        (method.upper(), path): operation["operationId"]
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert operations == {(route.method, "/api/v1" + route.path): route.name for route in toy.routes()}


def test_every_code_of_a_route_is_named_with_its_status(toy: Toy, described: dict[str, Any]) -> None:
    for route in toy.routes():
        responses = described["paths"]["/api/v1" + route.path][route.method.lower()]["responses"]
        for error in refusals(route):
            content = responses[str(error.status)]["content"]["application/problem+json"]
            assert error.code in content["schema"]["allOf"][1]["properties"]["code"]["enum"]
            assert content["examples"][error.code]["value"]["code"] == error.code
    making = described["paths"]["/api/v1/things"]["post"]["responses"]
    assert making["409"]["description"].endswith("full, idempotency_busy")
    assert making["429"]["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["retry_after"]


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(references(described)) <= known
    assert "#/components/schemas/Thing" in references(described)


def test_parameters_are_those_of_path_query_and_headers(described: dict[str, Any]) -> None:
    listing = described["paths"]["/api/v1/things"]["get"]["parameters"]
    assert [(given["name"], given["in"], given["required"]) for given in listing] == [
        ("limit", "query", False),
        ("cursor", "query", False),
        ("colour", "query", False),
        ("since", "query", False),
    ]
    assert listing[0]["schema"]["maximum"] == 200
    changing = described["paths"]["/api/v1/things/{id}"]["put"]["parameters"]
    assert [(given["name"], given["in"], given["required"]) for given in changing] == [
        ("id", "path", True),
        ("If-Match", "header", True),
    ]
    making = described["paths"]["/api/v1/things"]["post"]
    assert [given["name"] for given in making["parameters"]] == ["Idempotency-Key"]
    assert making["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NewThing"}
    assert "Things" not in described["components"]["schemas"]


def test_who_may_is_said(described: dict[str, Any]) -> None:
    making = described["paths"]["/api/v1/things"]["post"]
    assert making["x-roles"] == ["administrator", "integrator", "practitioner", "secretary"]
    assert making["security"] == [{"session": [], "csrf": []}, {"key": []}]
    assert described["paths"]["/api/v1/session"]["post"]["x-roles"] == ["public"]


class Reader(HTMLParser):
    """Checks that all is closed as it was opened, and keeps what matters."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.seen.append(tag)
        self.links += [str(given[name]) for name in ("href", "src") if name in given]
        self.ids += [str(given["id"])] if "id" in given else []
        assert not any(name.startswith("on") or name == "style" for name in given)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_needs_no_script_and_leads_nowhere_else(described: dict[str, Any]) -> None:
    reader = Reader()
    reader.feed(page(described))
    assert reader.open == []
    assert not {"script", "iframe", "img", "form"} & set(reader.seen)
    assert all(link.startswith(("#", "/")) for link in reader.links)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert {"make_thing", "schema-Thing", "schema-Problem"} <= set(reader.ids)
    assert "&lt;a " not in page(described)


def test_what_is_described_can_not_break_the_page(described: dict[str, Any]) -> None:
    described["paths"]["/api/v1/things"]["get"]["summary"] = "<script>alert(1)</script>"
    assert "<script" not in page(described)


async def test_both_are_served_to_everybody(client: Client, described: dict[str, Any]) -> None:
    async with client.get("/api/v1/openapi.json") as response:
        assert (response.status, await response.json()) == (200, described)
    async with client.get("/api/docs") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
