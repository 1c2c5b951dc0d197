"""What the tests of people's routes share."""

from typing import Any

from sqlalchemy import select

from control.audit.log import PATIENT
from control.identity.roles import Role
from control.store.models import Attendee, AuditEvent, RoomCommand
from tests.control.api.world import World


async def told(world: World, *asked: Any, status: int = 200, **options: Any) -> Any:
    """The answer to a request, of that status."""
    answer = await world.ask(*asked, **options)
    assert answer.status == status, answer.body
    return answer.json if answer.body else None


async def add_patient(world: World, role: Role = Role.SECRETARY, **given: Any) -> Any:
    """A new patient of the west."""
    return await told(world, "POST", "/patients", role, body={"name": "Kari Nordmann", **given}, status=201)


def version(number: int | None) -> dict[str, str]:
    """The header of a change to this version, or to whichever is there."""
    return {"If-Match": "*" if number is None else f'"{number}"'}


async def logged(world: World, action: str, clinic: str | None = None) -> list[tuple[str, set[str]]]:
    """Who did it, and the patients that it names."""
    async with world.database.look(clinic or world.west.clinic) as session:
        statement = select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.sequence)
        return [
            (event.actor_id, {identifier for kind, identifier in event.subjects if kind == PATIENT})
            for event in await session.scalars(statement)
        ]


async def attendee_row(world: World, identifier: str) -> Attendee:
    """As it is in the database."""
    async with world.database.look(world.west.clinic) as session:
        return await session.get_one(Attendee, (world.west.clinic, identifier))


async def commands(world: World) -> list[tuple[str, str, Any]]:
    """What rooms are still to be told."""
    async with world.database.look(world.west.clinic) as session:
        found = await session.scalars(select(RoomCommand).order_by(RoomCommand.number))
        return [(command.room, command.kind, command.arguments) for command in found]
