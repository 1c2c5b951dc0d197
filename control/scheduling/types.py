"""Appointment types: administrators make and change them."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.identity.levels import of_acr
from control.scheduling.errors import invalid
from control.scheduling.rows import expect, find, note, only_administrator
from control.scheduling.surface import Surface
from control.store.models import AppointmentType


@dataclass(frozen=True, slots=True)
class TypeFields:
    """Everything that an administrator decides of a type; the meaning of each is at `AppointmentType`."""

    name: str
    minutes: int
    active: bool = True
    published: bool = False
    supports_video: bool = False
    surface: Surface = Surface.PHYSICAL
    capacity: int = 1
    opens_minutes: int = 15
    closes_minutes: int = 120
    change_minutes: int = 0
    level: str | None = None
    guests: bool = True
    age_from: int | None = None
    age_to: int | None = None
    new_patients: bool = True
    own_list_only: bool = False
    referral_needed: bool = False
    max_open: int | None = None
    lead_minutes: int = 0
    horizon_days: int | None = None
    booking_text: str | None = None
    notifies: bool = True
    reminds: bool = True
    message_after_booking: str | None = None
    message_to_video: str | None = None
    key: str | None = None


async def create_type(session: AsyncSession, actor: Reference, given: TypeFields, now: datetime) -> AppointmentType:
    """Makes a type (raises ForbiddenError, InvalidInputError)."""
    only_administrator(actor)
    _check(given)
    row = AppointmentType(**_values(given))
    session.add(row)
    await session.flush()
    await note(session, actor, "type.create", now, [("type", row.id)])
    return row


async def change_type(
    session: AsyncSession,
    actor: Reference,
    type_id: str,
    given: TypeFields,
    now: datetime,
    versions: frozenset[int] | None = None,
) -> AppointmentType:
    """Makes the type what is given. What is booked stays as it was agreed on; rules count from now on."""
    only_administrator(actor)
    _check(given)
    row = await find(session, AppointmentType, type_id)
    expect(row, versions)
    changed = {name: value for name, value in _values(given).items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    await session.flush()
    await note(session, actor, "type.change", now, [("type", row.id)], {"changed": sorted(changed)})
    return row


def _values(given: TypeFields) -> dict[str, object]:
    return {field.name: getattr(given, field.name) for field in fields(given)}


def _check(given: TypeFields) -> None:
    """What can't be meant."""
    if given.level is not None and of_acr(given.level) is None:
        raise invalid("level", "level_unknown")
    if given.surface is Surface.VIDEO and not given.supports_video:
        raise invalid("surface", "type_not_video")
    if given.age_from is not None and given.age_to is not None and given.age_from > given.age_to:
        raise invalid("age_to", "before_age_from")
