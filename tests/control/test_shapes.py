"""The halves of `venterom serve`, each in a process of its own: what each does, and what it says that it doesn't."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import func, select

from control import clock
from control.app import Service, Shape
from control.cli import main
from control.config import GrantsConfig, Settings
from control.demo import prepare
from control.identity.links import Links
from control.identity.secrets import open_secrets
from control.scheduling.surface import Surface
from control.store import migrate
from control.store.database import Database, address
from control.store.models import (
    Appointment,
    AppointmentType,
    Attendee,
    Consultation,
    IssuedGrant,
    Practitioner,
    RoomCommand,
)
from signalling.grant import issue
from signalling.keys import create_key, jwks
from signalling.roles import Role
from tests.control.store.rows import open_clinic, person
from tests.ports import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a demo, with the key of a front end's grants."""
    demo = prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))
    (tmp_path / "grants.jwks.json").write_text(jwks([create_key(tmp_path / "grants.pem")]))
    grants = GrantsConfig(issuer="front-end", keys=tmp_path / "grants.jwks.json")
    http = replace(demo.settings.http, listen=("127.0.0.1",))
    return demo.settings.model_copy(update={"grants": grants, "http": http})


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database of these settings, while no server runs."""
    url = address(None, None, settings.data.directory)
    await migrate.upgrade(url)
    database = Database.open(url)
    yield database
    await database.close()


@asynccontextmanager
async def running(settings: Settings, shape: Shape) -> AsyncIterator[aiohttp.ClientSession]:
    service = await Service.start(settings, None, shape)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{settings.http.port}") as http:
            yield http
    finally:
        await service.stop()


async def status(http: aiohttp.ClientSession, path: str) -> int:
    async with http.get(path) as response:
        return response.status


async def furnish(settings: Settings, links: Links) -> tuple[str, str]:
    """An appointment that begins now: its consultation, and its patient's link."""
    async with opened(settings) as database:
        return await fill(database, links)


async def fill(database: Database, links: Links) -> tuple[str, str]:
    now = clock.real()
    clinic = await open_clinic(database)
    async with database.begin(None) as session:
        ingrid = person("Ingrid")
        session.add(ingrid)
    async with database.begin(clinic) as session:
        practitioner = Practitioner(person_id=ingrid.id, name="Ingrid")
        kind = AppointmentType(name="Samtale", minutes=30, supports_video=True)
        session.add_all([practitioner, kind])
        await session.flush()
        appointment = Appointment(
            type_id=kind.id,
            practitioner_id=practitioner.id,
            person_id=ingrid.id,
            starts=now,
            ends=now + timedelta(minutes=30),
            surface=Surface.VIDEO,
            created_at=now,
        )
        session.add(appointment)
        await session.flush()
        attendee = Attendee(appointment_id=appointment.id, role=Role.PATIENT, name="Kari")
        consultation = Consultation(appointment_id=appointment.id, room="r" * 26, created_at=now)
        session.add_all([attendee, consultation])
    async with database.begin(clinic) as session:
        session.add(RoomCommand(number=1, room="r" * 26, kind="open", arguments={"size": 2}))
    return consultation.id, links.token(clinic, attendee.id, 1)


async def counts(settings: Settings) -> tuple[int, int]:
    """Grants given, and commands that wait."""
    found = []
    async with opened(settings) as database, database.look(None) as session:
        for table in (IssuedGrant, RoomCommand):
            number = select(func.count()).select_from(table)
            found.append(await session.scalar(number, execution_options={"across": "operation"}) or 0)
    return found[0], found[1]


async def test_control_alone_serves_all_but_rooms(settings: Settings) -> None:
    """And says so by a code; what rooms are to be told waits for the process that has them."""
    consultation, link = await furnish(settings, open_secrets(None, settings.data.directory).links)
    async with running(settings, Shape.CONTROL) as http:
        for path in ("/healthz", "/readyz", "/patient/", "/api/v1/openapi.json"):
            assert await status(http, path) == 200, path
        for path in ("/ws", "/metrics"):
            assert await status(http, path) == 404, path
        for act in ("join", "test"):
            async with http.post(f"/api/v1/consultations/{consultation}/{act}", json={"link": link}) as answer:
                assert (answer.status, (await answer.json())["code"]) == (503, "rooms_unavailable"), act
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", settings.media.port))
    assert await counts(settings) == (0, 1)
    async with (
        running(settings, Shape.WHOLE) as http,
        http.post(f"/api/v1/consultations/{consultation}/join", json={"link": link}) as answer,
    ):
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["room"] == "r" * 26
        async with asyncio.timeout(30):
            while await counts(settings) != (1, 0):
                pass  # what another connection writes can't be awaited


async def test_media_alone_lets_in_by_the_grants_of_a_front_end(settings: Settings) -> None:
    who = {"room": "r", "participant": "p", "role": "patient", "name": "Kari"}
    grant = issue(create_key(settings.data.directory / "grants.pem"), issuer="front-end", **who)  # type: ignore[arg-type]
    ours = issue(create_key(settings.data.directory / "control-key.pem"), **who)  # type: ignore[arg-type]
    origin = f"http://127.0.0.1:{settings.http.port}"
    async with running(settings, Shape.MEDIA) as http:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert await status(http, path) == 200, path
        for path in ("/patient/", "/api/v1/openapi.json", "/api/v1/session"):
            assert await status(http, path) == 404, path
        for token, answer in ((ours, "error"), (grant, "joined")):
            async with http.ws_connect("/ws", protocols=("venterom.v1",), origin=origin) as websocket:
                await websocket.send_json({"type": "join", "grant": token})
                assert json.loads(await websocket.receive_str(timeout=10))["type"] == answer
    assert not (settings.data.directory / "venterom.db").exists()
    assert not (settings.data.directory / "secrets").exists()


def test_media_alone_is_refused_without_an_issuer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "venterom.toml"
    config.write_text('[http]\nbehind_proxy = true\npublic_url = "https://v.example"\n')
    assert main(["media", "--config", str(config)]) == 1
    assert "grants.keys" in capsys.readouterr().err
