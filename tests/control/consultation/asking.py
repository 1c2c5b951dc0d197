"""What somebody with a link or a login asks about a consultation, and what is found out afterwards."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import select

from control.identity.roles import Role
from control.rooms.events import Listener
from control.rooms.port import Command
from control.store.models import Attendee, AuditEvent
from signalling.inputs import Enter, Recorded
from signalling.records import Record
from signalling.roles import Role as RoomRole
from signalling.room import Room
from tests.control.api.world import Answer, World
from tests.control.store import rows
from tests.control.store.rows import NOW, Meeting

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Silent:
    """Rooms that say nothing and are told nothing; what was acknowledged is kept."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[str, int, int]] = []

    async def do(self, room: str, command: Command, at: datetime) -> None:
        raise NotImplementedError

    def roster(self, room: str) -> Room | None:
        return None

    def pending(self) -> int:
        return 0

    async def next_event(self) -> Record:
        raise NotImplementedError

    def acknowledge(self, event: Record) -> None:
        self.acknowledged.append((event.room, event.epoch, event.sequence))


async def meeting(world: World, *, patients: int = 1, **given: Any) -> Meeting:
    """An appointment of the west's practitioner with its patient, and more patients who never logged in."""
    async with world.database.begin(world.west.clinic) as session:
        more = [rows.patient(world.west.clinic, f"Ola Medpasient {number}") for number in range(1, patients)]
        session.add_all(more)
        await session.flush()
        known = [world.west.patient, *(each.id for each in more)]
    return await rows.meeting(world.database, world.west.clinic, world.west.practitioner, known, **given)


def link(world: World, attendee: str, version: int = 1) -> str:
    """The token of an attendee's link."""
    return world.links.token(world.west.clinic, attendee, version)


async def ask(
    world: World,
    made: Meeting,
    what: str,
    role: Role | None = None,
    *,
    by: str = "POST",
    headers: Mapping[str, str] = _NOTHING,
    **body: Any,
) -> Answer:
    """A request about the consultation by who is logged in as `role` or by `headers`, or by the link in the body."""
    path = f"/consultations/{made.consultation}{'/' if what else ''}{what}"
    return await world.ask(by, path, role, headers=headers, body=None if by == "GET" else body)


async def join(world: World, made: Meeting, attendee: str | None = None, **given: Any) -> Answer:
    """Asks for the room, by the attendee's link unless `role` or `headers` say who is logged in."""
    link_: dict[str, Any] = {} if attendee is None else {"link": link(world, attendee)}
    return await ask(world, made, "join", **link_, **given)


async def landing(world: World, token: str, **given: Any) -> Any:
    """What a link leads to."""
    answer = await world.ask("POST", "/links", body={"link": token}, **given)
    assert answer.status == 200, answer.body
    return answer.json


def claims(answer: Answer) -> dict[str, Any]:
    """What the grant that was given says."""
    assert answer.status == 200, answer.body
    payload = answer.json["grant"].split(".")[1]
    said: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return said


def refused(answer: Answer) -> tuple[int, str]:
    """Status and code of a problem."""
    return answer.status, answer.json["code"]


async def attendee(world: World, id_: str) -> Attendee:
    """As the database has it now."""
    async with world.database.look(world.west.clinic) as session:
        return (await session.scalars(select(Attendee).where(Attendee.id == id_))).one()


async def invite(world: World, made: Meeting, role: RoomRole, **given: Any) -> str:
    """One attendee more."""
    async with world.database.begin(world.west.clinic) as session:
        row = Attendee(**{"appointment_id": made.appointment, "role": role, "name": "Gjest Gjestesen", **given})
        session.add(row)
        await session.flush()
        return row.id


async def change(world: World, model: Any, id_: str, **values: Any) -> None:
    """Sets columns of a row of the west's clinic."""
    async with world.database.begin(world.west.clinic) as session:
        row = (await session.scalars(select(model).where(model.id == id_))).one()
        for name, value in values.items():
            setattr(row, name, value)


async def audit(world: World, action: str) -> list[AuditEvent]:
    """The log's events of this action, oldest first."""
    async with world.database.look(world.west.clinic) as session:
        statement = select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.sequence)
        return list((await session.scalars(statement)).all())


async def enters(world: World, made: Meeting, who: str, answer: Answer, *, sequence: int = 1) -> None:
    """The room tells that somebody entered it by the grant that was given."""
    said = claims(answer)
    event = Enter(
        participant=who,
        role=RoomRole(said["role"]),
        name=said["name"],
        gate=said["gate"],
        size=said["size"],
        issued=said["iat"],
        issuer=said["iss"],
        jti=said["jti"],
        forget_at=said["exp"],
        acr=said.get("acr"),
    )
    await happens(world, made, event, sequence=sequence)


async def happens(
    world: World, made: Meeting, event: Recorded, *, sequence: int, epoch: int = 1, at: datetime = NOW
) -> None:
    """The room tells of something."""
    record = Record(made.room, epoch, sequence, at.timestamp(), event)
    await Listener(world.database, Silent()).hear(record)
