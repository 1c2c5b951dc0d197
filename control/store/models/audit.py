"""The log of acts and views, a hash chain per clinic."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from control.store.base import Base, Json, Scoped


class AuditHead(Scoped, Base):
    """The end of a clinic's chain; whoever writes an event holds this row until the act is done."""

    __tablename__ = "audit_head"

    sequence: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditEvent(Scoped, Base):
    """One act or view. `detail` may be erased; what the chain covers is its hash."""

    __tablename__ = "audit_event"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    action: Mapped[str]
    subjects: Mapped[list[list[str]]] = mapped_column(Json)
    """Pairs of kind and opaque identifier of what it was about, patients among them."""
    detail: Mapped[str | None]
    """Canonical JSON; erased when its time is over."""
    detail_salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    detail_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditSubject(Scoped, Base):
    """Finds the events about a patient; derived from the events, so not part of the chain."""

    __tablename__ = "audit_subject"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "sequence"], ["audit_event.clinic_id", "audit_event.sequence"]),
    )

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    patient_id: Mapped[str] = mapped_column(primary_key=True, index=True)
