"""Who is logged in, what was answered to repeated requests, and what people like to see."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from control.store.base import Base, Global, Scoped


class LoginSession(Global, Base):
    """A login; the cookie's secret is kept as a digest."""

    __tablename__ = "login_session"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    clinic_id: Mapped[str | None] = mapped_column(ForeignKey("clinic.id"))
    """The one active clinic; patients have none."""
    role: Mapped[str]
    acr: Mapped[str | None]
    csrf: Mapped[str]
    authenticated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class IdempotencyRecord(Global, Base):
    """The answer to a request that may come again."""

    __tablename__ = "idempotency_record"

    caller: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)


class Preference(Scoped, Base):
    """What a member of staff chose about their own view."""

    __tablename__ = "preference"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]
