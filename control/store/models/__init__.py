"""The tables. Importing this package makes all of them known to `Base.metadata`."""

from control.scheduling.surface import Surface
from control.store.models.access import IdempotencyRecord, LoginSession, Preference
from control.store.models.audit import AuditEvent, AuditHead, AuditSubject
from control.store.models.clinic import Clinic, MemberRole, Membership
from control.store.models.consultation import (
    Admission,
    Attendance,
    Consultation,
    ConsultationMessage,
    ConsultationState,
    Identification,
    IssuedGrant,
    MessageKind,
    RoomCommand,
)
from control.store.models.outbox import OutboxEntry, OutboxState
from control.store.models.people import GuardianRelation, Patient, Person, Practitioner
from control.store.models.schedules import Schedule, Slot, SlotOrigin, SlotState, TemplateEntry, WeekTemplate, WorkPlan
from control.store.models.types import AppointmentType

from control.store.models.appointments import Appointment, AppointmentState, Attendee, Outcome  # isort: skip

__all__ = [
    "Admission",
    "Appointment",
    "AppointmentState",
    "AppointmentType",
    "Attendance",
    "Attendee",
    "AuditEvent",
    "AuditHead",
    "AuditSubject",
    "Clinic",
    "Consultation",
    "ConsultationMessage",
    "ConsultationState",
    "GuardianRelation",
    "IdempotencyRecord",
    "Identification",
    "IssuedGrant",
    "LoginSession",
    "MemberRole",
    "Membership",
    "MessageKind",
    "OutboxEntry",
    "OutboxState",
    "Outcome",
    "Patient",
    "Person",
    "Practitioner",
    "Preference",
    "RoomCommand",
    "Schedule",
    "Slot",
    "SlotOrigin",
    "SlotState",
    "Surface",
    "TemplateEntry",
    "WeekTemplate",
    "WorkPlan",
]
