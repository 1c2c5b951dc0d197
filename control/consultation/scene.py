"""Everything that the rules of a consultation look at, read in the clinic's own transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.consultation import rules
from control.identity.levels import Level, of_acr
from control.scheduling.rules import Phase
from control.scheduling.surface import Surface
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    Clinic,
    Consultation,
    ConsultationState,
    GuardianRelation,
)
from signalling.roles import Role

STAFF_OPENS: Final = timedelta(minutes=60)
"""How long before the start practitioners may enter."""
STAFF_LEVEL: Final = Level.HIGH
"""What practitioners log in with: HelseID's security level 4."""

_SCENE: Final = (
    select(Consultation, Clinic, Appointment, AppointmentType)
    .join(Clinic, Clinic.id == Consultation.clinic_id)
    .outerjoin(Appointment, Appointment.id == Consultation.appointment_id)
    .outerjoin(AppointmentType, AppointmentType.id == Appointment.type_id)
    .where(Consultation.id == bindparam("consultation"))
)
"""Made once: to put it together takes longer than the database needs for it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A consultation with what surrounds it."""

    clinic: Clinic
    consultation: Consultation
    appointment: Appointment | None
    type: AppointmentType | None

    @classmethod
    async def read(cls, session: AsyncSession, consultation: str) -> Self | None:
        """None where the session's clinic has no such consultation."""
        found = (await session.execute(_SCENE, {"consultation": consultation})).one_or_none()
        return None if found is None else cls(found[1], found[0], found[2], found[3])

    @property
    def start(self) -> datetime | None:
        """When it is to begin, where that is known."""
        return self.consultation.starts if self.appointment is None else self.appointment.starts

    def terms(self) -> rules.Terms:
        """What clinic and type decide."""
        kind = self.type
        return rules.Terms(
            video=self.clinic.video_enabled,
            opens=timedelta(minutes=15 if kind is None else kind.opens_minutes),
            closes=timedelta(minutes=120 if kind is None else kind.closes_minutes),
            staff_opens=STAFF_OPENS,
            guests=True if kind is None else kind.guests,
            group=kind is not None and kind.capacity > 1,
            staff_level=STAFF_LEVEL,
        )

    def meeting(self) -> rules.Consultation:
        """How it stands."""
        surface = Surface.VIDEO if self.appointment is None else self.appointment.surface
        return rules.Consultation(self._phase(), surface, self.start)

    async def expected(self, session: AsyncSession, attendee: Attendee, now: datetime) -> rules.Attendee:
        """An attendee as the rules see them."""
        return rules.Attendee(
            role=attendee.role,
            person=attendee.person_id,
            name=attendee.name,
            label=attendee.label,
            # A level that we don't know is no reason to ask for less.
            required=None if attendee.level is None else of_acr(attendee.level) or Level.HIGH,
            entered=attendee.entered_at is not None,
            guardian=attendee.role is not Role.GUARDIAN or await self._guards(session, attendee, now),
        )

    async def _guards(self, session: AsyncSession, attendee: Attendee, now: datetime) -> bool:
        today = now.astimezone(ZoneInfo(self.clinic.zone)).date()
        relation = select(GuardianRelation.id).where(
            GuardianRelation.patient_id == attendee.for_patient_id,
            GuardianRelation.person_id == attendee.person_id,
            GuardianRelation.revoked_at.is_(None),
            or_(GuardianRelation.ends_on.is_(None), GuardianRelation.ends_on > today),
        )
        return await session.scalar(relation.limit(1)) is not None

    def _phase(self) -> Phase:
        appointment = self.appointment
        if appointment is not None and appointment.state is AppointmentState.CANCELLED:
            return Phase.CANCELLED
        if appointment is not None and appointment.state is AppointmentState.ENDED:
            return Phase.ENDED
        match self.consultation.state:
            case ConsultationState.PLANNED:
                return Phase.BOOKED
            case ConsultationState.RUNNING:
                return Phase.RUNNING
            case ConsultationState.ENDED:
                return Phase.ENDED
