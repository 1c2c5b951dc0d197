"""Who the patient was, as login or practitioner say, and who attended, as the practitioner registers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event, Reference
from control.consultation.about import about
from control.consultation.planning import expected_at
from control.errors import InvalidInputError, NotFoundError
from control.store.models import Admission, Attendance, Attendee, Consultation, Identification


class Method(StrEnum):
    """How somebody was identified."""

    LOGIN = "login"
    KNOWN = "known"
    SHOWN_ID = "shown_id"
    QUESTIONS = "questions"


@dataclass(frozen=True, slots=True)
class Login:
    """What a login proved when its person was let in."""

    acr: str
    authenticated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of an attendee's attendance; `registered` is none until the practitioner has said so."""

    attendee: Attendee
    login: Login | None
    identified: Method | None
    registered: Attendance | None


async def identify(
    session: AsyncSession, consultation: str, attendee: str, method: Method, actor: Reference, now: datetime
) -> None:
    """The practitioner records how somebody was identified (raises NotFoundError, InvalidInputError)."""
    meeting = await _meeting(session, consultation)
    who = await _expected(session, meeting, attendee)
    if method is Method.LOGIN:
        raise InvalidInputError(
            "a login is evidence of its own", errors=[{"pointer": "/method", "code": "not_by_hand"}]
        )
    session.add(
        Identification(consultation_id=consultation, attendee_id=attendee, method=method, by_id=actor.id, at=now)
    )
    await _log(session, "consultation.identify", who, consultation, actor, now, method)


async def register(
    session: AsyncSession,
    consultation: str,
    attendee: str,
    attended: bool,
    method: Method | None,
    actor: Reference,
    now: datetime,
) -> Presence:
    """The practitioner registers attendance: by the login where there was one, else with a method of their own.

    Again overwrites what was registered before, and the log has both. Raises NotFoundError, InvalidInputError.
    """
    meeting = await _meeting(session, consultation)
    found = await _presence(session, meeting, await _expected(session, meeting, attendee))
    used = Method.LOGIN if found.login is not None else method or found.identified
    if attended and (used is None or (used is Method.LOGIN and found.login is None)):
        raise _invalid_method("without a login, say how the person was identified", "missing")
    row = found.registered or Attendance(consultation_id=consultation, attendee_id=attendee)
    row.attended = attended
    row.method = used or ""
    row.acr = found.login.acr if attended and found.login is not None else None
    row.authenticated_at = found.login.authenticated_at if attended and found.login is not None else None
    row.registered_by, row.registered_at = actor.id, now
    session.add(row)
    await session.flush()
    await _log(session, "consultation.attendance", found.attendee, consultation, actor, now, used)
    return Presence(found.attendee, found.login, found.identified, row)


async def presences(session: AsyncSession, consultation: str, actor: Reference, now: datetime) -> list[Presence]:
    """All who were expected; looking at it is logged (raises NotFoundError)."""
    meeting = await _meeting(session, consultation)
    attendees = (await session.scalars(select(Attendee).where(expected_at(meeting)).order_by(Attendee.id))).all()
    subjects = [Reference("consultation", consultation)]
    subjects += [Reference(log.PATIENT, each.patient_id) for each in attendees if each.patient_id is not None]
    await log.record(session, Event(now, actor, "consultation.read_attendance", tuple(subjects)))
    return [await _presence(session, meeting, each) for each in attendees]


async def _meeting(session: AsyncSession, consultation: str) -> Consultation:
    found = await session.scalar(select(Consultation).where(Consultation.id == consultation))
    if found is None:
        raise NotFoundError
    return found


async def _expected(session: AsyncSession, meeting: Consultation, attendee: str) -> Attendee:
    found = await session.scalar(select(Attendee).where(Attendee.id == attendee, expected_at(meeting)))
    if found is None:
        raise NotFoundError
    return found


async def _presence(session: AsyncSession, meeting: Consultation, attendee: Attendee) -> Presence:
    ours = (Admission.consultation_id == meeting.id, Admission.attendee_id == attendee.id)
    proven = await session.scalar(select(Admission).where(*ours, Admission.acr.is_not(None)).order_by(Admission.at))
    said = await session.scalar(
        select(Identification.method)
        .where(Identification.consultation_id == meeting.id, Identification.attendee_id == attendee.id)
        .order_by(Identification.at.desc(), Identification.id)
        .limit(1)
    )
    registered = await session.scalar(
        select(Attendance).where(Attendance.consultation_id == meeting.id, Attendance.attendee_id == attendee.id)
    )
    login = None if proven is None or proven.acr is None else Login(proven.acr, proven.authenticated_at)
    return Presence(attendee, login, None if said is None else Method(said), registered)


def _invalid_method(message: str, code: str) -> InvalidInputError:
    return InvalidInputError(message, errors=[{"pointer": "/method", "code": code}])


async def _log(
    session: AsyncSession,
    action: str,
    attendee: Attendee,
    consultation: str,
    actor: Reference,
    now: datetime,
    method: Method | None,
) -> None:
    detail = None if method is None else log.detail({"method": method.value})
    await log.record(session, Event(now, actor, action, about(consultation, [attendee]), detail))
