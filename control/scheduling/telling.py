"""What patients must be told of their appointments: laid by in the outbox with the act, or not, by type and wish."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.notifications import outbox
from control.notifications.outbox import Kind
from control.scheduling import rules
from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.rules import Channel, Contact
from control.store.models import Appointment, AppointmentType, Attendee, Patient
from signalling.roles import Role, is_host

REMINDED: Final = timedelta(days=2)
"""How long before the start the reminder goes out."""
_WITH_ALL: Final = and_(
    Attendee.patient_id.is_(None), Attendee.for_patient_id.is_(None), Attendee.role != Role.PRACTITIONER
)
"""Who comes with nobody in particular."""
_TOLD: Final = frozenset({Role.PATIENT, Role.GUARDIAN})
_CHANNELS: Final = frozenset({Channel.SMS, Channel.EMAIL})


async def tell(
    session: AsyncSession,
    kind: Kind,
    appointment: Appointment,
    of_type: AppointmentType,
    attendees: Iterable[Attendee],
    now: datetime,
    arguments: Mapping[str, object] | None = None,
) -> None:
    """Tells those of the attendees who are patients or guardians, and reminds them of what is to come."""
    for attendee in attendees:
        if attendee.role not in _TOLD or attendee.removed_at is not None:
            continue
        if await _silent(session, of_type.notifies, attendee):
            continue
        await outbox.queue(
            session, kind, appointment=appointment.id, attendee=attendee.id, now=now, arguments=arguments
        )


async def remind(
    session: AsyncSession,
    appointment: Appointment,
    of_type: AppointmentType,
    attendees: Iterable[Attendee],
    now: datetime,
) -> None:
    """Lays by the reminder of an appointment, where there is still time for one."""
    due = appointment.starts - REMINDED
    if due <= now:
        return
    for attendee in attendees:
        if attendee.role not in _TOLD or attendee.removed_at is not None:
            continue
        if await _silent(session, of_type.reminds, attendee):
            continue
        await outbox.queue(session, Kind.REMINDER, appointment=appointment.id, attendee=attendee.id, now=now, due=due)


async def invite(session: AsyncSession, appointment: str, attendee: Attendee, now: datetime) -> bool:
    """Lays an attendee's link by to be sent, and says whether it did: not against wishes, or to a protected address.

    Staff ask for it, so it goes out for a silent type too.
    """
    if await _silent(session, True, attendee):
        return False
    await outbox.queue(session, Kind.INVITATION, appointment=appointment, attendee=attendee.id, now=now)
    return True


async def hush(session: AsyncSession, patient: Patient) -> None:
    """Takes back what waits and may no longer be sent, once the record says so.

    Of a patient whose address is protected, all that was to be sent about them; of one who wants no messages, their
    own. The record must be held, so that whoever tells meanwhile waits and reads it anew.
    """
    if not patient.protected_address and not patient.opted_out:
        return
    own = Attendee.patient_id == patient.id
    there = select(Attendee.appointment_id).where(own, Attendee.appointment_id.is_not(None))
    # Who comes with a patient is expected where the patient is.
    whom = or_(own, Attendee.for_patient_id == patient.id, _WITH_ALL) if patient.protected_address else own
    attendees = await session.scalars(select(Attendee).where(Attendee.appointment_id.in_(there), whom))
    for attendee in attendees:
        assert attendee.appointment_id is not None
        await outbox.withdraw(session, attendee.appointment_id, attendee.id)


async def _silent(session: AsyncSession, wanted: bool, attendee: Attendee) -> bool:
    """Whether nothing is laid by for an attendee; the patients' records stay as they are read until the act is done.

    Contact data may still come until the message goes out; what else stands against it is a decision.
    """
    held = _records(attendee).order_by(Patient.id).with_for_update(read=True)
    contact = await _contact(session, attendee, held.execution_options(populate_existing=True))
    obstacles = rules.to_notify(_CHANNELS if wanted else frozenset(), contact)
    return any(obstacle.code is not Code.NO_CONTACT_DATA for obstacle in obstacles)


async def unnotified(session: AsyncSession, wanted: bool, attendee: Attendee) -> tuple[Obstacle, ...]:
    """Why an attendee is not told, where the type says whether its patients are."""
    return rules.to_notify(_CHANNELS if wanted else frozenset(), await _contact(session, attendee, _records(attendee)))


async def _contact(session: AsyncSession, attendee: Attendee, records: Select[Patient]) -> Contact:
    """An attendee's own contact data, else the patient's own, for the patient.

    A patient's protected address holds for whoever comes along too: a message would tell them the place. To want no
    messages is each one's own.
    """
    patients = (await session.scalars(records)).all()
    phone, email, opted_out = attendee.phone, attendee.email, False
    for patient in patients:
        if patient.id == attendee.patient_id:
            phone, email, opted_out = phone or patient.phone, email or patient.email, patient.opted_out
    reachable = {Channel.SMS: phone, Channel.EMAIL: email}
    protected = any(patient.protected_address for patient in patients)
    return Contact(frozenset(channel for channel, given in reachable.items() if given), opted_out, protected)


def _records(attendee: Attendee) -> Select[Patient]:
    """The patient that this is or comes with; who comes with nobody in particular comes with all of them."""
    whose = attendee.patient_id or attendee.for_patient_id
    if whose is not None or is_host(attendee.role):
        return select(Patient).where(Patient.id == whose)
    there = select(Attendee.patient_id).where(Attendee.appointment_id == attendee.appointment_id)
    return select(Patient).where(Patient.id.in_(there))
