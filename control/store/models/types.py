"""Types of appointment: how long, by what contact surface, who may book, when its room opens."""

from datetime import timedelta

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.scheduling.surface import Surface
from control.store.base import Base, Id, Scoped, Versioned, choice


class Restricted:
    """Who may book, as a schedule or a type says it; those of both hold."""

    age_from: Mapped[int | None]
    age_to: Mapped[int | None]
    """Ages, in whole years, that may book, both included."""
    new_patients: Mapped[bool] = mapped_column(default=True)
    own_list_only: Mapped[bool] = mapped_column(default=False)
    referral_needed: Mapped[bool] = mapped_column(default=False)
    lead_minutes: Mapped[int] = mapped_column(default=0)
    """How long before the start patients must have booked."""
    horizon_days: Mapped[int | None]
    """How far ahead patients may book."""


class AppointmentType(Scoped, Versioned, Restricted, Base):
    """A type of appointment; only an administrator changes it."""

    __tablename__ = "appointment_type"
    __table_args__ = (UniqueConstraint("clinic_id", "key"),)

    id: Mapped[Id]
    key: Mapped[str | None]
    """The natural key of imports."""
    name: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    published: Mapped[bool] = mapped_column(default=False)
    """Shown to patients who book."""
    supports_video: Mapped[bool] = mapped_column(default=False)
    surface: Mapped[Surface] = mapped_column(choice(Surface), default=Surface.PHYSICAL)
    """What an appointment of this type has, unless its slot or itself says otherwise."""
    minutes: Mapped[int]
    capacity: Mapped[int] = mapped_column(default=1)
    """How many patients; a group has more than one."""

    opens_minutes: Mapped[int] = mapped_column(default=15)
    """From how long before the start a patient may enter."""
    closes_minutes: Mapped[int] = mapped_column(default=120)
    """Until how long after the start."""
    level: Mapped[str | None]
    """The `acr` that patients must log in with; None where the link alone leads to the lobby."""
    guests: Mapped[bool] = mapped_column(default=True)
    """Whether named guests may be invited."""

    max_open: Mapped[int | None]
    """How many future bookings of this type a patient may have at a time."""
    change_minutes: Mapped[int] = mapped_column(default=0)
    """Until how long before the start patients may cancel and move by themselves."""
    booking_text: Mapped[str | None]
    """Extra information shown while booking."""

    notifies: Mapped[bool] = mapped_column(default=True)
    """Whether the patient is told of bookings and changes."""
    reminds: Mapped[bool] = mapped_column(default=True)
    message_after_booking: Mapped[str | None]
    message_to_video: Mapped[str | None]
    """The clinic's own words for the change from physical to video."""

    @property
    def duration(self) -> timedelta:
        """How long it lasts."""
        return timedelta(minutes=self.minutes)
