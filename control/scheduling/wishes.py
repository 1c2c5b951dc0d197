"""The patient asks for video next time; staff see it when they book (row 77)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.scheduling.booking import guardian_of
from control.scheduling.rows import acts_by, find, note
from control.scheduling.rules import By
from control.store.models import Patient


async def wish_for_video(
    session: AsyncSession, actor: Reference, patient_id: str, wants: bool, now: datetime
) -> Patient:
    """By the patient, a guardian, or staff for them (raises NotFoundError). Met by the next booking by video."""
    patient = await find(session, Patient, patient_id)
    if acts_by(actor) is By.PATIENT and patient.person_id != actor.id:
        await guardian_of(session, patient.id, actor.id, now)
    patient.wants_video = wants
    await session.flush()
    await note(session, actor, "patient.wants_video", now, [("patient", patient.id)], {"wants": wants})
    return patient
