"""The first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "clinic",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("contact", sa.String(), nullable=True),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("video_enabled", sa.Boolean(), nullable=False),
        sa.Column("unknown_patients_book", sa.Boolean(), nullable=False),
        sa.Column("confirm_entry", sa.Boolean(), nullable=False),
        sa.Column("physical_text", sa.String(), nullable=True),
        sa.Column("privacy_text", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic")),
        sa.UniqueConstraint("key", name=op.f("uq_clinic_key")),
    )
    op.create_table(
        "idempotency_record",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", json, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "route", "key", name=op.f("pk_idempotency_record")),
    )
    op.create_index(op.f("ix_idempotency_record_created_at"), "idempotency_record", ["created_at"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number_digest", sa.LargeBinary(), nullable=True),
        sa.Column("number_digest_key", sa.String(), nullable=True),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("number_sealed_key", sa.String(), nullable=True),
        sa.Column("busy_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("number_digest", name=op.f("uq_person_number_digest")),
    )
    op.create_table(
        "appointment_type",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("supports_video", sa.Boolean(), nullable=False),
        sa.Column(
            "surface",
            sa.Enum(
                "physical", "video", "telephone", name="surface", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("opens_minutes", sa.Integer(), nullable=False),
        sa.Column("closes_minutes", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=True),
        sa.Column("guests", sa.Boolean(), nullable=False),
        sa.Column("max_open", sa.Integer(), nullable=True),
        sa.Column("change_minutes", sa.Integer(), nullable=False),
        sa.Column("booking_text", sa.String(), nullable=True),
        sa.Column("notifies", sa.Boolean(), nullable=False),
        sa.Column("reminds", sa.Boolean(), nullable=False),
        sa.Column("message_after_booking", sa.String(), nullable=True),
        sa.Column("message_to_video", sa.String(), nullable=True),
        sa.Column("age_from", sa.Integer(), nullable=True),
        sa.Column("age_to", sa.Integer(), nullable=True),
        sa.Column("new_patients", sa.Boolean(), nullable=False),
        sa.Column("own_list_only", sa.Boolean(), nullable=False),
        sa.Column("referral_needed", sa.Boolean(), nullable=False),
        sa.Column("lead_minutes", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_appointment_type_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_appointment_type")),
        sa.UniqueConstraint("clinic_id", "key", name=op.f("uq_appointment_type_clinic_id_key")),
    )
    op.create_table(
        "audit_event",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subjects", json, nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("detail_salt", sa.LargeBinary(), nullable=True),
        sa.Column("detail_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_audit_event_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "sequence", name=op.f("pk_audit_event")),
    )
    op.create_table(
        "audit_head",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_audit_head_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "login_session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("clinic_id", sa.String(length=26), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("acr", sa.String(), nullable=True),
        sa.Column("csrf", sa.String(), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_login_session_clinic_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_login_session_person_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_login_session")),
    )
    op.create_index(op.f("ix_login_session_expires_at"), "login_session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_login_session_person_id"), "login_session", ["person_id"], unique=False)
    op.create_table(
        "membership",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "administrator",
                "secretary",
                "practitioner",
                "integrator",
                name="memberrole",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_membership_clinic_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_membership")),
        sa.UniqueConstraint("clinic_id", "person_id", "role", name=op.f("uq_membership_clinic_id_person_id_role")),
    )
    op.create_index(op.f("ix_membership_person_id"), "membership", ["person_id"], unique=False)
    op.create_table(
        "practitioner",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_practitioner_clinic_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_practitioner_person_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_practitioner")),
        sa.UniqueConstraint("clinic_id", "key", name=op.f("uq_practitioner_clinic_id_key")),
        sa.UniqueConstraint("clinic_id", "person_id", name=op.f("uq_practitioner_clinic_id_person_id")),
    )
    op.create_index(op.f("ix_practitioner_person_id"), "practitioner", ["person_id"], unique=False)
    op.create_table(
        "preference",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", json, nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_preference_clinic_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_preference_person_id")),
        sa.PrimaryKeyConstraint("clinic_id", "person_id", "name", name=op.f("pk_preference")),
    )
    op.create_table(
        "room_command",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("room", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("arguments", json, nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_room_command_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_room_command")),
    )
    op.create_index("ix_room_command_number", "room_command", ["number"], unique=False)
    op.create_table(
        "week_template",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_week_template_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_week_template")),
        sa.UniqueConstraint("clinic_id", "key", name=op.f("uq_week_template_clinic_id_key")),
    )
    op.create_table(
        "audit_subject",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "sequence"],
            ["audit_event.clinic_id", "audit_event.sequence"],
            name=op.f("fk_audit_subject_clinic_id_sequence"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_audit_subject_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "sequence", "patient_id", name=op.f("pk_audit_subject")),
    )
    op.create_index(op.f("ix_audit_subject_patient_id"), "audit_subject", ["patient_id"], unique=False)
    op.create_table(
        "patient",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("search_name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("born", sa.Date(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("protected_address", sa.Boolean(), nullable=False),
        sa.Column("opted_out", sa.Boolean(), nullable=False),
        sa.Column("wants_video", sa.Boolean(), nullable=False),
        sa.Column("list_of_id", sa.String(), nullable=True),
        sa.Column("referred_until", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "list_of_id"],
            ["practitioner.clinic_id", "practitioner.id"],
            name=op.f("fk_patient_clinic_id_list_of_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_patient_clinic_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_patient_person_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_patient")),
        sa.UniqueConstraint("clinic_id", "external_id", name=op.f("uq_patient_clinic_id_external_id")),
        sa.UniqueConstraint("clinic_id", "person_id", name=op.f("uq_patient_clinic_id_person_id")),
    )
    op.create_index("ix_patient_clinic_id_search_name", "patient", ["clinic_id", "search_name"], unique=False)
    op.create_index(op.f("ix_patient_person_id"), "patient", ["person_id"], unique=False)
    op.create_table(
        "schedule",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("practitioner_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("age_from", sa.Integer(), nullable=True),
        sa.Column("age_to", sa.Integer(), nullable=True),
        sa.Column("new_patients", sa.Boolean(), nullable=False),
        sa.Column("own_list_only", sa.Boolean(), nullable=False),
        sa.Column("referral_needed", sa.Boolean(), nullable=False),
        sa.Column("lead_minutes", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "practitioner_id"],
            ["practitioner.clinic_id", "practitioner.id"],
            name=op.f("fk_schedule_clinic_id_practitioner_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_schedule_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("clinic_id", "key", name=op.f("uq_schedule_clinic_id_key")),
    )
    op.create_index(op.f("ix_schedule_practitioner_id"), "schedule", ["practitioner_id"], unique=False)
    op.create_table(
        "template_entry",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("starts", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("type_id", sa.String(), nullable=False),
        sa.Column(
            "surface",
            sa.Enum(
                "physical", "video", "telephone", name="surface", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "template_id"],
            ["week_template.clinic_id", "week_template.id"],
            name=op.f("fk_template_entry_clinic_id_template_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "type_id"],
            ["appointment_type.clinic_id", "appointment_type.id"],
            name=op.f("fk_template_entry_clinic_id_type_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_template_entry_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_template_entry")),
    )
    op.create_index(op.f("ix_template_entry_template_id"), "template_entry", ["template_id"], unique=False)
    op.create_table(
        "guardian_relation",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patient.clinic_id", "patient.id"],
            name=op.f("fk_guardian_relation_clinic_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_guardian_relation_clinic_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_guardian_relation_person_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_guardian_relation")),
    )
    op.create_index(op.f("ix_guardian_relation_patient_id"), "guardian_relation", ["patient_id"], unique=False)
    op.create_index(op.f("ix_guardian_relation_person_id"), "guardian_relation", ["person_id"], unique=False)
    op.create_table(
        "work_plan",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("schedule_id", sa.String(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("applied_version", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "schedule_id"],
            ["schedule.clinic_id", "schedule.id"],
            name=op.f("fk_work_plan_clinic_id_schedule_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "template_id"],
            ["week_template.clinic_id", "week_template.id"],
            name=op.f("fk_work_plan_clinic_id_template_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_work_plan_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_work_plan")),
        sa.UniqueConstraint("clinic_id", "key", name=op.f("uq_work_plan_clinic_id_key")),
    )
    op.create_index(op.f("ix_work_plan_schedule_id"), "work_plan", ["schedule_id"], unique=False)
    op.create_table(
        "slot",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("schedule_id", sa.String(), nullable=False),
        sa.Column("practitioner_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("type_id", sa.String(), nullable=False),
        sa.Column("work_plan_id", sa.String(), nullable=True),
        sa.Column("starts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "surface",
            sa.Enum(
                "physical", "video", "telephone", name="surface", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "free", "booked", "withdrawn", name="slotstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "origin",
            sa.Enum("template", "hand", name="slotorigin", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "practitioner_id"],
            ["practitioner.clinic_id", "practitioner.id"],
            name=op.f("fk_slot_clinic_id_practitioner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "schedule_id"],
            ["schedule.clinic_id", "schedule.id"],
            name=op.f("fk_slot_clinic_id_schedule_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "type_id"],
            ["appointment_type.clinic_id", "appointment_type.id"],
            name=op.f("fk_slot_clinic_id_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "work_plan_id"],
            ["work_plan.clinic_id", "work_plan.id"],
            name=op.f("fk_slot_clinic_id_work_plan_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_slot_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_slot")),
    )
    op.create_index(
        "ix_slot_clinic_id_schedule_id_starts", "slot", ["clinic_id", "schedule_id", "starts"], unique=False
    )
    op.create_index("ix_slot_clinic_id_starts", "slot", ["clinic_id", "starts"], unique=False)
    op.create_index("ix_slot_person_id_starts", "slot", ["person_id", "starts"], unique=False)
    op.create_index(op.f("ix_slot_work_plan_id"), "slot", ["work_plan_id"], unique=False)
    op.create_table(
        "appointment",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("slot_id", sa.String(), nullable=True),
        sa.Column("type_id", sa.String(), nullable=False),
        sa.Column("practitioner_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("starts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "surface",
            sa.Enum(
                "physical", "video", "telephone", name="surface", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "booked",
                "cancelled",
                "ended",
                name="appointmentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "completed",
                "no_show",
                "postponed",
                "telephone",
                "physical",
                "ended_quality",
                "ended_privacy",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("external", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.String(), nullable=True),
        sa.Column("video_hinted", sa.Boolean(), nullable=False),
        sa.Column("follows_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "practitioner_id"],
            ["practitioner.clinic_id", "practitioner.id"],
            name=op.f("fk_appointment_clinic_id_practitioner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "slot_id"], ["slot.clinic_id", "slot.id"], name=op.f("fk_appointment_clinic_id_slot_id")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "type_id"],
            ["appointment_type.clinic_id", "appointment_type.id"],
            name=op.f("fk_appointment_clinic_id_type_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_appointment_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_appointment")),
    )
    op.create_index(
        "ix_appointment_clinic_id_practitioner_id_starts",
        "appointment",
        ["clinic_id", "practitioner_id", "starts"],
        unique=False,
    )
    op.create_index("ix_appointment_clinic_id_slot_id", "appointment", ["clinic_id", "slot_id"], unique=False)
    op.create_index("ix_appointment_clinic_id_starts", "appointment", ["clinic_id", "starts"], unique=False)
    op.create_index("ix_appointment_person_id_starts", "appointment", ["person_id", "starts"], unique=False)
    op.create_table(
        "attendee",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("appointment_id", sa.String(), nullable=True),
        sa.Column("consultation_id", sa.String(), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "practitioner",
                "patient",
                "guardian",
                "companion",
                "interpreter",
                "guest",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("person_id", sa.String(length=26), nullable=True),
        sa.Column("patient_id", sa.String(), nullable=True),
        sa.Column("practitioner_id", sa.String(), nullable=True),
        sa.Column("for_patient_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("level", sa.String(), nullable=True),
        sa.Column("link_version", sa.Integer(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "standing",
            sa.Enum(
                "absent",
                "lobby",
                "admitted",
                "held",
                "left",
                "denied",
                "removed",
                name="standing",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grant_id", sa.String(), nullable=True),
        sa.Column("entered_acr", sa.String(), nullable=True),
        sa.Column("entered_by", sa.Double(), nullable=True),
        sa.Column("barred", sa.Boolean(), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("test_verdict", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinic_id", "appointment_id"],
            ["appointment.clinic_id", "appointment.id"],
            name=op.f("fk_attendee_clinic_id_appointment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "for_patient_id"],
            ["patient.clinic_id", "patient.id"],
            name=op.f("fk_attendee_clinic_id_for_patient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patient.clinic_id", "patient.id"],
            name=op.f("fk_attendee_clinic_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "practitioner_id"],
            ["practitioner.clinic_id", "practitioner.id"],
            name=op.f("fk_attendee_clinic_id_practitioner_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_attendee_clinic_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_attendee_person_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_attendee")),
    )
    op.create_index("ix_attendee_clinic_id_appointment_id", "attendee", ["clinic_id", "appointment_id"], unique=False)
    op.create_index("ix_attendee_clinic_id_consultation_id", "attendee", ["clinic_id", "consultation_id"], unique=False)
    op.create_index("ix_attendee_clinic_id_patient_id", "attendee", ["clinic_id", "patient_id"], unique=False)
    op.create_index("ix_attendee_id", "attendee", ["id"], unique=True)
    op.create_index(op.f("ix_attendee_person_id"), "attendee", ["person_id"], unique=False)
    op.create_table(
        "consultation",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("appointment_id", sa.String(), nullable=True),
        sa.Column("room", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "running",
                "ended",
                name="consultationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("starts", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice_minutes", sa.Integer(), nullable=True),
        sa.Column("notice_text", sa.String(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "appointment_id"],
            ["appointment.clinic_id", "appointment.id"],
            name=op.f("fk_consultation_clinic_id_appointment_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_consultation_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_consultation")),
        sa.UniqueConstraint("clinic_id", "appointment_id", name=op.f("uq_consultation_clinic_id_appointment_id")),
        sa.UniqueConstraint("room", name=op.f("uq_consultation_room")),
    )
    op.create_index("ix_consultation_id", "consultation", ["id"], unique=True)
    op.create_table(
        "admission",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("attendee_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.String(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("acr", sa.String(), nullable=True),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attendee_id"],
            ["attendee.clinic_id", "attendee.id"],
            name=op.f("fk_admission_clinic_id_attendee_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consultation_id"],
            ["consultation.clinic_id", "consultation.id"],
            name=op.f("fk_admission_clinic_id_consultation_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_admission_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_admission")),
        sa.UniqueConstraint(
            "clinic_id",
            "consultation_id",
            "epoch",
            "sequence",
            name=op.f("uq_admission_clinic_id_consultation_id_epoch_sequence"),
        ),
    )
    op.create_table(
        "attendance",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("attendee_id", sa.String(), nullable=False),
        sa.Column("attended", sa.Boolean(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("acr", sa.String(), nullable=True),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("registered_by", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attendee_id"],
            ["attendee.clinic_id", "attendee.id"],
            name=op.f("fk_attendance_clinic_id_attendee_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consultation_id"],
            ["consultation.clinic_id", "consultation.id"],
            name=op.f("fk_attendance_clinic_id_consultation_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_attendance_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_attendance")),
        sa.UniqueConstraint(
            "clinic_id",
            "consultation_id",
            "attendee_id",
            name=op.f("uq_attendance_clinic_id_consultation_id_attendee_id"),
        ),
    )
    op.create_table(
        "consultation_message",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("attendee_id", sa.String(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "delayed",
                "late",
                "cant_wait",
                "physical",
                name="messagekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consultation_id"],
            ["consultation.clinic_id", "consultation.id"],
            name=op.f("fk_consultation_message_clinic_id_consultation_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_consultation_message_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_consultation_message")),
    )
    op.create_index(
        "ix_consultation_message_clinic_id_consultation_id",
        "consultation_message",
        ["clinic_id", "consultation_id"],
        unique=False,
    )
    op.create_table(
        "identification",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("attendee_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("by_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attendee_id"],
            ["attendee.clinic_id", "attendee.id"],
            name=op.f("fk_identification_clinic_id_attendee_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consultation_id"],
            ["consultation.clinic_id", "consultation.id"],
            name=op.f("fk_identification_clinic_id_consultation_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_identification_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_identification")),
    )
    op.create_index(
        "ix_identification_clinic_id_consultation_id", "identification", ["clinic_id", "consultation_id"], unique=False
    )
    op.create_table(
        "issued_grant",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("attendee_id", sa.String(), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attendee_id"],
            ["attendee.clinic_id", "attendee.id"],
            name=op.f("fk_issued_grant_clinic_id_attendee_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consultation_id"],
            ["consultation.clinic_id", "consultation.id"],
            name=op.f("fk_issued_grant_clinic_id_consultation_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_issued_grant_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_issued_grant")),
    )
    op.create_index("ix_issued_grant_issued_at", "issued_grant", ["issued_at"], unique=False)
    op.create_table(
        "outbox_entry",
        sa.Column("clinic_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("appointment_id", sa.String(), nullable=True),
        sa.Column("attendee_id", sa.String(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "paused",
                "withdrawn",
                "sent",
                name="outboxstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arguments", json, nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "appointment_id"],
            ["appointment.clinic_id", "appointment.id"],
            name=op.f("fk_outbox_entry_clinic_id_appointment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "attendee_id"],
            ["attendee.clinic_id", "attendee.id"],
            name=op.f("fk_outbox_entry_clinic_id_attendee_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_outbox_entry_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_outbox_entry")),
    )
    op.create_index(
        "ix_outbox_entry_clinic_id_appointment_id", "outbox_entry", ["clinic_id", "appointment_id"], unique=False
    )
    op.create_index("ix_outbox_entry_state_due_at", "outbox_entry", ["state", "due_at"], unique=False)
