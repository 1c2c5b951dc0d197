"""Lab links: what stands for a person, and its exchange over HTTP."""

import itertools
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from control.api.lab import add_lab_routes
from control.api.problems import problems
from control.errors import LinkUnknownError
from control.lab import LabLinks, Person, address

PATIENT = Person("room-1", "patient-1", "patient", "Kari Nordmann", "lobby", "patient")
PRACTITIONER = Person("room-1", "doctor-1", "practitioner", "Ola Lege", "open", "clinic")

Client = TestClient[web.Request, web.Application]


def links_for(*persons: Person) -> tuple[LabLinks, list[str]]:
    count = itertools.count()
    links = LabLinks(new_token=lambda: f"token-{next(count)}")
    return links, [links.add(person) for person in persons]


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    links, _ = links_for(PATIENT, PRACTITIONER)
    app = web.Application(middlewares=[problems], client_max_size=4096)
    count = itertools.count()
    add_lab_routes(
        app, links, lambda person: f"grant-{person.participant}-{next(count)}", public_url=None, websocket_path="/ws"
    )
    async with TestClient(TestServer(app)) as running:
        yield running


def test_a_token_stands_for_its_person_as_often_as_asked() -> None:
    links, (patient, practitioner) = links_for(PATIENT, PRACTITIONER)
    assert [links.exchange(patient), links.exchange(patient), links.exchange(practitioner)] == [
        PATIENT,
        PATIENT,
        PRACTITIONER,
    ]


def test_a_token_given_out_before_is_taken_up_again() -> None:
    links = LabLinks()
    assert links.add(PATIENT, "earlier") == "earlier"
    assert links.exchange("earlier") == PATIENT
    assert len(links.add(PRACTITIONER)) >= 16


@pytest.mark.parametrize("token", ["", "token-1", "TOKEN-0", "token-0 ", "\ud800"])
def test_an_unknown_token_stands_for_nobody(token: str) -> None:
    links, _ = links_for(PATIENT)
    with pytest.raises(LinkUnknownError) as caught:
        links.exchange(token)
    assert (caught.value.code, caught.value.status) == ("link_unknown", 404)


def test_the_token_is_in_the_fragment_which_no_server_sees() -> None:
    assert address("http://localhost:8080", PRACTITIONER, "t") == "http://localhost:8080/clinic/#lab=t"


async def test_each_exchange_gives_a_fresh_grant(client: Client) -> None:
    answers = []
    for _ in range(2):
        async with client.post("/api/v1/lab/links", json={"token": "token-0"}) as response:
            assert response.status == 200
            assert response.headers["Cache-Control"] == "no-store"
            answers.append(await response.json())
    assert [answer["grant"] for answer in answers] == ["grant-patient-1-0", "grant-patient-1-1"]
    assert answers[0]["ws_url"] == f"ws://{client.host}:{client.port}/ws"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ('{"token": "nobody"}', "application/json", 404, "link_unknown"),
        ('{"token": 1}', "application/json", 400, "bad_request"),
        ('{"token": "token-0", "more": 1}', "application/json", 400, "bad_request"),
        ("{}", "application/json", 400, "bad_request"),
        ("[]", "application/json", 400, "bad_request"),
        ("[" * 3000, "application/json", 400, "bad_request"),
        ("", "application/json", 400, "bad_request"),
        ("\x00", "application/json", 400, "bad_request"),
        ('{"token": "token-0"}', "text/plain", 415, "unsupported_media_type"),
        (json.dumps({"token": "x" * 5000}), "application/json", 413, "too_big"),
    ],
)
async def test_what_is_wrong_is_said_by_a_stable_code(
    client: Client, body: str, content_type: str, status: int, code: str
) -> None:
    async with client.post("/api/v1/lab/links", data=body, headers={"Content-Type": content_type}) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
        assert (await response.json())["code"] == code


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1.evil.example"])
async def test_pages_of_others_are_refused(client: Client, origin: str) -> None:
    async with client.post("/api/v1/lab/links", json={"token": "token-0"}, headers={"Origin": origin}) as response:
        assert response.status == 403
        assert (await response.json())["code"] == "origin_forbidden"


async def test_our_own_page_may_ask(client: Client) -> None:
    origin = f"http://{client.host}:{client.port}"
    async with client.post("/api/v1/lab/links", json={"token": "token-0"}, headers={"Origin": origin}) as response:
        assert response.status == 200


async def test_another_method_is_refused_with_a_code(client: Client) -> None:
    async with client.get("/api/v1/lab/links") as response:
        assert (response.status, (await response.json())["code"]) == (405, "method_not_allowed")
        assert response.headers["Allow"] == "POST"


async def test_a_malformed_host_is_never_told_back(client: Client) -> None:
    async with (
        ClientSession() as session,
        session.post(
            f"http://{client.host}:{client.port}/api/v1/lab/links",
            json={"token": "token-0"},
            headers={"Host": 'a"; script-src *'},
        ) as response,
    ):
        assert response.status == 400
