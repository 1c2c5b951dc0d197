"""What patients must be told of their appointments: laid by in the outbox with the act, or not, by type and wish."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.notifications import outbox
from control.notifications.outbox import Kind
from control.scheduling import rules
from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.rules import Channel, Contact
from control.store.models import Appointment, AppointmentType, Attendee, Patient
from control.store.scope import clinic_of
from signalling.roles import Role

REMINDED: Final = timedelta(days=2)
"""How long before the start the reminder goes out."""
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


async def unnotified(session: AsyncSession, wanted: bool, attendee: Attendee) -> tuple[Obstacle, ...]:
    """Why an attendee is not told, where the type says whether its patients are."""
    return rules.to_notify(_CHANNELS if wanted else frozenset(), await _contact(session, attendee))


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
    whom = own | (Attendee.for_patient_id == patient.id) if patient.protected_address else own
    attendees = await session.scalars(select(Attendee).where(Attendee.appointment_id.in_(there), whom))
    for attendee in attendees:
        assert attendee.appointment_id is not None
        await outbox.withdraw(session, attendee.appointment_id, attendee.id)


async def _silent(session: AsyncSession, wanted: bool, attendee: Attendee) -> bool:
    """Whether nothing is laid by for an attendee; the patient's record stays as it is read until the act is done.

    Contact data may still come until the message goes out; what else stands against it is a decision.
    """
    whose = attendee.patient_id or attendee.for_patient_id
    if whose is not None:
        record = select(Patient).where(Patient.id == whose).with_for_update(read=True)
        await session.execute(record.execution_options(populate_existing=True))
    obstacles = await unnotified(session, wanted, attendee)
    return any(obstacle.code is not Code.NO_CONTACT_DATA for obstacle in obstacles)


async def _contact(session: AsyncSession, attendee: Attendee) -> Contact:
    """An attendee's own contact data, else the patient's own, for the patient.

    A patient's protected address holds for whoever comes along too: a message would tell them the place. To want no
    messages is each one's own.
    """
    phone, email, opted_out, protected = attendee.phone, attendee.email, False, False
    whose = attendee.patient_id or attendee.for_patient_id
    if whose is not None:
        patient = await session.get_one(Patient, (clinic_of(session), whose))
        protected = patient.protected_address
        if attendee.patient_id is not None:
            phone, email, opted_out = phone or patient.phone, email or patient.email, patient.opted_out
    reachable = {Channel.SMS: phone, Channel.EMAIL: email}
    return Contact(frozenset(channel for channel, given in reachable.items() if given), opted_out, protected)
