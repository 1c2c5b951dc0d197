"""Patients' records: made, read and changed by the clinic's staff and its journal system."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Final

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.identity import persons
from control.identity.numbers import NationalNumber
from control.identity.pseudonyms import Pseudonyms
from control.people import loading
from control.people.dismissal import shut_out
from control.people.errors import PatientExistsError
from control.people.rules import search_form
from control.scheduling import telling
from control.store.models import Attendee, Patient, Person, Practitioner


@dataclass(frozen=True, slots=True)
class Details:
    """What a record says, by the names of the table."""

    name: str = field(repr=False)
    born: date | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    protected_address: bool = False
    opted_out: bool = False
    wants_video: bool = False
    list_of_id: str | None = None
    referred_until: date | None = None


_FIELDS: Final = tuple(each.name for each in fields(Details))


def details_of(patient: Patient) -> Details:
    """What the record says now."""
    return Details(**{name: getattr(patient, name) for name in _FIELDS})


@dataclass(frozen=True, slots=True)
class Identifiers:
    """How a new patient is known elsewhere."""

    number: NationalNumber | None = None
    """Without it no login can ever be this patient."""
    external: str | None = None
    """The journal system's own."""


async def create(
    session: AsyncSession, pseudonyms: Pseudonyms, details: Details, known: Identifiers, actor: Reference, now: datetime
) -> Patient:
    """A new record (raises PatientExistsError; InvalidInputError for a practitioner who is not here)."""
    await loading.check_reference(session, Practitioner, details.list_of_id, "/list_of")
    person = None
    if known.number is not None:
        person = await persons.person_of(session, pseudonyms, known.number, name=details.name, shown=True, now=now)
    patient = Patient(
        search_name=search_form(details.name),
        created_at=now,
        **{name: getattr(details, name) for name in _FIELDS},
    )
    await _keep(session, patient, person=None if person is None else person.id, external=known.external)
    await _record(session, "patient.create", patient, actor, now)
    return patient


async def read(session: AsyncSession, identifier: str, actor: Reference, now: datetime) -> Patient:
    """A record, seen by somebody (raises NotFoundError)."""
    patient = await loading.find(session, Patient, identifier)
    await _record(session, "patient.read", patient, actor, now)
    return patient


async def change(
    session: AsyncSession,
    identifier: str,
    versions: frozenset[int] | None,
    change: Callable[[Details], Details],
    actor: Reference,
    now: datetime,
) -> Patient:
    """A record after a change (raises NotFoundError, PreconditionFailedError, InvalidInputError)."""
    patient = await loading.hold(session, Patient, identifier)
    loading.check_version(patient.version, versions)
    before = details_of(patient)
    after = change(before)
    changed = [name for name in _FIELDS if getattr(after, name) != getattr(before, name)]
    if "list_of_id" in changed:
        await loading.check_reference(session, Practitioner, after.list_of_id, "/list_of")
    for name in changed:
        setattr(patient, name, getattr(after, name))
    if "name" in changed:
        patient.search_name = search_form(after.name)
        for attendee in await session.scalars(_expected_as(patient.id)):
            attendee.name = after.name
    if "protected_address" in changed or "opted_out" in changed:
        await telling.hush(session, patient)
    # What was written is in the record; the log says which fields, so that it names nobody.
    await _record(session, "patient.change", patient, actor, now, fields=changed)
    return patient


async def identify(
    session: AsyncSession,
    pseudonyms: Pseudonyms,
    identifier: str,
    versions: frozenset[int] | None,
    number: NationalNumber,
    actor: Reference,
    now: datetime,
) -> Patient:
    """Says or corrects whose record it is (raises NotFoundError, PreconditionFailedError, PatientExistsError).

    Who was taken for the patient until now is shut out: the patient's links are others afterwards.
    """
    patient = await loading.hold(session, Patient, identifier)
    loading.check_version(patient.version, versions)
    person = await persons.person_of(session, pseudonyms, number, name=patient.name, shown=True, now=now)
    if patient.person_id != person.id:
        corrected = patient.person_id is not None
        await _keep(session, patient, person=person.id)
        expected = (await session.scalars(_expected_as(patient.id))).all()
        for attendee in expected:
            attendee.person_id = person.id
        if corrected:
            await shut_out(session, expected)
    await _record(session, "patient.identify", patient, actor, now)
    return patient


async def read_number(
    session: AsyncSession, pseudonyms: Pseudonyms, identifier: str, actor: Reference, now: datetime
) -> NationalNumber | None:
    """The patient's identity number, None where it is not known (raises NotFoundError, SealError)."""
    patient = await loading.find(session, Patient, identifier)
    await _record(session, "patient.read_number", patient, actor, now)
    if patient.person_id is None:
        return None
    person = await session.get_one(Person, patient.person_id, execution_options={"across": "login"})
    return persons.number_of(pseudonyms, person)


async def _keep(
    session: AsyncSession, patient: Patient, *, person: str | None = None, external: str | None = None
) -> None:
    """Ties the record to a person, and to the journal system's identifier: one record of each in a clinic."""
    try:
        async with session.begin_nested():
            if person is not None:
                patient.person_id = person
            if external is not None:
                patient.external_id = external
            session.add(patient)
    except IntegrityError:
        same = [Patient.person_id == person] if person is not None else []
        same += [Patient.external_id == external] if external is not None else []
        found = await session.scalar(select(Patient.id).where(or_(*same)).limit(1)) if same else None
        if found is None:
            raise
        raise PatientExistsError("the clinic has this patient already", patient=found) from None


def _expected_as(patient: str) -> Select[Attendee]:
    """Wherever the patient is still expected."""
    return select(Attendee).where(Attendee.patient_id == patient, Attendee.removed_at.is_(None))


async def _record(
    session: AsyncSession, action: str, patient: Patient, actor: Reference, now: datetime, **detail: object
) -> None:
    about = (Reference(log.PATIENT, patient.id),)
    await log.record(session, Event(now, actor, action, about, log.detail(detail) if detail else None))
