"""Two clinics with people in every role, and the whole interface over a real database."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.cookies import SimpleCookie
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from control.api.access import COOKIE
from control.api.assembly import Parts, add_api
from control.api.config import ApiConfig
from control.api.endpoint import PREFIX, Route
from control.api.problems import problems
from control.clock import LabClock
from control.consultation.joining import Issuer
from control.identity.keyring import SecretKeys
from control.identity.links import Links
from control.identity.pseudonyms import Pseudonyms
from control.identity.roles import STAFF, Role
from control.identity.sessions import SessionsConfig
from control.pages import SecureHeaders
from control.store.database import Database
from control.store.models import MemberRole, Membership, Practitioner
from signalling.keys import create_key
from tests.control.store import rows

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ORIGIN: Final = "https://video.example.org"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})

Client = TestClient[web.Request, web.Application]


@dataclass(frozen=True, slots=True)
class Place:
    """A clinic and what is in it, by identifiers."""

    clinic: str
    people: Mapping[Role, str]
    """Persons; the patient's is the one of `patient`."""

    practitioner: str
    patient: str
    key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    cookies: SimpleCookie

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class World:
    """The running interface; `west` is where the callers of tests are, `east` is another clinic."""

    database: Database
    client: Client
    west: Place
    east: Place
    clock: LabClock
    routes: tuple[Route, ...]
    links: Links
    headers: dict[Role, dict[str, str]] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, role: Role | None = None, *, body: Any = None, headers: Mapping[str, str] = _NONE
    ) -> Answer:
        """A request of the west's person of this role, or of nobody."""
        own = {} if role is None else await self.headers_of(role)
        async with self.client.request(method, PREFIX + path, json=body, headers={**own, **headers}) as response:
            return Answer(response.status, await response.read(), response.headers, response.cookies)

    async def log_in(
        self, person: str, role: Role, clinic: str | None, acr: str | None = "idporten-loa-high"
    ) -> dict[str, str]:
        """The headers of a new login's pages."""
        asked = {"person": person, "role": role, "clinic": clinic, "acr": acr}
        async with self.client.post(f"{PREFIX}/session", json=asked, headers={"Origin": ORIGIN}) as response:
            assert response.status == 200, await response.text()
            csrf = (await response.json())["csrf"]
            return {"Cookie": f"{COOKIE}={response.cookies[COOKIE].value}", "Origin": ORIGIN, "X-CSRF-Token": csrf}

    async def headers_of(self, role: Role) -> dict[str, str]:
        """What the west's person of this role brings."""
        if role is Role.INTEGRATOR:
            return {"Authorization": f"Bearer {self.west.key}"}
        if role not in self.headers:
            clinic = None if role is Role.PATIENT else self.west.clinic
            self.headers[role] = await self.log_in(self.west.people[role], role, clinic)
        return self.headers[role]


async def place(database: Database, key: str) -> Place:
    """A new clinic."""
    clinic = await rows.open_clinic(database, key)
    people = {role: rows.person(f"{role} {key}") for role in (*sorted(STAFF), Role.PATIENT)}
    async with database.begin(clinic) as session:
        session.add_all(people.values())
        await session.flush()
        session.add_all(Membership(person_id=people[role].id, role=MemberRole(role)) for role in sorted(STAFF))
        practitioner = Practitioner(person_id=people[Role.PRACTITIONER].id, name=f"Lege {key}")
        patient = rows.patient(clinic, f"Pasient {key}", person_id=people[Role.PATIENT].id)
        session.add_all([practitioner, patient])
    persons = {role: person.id for role, person in people.items()}
    return Place(clinic, persons, practitioner.id, patient.id, f"{key}-{'k' * 40}")


@asynccontextmanager
async def running(database: Database, folder: Path) -> AsyncIterator[World]:
    """The interface over the database, with a lab's clock that stands where tests begin."""
    west, east = await place(database, "vest"), await place(database, "ost")
    keys = folder / "keys.toml"
    keys.write_text("".join(_key(each) for each in (west, east)))
    lab_clock = LabClock(lambda: NOW)
    app = web.Application(middlewares=[problems], client_max_size=64 * 1024)
    app.on_response_prepare.append(SecureHeaders(https=True))
    links = Links(SecretKeys.generate())
    parts = Parts(
        database=database,
        api=ApiConfig(keys=keys, session_burst=100_000, address_burst=100_000),
        sessions=SessionsConfig(),
        public_url=ORIGIN,
        base_url=ORIGIN,
        proxies=(),
        lab_clock=lab_clock,
        issuer=Issuer(create_key(folder / "grants.pem"), time.time),
        links=links,
        pseudonyms=Pseudonyms(SecretKeys.generate(), SecretKeys.generate()),
        websocket_path="/ws",
    )
    routes = add_api(app, parts)
    async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as client:
        yield World(database, client, west, east, lab_clock, routes, links)


def _key(each: Place) -> str:
    digest = sha256(each.key.encode()).hexdigest()
    return f'[[key]]\nname = "journal"\nclinic = "{each.clinic}"\nsha256 = "{digest}"\n'
