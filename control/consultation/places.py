"""Whose place in which consultation a request is about: found by a link, or by who is logged in."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.consultation import rules
from control.consultation.rules import Link
from control.errors import ForbiddenError, LinkUnknownError, NotFoundError, NotLoggedInError
from control.identity.callers import Caller, Integrator, LoggedIn, Nobody
from control.identity.levels import of_acr
from control.identity.links import Links, Verdict, read_token
from control.identity.roles import STAFF
from control.store.models import Attendee, Consultation


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
    statement = (
        select(Attendee.clinic_id, Attendee.link_version, Attendee.removed_at, Consultation.id)
        .join(Consultation, _is_of())
        .where(Attendee.id == read.attendee)
    )
    found = (await session.execute(statement, execution_options={"across": "link"})).one_or_none()
    if found is None:
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
    mine = and_(_is_of(), Attendee.person_id == caller.person, Attendee.removed_at.is_(None))
    is_staff = caller.role in STAFF
    statement = (
        select(Consultation.clinic_id, Attendee.id)
        .join(Attendee, mine, isouter=is_staff)
        .where(Consultation.id == consultation)
        .order_by(Attendee.id)
    )
    if is_staff:
        statement = statement.where(Consultation.clinic_id == caller.clinic)
    found = (await session.execute(statement, execution_options={"across": "my_appointments"})).first()
    if found is None:
        raise NotFoundError
    level = of_acr(caller.acr)
    identity = rules.Staff(caller.person, level) if is_staff else rules.Login(caller.person, level)
    return Place(found[0], consultation, found[1], identity)


def _with_link(caller: Caller, link: Link) -> rules.Identity:
    match caller:
        case LoggedIn():
            return rules.Login(caller.person, of_acr(caller.acr), link)
        case Nobody() | Integrator():
            return rules.ByLink(link)


def _is_of() -> ColumnElement[bool]:
    """Joins attendees with their consultation."""
    return and_(
        Attendee.clinic_id == Consultation.clinic_id,
        or_(Attendee.appointment_id == Consultation.appointment_id, Attendee.consultation_id == Consultation.id),
    )
