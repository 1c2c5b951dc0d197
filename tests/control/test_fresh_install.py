"""A fresh install with no other system beside it: from the clinic's file to a consultation that has been held."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import URL, select

from control.api.access import COOKIE
from control.app import Service
from control.cli import main
from control.demo import Demo, prepare
from control.store.database import Database
from control.store.models import MemberRole, Membership, Practitioner
from tests.control.visitor import Visitor, kept_in, plain, url
from tests.ports import free_port

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "configs" / "clinic.example.toml"


@dataclass(slots=True)
class Office:
    """The interface of the running service."""

    demo: Demo
    http: aiohttp.ClientSession

    async def ask(self, verb: str, path: str, by: dict[str, str] | None = None, /, **body: Any) -> Any:
        """A request that must succeed; its answer."""
        where = f"{url(self.demo)}/api/v1{path}"
        async with self.http.request(verb, where, json=None if verb == "GET" else body, headers=by or {}) as response:
            text = await response.text()
            assert response.status < 300, text
            return await response.json() if text else None

    async def log_in(self, member: Membership) -> dict[str, str]:
        """The headers of a login's pages."""
        asked = {"person": member.person_id, "role": member.role, "clinic": member.clinic_id}
        where, origin = f"{url(self.demo)}/api/v1/session", url(self.demo)
        async with self.http.post(where, json=asked, headers={"Origin": origin}) as response:
            csrf = (await response.json())["csrf"]
            return {"Cookie": f"{COOKIE}={response.cookies[COOKIE].value}", "Origin": origin, "X-CSRF-Token": csrf}


@pytest_asyncio.fixture
async def office(tmp_path: Path, database_url: URL, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    if database_url.get_backend_name() == "sqlite":
        await asyncio.to_thread(Path(str(database_url.database)).unlink)  # nothing is there yet, not even tables
    monkeypatch.setenv("VENTEROM_DATABASE__URL", plain(database_url))
    monkeypatch.setenv("VENTEROM_DATA__DIRECTORY", str(tmp_path))
    assert await asyncio.to_thread(main, ["db", "upgrade"]) == 0
    assert await asyncio.to_thread(main, ["clinic", "import", str(EXAMPLE)]) == 0
    demo = prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))
    demo = kept_in(demo, database_url)
    service = await Service.start(demo.settings, demo.lab)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Office(demo, http)
    await service.stop()


async def members(where: URL) -> dict[MemberRole, Membership]:
    """Somebody of each role."""
    database = Database.open(where)
    async with database.look(None) as session:
        found = await session.scalars(select(Membership), execution_options={"across": "operation"})
        roles = {member.role: member for member in found}
    await database.close()
    return roles


async def test_row_02_a_fresh_install_completes_a_consultation(office: Office, database_url: URL) -> None:
    staff = await members(database_url)
    doctor = await office.log_in(staff[MemberRole.PRACTITIONER])
    [kind] = [each for each in (await office.ask("GET", "/types", doctor))["items"] if each["name"] == "Samtale"]
    me = next(
        each
        for each in (await office.ask("GET", "/schedules", doctor))["items"]
        if each["name"] in ("Per Haugen", "Ingrid Solberg")
    )
    starts = (datetime.now(UTC) + timedelta(minutes=2)).replace(microsecond=0)
    slot = await office.ask(
        "POST", "/slots", doctor, schedule=me["id"], type=kind["id"], starts=starts.isoformat(), surface="video"
    )
    patient = await office.ask("POST", "/patients", doctor, name="Kari Nordmann", phone="+4790000000")
    appointment = await office.ask("POST", "/appointments", doctor, slot=slot["id"], patient=patient["id"])
    expected = (await office.ask("GET", f"/appointments/{appointment['id']}/attendees", doctor))["items"]
    kari = next(each["id"] for each in expected if each["role"] == "patient")
    invited = await office.ask("POST", f"/appointments/{appointment['id']}/attendees/{kari}/link", doctor, renew=False)
    link = invited["link"].partition("#k=")[2]

    consultation = f"/consultations/{(await office.ask('POST', '/links', link=link))['consultation']}"
    grant = (await office.ask("POST", f"{consultation}/join", link=link))["grant"]
    waits = await Visitor.come(office.http, url(office.demo), grant=grant)
    host = await office.log_in(await practitioner_of(database_url, appointment["practitioner"]))
    grant = (await office.ask("POST", f"{consultation}/join", host))["grant"]
    lets_in = await Visitor.come(office.http, url(office.demo), grant=grant)
    await lets_in.websocket.send_json({"type": "admit", "participant": kari})
    await waits.until("admitted")
    await lets_in.websocket.send_json({"type": "end"})
    assert (await waits.until("ended"))["reason"] == "ended"
    asked = {"attendee": kari, "attended": True, "method": "known"}
    assert (await office.ask("POST", f"{consultation}/attendance", host, **asked))["attended"] is True
    for visitor in (waits, lets_in):
        await visitor.close()


async def practitioner_of(where: URL, practitioner: str) -> Membership:
    """The membership of an appointment's practitioner."""
    database = Database.open(where)
    statement = (
        select(Membership)
        .join(Practitioner, Practitioner.person_id == Membership.person_id)
        .where(Practitioner.id == practitioner, Membership.role == MemberRole.PRACTITIONER)
    )
    async with database.look(None) as session:
        found = (await session.scalars(statement, execution_options={"across": "operation"})).one()
    await database.close()
    return found
