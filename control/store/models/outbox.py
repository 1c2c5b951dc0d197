"""What patients must be told: written with the act, sent later."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from control.store.base import Base, Id, Scoped, choice


class OutboxState(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    PAUSED = "paused"
    """After a restore, until staff have looked."""
    WITHDRAWN = "withdrawn"
    SENT = "sent"


class OutboxEntry(Scoped, Base):
    """One thing to tell one attendee. The link and the words are made when it is sent."""

    __tablename__ = "outbox_entry"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "appointment_id"], ["appointment.clinic_id", "appointment.id"]),
        ForeignKeyConstraint(["clinic_id", "attendee_id"], ["attendee.clinic_id", "attendee.id"]),
        Index("ix_outbox_entry_state_due_at", "state", "due_at"),
        Index("ix_outbox_entry_clinic_id_appointment_id", "clinic_id", "appointment_id"),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    appointment_id: Mapped[str | None]
    attendee_id: Mapped[str | None]
    state: Mapped[OutboxState] = mapped_column(choice(OutboxState), default=OutboxState.QUEUED)
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
