"""The clinic of the demo: two practitioners, a group, and a day of appointments relative to now.

Each appointment shows one thing: an open room, one that is not open yet, one that is closed by now, and a group.
A start takes up those that still show it, so that addresses and calls outlive a restart, and books anew what is over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.identity.links import Links, link_address
from control.identity.numbers import LAB
from control.identity.roles import Role
from control.imports.file import parse_file
from control.imports.service import import_clinic
from control.lab import LabLinks, Person, address
from control.office import Office
from control.people import records
from control.people.records import Details, Identifiers
from control.scheduling.booking import Book, book
from control.scheduling.openings import Insert, insert_slot
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    Consultation,
    ConsultationState,
    Patient,
    Practitioner,
    Schedule,
    Slot,
)
from signalling.roles import Role as RoomRole

Showing = Literal["open", "group", "early", "late"]

_BEFORE: Final = timedelta(minutes=15)
_USABLE: Final = timedelta(minutes=90)
"""For how long after its start an appointment is still shown as open: the window is two hours."""

_CLINIC: Final = """
[clinic]
key = "demo"
name = "Demoklinikken"
department = "Resepsjonen"
phone = "+47 22 00 00 00"
contact = "Ring resepsjonen mellom 8 og 15."
video_enabled = true
physical_text = "Du kan når som helst velge å møte opp hos oss i stedet. Du mister ikke plassen din."

[[staff]]
key = "ingrid"
name = "Ingrid Solberg"
title = "Lege"
roles = ["practitioner", "administrator"]

[[staff]]
key = "per"
name = "Per Haugen"
title = "Psykolog"
roles = ["practitioner"]

[[staff]]
key = "anne"
name = "Anne Lie"
roles = ["secretary"]

[[types]]
key = "samtale"
name = "Samtale"
minutes = 10
published = true
supports_video = true
surface = "video"

[[types]]
key = "gruppe"
name = "Mestringsgruppe"
minutes = 60
capacity = 6
supports_video = true
surface = "video"

[[schedules]]
key = "ingrid"
name = "Ingrid Solberg"
practitioner = "ingrid"
published = true

[[schedules]]
key = "per"
name = "Per Haugen"
practitioner = "per"
published = true
"""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an appointment shows, whose it is, and who comes."""

    shows: Showing
    schedule: str
    type: str
    patients: tuple[str, ...]
    starts: timedelta
    """From now."""
    usable: tuple[timedelta, timedelta]
    """From now, when an earlier one must start to show the same."""


_DAY: Final = (
    _Wanted("open", "ingrid", "samtale", ("Arne Kristiansen",), timedelta(), (-_USABLE, _BEFORE)),
    _Wanted("group", "per", "gruppe", ("Kari Berg", "Ola Dahl"), timedelta(minutes=5), (-_USABLE, _BEFORE)),
    _Wanted("early", "ingrid", "samtale", ("Liv Moen",), timedelta(hours=4), (timedelta(hours=1), timedelta(hours=24))),
    _Wanted(
        "late", "per", "samtale", ("Nils Vik",), timedelta(hours=-3), (timedelta(hours=-24), timedelta(hours=-2.5))
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """An attendee of one of the appointments, and the address that leads there."""

    shows: Showing
    role: RoomRole
    name: str
    attendee: str
    room: str
    starts: datetime


async def prepare(office: Office, now: datetime) -> tuple[str, list[Place]]:
    """The clinic's identifier, and all who are expected."""
    pseudonyms = office.secrets.pseudonyms
    clinic = (await import_clinic(office.database, parse_file(_CLINIC.encode()), pseudonyms, LAB, now)).clinic

    async def day(session: AsyncSession) -> list[Place]:
        places: list[Place] = []
        for wanted in _DAY:
            appointment = await _found(session, wanted, now) or await _made(session, office, wanted, now)
            places += await _places(session, wanted, appointment)
        return places

    return clinic, await office.database.transact(clinic, day)


def announce(
    url: str, clinic: str, places: list[Place], links: Links, lab: LabLinks, patient: str, practitioner: str
) -> str:
    """What to open in a browser, one a line: who, what it shows, and the address.

    The two lab links of the demo lead to the open appointment from now on; patients have true links, which open in
    the window and are refused outside of it.
    """
    lines = []
    for place in places:
        host = place.role is RoomRole.PRACTITIONER
        lab_person = Person(
            place.room,
            place.attendee,
            place.role,
            place.name,
            "open" if host else "lobby",
            "clinic" if host else "patient",
        )
        if place.shows == "open":
            lab.add(lab_person, practitioner if host else patient)
        if host:
            where = address(url, lab_person, practitioner if place.shows == "open" else lab.add(lab_person))
        else:
            where = link_address(url, links.token(clinic, place.attendee, 1))
        lines.append(f"link {place.shows} {place.role} {place.name.replace(' ', '-')} {where}")
    return "\n".join(lines)


async def _found(session: AsyncSession, wanted: _Wanted, now: datetime) -> Appointment | None:
    earliest, latest = wanted.usable
    statement = (
        select(Appointment)
        .join(AppointmentType, AppointmentType.id == Appointment.type_id)
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .join(Consultation, Consultation.appointment_id == Appointment.id)
        .where(AppointmentType.key == wanted.type, Practitioner.key == wanted.schedule)
        .where(Appointment.state == AppointmentState.BOOKED, Consultation.state != ConsultationState.ENDED)
        .where(Appointment.starts >= now + earliest, Appointment.starts <= now + latest)
        .order_by(Appointment.starts.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def _made(session: AsyncSession, office: Office, wanted: _Wanted, now: datetime) -> Appointment:
    schedule = (await session.scalars(select(Schedule).where(Schedule.key == wanted.schedule))).one()
    kind = (await session.scalars(select(AppointmentType).where(AppointmentType.key == wanted.type))).one()
    starts = await _free_from(session, schedule, kind, now + wanted.starts)
    # What is over by now was booked before it began.
    then = min(now, starts) - timedelta(minutes=1)
    actor = Reference(Role.SECRETARY, "demo")
    slot = await insert_slot(session, actor, Insert(schedule.id, kind.id, starts), then)
    appointment = None
    for name in wanted.patients:
        patient = await session.scalar(select(Patient).where(Patient.name == name))
        if patient is None:
            details = Details(name)
            patient = await records.create(session, office.secrets.pseudonyms, details, Identifiers(), actor, then)
        appointment = await book(session, actor, Book(slot.id, patient.id), then)
    assert appointment is not None
    return appointment


async def _free_from(session: AsyncSession, schedule: Schedule, kind: AppointmentType, starts: datetime) -> datetime:
    """The first minute from which on nothing of the practitioner's lies in the way."""
    starts = starts.replace(second=0, microsecond=0) + timedelta(minutes=1)
    taken = select(Slot.starts, Slot.ends).where(Slot.schedule_id == schedule.id).order_by(Slot.starts)
    for begins, ends in (await session.execute(taken)).all():
        if begins < starts + kind.duration and ends > starts:
            starts = ends
    return starts


async def _places(session: AsyncSession, wanted: _Wanted, appointment: Appointment) -> list[Place]:
    room = (await session.scalars(select(Consultation.room).where(Consultation.appointment_id == appointment.id))).one()
    attendees = select(Attendee).where(Attendee.appointment_id == appointment.id, Attendee.removed_at.is_(None))
    found = (await session.scalars(attendees.order_by(Attendee.role.desc(), Attendee.name))).all()
    return [Place(wanted.shows, each.role, each.name, each.id, room, appointment.starts) for each in found]
