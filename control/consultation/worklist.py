"""A day as the people of the clinic see it: appointments, who is expected, who waits, and what was said about it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.scheduling.recurrence import day_bounds
from control.store.models import (
    Appointment,
    AppointmentType,
    Attendee,
    Clinic,
    Consultation,
    ConsultationMessage,
    Practitioner,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One appointment of the day."""

    appointment: Appointment
    type: AppointmentType
    practitioner: Practitioner
    consultation: Consultation | None
    attendees: Sequence[Attendee]
    messages: Sequence[ConsultationMessage]


async def day_of(
    session: AsyncSession, day: date, practitioner: str | None, actor: Reference, now: datetime
) -> list[Line]:
    """The appointments of a day in the clinic's own time, of one practitioner or of all; one event in the log."""
    clinic = (await session.scalars(select(Clinic))).one()
    begin, end = day_bounds(day, ZoneInfo(clinic.zone))
    statement = (
        select(Appointment, AppointmentType, Practitioner, Consultation)
        .join(AppointmentType, AppointmentType.id == Appointment.type_id)
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .outerjoin(Consultation, Consultation.appointment_id == Appointment.id)
        .where(Appointment.starts >= begin, Appointment.starts < end)
        .order_by(Appointment.starts, Appointment.id)
    )
    if practitioner is not None:
        statement = statement.where(Appointment.practitioner_id == practitioner)
    found: list[tuple[Appointment, AppointmentType, Practitioner, Consultation | None]]
    found = [(*row,) for row in (await session.execute(statement)).all()]
    attendees = await _attendees(session, [each[0].id for each in found])
    messages = await _messages(session, [each[3].id for each in found if each[3] is not None])
    lines = [
        Line(appointment, kind, who, consultation, attendees[appointment.id], _of(messages, consultation))
        for appointment, kind, who, consultation in found
    ]
    patients = {each.patient_id for line in lines for each in line.attendees if each.patient_id is not None}
    subjects = tuple(Reference(log.PATIENT, patient) for patient in sorted(patients))
    detail = log.detail({"day": day.isoformat()})
    await log.record(session, Event(now, actor, "worklist.read", subjects, detail))
    return lines


async def _attendees(session: AsyncSession, appointments: Sequence[str]) -> Mapping[str, list[Attendee]]:
    found: defaultdict[str, list[Attendee]] = defaultdict(list)
    statement = select(Attendee).where(Attendee.appointment_id.in_(appointments), Attendee.removed_at.is_(None))
    for attendee in (await session.scalars(statement.order_by(Attendee.id))).all():
        assert attendee.appointment_id is not None
        found[attendee.appointment_id].append(attendee)
    return found


async def _messages(session: AsyncSession, consultations: Sequence[str]) -> Mapping[str, list[ConsultationMessage]]:
    found: defaultdict[str, list[ConsultationMessage]] = defaultdict(list)
    statement = select(ConsultationMessage).where(ConsultationMessage.consultation_id.in_(consultations))
    for message in (await session.scalars(statement.order_by(ConsultationMessage.at))).all():
        found[message.consultation_id].append(message)
    return found


def _of(
    messages: Mapping[str, list[ConsultationMessage]], consultation: Consultation | None
) -> Sequence[ConsultationMessage]:
    return () if consultation is None else messages.get(consultation.id, ())
