"""What is a person's own, wherever it is: appointments across the clinics, records, guardianships.

The sessions of these reads are of no clinic. Each clinic's log is told of them (`views`) before anything is shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from control.audit import log
from control.audit.chain import Event, Reference
from control.people.attendees import APPOINTMENT
from control.people.guardians import relation_holds
from control.people.rules import Audience, may_know_whereabouts
from control.scheduling.recurrence import local_day
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    Clinic,
    Consultation,
    GuardianRelation,
    Patient,
    Practitioner,
    Surface,
)
from signalling.roles import Role

_Column = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]

_MY_APPOINTMENTS = {"across": "my_appointments"}
_MY_RECORDS = {"across": "my_records"}


@dataclass(frozen=True, slots=True)
class Place:
    """Which clinic it is; None in what a patient's protected address keeps from those who come along."""

    name: str
    phone: str | None
    contact: str | None


@dataclass(frozen=True, slots=True)
class MyAppointment:
    """An appointment at which the person is expected."""

    clinic: str
    """For the clinic's log; who may not know the place may not know this."""
    appointment: str
    attendee: str
    """The person's own entry."""
    consultation: str | None
    role: Role
    patient: str | None
    """Who it is about; None for who comes with nobody in particular."""
    patient_name: str | None = field(repr=False)
    place: Place | None = field(repr=False)
    type_name: str
    practitioner_name: str | None
    """None where the place is."""
    starts: datetime
    ends: datetime
    surface: Surface
    state: AppointmentState
    label: str | None = field(repr=False)
    level: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """Part of a list, in order of time."""

    items: Sequence[MyAppointment]
    last: tuple[datetime, str] | None
    """Where the next part begins; None at the end. Items may be fewer than asked for: what may not be shown is left
    out."""


