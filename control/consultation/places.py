"""Whose place in which consultation a request is about: found by a link, or by who is logged in."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.consultation import rules
from control.consultation.rules import Link
from control.errors import ForbiddenError, LinkUnknownError, NotFoundError, NotLoggedInError
from control.identity.callers import Caller, Integrator, LoggedIn, Nobody
from control.identity.levels import of_acr
from control.identity.links import Links, Verdict, read_token
from control.identity.roles import STAFF
from control.store.models import Attendee, Consultation

_ACROSS: Final = {"across": "link"}
_MINE: Final = {"across": "my_appointments"}
_OF_APPOINTMENT: Final = and_(
    Consultation.clinic_id == Attendee.clinic_id, Consultation.appointment_id == Attendee.appointment_id
)
_OF_LINK: Final = (
    select(
        Attendee.clinic_id,
        Attendee.link_version,
        Attendee.removed_at,
        func.coalesce(Attendee.consultation_id, Consultation.id),
    )
    .outerjoin(Consultation, _OF_APPOINTMENT)
    .where(Attendee.id == bindparam("attendee"))
)


@dataclass(frozen=True, slots=True)
class Place:
    """An attendee's place, or, with no attendee, that of somebody who is not expected."""

    clinic: str
    consultation: str
    attendee: str | None
    identity: rules.Identity = field(repr=False)


async def by_link(session: AsyncSession, links: Links, token: str, caller: Caller) -> Place:
    """The place that a link is for (raises LinkUnknownError). The session is of no clinic."""
    read = read_token(token)
    found = (await session.execute(_OF_LINK, {"attendee": read.attendee}, execution_options=_ACROSS)).one_or_none()
    if found is None or found[3] is None:
        raise LinkUnknownError("this link is not known here")
    clinic, version, removed_at, consultation = found
    verdict = links.judge(read, clinic, version)
    if verdict is Verdict.FORGED:
        raise LinkUnknownError("this link is not known here")
    link = Link.CURRENT if verdict is Verdict.GOOD and removed_at is None else Link.REVOKED
    return Place(clinic, consultation, read.attendee, _with_link(caller, link))


async def by_login(session: AsyncSession, consultation: str, caller: Caller) -> Place:
    """The place of who is logged in (raises NotFoundError, NotLoggedInError, ForbiddenError).

    The session is of no clinic. Patients find only what they are expected at; staff find all of their clinic.
    """
    match caller:
        case Nobody():
            raise NotLoggedInError("log in, or use the link")
        case Integrator():
            raise ForbiddenError("people join, not programs")
        case LoggedIn():
            pass
    is_staff = caller.role in STAFF
    meeting = select(Consultation.clinic_id, Consultation.appointment_id).where(Consultation.id == consultation)
    if is_staff:
        meeting = meeting.where(Consultation.clinic_id == caller.clinic)
    found = (await session.execute(meeting, execution_options=_MINE)).one_or_none()
    if found is None:
        raise NotFoundError
    clinic, appointment = found
    is_unplanned = appointment is None
    there = Attendee.consultation_id == consultation if is_unplanned else Attendee.appointment_id == appointment
    mine = (
        select(Attendee.id)
        .where(Attendee.clinic_id == clinic, there, Attendee.person_id == caller.person, Attendee.removed_at.is_(None))
        .order_by(Attendee.id)
        .limit(1)
    )
    attendee = await session.scalar(mine, execution_options=_MINE)
    if attendee is None and not is_staff:
        raise NotFoundError
    level = of_acr(caller.acr)
    identity = rules.Staff(caller.person, level) if is_staff else rules.Login(caller.person, level)
    return Place(clinic, consultation, attendee, identity)


def _with_link(caller: Caller, link: Link) -> rules.Identity:
    match caller:
        case LoggedIn():
            return rules.Login(caller.person, of_acr(caller.acr), link)
        case Nobody() | Integrator():
            return rules.ByLink(link)
