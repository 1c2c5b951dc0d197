"""The room's share: what the interface gives out and asks for, seen at the WebSocket of the whole service."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import pytest_asyncio
from sqlalchemy import URL, select

from control.api.access import COOKIE
from control.app import Service
from control.consultation.planning import dismiss
from control.demo import Demo, prepare
from control.identity.links import Links
from control.identity.secrets import open_secrets
from control.store.database import Database
from control.store.models import Attendee, Consultation, MemberRole, Membership, Practitioner
from tests.control.store import rows
from tests.control.store.rows import Meeting
from tests.control.visitor import Visitor, kept_in, url
from tests.ports import free_port

WAIT_S: Final = 30.0
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(slots=True)
class House:
    """A running service with a meeting of a practitioner and three patients that begins now."""

    demo: Demo
    service: Service
    database: Database
    http: aiohttp.ClientSession
    links: Links
    made: Meeting
    doctor: Mapping[str, str]
    closing: AsyncExitStack

    async def ask(self, what: str, headers: Mapping[str, str] = _NOTHING, **body: Any) -> tuple[int, Any]:
        """A request about the consultation."""
        where = f"{url(self.demo)}/api/v1/consultations/{self.made.consultation}/{what}"
        async with self.http.post(where, json=body, headers=headers) as response:
            return response.status, await response.json() if response.content_type.endswith("json") else None

    async def enter(self, who: str | None = None, **given: Any) -> Visitor:
        """The patient by their link, or the practitioner, goes through the interface and into the room."""
        by: dict[str, Any] = {"headers": self.doctor} if who is None else {"link": self.link(who)}
        status, entry = await self.ask("join", **by, **given)
        assert status == 200, entry
        assert entry["ws_url"] == f"{url(self.demo).replace('http', 'ws')}/ws"
        visitor = await Visitor.come(self.http, url(self.demo), grant=entry["grant"])
        self.closing.push_async_callback(visitor.close)
        return visitor

    def link(self, attendee: str) -> str:
        return self.links.token(self.made.clinic, attendee, 1)

    async def seen(self, attendee: str, until: Callable[[Attendee], bool]) -> Attendee:
        """The attendee, once the room's events have brought what is waited for."""
        async with asyncio.timeout(WAIT_S):
            while True:
                async with self.database.look(self.made.clinic) as session:
                    row = (await session.scalars(select(Attendee).where(Attendee.id == attendee))).one()
                if until(row):
                    return row
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def house(tmp_path: Path, database_url: URL) -> AsyncIterator[House]:
    ports = {"port": free_port(socket.SOCK_STREAM), "media_port": free_port(socket.SOCK_DGRAM)}
    demo = prepare(tmp_path, **ports, environment={"VENTEROM_SIGNALLING__JOIN_TIMEOUT": "4"})
    demo = kept_in(demo, database_url)
    async with AsyncExitStack() as closing:
        service = await Service.start(demo.settings, demo.lab)
        closing.push_async_callback(service.stop)
        database = Database.open(database_url)
        closing.push_async_callback(database.close)
        http = await closing.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        clinic = await rows.open_clinic(database)
        async with database.begin(clinic) as session:
            person = rows.person("Ola Lege")
            session.add(person)
            await session.flush()
            practitioner = Practitioner(person_id=person.id, name="Ola Lege")
            patients = [rows.patient(clinic, name) for name in ("Kari Anne Nordmann", "Per Hansen", "Siri Lie")]
            session.add_all([practitioner, Membership(person_id=person.id, role=MemberRole.PRACTITIONER), *patients])
        made = await rows.meeting(
            database, clinic, practitioner.id, [each.id for each in patients], starts=datetime.now(UTC)
        )
        asked = {"person": person.id, "role": "practitioner", "clinic": clinic}
        async with http.post(f"{url(demo)}/api/v1/session", json=asked, headers={"Origin": url(demo)}) as response:
            csrf = (await response.json())["csrf"]
            doctor = {
                "Cookie": f"{COOKIE}={response.cookies[COOKIE].value}",
                "Origin": url(demo),
                "X-CSRF-Token": csrf,
            }
        links = open_secrets(demo.settings.secrets.directory, demo.settings.data.directory).links
        yield House(demo, service, database, http, links, made, doctor, closing)


async def test_row_13_36_a_grant_opens_the_room_and_the_patient_waits_until_admitted(house: House) -> None:
    patient = house.made.patients[0]
    waits = await house.enter(patient)
    assert (waits.last["type"], waits.last["room"], waits.last["gate"]) == ("joined", house.made.room, "lobby")
    assert (await house.seen(patient, lambda row: row.standing is not None)).standing == "lobby"
    doctor = await house.enter()
    assert (doctor.last["role"], doctor.last["gate"]) == ("practitioner", "open")
    await doctor.websocket.send_json({"type": "admit", "participant": patient})
    await waits.until("admitted")
    row = await house.seen(patient, lambda row: row.standing == "admitted")
    assert row.entered_at is not None
    assert row.waiting_since is None


