"""What was taken away or declined: compared when an older state of the database comes back, and it with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Select, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.store.models import (
    Appointment,
    AppointmentState,
    Attendee,
    GuardianRelation,
    LoginSession,
    Membership,
    Patient,
)


class Kind(StrEnum):
    """What was taken away; the value is what lists say."""

    LINK = "link"
    """An attendee's link, by a new version."""
    ATTENDEE = "attendee"
    """Somebody who is no longer expected."""
    APPOINTMENT = "appointment"
    """By cancelling it, and with it its links."""
    GUARDIAN = "guardian"
    """A guardian's right, revoked or ended earlier."""
    MEMBER = "member"
    """A member of staff's place in the clinic."""
    OPT_OUT = "opt_out"
    """A patient's leave to send messages."""
    PROTECTED_ADDRESS = "protected_address"
    """A patient's address, from then on protected."""
    SESSION = "session"
    """A login."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One thing, by opaque ids; a login is of no clinic."""

    kind: Kind
    clinic: str
    id: str


Standing = Mapping[Key, int]
"""How far each thing is taken away, 1 or more; what is not in it isn't at all."""

_FAR: Final = date.max.toordinal() + 1
_BATCH: Final = 500
_STATEMENTS: Final[Mapping[Kind, Select[str, str, int]]] = {
    Kind.LINK: select(Attendee.clinic_id, Attendee.id, Attendee.link_version - 1).where(Attendee.link_version > 1),
    Kind.ATTENDEE: select(Attendee.clinic_id, Attendee.id, literal(1)).where(Attendee.removed_at.is_not(None)),
    Kind.APPOINTMENT: select(Appointment.clinic_id, Appointment.id, literal(1)).where(
        Appointment.state == AppointmentState.CANCELLED
    ),
    Kind.MEMBER: select(Membership.clinic_id, Membership.id, literal(1)).where(Membership.active.is_(False)),
    Kind.OPT_OUT: select(Patient.clinic_id, Patient.id, literal(1)).where(Patient.opted_out.is_(True)),
    Kind.PROTECTED_ADDRESS: select(Patient.clinic_id, Patient.id, literal(1)).where(
        Patient.protected_address.is_(True)
    ),
}
_TABLES: Final[Mapping[Kind, Any]] = {
    Kind.LINK: Attendee,
    Kind.ATTENDEE: Attendee,
    Kind.APPOINTMENT: Appointment,
    Kind.GUARDIAN: GuardianRelation,
    Kind.MEMBER: Membership,
    Kind.OPT_OUT: Patient,
    Kind.PROTECTED_ADDRESS: Patient,
}
_ACROSS: Final = {"across": "operation"}


async def standing(session: AsyncSession) -> Standing:
    """All that is taken away, in every clinic. The session is of no clinic."""
    found: dict[Key, int] = {}
    for kind, statement in _STATEMENTS.items():
        for clinic, id_, far in await session.execute(statement, execution_options=_ACROSS):
            found[Key(kind, clinic, id_)] = far
    relations = select(
        GuardianRelation.clinic_id, GuardianRelation.id, GuardianRelation.ends_on, GuardianRelation.revoked_at
    )
    for clinic, id_, ends_on, revoked_at in await session.execute(relations, execution_options=_ACROSS):
        if revoked_at is not None:
            found[Key(Kind.GUARDIAN, clinic, id_)] = _FAR
        elif ends_on is not None:
            found[Key(Kind.GUARDIAN, clinic, id_)] = _FAR - ends_on.toordinal()
    return found


async def logins(session: AsyncSession) -> frozenset[Key]:
    """All that are logged in."""
    digests = await session.scalars(select(LoginSession.digest), execution_options=_ACROSS)
    return frozenset(Key(Kind.SESSION, "", digest.hex()[:16]) for digest in digests)


async def came_back(session: AsyncSession, before: Standing) -> list[Key]:
    """What was taken away before, and is not, or less so, in the database that the session reads.

    What that database doesn't know at all is not among it: nobody gets anywhere by it.
    """
    now = await standing(session)
    candidates = sorted(key for key, far in before.items() if far > now.get(key, 0))
    found: list[Key] = []
    for kind, table in _TABLES.items():
        for batch in _batches([key for key in candidates if key.kind is kind]):
            statement = select(table.clinic_id, table.id).where(table.id.in_([key.id for key in batch]))
            known = {(clinic, id_) for clinic, id_ in await session.execute(statement, execution_options=_ACROSS)}
            found += (key for key in batch if (key.clinic, key.id) in known)
    return sorted(found)


def _batches(keys: list[Key]) -> Iterator[list[Key]]:
    for first in range(0, len(keys), _BATCH):
        yield keys[first : first + _BATCH]
