"""What a link shows before anybody has joined: where a login is needed, contact and time alone."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event
from control.consultation import rules
from control.consultation.about import about
from control.consultation.joining import acting
from control.consultation.places import Place
from control.consultation.rules import ByLink, Link
from control.consultation.scene import Scene
from control.errors import NotFoundError
from control.identity.callers import Caller
from control.identity.levels import satisfies
from control.people.rules import Audience, may_know_whereabouts
from control.scheduling.obstacles import Obstacle
from control.store.models import Attendee, Patient, Practitioner
from signalling.roles import Role, is_host


@dataclass(frozen=True, slots=True)
class Person:
    """What only somebody may read who is believed to be the attendee."""

    role: Role
    name: str = field(repr=False)
    shown_name: str = field(repr=False)
    """What the others see."""
    practitioner: str | None
    """None, too, where the clinic may not be told."""
    type: str | None
    group: bool


@dataclass(frozen=True, slots=True)
class Landing:
    """The page behind a link."""

    scene: Scene
    opens_at: datetime | None
    closes_at: datetime | None
    login: str | None
    """The `acr` that is needed; None where the link is enough."""
    obstacles: tuple[Obstacle, ...]
    """What stands against an entry now; while a login is still to come, that and the clock alone."""
    whereabouts: bool
    """Whether it may be told which clinic it is: not to who comes with a patient whose address is protected."""
    person: Person | None
    """None while a login is still to come."""


async def land(session: AsyncSession, place: Place, now: datetime) -> Landing:
    """Reads and changes nothing: a preview by a chat program must spend nothing. Raises NotFoundError."""
    scene = await Scene.read(session, place.consultation)
    attendee = await session.scalar(select(Attendee).where(Attendee.id == place.attendee))
    if scene is None or attendee is None:
        raise NotFoundError
    expected = await scene.expected(session, attendee, now)
    terms = scene.terms()
    start = scene.start
    believed = _may_read(expected, place)
    whereabouts = await _whereabouts(session, attendee)
    obstacles = rules.to_start if believed else rules.to_start_unproved
    opens_at, closes_at = (None, None) if start is None else rules.window(expected, start, terms)
    return Landing(
        scene,
        opens_at,
        closes_at,
        None if expected.required is None else expected.required.acr,
        obstacles(expected, place.identity, scene.meeting(), terms, now),
        whereabouts,
        await _person(session, scene, expected, terms, whereabouts=whereabouts) if believed else None,
    )


async def view(session: AsyncSession, place: Place, caller: Caller, now: datetime) -> Landing:
    """The same for who is logged in or has a key: a view by somebody, which is in the log (raises NotFoundError)."""
    found = await land(session, place, now)
    attendee = (await session.scalars(select(Attendee).where(Attendee.id == place.attendee))).one()
    subjects = about(place.consultation, [attendee])
    await log.record(session, Event(now, acting(caller, place), "consultation.read", subjects))
    return found


async def _whereabouts(session: AsyncSession, attendee: Attendee) -> bool:
    if is_host(attendee.role) or attendee.role is Role.PATIENT:
        return True
    protected = select(Patient.id).where(Patient.protected_address).limit(1)
    if attendee.for_patient_id is not None:
        protected = protected.where(Patient.id == attendee.for_patient_id)
    else:
        # Who comes with nobody in particular comes with all of them.
        same = (
            Attendee.consultation_id == attendee.consultation_id
            if attendee.appointment_id is None
            else Attendee.appointment_id == attendee.appointment_id
        )
        protected = protected.join(Attendee, Attendee.patient_id == Patient.id).where(same)
    is_protected = await session.scalar(protected) is not None
    return may_know_whereabouts(Audience.COMPANION, protected=is_protected)


def _may_read(expected: rules.Attendee, place: Place) -> bool:
    """A revoked link tells nothing; another one tells as much as its holder could learn by joining."""
    match place.identity:
        case ByLink(link):
            return link is Link.CURRENT and expected.required is None
        case rules.Login(person, level, link):
            enough = expected.required is None or satisfies(level, expected.required)
            return enough and link is not Link.REVOKED and expected.person in (None, person)
        case rules.Staff(person):
            return person == expected.person
        case rules.Nobody():
            return False
        case _:
            assert_never(place.identity)


async def _person(
    session: AsyncSession, scene: Scene, expected: rules.Attendee, terms: rules.Terms, *, whereabouts: bool
) -> Person:
    practitioner = None
    if whereabouts and scene.appointment is not None:
        practitioner = await session.scalar(
            select(Practitioner.name).where(Practitioner.id == scene.appointment.practitioner_id)
        )
    return Person(
        expected.role,
        expected.name,
        rules.shown_name(expected, terms),
        practitioner,
        None if scene.type is None else scene.type.name,
        terms.group,
    )
