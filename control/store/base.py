"""The base of all tables, their types, and who owns a row: a clinic, or nobody in particular."""

import base64
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

from sqlalchemy import JSON, Date, DateTime, Dialect, Enum, ForeignKey, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

_E = TypeVar("_E", bound=StrEnum)

ID_LENGTH: Final = 26


def new_id(random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """An opaque identifier: 128 random bits in lower-case base32 (RFC 4648), 26 characters."""
    return base64.b32encode(random(16)).decode().rstrip("=").lower()


class Instant(TypeDecorator[datetime]):
    """A moment: aware and in UTC in Python, so that no zone is ever guessed; ValueError for a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


Json: Final = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def choice(kind: type[_E]) -> Enum:
    """A column that holds one of the enum's values, held to them by the database."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: Final = {
        datetime: Instant(),
        date: Date(),
        dict[str, Any]: Json,
        list[str]: Json,
        str: String(),
    }


ClinicId = Annotated[str, mapped_column(String(ID_LENGTH), ForeignKey("clinic.id"), primary_key=True)]
Id = Annotated[str, mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)]


class Scoped:
    """A row of one clinic: the scope adds that clinic to every statement about it."""

    clinic_id: Mapped[ClinicId] = mapped_column(sort_order=-2)


class Versioned:
    """A row that counts its changes: two who change it at once notice (`StaleDataError`), and it is the row's ETag."""

    version: Mapped[int] = mapped_column(default=1, sort_order=99)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805  it is a class method to SQLAlchemy
        return {"version_id_col": cls.version}


class Global:
    """A row of nobody in particular: only statements that name one of the listed reasons may touch it."""
