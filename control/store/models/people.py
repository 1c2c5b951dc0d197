"""Persons, and what they are to a clinic."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.store.base import Base, Global, Id, Scoped, Versioned


class Person(Global, Base):
    """Somebody who logs in, whichever clinic they have to do with.

    The identity number is kept as a keyed digest to be matched, and sealed where it must be shown; each names its key.
    """

    __tablename__ = "person"

    id: Mapped[Id]
    name: Mapped[str]
    number_digest: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    number_digest_key: Mapped[str | None]
    number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    number_sealed_key: Mapped[str | None]
    busy_version: Mapped[int] = mapped_column(default=0)
    """Written by whoever books a time of this practitioner: two bookings, of whichever clinics, wait for each other."""
    created_at: Mapped[datetime]


class Patient(Scoped, Versioned, Base):
    """A person as a patient of a clinic; without `person_id` nobody could prove to be this patient by a login."""

    __tablename__ = "patient"
    __table_args__ = (
        UniqueConstraint("clinic_id", "person_id"),
        UniqueConstraint("clinic_id", "external_id"),
        ForeignKeyConstraint(["clinic_id", "list_of_id"], ["practitioner.clinic_id", "practitioner.id"]),
        Index("ix_patient_clinic_id_search_name", "clinic_id", "search_name"),
    )

    id: Mapped[Id]
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)
    external_id: Mapped[str | None]
    """The journal system's own identifier."""
    name: Mapped[str]
    search_name: Mapped[str] = mapped_column(String().with_variant(String(collation="C"), "postgresql"))
    """The name case-folded (`people.rules.search_form`), in the order of code points on both databases."""
    born: Mapped[date | None]
    """As staff or the journal system say; never derived from a number."""
    phone: Mapped[str | None]
    email: Mapped[str | None]
    address: Mapped[str | None]
    protected_address: Mapped[bool] = mapped_column(default=False)
    """Address, phone and place are kept from companions, messages and exports."""
    opted_out: Mapped[bool] = mapped_column(default=False)
    """Wants no messages."""
    wants_video: Mapped[bool] = mapped_column(default=False)
    """Asked for video the next time."""
    list_of_id: Mapped[str | None]
    """On whose list the patient is."""
    referred_until: Mapped[date | None]
    """A referral holds through this day."""
    created_at: Mapped[datetime]


class Practitioner(Scoped, Base):
    """A person as a practitioner of a clinic."""

    __tablename__ = "practitioner"
    __table_args__ = (UniqueConstraint("clinic_id", "person_id"), UniqueConstraint("clinic_id", "key"))

    id: Mapped[Id]
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    key: Mapped[str | None]
    """The natural key of imports."""
    name: Mapped[str]
    title: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)


class GuardianRelation(Scoped, Versioned, Base):
    """A person may act for a patient, until the end date or until it is revoked; never inferred from anything."""

    __tablename__ = "guardian_relation"
    __table_args__ = (ForeignKeyConstraint(["clinic_id", "patient_id"], ["patient.clinic_id", "patient.id"]),)

    id: Mapped[Id]
    patient_id: Mapped[str] = mapped_column(index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    ends_on: Mapped[date | None]
    """The first day on which it no longer holds."""
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
