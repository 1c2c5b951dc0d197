"""From a practitioner's week to the times that can be booked: schedule, template, work plan, slot."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.scheduling.surface import Surface
from control.store.base import Base, Id, Scoped, Versioned, choice
from control.store.models.types import Restricted


class Schedule(Scoped, Versioned, Restricted, Base):
    """A practitioner's times in one clinic."""

    __tablename__ = "schedule"
    __table_args__ = (
        UniqueConstraint("clinic_id", "key"),
        ForeignKeyConstraint(["clinic_id", "practitioner_id"], ["practitioner.clinic_id", "practitioner.id"]),
    )

    id: Mapped[Id]
    key: Mapped[str | None]
    practitioner_id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    published: Mapped[bool] = mapped_column(default=False)
    """Shown to patients who book."""


class WeekTemplate(Scoped, Versioned, Base):
    """What weeks look like; edits take effect where a work plan is updated."""

    __tablename__ = "week_template"
    __table_args__ = (UniqueConstraint("clinic_id", "key"),)

    id: Mapped[Id]
    key: Mapped[str | None]
    name: Mapped[str]
    weeks: Mapped[int] = mapped_column(default=1)
    """After how many weeks it begins anew."""
    active: Mapped[bool] = mapped_column(default=True)
    """Without it the free slots made from it are not shown."""


class TemplateEntry(Scoped, Base):
    """Some slots in a row, on one day of the template."""

    __tablename__ = "template_entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["clinic_id", "template_id"], ["week_template.clinic_id", "week_template.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["clinic_id", "type_id"], ["appointment_type.clinic_id", "appointment_type.id"]),
    )

    id: Mapped[Id]
    template_id: Mapped[str] = mapped_column(index=True)
    week: Mapped[int] = mapped_column(default=0)
    """Which week of the template, from 0."""
    weekday: Mapped[int]
    """Monday is 0."""
    starts: Mapped[str]
    """Local time of day, HH:MM."""
    count: Mapped[int] = mapped_column(default=1)
    minutes: Mapped[int]
    type_id: Mapped[str]
    surface: Mapped[Surface | None] = mapped_column(choice(Surface))


class WorkPlan(Scoped, Versioned, Base):
    """Applies a template to a schedule, for some days."""

    __tablename__ = "work_plan"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "schedule_id"], ["schedule.clinic_id", "schedule.id"]),
        ForeignKeyConstraint(["clinic_id", "template_id"], ["week_template.clinic_id", "week_template.id"]),
        UniqueConstraint("clinic_id", "key"),
    )

    id: Mapped[Id]
    key: Mapped[str | None]
    schedule_id: Mapped[str] = mapped_column(index=True)
    template_id: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]
    applied_version: Mapped[int | None]
    """The template's version when slots were last made; None before the first time."""
    active: Mapped[bool] = mapped_column(default=True)
    """Without it its free slots are not shown."""


class SlotState(StrEnum):
    """Whether somebody has it."""

    FREE = "free"
    BOOKED = "booked"
    WITHDRAWN = "withdrawn"


class SlotOrigin(StrEnum):
    """Where it came from: what was made by hand is left alone when a work plan is updated."""

    TEMPLATE = "template"
    HAND = "hand"


class Slot(Scoped, Versioned, Base):
    """A time that can be booked."""

    __tablename__ = "slot"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id", "schedule_id"], ["schedule.clinic_id", "schedule.id"]),
        ForeignKeyConstraint(["clinic_id", "practitioner_id"], ["practitioner.clinic_id", "practitioner.id"]),
        ForeignKeyConstraint(["clinic_id", "type_id"], ["appointment_type.clinic_id", "appointment_type.id"]),
        ForeignKeyConstraint(["clinic_id", "work_plan_id"], ["work_plan.clinic_id", "work_plan.id"]),
        Index("ix_slot_clinic_id_starts", "clinic_id", "starts"),
        Index("ix_slot_clinic_id_schedule_id_starts", "clinic_id", "schedule_id", "starts"),
        Index("ix_slot_person_id_starts", "person_id", "starts"),
    )

    id: Mapped[Id]
    schedule_id: Mapped[str]
    practitioner_id: Mapped[str]
    person_id: Mapped[str]
    """The practitioner's person: their other clinics' times are found by it."""
    type_id: Mapped[str]
    work_plan_id: Mapped[str | None] = mapped_column(index=True)
    starts: Mapped[datetime]
    ends: Mapped[datetime]
    surface: Mapped[Surface] = mapped_column(choice(Surface))
    state: Mapped[SlotState] = mapped_column(choice(SlotState), default=SlotState.FREE)
    origin: Mapped[SlotOrigin] = mapped_column(choice(SlotOrigin), default=SlotOrigin.HAND)