async def appointments(
    session: AsyncSession,
    person: str,
    now: datetime,
    *,
    since: datetime,
    limit: int,
    after: tuple[datetime, str] | None,
) -> Listing:
    """Appointments that start then or later; those of a guardian only while the guardian may act."""
    whose = aliased(Patient)
    statement = (
        select(Attendee, Appointment, Clinic, AppointmentType.name, Practitioner.name, Consultation.id, whose)
        .join(Appointment, _same(Attendee.clinic_id, Appointment.clinic_id, Attendee.appointment_id, Appointment.id))
        .join(Clinic, Clinic.id == Attendee.clinic_id)
        .join(
            AppointmentType,
            _same(Appointment.clinic_id, AppointmentType.clinic_id, Appointment.type_id, AppointmentType.id),
        )
        .join(
            Practitioner,
            _same(Appointment.clinic_id, Practitioner.clinic_id, Appointment.practitioner_id, Practitioner.id),
        )
        .outerjoin(
            Consultation,
            _same(Appointment.clinic_id, Consultation.clinic_id, Appointment.id, Consultation.appointment_id),
        )
        .outerjoin(
            whose,
            and_(
                whose.clinic_id == Attendee.clinic_id,
                or_(whose.id == Attendee.patient_id, whose.id == Attendee.for_patient_id),
            ),
        )
        .where(
            Attendee.person_id == person,
            Attendee.role != Role.PRACTITIONER,
            Attendee.removed_at.is_(None),
            Appointment.starts >= since,
        )
        .order_by(Appointment.starts, Attendee.id)
        .limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(tuple_(Appointment.starts, Attendee.id) > tuple_(*after))
    rows = (await session.execute(statement, execution_options=_MY_APPOINTMENTS)).all()
    acts = {(each.clinic_id, each.patient_id) for each in await _relations(session, person, now)}
    shown = [
        _mine(attendee, appointment, clinic, patient, type_name, practitioner, consultation)
        for attendee, appointment, clinic, type_name, practitioner, consultation, patient in rows[:limit]
        if attendee.role is not Role.GUARDIAN or (attendee.clinic_id, attendee.for_patient_id) in acts
    ]
    last = rows[limit - 1] if len(rows) > limit else None
    return Listing(shown, None if last is None else (last[1].starts, last[0].id))


@dataclass(frozen=True, slots=True)
class Guardianship:
    """Somebody for whom the person may act."""

    clinic: str
    """For the clinic's log; who may not know its name may not know this."""
    clinic_name: str | None = field(repr=False)
    """None where the patient's address is protected."""
    relation: str
    patient: str
    patient_name: str = field(repr=False)
    ends_on: date | None


async def guardianships(session: AsyncSession, person: str, now: datetime) -> Sequence[Guardianship]:
    """For whom the person may act today."""
    relations = await _relations(session, person, now)
    statement = (
        select(Patient, Clinic.name)
        .join(Clinic, Clinic.id == Patient.clinic_id)
        .where(tuple_(Patient.clinic_id, Patient.id).in_([(each.clinic_id, each.patient_id) for each in relations]))
    )
    found = await session.execute(statement, execution_options=_MY_RECORDS)
    patients = {(patient.clinic_id, patient.id): (patient, clinic) for patient, clinic in found}
    shown = []
    for relation in relations:
        patient, clinic = patients[relation.clinic_id, relation.patient_id]
        known = may_know_whereabouts(Audience.COMPANION, protected=patient.protected_address)
        shown.append(
            Guardianship(
                clinic=relation.clinic_id,
                clinic_name=clinic if known else None,
                relation=relation.id,
                patient=patient.id,
                patient_name=patient.name,
                ends_on=relation.ends_on,
            )
        )
    return shown


def views(
    seen: Iterable[MyAppointment] | Iterable[Guardianship], action: str, actor: Reference, now: datetime
) -> Mapping[str, Event]:
    """What each clinic's log is to be told of such a list: one event, with the patients whom it named."""
    about: dict[str, set[Reference]] = {}
    for each in seen:
        subjects = about.setdefault(each.clinic, set())
        if each.patient is not None:
            subjects.add(Reference(log.PATIENT, each.patient))
        if isinstance(each, MyAppointment):
            subjects.add(Reference(APPOINTMENT, each.appointment))
    return {clinic: Event(now, actor, action, tuple(subjects)) for clinic, subjects in sorted(about.items())}


async def clinic_of_record(session: AsyncSession, person: str, patient: str) -> str | None:
    """Which clinic has this record of the person, or of somebody whose guardian they are or were."""
    acts_for = select(GuardianRelation.id).where(
        GuardianRelation.clinic_id == Patient.clinic_id,
        GuardianRelation.patient_id == Patient.id,
        GuardianRelation.person_id == person,
    )
    statement = select(Patient.clinic_id).where(
        Patient.id == patient, or_(Patient.person_id == person, acts_for.exists())
    )
    return await session.scalar(statement, execution_options=_MY_RECORDS)


async def clinic_of_appointment(session: AsyncSession, person: str, appointment: str) -> str | None:
    """Which clinic has this appointment at which the person is expected, not as a practitioner."""
    statement = select(Attendee.clinic_id).where(
        Attendee.person_id == person,
        Attendee.appointment_id == appointment,
        Attendee.role != Role.PRACTITIONER,
        Attendee.removed_at.is_(None),
    )
    return await session.scalar(statement.limit(1), execution_options=_MY_APPOINTMENTS)


async def _relations(session: AsyncSession, person: str, now: datetime) -> list[GuardianRelation]:
    """Those that hold today, by each clinic's calendar."""
    statement = (
        select(GuardianRelation, Clinic.zone)
        .join(Clinic, Clinic.id == GuardianRelation.clinic_id)
        .where(GuardianRelation.person_id == person, GuardianRelation.revoked_at.is_(None))
        .order_by(GuardianRelation.created_at, GuardianRelation.id)
    )
    found = await session.execute(statement, execution_options=_MY_RECORDS)
    return [relation for relation, zone in found if relation_holds(relation, local_day(now, ZoneInfo(zone)))]


def _mine(
    attendee: Attendee,
    appointment: Appointment,
    clinic: Clinic,
    patient: Patient | None,
    type_name: str,
    practitioner_name: str,
    consultation: str | None,
) -> MyAppointment:
    audience = Audience.SELF if attendee.role is Role.PATIENT else Audience.COMPANION
    known = may_know_whereabouts(audience, protected=patient is not None and patient.protected_address)
    return MyAppointment(
        clinic=attendee.clinic_id,
        appointment=appointment.id,
        attendee=attendee.id,
        consultation=consultation,
        role=attendee.role,
        patient=None if patient is None else patient.id,
        patient_name=None if patient is None else patient.name,
        place=Place(clinic.name, clinic.phone, clinic.contact) if known else None,
        type_name=type_name,
        practitioner_name=practitioner_name if known else None,
        starts=appointment.starts,
        ends=appointment.ends,
        surface=appointment.surface,
        state=appointment.state,
        label=attendee.label,
        level=attendee.level,
    )


def _same(clinic: _Column, other_clinic: _Column, reference: _Column, identifier: _Column) -> ColumnElement[bool]:
    """Rows of one clinic, one of which names the other: across clinics nothing else holds them together."""
    return and_(clinic == other_clinic, reference == identifier)
