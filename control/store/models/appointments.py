"""Appointments, and who is expected at them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, ForeignKeyConstraint, Index, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from control.scheduling.surface import Surface
from control.store.base import Base, Id, Scoped, Versioned, choice
from signalling.roles import Role
from signalling.room import Standing


class AppointmentState(StrEnum):
    """Whether it stands."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    ENDED = "ended"


class Outcome(StrEnum):
    """How it came out."""

    COMPLETED = "completed"
    NO_SHOW = "no_show"
    POSTPONED = "postponed"
    TELEPHONE = "telephone"
    PHYSICAL = "physical"
    ENDED_QUALITY = "ended_quality"
    ENDED_PRIVACY = "ended_privacy"


class Appointment(Scoped, Versioned, Base):
    """A time that attendees have agreed on."""

    __tablename__ = "appointment"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "slot_id"], ["slot.clinic_id", "slot.id"]),
        ForeignKeyConstraint(["clinic_id", "type_id"], ["appointment_type.clinic_id", "appointment_type.id"]),
        ForeignKeyConstraint(["clinic_id", "practitioner_id"], ["practitioner.clinic_id", "practitioner.id"]),
        Index("ix_appointment_clinic_id_starts", "clinic_id", "starts"),
        Index("ix_appointment_clinic_id_practitioner_id_starts", "clinic_id", "practitioner_id", "starts"),
        Index("ix_appointment_person_id_starts", "person_id", "starts"),
        Index("ix_appointment_clinic_id_slot_id", "clinic_id", "slot_id"),
    )

    id: Mapped[Id]
    slot_id: Mapped[str | None]
    type_id: Mapped[str]
    practitioner_id: Mapped[str]
    person_id: Mapped[str]
    """The practitioner's person, as in a slot."""
    starts: Mapped[datetime]
    ends: Mapped[datetime]
    surface: Mapped[Surface] = mapped_column(choice(Surface))
    state: Mapped[AppointmentState] = mapped_column(choice(AppointmentState), default=AppointmentState.BOOKED)
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome))
    external: Mapped[bool] = mapped_column(default=False)
    """Booked in another system."""
    remark: Mapped[str | None]
    """What another system or staff wrote."""
    video_hinted: Mapped[bool] = mapped_column(default=False)
    """The remark of an external booking says video, and staff shall look."""
    follows_id: Mapped[str | None]
    """The appointment from which this one was booked or moved."""
    created_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None]

    attendees: Mapped[list["Attendee"]] = relationship(
        lazy="raise", viewonly=True, primaryjoin=lambda: _is_attendee_of(), order_by=lambda: Attendee.id
    )


class Attendee(Scoped, Base):
    """Who is expected: a person or a named guest, with their own role, link, level of login and shown name.

    The identifier is also the participant's in the room.
    """

    __tablename__ = "attendee"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "appointment_id"], ["appointment.clinic_id", "appointment.id"]),
        ForeignKeyConstraint(["clinic_id", "patient_id"], ["patient.clinic_id", "patient.id"]),
        ForeignKeyConstraint(["clinic_id", "practitioner_id"], ["practitioner.clinic_id", "practitioner.id"]),
        ForeignKeyConstraint(["clinic_id", "for_patient_id"], ["patient.clinic_id", "patient.id"]),
        Index("ix_attendee_id", "id", unique=True),  # links name the attendee alone
        Index("ix_attendee_clinic_id_appointment_id", "clinic_id", "appointment_id"),
        Index("ix_attendee_clinic_id_consultation_id", "clinic_id", "consultation_id"),
        Index("ix_attendee_clinic_id_patient_id", "clinic_id", "patient_id"),
    )

    id: Mapped[Id]
    appointment_id: Mapped[str | None]
    consultation_id: Mapped[str | None]
    """Of a consultation without an appointment."""
    role: Mapped[Role] = mapped_column(choice(Role))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)
    patient_id: Mapped[str | None]
    practitioner_id: Mapped[str | None]
    for_patient_id: Mapped[str | None]
    """Whose guardian, companion or interpreter this is."""
    name: Mapped[str]
    label: Mapped[str | None]
    """What the others see instead of the name, as the attendee chose."""
    comment: Mapped[str | None]
    """What the patient wrote while booking; in a group it is for the practitioner alone."""
    phone: Mapped[str | None]
    email: Mapped[str | None]
    level: Mapped[str | None]
    """The `acr` that this attendee must log in with; None where the link alone leads to the lobby."""
    link_version: Mapped[int] = mapped_column(default=1)
    """Links are derived from identifier and version: a new version is another link, and ends the old one."""
    removed_at: Mapped[datetime | None]
    """No longer expected: link and grants are dead."""
    entered_at: Mapped[datetime | None]
    """The first entry into the room."""
    standing: Mapped[Standing | None] = mapped_column(choice(Standing))
    """Where in the room, as its events last said; None where nobody came yet, or it is over."""
    waiting_since: Mapped[datetime | None]
    """In the lobby since."""
    grant_id: Mapped[str | None]
    """The grant of the last entry (`issued_grant`)."""
    entered_acr: Mapped[str | None]
    """The level of login that it vouched for, as the room knows it."""
    entered_by: Mapped[float | None]
    """Wall time at which that grant was issued, as the room knows it: a revocation of before does not concern it."""
    barred: Mapped[bool] = mapped_column(default=False)
    """Was denied, removed or revoked once: enters by the lobby ever after."""
    tested_at: Mapped[datetime | None]
    test_verdict: Mapped[str | None]
    """How the last test of sound, picture and network came out."""


def _is_attendee_of() -> ColumnElement[bool]:
    return and_(
        foreign(Attendee.clinic_id) == Appointment.clinic_id, foreign(Attendee.appointment_id) == Appointment.id
    )
