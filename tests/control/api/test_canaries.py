"""A real server, names and identity numbers through every input of its interface: none in log, metrics or errors."""

import json
import logging
import re
import signal
import socket
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from control.api.access import COOKIE
from control.app import Service
from control.demo import prepare
from control.identity.roles import STAFF, Role
from control.store import migrate
from control.store.database import Database, address
from control.store.models import MemberRole, Membership, Practitioner
from tests.control.serving import Served
from tests.control.store import rows
from tests.control.visitor import url as address_of
from tests.ports import free_port

KEY: Final = "nokkel-" + "k" * 40
TOKEN: Final = "metrics-kanari-token"
NAME: Final = "Kanari Fuglesang"
NUMBER: Final = "13097248022"
"""Well formed; given out to nobody."""
CANARIES: Final = ("kanari", "fuglesang", NUMBER)
TEXT: Final = f"{NAME} {NUMBER}"
PATTERNED: Final = (TEXT, "kanari@fuglesang.example", NUMBER, "kanari".ljust(26, "a"), "kanari", "09:00")
"""For texts that must look in a certain way: the first that does."""

Json = Mapping[str, Any]


def filled(schema: Json, known: Json, *, true: bool) -> Any:
    """Something with canaries for every text: where `true` such as the schema allows, else everywhere."""
    match schema:
        case {"$ref": reference}:
            return filled(known[reference.rpartition("/")[2]], known, true=true)
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]}:
            return filled(first, known, true=true)
        case {"enum": [first, *_]} if true:
            return first
        case {"type": "object"}:
            return {name: filled(member, known, true=true) for name, member in schema.get("properties", {}).items()}
        case {"type": "array"}:
            return [filled(schema.get("items", {"type": "string"}), known, true=true)]
        case {"type": "integer" | "number"}:
            return schema.get("minimum", 1)
        case {"type": "boolean"}:
            return False
        case {"format": "date-time"} if true:
            return "2099-03-02T08:15:00Z"
        case {"format": "date"} if true:
            return "2099-03-02"
        case {"pattern": str(pattern)} if true:
            return next((each for each in PATTERNED if re.search(pattern, each)), TEXT)
        case _:
            return TEXT[: schema.get("maxLength", 200)]


async def seed(served: Served) -> str:
    """A clinic, and a key for it."""
    served.data.mkdir(mode=0o700)
    url = address(None, None, served.data)
    await migrate.upgrade(url)
    database = Database.open(url)
    clinic = await rows.open_clinic(database)
    await database.close()
    digest = sha256(KEY.encode()).hexdigest()
    (served.data / "keys.toml").write_text(f'[[key]]\nname = "journal"\nclinic = "{clinic}"\nsha256 = "{digest}"\n')
    return clinic


async def through_everything(
    http: aiohttp.ClientSession,
    document: Json,
    callers: Collection[Mapping[str, str]],
    but: Collection[str] = (),
) -> int:
    """Every operation but those, as every caller, in both forms; how many were answered well."""
    known, done = document["components"]["schemas"], 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] in but:
                continue
            for headers in callers:
                for true in (True, False):
                    done += await _ask(http, method, path, operation, known, headers, true=true)
    return done


async def _ask(
    http: aiohttp.ClientSession, method: str, path: str, operation: Json, known: Json, headers: Json, *, true: bool
) -> bool:
    query = {"kanari": TEXT} if not true else {}
    given = {"If-Match": "*" if true else f'"{NAME}"', "Idempotency-Key": f"kanari-{NUMBER}", **headers}
    for parameter in operation["parameters"]:
        value = str(filled(parameter["schema"], known, true=true))
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", value)
        elif parameter["in"] == "query" and (parameter["required"] or not true):
            query[parameter["name"]] = value
    body = None
    if "requestBody" in operation:
        body = filled(operation["requestBody"]["content"]["application/json"]["schema"], known, true=true)
    async with http.request(method, path, params=query, json=body, headers=given) as response:
        text = await response.text()
        assert response.status < 500, text
        if response.status >= 400:
            assert not any(canary in text.lower() for canary in CANARIES), text
        assert not any(canary in response.headers.get("Location", "").lower() for canary in CANARIES)
        return response.status < 400


LAB_ONLY: Final = (
    ("POST", "/session", {"person": "a" * 26, "role": "secretary", "clinic": "a" * 26}),
    ("GET", "/lab/clock", None),
    ("PUT", "/lab/clock", {"now": "2026-03-02T09:00:00Z"}),
    ("DELETE", "/lab/clock", None),
    ("POST", "/lab/links", {"token": "token"}),
)
"""What only a lab has."""


async def has_no_lab(http: aiohttp.ClientSession, document: Json) -> None:
    """Whatever lets people in without a login, or sets the time, is answered as what was never there."""
    for method, path, body in LAB_ONLY:
        # The session has other methods, in production too: there it is one more that nobody knows.
        there = path == "/session"
        answers = []
        for verb, asked in ((method, path), ("PATCH" if there else method, path if there else "/no/such/route")):
            async with http.request(verb, f"/api/v1{asked}", json=body) as response:
                assert response.cookies == {}
                told = {name: response.headers.get(name) for name in ("Content-Type", "Allow")}
                answers.append((response.status, told, await response.json()))
        assert answers[0] == answers[1], (method, path)
        assert answers[0][0] == (405 if there else 404)
        assert method.lower() not in document["paths"].get(f"/api/v1{path}", {})


