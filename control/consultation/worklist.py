"""A day as the people of the clinic see it: appointments, who is expected, who waits, and what was said about it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.scheduling.recurrence import day_bounds
from control.scheduling.surface import Surface
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    Clinic,
    Consultation,
    ConsultationMessage,
    ConsultationState,
    MessageKind,
    Practitioner,
)
from signalling.roles import Role
from signalling.room import Standing


@dataclass(frozen=True, slots=True)
class Expected:
    """Who is expected."""

    attendee: str
    role: Role
    name: str = field(repr=False)
    patient: str | None
    comment: str | None = field(repr=False)
    """What the patient wrote while booking."""
    standing: Standing | None
    """Where in the room; None where not there."""
    waiting_since: datetime | None
    test_verdict: str | None
    tested_at: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """What was said about a wait."""

    kind: MessageKind
    attendee: str | None
    minutes: int | None
    text: str | None = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Planned:
    """An appointment, and its consultation where there is one."""

    appointment: str
    starts: datetime
    ends: datetime
    surface: Surface
    state: AppointmentState
    remark: str | None = field(repr=False)
    video_hinted: bool
    type: str
    practitioner: str
    practitioner_name: str
    consultation: str | None
    consultation_state: ConsultationState | None


@dataclass(frozen=True, slots=True)
class Line:
    """One appointment of the day."""

    planned: Planned
    attendees: Sequence[Expected]
    said: Sequence[Said]


# Columns and no rows of the mapper's: a day is some hundred rows of which nothing is changed. All three find the day by
# themselves: to list what another one has found takes longer.
_OF_DAY: Final = and_(Appointment.starts >= bindparam("begin"), Appointment.starts < bindparam("end"))
_PLANNED: Final = (
    select(
        Appointment.id,
        Appointment.starts,
        Appointment.ends,
        Appointment.surface,
        Appointment.state,
        Appointment.remark,
        Appointment.video_hinted,
        AppointmentType.name,
        Practitioner.id,
        Practitioner.name,
        Consultation.id,
        Consultation.state,
    )
    .join(AppointmentType, AppointmentType.id == Appointment.type_id)
    .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
    .outerjoin(Consultation, Consultation.appointment_id == Appointment.id)
    .where(_OF_DAY)
    .order_by(Appointment.starts, Appointment.id)
)
_EXPECTED: Final = (
    select(
        Attendee.appointment_id,
        Attendee.id,
        Attendee.role,
        Attendee.name,
        Attendee.patient_id,
        Attendee.comment,
        Attendee.standing,
        Attendee.waiting_since,
        Attendee.test_verdict,
        Attendee.tested_at,
    )
    .join(Appointment, Appointment.id == Attendee.appointment_id)
    .where(_OF_DAY, Attendee.removed_at.is_(None))
    .order_by(Attendee.id)
)
_SAID: Final = (
    select(
        Consultation.appointment_id,
        ConsultationMessage.kind,
        ConsultationMessage.attendee_id,
        ConsultationMessage.minutes,
        ConsultationMessage.text,
        ConsultationMessage.at,
    )
    .join(Consultation, Consultation.id == ConsultationMessage.consultation_id)
    .join(Appointment, Appointment.id == Consultation.appointment_id)
    .where(_OF_DAY)
    .order_by(ConsultationMessage.at)
)


async def day_of(
    session: AsyncSession, day: date, practitioner: str | None, actor: Reference, now: datetime
) -> list[Line]:
    """The appointments of a day in the clinic's own time, of one practitioner or of all; one event in the log."""
    zone = (await session.scalars(select(Clinic.zone))).one()
    begin, end = day_bounds(day, ZoneInfo(zone))
    given: dict[str, Any] = {"begin": begin, "end": end}
    planned, expected, messages = _PLANNED, _EXPECTED, _SAID
    if practitioner is not None:
        theirs = Appointment.practitioner_id == practitioner
        planned, expected, messages = planned.where(theirs), expected.where(theirs), messages.where(theirs)
    rows: Iterable[Sequence[Any]] = await session.execute(planned, given)
    found = [Planned(*row) for row in rows]
    attendees: defaultdict[str | None, list[Expected]] = defaultdict(list)
    for appointment, *rest in await session.execute(expected, given):
        attendees[appointment].append(Expected(*rest))
    said: defaultdict[str | None, list[Said]] = defaultdict(list)
    for appointment, kind, attendee, minutes, text, at in await session.execute(messages, given):
        said[appointment].append(Said(kind, attendee, minutes, text, at))
    lines = [Line(each, attendees.get(each.appointment, ()), said.get(each.appointment, ())) for each in found]
    patients = {each.patient for line in lines for each in line.attendees if each.patient is not None}
    subjects = tuple(Reference(log.PATIENT, patient) for patient in sorted(patients))
    detail = log.detail({"day": day.isoformat()})
    await log.record(session, Event(now, actor, "worklist.read", subjects, detail))
    return lines
