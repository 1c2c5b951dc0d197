"""From rows to what the join decision is made of."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.consultation import rules
from control.identity.levels import Level, of_acr
from control.scheduling.meetings import phase_of
from control.scheduling.recurrence import local_day
from control.store.models import Appointment, AppointmentType, Attendee, Clinic, GuardianRelation
from signalling.roles import Role

STAFF_OPENS: Final = timedelta(minutes=60)
STAFF_LEVEL: Final = Level.HIGH
"""What practitioners must log in with (HelseID's security level 4)."""


def terms(clinic: Clinic, kind: AppointmentType) -> rules.Terms:
    """What clinic and type decide on entries."""
    return rules.Terms(
        video=clinic.video_enabled,
        opens=timedelta(minutes=kind.opens_minutes),
        closes=timedelta(minutes=kind.closes_minutes),
        staff_opens=STAFF_OPENS,
        guests=kind.guests,
        group=kind.capacity > 1,
        staff_level=STAFF_LEVEL,
    )


async def attendee(session: AsyncSession, row: Attendee, clinic: Clinic, now: datetime) -> rules.Attendee:
    """Who is expected; a level that we don't know asks for the highest."""
    return rules.Attendee(
        role=row.role,
        person=row.person_id,
        name=row.name,
        label=row.label,
        required=None if row.level is None else of_acr(row.level) or max(Level),
        entered=row.entered_at is not None,
        guardian=row.role is not Role.GUARDIAN or await _guards(session, row, clinic, now),
    )


async def _guards(session: AsyncSession, row: Attendee, clinic: Clinic, now: datetime) -> bool:
    statement = select(GuardianRelation.id).where(
        GuardianRelation.patient_id == row.for_patient_id,
        GuardianRelation.person_id == row.person_id,
        GuardianRelation.revoked_at.is_(None),
        GuardianRelation.ends_on.is_(None) | (GuardianRelation.ends_on > local_day(now, ZoneInfo(clinic.zone))),
    )
    return await session.scalar(statement.limit(1)) is not None


async def consultation(session: AsyncSession, appointment: Appointment) -> rules.Consultation:
    """The meeting of an appointment."""
    return rules.Consultation(await phase_of(session, appointment), appointment.surface, appointment.starts)