async def test_row_21_a_websocket_without_a_good_grant_is_closed(house: House) -> None:
    status, entry = await house.ask("join", link=house.link(house.made.patients[0]))
    assert status == 200
    good = entry["grant"]
    await Visitor.come(house.http, url(house.demo), grant=good)
    refused = []
    for grant, code in ((good, "grant_replayed"), (good[:-4] + "AAAA", "grant_invalid")):
        visitor = await Visitor.come(house.http, url(house.demo), grant=grant)
        assert (visitor.last["type"], visitor.last["code"]) == ("error", code)
        refused.append(visitor)
    for visitor in refused:  # each has the same few seconds to come with a better one
        async for message in visitor.websocket:
            assert json.loads(message.data)["type"] == "error"
        assert visitor.websocket.closed


async def test_row_38_the_others_are_told_the_label_and_only_it(house: House) -> None:
    first, second, _ = house.made.patients
    doctor = await house.enter()
    one, other = await house.enter(first, label="Solstrålen"), await house.enter(second)
    for each in (first, second):
        await doctor.websocket.send_json({"type": "admit", "participant": each})
    await one.until("admitted")
    await other.until("admitted")
    await doctor.ask(type="ping")
    while len((await other.until("participants"))["participants"]) < 3:
        pass
    names = {each["id"]: each["name"] for each in other.last["participants"]}
    assert names == {house.made.practitioner: "Ola Lege", first: "Solstrålen", second: "P. H."}
    for heard in (one.received, doctor.received, other.received):
        assert not any(name in json.dumps(heard, ensure_ascii=False) for name in ("Nordmann", "Kari", "Hansen"))


async def test_row_55_n7_a_delay_and_the_place_in_the_queue_reach_the_lobby(house: House) -> None:
    status, _ = await house.ask("notice", house.doctor, minutes=15, text="Akutt")
    assert status == 204, "before anybody is there"
    first, second, _ = house.made.patients
    one = await house.enter(first)
    told = await until_notice(one, 15)
    assert (told["notice"]["text"], told["position"], told["waiting"]) == ("Akutt", 1, 1)
    other = await house.enter(second)
    assert (await until_notice(other, 15))["position"] == 2
    assert (await house.ask("notice", house.doctor, minutes=30))[0] == 204
    assert (await until_notice(one, 30))["position"] == 1
    doctor = await house.enter()
    await doctor.websocket.send_json({"type": "admit", "participant": first})
    while (await other.until("lobby"))["position"] != 1:
        pass


async def until_notice(waits: Visitor, minutes: int) -> dict[str, Any]:
    """The next word to the lobby that tells of a delay of so many minutes."""
    while True:
        told = await waits.until("lobby")
        if (told.get("notice") or {}).get("minutes") == minutes:
            return told


async def test_row_40_a_change_to_a_physical_visit_ends_the_room_for_the_waiting(house: House) -> None:
    patient = house.made.patients[0]
    waits = await house.enter(patient)
    unused = (await house.ask("join", link=house.link(patient)))[1]["grant"]
    # In a group the practitioner ends it for all; a patient's own wish does not.
    assert (await house.ask("physical", link=house.link(patient)))[0] == 204
    assert (await house.ask("physical", house.doctor))[0] == 204
    assert (await waits.until("ended"))["reason"] == "ended"
    late = await Visitor.come(house.http, url(house.demo), grant=unused)
    assert (late.last["type"], late.last["code"]) == ("error", "room_ended")
    assert (await house.ask("join", link=house.link(patient)))[1]["code"] == "appointment_not_video"


async def test_row_n6_the_seat_of_somebody_no_longer_expected_is_dead(house: House) -> None:
    patient, other, _ = house.made.patients
    doctor, inside = await house.enter(), await house.enter(patient)
    seat = inside.last["seat"]
    await doctor.websocket.send_json({"type": "admit", "participant": patient})
    await inside.until("admitted")
    waits = await house.enter(other)
    async with house.database.begin(house.made.clinic) as session:
        meeting = (await session.scalars(select(Consultation))).one()
        row = (await session.scalars(select(Attendee).where(Attendee.id == patient))).one()
        row.removed_at = datetime.now(UTC)
        await dismiss(session, meeting, row)
    # Written by another connection, so it is the next command of the service that brings it along.
    assert (await house.ask("notice", house.doctor, minutes=1))[0] == 204
    assert (await inside.until("ended"))["reason"] == "removed"
    back = await Visitor.come(house.http, url(house.demo), seat=seat)
    assert (back.last["type"], back.last["code"]) == ("error", "seat_dead")
    assert (await house.ask("join", link=house.link(patient)))[1]["code"] == "link_revoked"
    assert (await waits.ask(type="ping"))["type"] == "pong", "the others hear nothing of it"


async def test_row_n6_back_to_the_lobby_and_in_again(house: House) -> None:
    patient = house.made.patients[0]
    doctor, inside = await house.enter(), await house.enter(patient)
    for _ in range(2):
        await doctor.websocket.send_json({"type": "admit", "participant": patient})
        await inside.until("admitted")
        await house.seen(patient, lambda row: row.standing == "admitted")
        await doctor.websocket.send_json({"type": "to-lobby", "participant": patient})
        await inside.until("lobby")
        row = await house.seen(patient, lambda row: row.standing == "lobby")
        assert row.waiting_since is not None
