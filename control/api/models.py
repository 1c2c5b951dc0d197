"""What goes in and out of the REST interface: bases of the models, and the fields that many of them have."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

ID_PATTERN: Final = "^[a-z2-7]{26}$"
ItemT = TypeVar("ItemT")


class Input(BaseModel):
    """What a body may hold: nothing unknown, nothing converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()  # what was sent comes into no log


class Output(BaseModel):
    """What an answer holds."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_serialization_defaults_required=True
    )


class Versioned(Output):
    """A thing that changes; its version is also the answer's ETag."""

    version: Annotated[int, Field(ge=1)]


class Nothing(Input):
    """No query."""


class PageQuery(Input):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(min_length=1, max_length=400, pattern=r"^[A-Za-z0-9_-]+$")] = None


class Page(Output, Generic[ItemT]):
    """Part of a list, and where it goes on."""

    items: list[ItemT]
    next: str | None
    """The cursor of the next page; null at the end."""


def _in_range(value: datetime) -> datetime:
    """Times that all databases keep, and that stay times in every zone."""
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        moment = None
    if moment is None or not 1900 <= moment.year <= 2200:
        raise PydanticCustomError("out_of_range", "years 1900 to 2200")
    return moment


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    AwareDatetime,
    AfterValidator(_in_range),
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
    Field(json_schema_extra={"format": "date-time", "examples": ["2026-03-02T08:15:00Z"]}),
]
"""A moment, with its offset (RFC 3339); told in UTC."""

Id = Annotated[str, Field(pattern=ID_PATTERN, examples=["mzxw6ytboi4tqmrqgaytsnrvge"])]
"""Opaque: nothing can be read from it."""

TEXT: Final[dict[str, Any]] = {
    "pattern": "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f"
    "\\u202a-\\u202e\\u2066-\\u2069\\ufdd0-\\ufdef\\ufffe\\uffff]*$"
}
"""What the document says of text; `strict_json.check_text` holds to it, and to the noncharacters of all planes."""
Line = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=TEXT)]
"""A name, a title."""

Words = Annotated[str, Field(max_length=4000, json_schema_extra=TEXT)]
"""Text that somebody wrote for somebody."""