async def test_no_canary_leaves_by_log_metrics_or_errors(tmp_path: Path) -> None:
    keys = json.dumps(str(tmp_path / "data" / "keys.toml"))
    limits = "session_burst = 100000\naddress_burst = 100000"
    served = Served(tmp_path, more=f'[metrics]\ntoken = "{TOKEN}"\n[api]\nkeys = {keys}\n{limits}\n')
    await seed(served)
    key = {"Authorization": f"Bearer {KEY}"}
    stranger = {"Authorization": f"Bearer {TEXT}", "Cookie": "__Host-venterom=kanari", "X-Forwarded-For": TEXT}
    async with served.running() as process, aiohttp.ClientSession(served.address) as http:
        async with http.get("/api/v1/openapi.json") as response:
            document = await response.json()
        await has_no_lab(http, document)
        new = {"name": NAME, "address": TEXT, "email": "kanari@fuglesang.example", "external_id": TEXT}
        async with http.post("/api/v1/patients", json=new, headers=key) as response:
            assert response.status == 201, await response.text()
            assert (await response.json())["name"] == NAME
        assert await through_everything(http, document, (key, stranger)) >= 5
        async with http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            metrics = await response.text()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    log = served.log.read_text()
    assert '"event": "stopped"' in log
    for text in (log, metrics):
        assert not any(canary in text.lower() for canary in CANARIES)


async def test_nor_by_what_staff_and_patients_send(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In a lab, as somebody of each role, so that what is sent is read and not only refused."""
    settings = {"METRICS__TOKEN": TOKEN, "API__SESSION_BURST": "100000", "API__ADDRESS_BURST": "100000"}
    demo = prepare(
        tmp_path,
        port=free_port(socket.SOCK_STREAM),
        media_port=free_port(socket.SOCK_DGRAM),
        environment={f"VENTEROM_{name}": value for name, value in settings.items()},
    )
    caplog.set_level(logging.DEBUG)
    service = await Service.start(demo.settings, demo.lab)
    origin = address_of(demo)
    try:
        clinic, people = await _people(Database.open(address(None, None, tmp_path)))
        async with aiohttp.ClientSession(origin, cookie_jar=aiohttp.DummyCookieJar()) as http:
            async with http.get("/api/v1/openapi.json") as response:
                document = await response.json()
            logins = {role: await _log_in(http, origin, people[role], role, clinic) for role in people}
            async with http.post("/api/v1/patients", json={"name": NAME}, headers=logins[Role.SECRETARY]) as response:
                assert response.status == 201, await response.text()
            for search in ({"name": NAME}, {"number": NUMBER}):
                async with http.post("/api/v1/patients/search", json=search, headers=logins[Role.SECRETARY]) as found:
                    assert found.status == 200, await found.text()
            done = {
                role: await through_everything(http, document, [headers], but=("log_in", "log_out", "change_place"))
                for role, headers in logins.items()
            }
            # Each was somebody to the end: what was asked was theirs to ask.
            for headers in logins.values():
                async with http.get("/api/v1/session", headers=headers) as response:
                    assert response.status == 200
            assert min(done.values()) >= 3, done
            for operation in ("log_in", "change_place", "log_out"):
                every = {each["operationId"] for methods in document["paths"].values() for each in methods.values()}
                await through_everything(http, document, list(logins.values()), but=every - {operation})
            async with http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
                assert response.status == 200
                metrics = await response.text()
    finally:
        await service.stop()
    ours = [record for record in caplog.records if not record.name.startswith(("aiosqlite", "sqlalchemy", "asyncio"))]
    assert ours
    for text in (metrics, *(repr(record.__dict__) for record in ours)):
        assert not any(canary in text.lower() for canary in CANARIES), text


async def _people(database: Database) -> tuple[str, Mapping[Role, str]]:
    """A clinic with somebody of each role."""
    clinic = await rows.open_clinic(database)
    people = {role: rows.person(str(role)) for role in (*sorted(STAFF), Role.PATIENT)}
    async with database.begin(clinic) as session:
        session.add_all(people.values())
        await session.flush()
        session.add_all(Membership(person_id=people[role].id, role=MemberRole(role)) for role in sorted(STAFF))
        session.add(Practitioner(person_id=people[Role.PRACTITIONER].id, name="Lege"))
        session.add(rows.patient(clinic, "Pasient", person_id=people[Role.PATIENT].id))
    await database.close()
    return clinic, {role: person.id for role, person in people.items()}


async def _log_in(http: aiohttp.ClientSession, origin: str, person: str, role: Role, clinic: str) -> dict[str, str]:
    asked = {"person": person, "role": role, "clinic": None if role is Role.PATIENT else clinic}
    async with http.post("/api/v1/session", json=asked, headers={"Origin": origin}) as response:
        assert response.status == 200, await response.text()
        cookie = f"{COOKIE}={response.cookies[COOKIE].value}"
        return {"Cookie": cookie, "Origin": origin, "X-CSRF-Token": (await response.json())["csrf"]}
