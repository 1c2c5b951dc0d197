"""A clinic, and who works there."""

from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.store.base import Base, Id, Scoped, Versioned, choice


class Clinic(Versioned, Base):
    """A clinic; its zone is what its people mean by a time of day."""

    __tablename__ = "clinic"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    """The natural key of imports."""
    name: Mapped[str]
    department: Mapped[str | None]
    phone: Mapped[str | None]
    contact: Mapped[str | None]
    """What the landing page says on how to reach the department, in the clinic's words."""
    zone: Mapped[str] = mapped_column(default="Europe/Oslo")
    video_enabled: Mapped[bool] = mapped_column(default=False)
    unknown_patients_book: Mapped[bool] = mapped_column(default=False)
    """Whether somebody who is no patient here yet may book, which makes the record from the login."""
    confirm_entry: Mapped[bool] = mapped_column(default=True)
    """Whether pages ask everybody to confirm whom they are about to meet before they go in."""
    physical_text: Mapped[str | None]
    """The clinic's own words on what a change to a physical visit means."""
    privacy_text: Mapped[str | None]


class MemberRole(StrEnum):
    """What staff may be."""

    ADMINISTRATOR = "administrator"
    SECRETARY = "secretary"
    PRACTITIONER = "practitioner"
    INTEGRATOR = "integrator"


class Membership(Scoped, Base):
    """A person works in a clinic in this role; one person may have several."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("clinic_id", "person_id", "role"),)

    id: Mapped[Id]
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    key: Mapped[str | None]
    """The natural key of imports: whose this is, with whatever roles."""
    role: Mapped[MemberRole] = mapped_column(choice(MemberRole))
    active: Mapped[bool] = mapped_column(default=True)
