"""The meeting itself, as control knows it: its room, who was let in, who attended, what was said to the waiting."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.store.base import Base, Id, Scoped, Versioned, choice


class ConsultationState(StrEnum):
    """The life of a consultation."""

    PLANNED = "planned"
    RUNNING = "running"
    ENDED = "ended"


class Consultation(Scoped, Versioned, Base):
    """A meeting by video and its room, usually of an appointment."""

    __tablename__ = "consultation"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "appointment_id"], ["appointment.clinic_id", "appointment.id"]),
        UniqueConstraint("clinic_id", "appointment_id"),
        Index("ix_consultation_id", "id", unique=True),  # patients' logins are in no clinic
    )

    id: Mapped[Id]
    appointment_id: Mapped[str | None]
    room: Mapped[str] = mapped_column(unique=True)
    """The room's name on the media node; tells nothing."""
    state: Mapped[ConsultationState] = mapped_column(choice(ConsultationState), default=ConsultationState.PLANNED)
    size: Mapped[int] = mapped_column(default=2)
    starts: Mapped[datetime | None]
    """Of one without an appointment."""
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    notice_minutes: Mapped[int | None]
    notice_text: Mapped[str | None]
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    sequence: Mapped[int] = mapped_column(default=0)
    """The last event of the room that was applied here."""
    created_at: Mapped[datetime]


class IssuedGrant(Scoped, Base):
    """A grant that was given out, and when the login behind it was made; the room's events tell whether it was used."""

    __tablename__ = "issued_grant"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "consultation_id"], ["consultation.clinic_id", "consultation.id"]),
        ForeignKeyConstraint(["clinic_id", "attendee_id"], ["attendee.clinic_id", "attendee.id"]),
        Index("ix_issued_grant_issued_at", "issued_at"),
    )

    id: Mapped[Id]
    """The grant's `jti`."""
    consultation_id: Mapped[str]
    attendee_id: Mapped[str]
    authenticated_at: Mapped[datetime | None]
    issued_at: Mapped[datetime]


class Admission(Scoped, Base):
    """Somebody was let in, with what their login proved. Made from the room's events alone."""

    __tablename__ = "admission"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "consultation_id"], ["consultation.clinic_id", "consultation.id"]),
        ForeignKeyConstraint(["clinic_id", "attendee_id"], ["attendee.clinic_id", "attendee.id"]),
        UniqueConstraint("clinic_id", "consultation_id", "epoch", "sequence"),
    )

    id: Mapped[Id]
    consultation_id: Mapped[str]
    attendee_id: Mapped[str]
    at: Mapped[datetime]
    by_id: Mapped[str | None]
    """The attendee who let them in; None who came by a right of their own."""
    epoch: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int]
    acr: Mapped[str | None]
    authenticated_at: Mapped[datetime | None]


class Attendance(Scoped, Base):
    """The practitioner says who attended, and how the person was known."""

    __tablename__ = "attendance"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "consultation_id"], ["consultation.clinic_id", "consultation.id"]),
        ForeignKeyConstraint(["clinic_id", "attendee_id"], ["attendee.clinic_id", "attendee.id"]),
        UniqueConstraint("clinic_id", "consultation_id", "attendee_id"),
    )

    id: Mapped[Id]
    consultation_id: Mapped[str]
    attendee_id: Mapped[str]
    attended: Mapped[bool]
    method: Mapped[str]
    """`login`, or how the practitioner knew: `known`, `shown_id`, `questions`, `other`."""
    acr: Mapped[str | None]
    authenticated_at: Mapped[datetime | None]
    registered_by: Mapped[str]
    registered_at: Mapped[datetime]


class Identification(Scoped, Base):
    """How somebody without a login was identified, as the practitioner says."""

    __tablename__ = "identification"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "consultation_id"], ["consultation.clinic_id", "consultation.id"]),
        ForeignKeyConstraint(["clinic_id", "attendee_id"], ["attendee.clinic_id", "attendee.id"]),
        Index("ix_identification_clinic_id_consultation_id", "clinic_id", "consultation_id"),
    )

    id: Mapped[Id]
    consultation_id: Mapped[str]
    attendee_id: Mapped[str]
    method: Mapped[str]
    by_id: Mapped[str]
    at: Mapped[datetime]


class MessageKind(StrEnum):
    """What the sides tell each other about a wait."""

    DELAYED = "delayed"
    LATE = "late"
    CANT_WAIT = "cant_wait"
    PHYSICAL = "physical"


class ConsultationMessage(Scoped, Base):
    """A word about a wait, shown in the worklist or in the lobby."""

    __tablename__ = "consultation_message"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "consultation_id"], ["consultation.clinic_id", "consultation.id"]),
        Index("ix_consultation_message_clinic_id_consultation_id", "clinic_id", "consultation_id"),
    )

    id: Mapped[Id]
    consultation_id: Mapped[str]
    attendee_id: Mapped[str | None]
    kind: Mapped[MessageKind] = mapped_column(choice(MessageKind))
    minutes: Mapped[int | None]
    text: Mapped[str | None]
    at: Mapped[datetime]


class RoomCommand(Scoped, Base):
    """What a room is still to be told: written with the act, deleted once the room has it."""

    __tablename__ = "room_command"
    __table_args__ = (Index("ix_room_command_number", "number"),)

    id: Mapped[Id]
    number: Mapped[int] = mapped_column(BigInteger)
    """The order in which commands were given, in microseconds of the epoch."""
    room: Mapped[str]
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]]
