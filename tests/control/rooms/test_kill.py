"""The whole process, killed between any two steps of the way up or down: afterwards everything was done once.

Each step on both databases.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import select

from control.rooms.commands import give
from control.rooms.port import Notice, Open
from control.store.database import Database
from control.store.models import Admission, Attendee, Practitioner, RoomCommand
from signalling.grant import issue
from signalling.keys import SigningKey, create_key
from tests.control.store import rows
from tests.control.store.rows import Meeting
from tests.control.visitor import Visitor, plain
from tests.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[3]
WAIT_S: Final = 60.0
PROCESS: Final = """
import os, signal, sys
from control import office
from control.rooms import commands, events, local
from tests.control.demo_elsewhere import run

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def on_admission(act):
    def instead(self, record):
        return die() if getattr(record.event, "act", None) == "admit" else act(self, record)
    return instead

async def on_reconciled(*given, reconcile=office.reconcile):
    await reconcile(*given)
    die()

match sys.argv.pop(1):
    case "caught up":
        office.reconcile = die
    case "reconciled":
        office.reconcile = on_reconciled
    case "event on disk":
        events.Listener.hear = on_admission(events.Listener.hear)
    case "event applied":
        local.LocalRooms.acknowledge = on_admission(local.LocalRooms.acknowledge)
    case "command committed":
        local.LocalRooms.do = die
    case "command given":
        commands.Dispatcher._forget = die
sys.exit(run(sys.argv[1], sys.argv[2:]))
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A data directory with a meeting, and processes over it."""

    data: Path
    database: Database
    made: Meeting
    key: SigningKey
    port: int

    @asynccontextmanager
    async def process(self, step: str = "none") -> AsyncIterator[asyncio.subprocess.Process]:
        """Runs; killed at that step by itself, and at the end in any case."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROCESS, step, plain(self.database.url), "demo", "--data", str(self.data)),
            *("--port", str(self.port), "--media-port", str(free_port(socket.SOCK_DGRAM))),
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                child.send_signal(signal.SIGKILL)
            await child.communicate()

    async def come(self, http: aiohttp.ClientSession, who: str, role: str, gate: Any = "lobby") -> Visitor:
        grant = issue(self.key, room=self.made.room, participant=who, role=role, name="N", gate=gate)
        return await Visitor.come(http, f"http://localhost:{self.port}", grant=grant)

    async def until(self, model: Any, holds: Callable[[list[Any]], bool]) -> list[Any]:
        """The rows, once they are as they shall be."""
        async with asyncio.timeout(WAIT_S):
            while True:
                async with self.database.look(self.made.clinic) as session:
                    found = list((await session.scalars(select(model))).all())
                if holds(found):
                    return found
                await asyncio.sleep(0.05)


async def ready(child: asyncio.subprocess.Process) -> None:
    assert child.stdout is not None
    line = await asyncio.wait_for(child.stdout.readline(), WAIT_S)
    assert line.startswith(b"ready "), line


@pytest_asyncio.fixture
async def place(tmp_path: Path, database: Database) -> Place:
    clinic = await rows.open_clinic(database)
    async with database.begin(clinic) as session:
        person = rows.person()
        session.add(person)
        await session.flush()
        doctor, patient = Practitioner(person_id=person.id, name="Ola Lege"), rows.patient(clinic)
        session.add_all([doctor, patient])
    made = await rows.meeting(database, clinic, doctor.id, [patient.id], starts=datetime.now(UTC))
    key = create_key(tmp_path / "control-key.pem")
    return Place(tmp_path, database, made, key, free_port(socket.SOCK_STREAM))


@pytest.mark.parametrize(
    ("step", "again"),
    [("event on disk", None), ("event applied", None), ("event on disk", "caught up"), ("event on disk", "reconciled")],
)
async def test_an_admission_is_written_down_once(place: Place, step: str, again: str | None) -> None:
    """Killed in the call, and once more on the way up where there is `again`."""
    made = place.made
    patient = made.patients[0]
    async with aiohttp.ClientSession() as http:
        async with place.process(step) as child:
            await ready(child)
            doctor = await place.come(http, made.practitioner, "practitioner", "open")
            await place.come(http, patient, "patient")
            await doctor.websocket.send_json({"type": "admit", "participant": patient})
            assert await asyncio.wait_for(child.wait(), WAIT_S) == -signal.SIGKILL
        if again is not None:
            async with place.process(again) as child:
                assert await asyncio.wait_for(child.wait(), WAIT_S) == -signal.SIGKILL
        async with place.process() as child:
            await ready(child)
            back = await Visitor.come(http, f"http://localhost:{place.port}", seat=doctor.received[0]["seat"])
            # Events come in order: once this one is written down, so is all before it.
            await back.websocket.send_json({"type": "remove", "participant": patient})
            await place.until(Attendee, lambda found: any(each.standing == "removed" for each in found))
    admissions = await place.until(Admission, bool)
    assert sorted((each.attendee_id, each.by_id or "") for each in admissions) == sorted(
        [(made.practitioner, ""), (patient, made.practitioner)]
    )


@pytest.mark.parametrize("step", ["command committed", "command given"])
async def test_a_command_takes_effect_and_is_forgotten(place: Place, step: str) -> None:
    async with place.database.begin(place.made.clinic) as session:
        give(session, place.made.room, Open(2), Notice(20, "Akutt"))
    async with place.process(step) as child:
        assert await asyncio.wait_for(child.wait(), WAIT_S) == -signal.SIGKILL
    assert len(await place.until(RoomCommand, bool)) == 2, "kept until it is done"
    async with aiohttp.ClientSession() as http, place.process() as child:
        await ready(child)
        await place.until(RoomCommand, lambda found: not found)
        waits = await place.come(http, place.made.patients[0], "patient")
        told = await waits.until("lobby")
        assert (told["notice"]["minutes"], told["notice"]["text"]) == (20, "Akutt")
