"""What the two sides tell each other about a wait, and the change to a physical visit.

A wrong person's attempt is refused and logged, so the transaction must be kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import Event
from control.consultation import rules
from control.consultation.about import about
from control.consultation.joining import acting, refuse
from control.consultation.places import Place
from control.consultation.planning import expected_at
from control.consultation.rules import Refuse
from control.consultation.scene import Scene
from control.errors import ForbiddenError, NotFoundError
from control.identity.callers import Caller
from control.rooms import commands
from control.rooms.port import Notice, Open
from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.rows import find, hold_times
from control.scheduling.surface import Surface
from control.scheduling.surfaces import make_physical
from control.store.models import Appointment, Attendee, ConsultationMessage, MessageKind
from signalling.roles import Role, is_host

_CHOOSING: Final = frozenset({Role.PATIENT, Role.GUARDIAN})
"""Who may rather come, beside the practitioner."""


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody says about a wait."""

    minutes: int | None = None
    text: str | None = None


async def tell(session: AsyncSession, place: Place, caller: Caller, words: Words, now: datetime) -> Refuse | None:
    """A practitioner's "delayed" reaches the lobby, anybody else's "I am late" the worklist (raises NotFoundError)."""
    found = await _teller(session, place, caller, "notice", now)
    if isinstance(found, Refuse):
        return found
    scene, attendee = found
    if not is_host(attendee.role):
        await _say(session, scene, place, caller, MessageKind.LATE, words, now)
        return None
    consultation = scene.consultation
    consultation.notice_minutes, consultation.notice_text = words.minutes, words.text
    # Who comes later shall hear of it too, so the room is there before anybody is.
    notice = Notice(words.minutes, words.text)
    commands.give(session, consultation.room, Open(consultation.size), notice)
    await _say(session, scene, place, caller, MessageKind.DELAYED, words, now)
    return None


async def give_up(session: AsyncSession, place: Place, caller: Caller, words: Words, now: datetime) -> Refuse | None:
    """Somebody can't wait any longer: the worklist shows it (raises NotFoundError)."""
    found = await _teller(session, place, caller, "cant_wait", now)
    if isinstance(found, Refuse):
        return found
    await _say(session, found[0], place, caller, MessageKind.CANT_WAIT, words, now)
    return None


async def to_physical(
    session: AsyncSession, place: Place, caller: Caller, words: Words, now: datetime
) -> Refuse | None:
    """The patient would rather come: the appointment becomes a visit, its room ends, and all are told (row 40).

    The practitioner may choose so, the patient, and a guardian. In a group a patient's wish is theirs alone: the
    appointment stays as it is, the patient with it, and the worklist shows the wish for staff to meet.

    Raises NotFoundError, ForbiddenError for whoever else is expected, ChangeRefusedError for what is over meanwhile.
    """
    found = await _teller(session, place, caller, "physical", now)
    if isinstance(found, Refuse):
        return found
    scene, attendee = found
    appointment = scene.appointment
    if appointment is None:
        raise NotFoundError
    host = is_host(attendee.role)
    if not host and attendee.role not in _CHOOSING:
        raise ForbiddenError("the patient, a guardian or the practitioner chooses this")
    if not (await scene.expected(session, attendee, now)).guardian:
        return Refuse(Obstacle(Code.GUARDIAN_ENDED))
    # Whoever chose it at the same moment is waited for, and seen.
    await hold_times(session, [appointment.person_id])
    appointment = await find(session, Appointment, appointment.id)
    if appointment.surface is not Surface.VIDEO:
        return Refuse(Obstacle(Code.APPOINTMENT_NOT_VIDEO))
    if host or not scene.terms().group:
        await make_physical(session, acting(caller, place), appointment.id, now)
    await _say(session, scene, place, caller, MessageKind.PHYSICAL, words, now)
    return None


async def _teller(
    session: AsyncSession, place: Place, caller: Caller, what: str, now: datetime
) -> tuple[Scene, Attendee] | Refuse:
    scene = await Scene.read(session, place.consultation)
    if scene is None:
        raise NotFoundError
    if place.attendee is None:
        return await refuse(session, place, caller, what, Refuse(Obstacle(Code.WRONG_PERSON)), None, now)
    attendee = await session.scalar(select(Attendee).where(Attendee.id == place.attendee))
    if attendee is None:
        raise NotFoundError
    expected = await scene.expected(session, attendee, now)
    refused = rules.to_tell(expected, place.identity, scene.meeting())
    if refused is not None:
        return await refuse(session, place, caller, what, refused, attendee, now)
    return scene, attendee


async def _say(
    session: AsyncSession, scene: Scene, place: Place, caller: Caller, kind: MessageKind, words: Words, now: datetime
) -> None:
    session.add(
        ConsultationMessage(
            consultation_id=scene.consultation.id,
            attendee_id=place.attendee,
            kind=kind,
            minutes=words.minutes,
            text=words.text,
            at=now,
        )
    )
    concerned = await _concerned(session, scene, place.attendee)
    subjects = about(scene.consultation.id, concerned)
    await log.record(session, Event(now, acting(caller, place), f"consultation.{kind.value}", subjects))


async def _concerned(session: AsyncSession, scene: Scene, attendee: str | None) -> Sequence[Attendee]:
    """Who says it; what the practitioner says is about all who are expected."""
    ours = expected_at(scene.consultation)
    found = (await session.scalars(select(Attendee).where(ours, Attendee.removed_at.is_(None)))).all()
    own = [each for each in found if each.id == attendee]
    return found if any(is_host(each.role) for each in own) else own
