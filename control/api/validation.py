"""Bodies and queries into models; what is wrong with them is told by place and code, never by value."""

from collections.abc import Sequence
from typing import Final, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ValidationError

from control.api.errors import QueryError
from control.api.strict_json import check_text, parse
from control.errors import InvalidInputError

ModelT = TypeVar("ModelT", bound=BaseModel)

_CODES: Final = {
    "missing": "missing",
    "extra_forbidden": "unknown_member",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_short",
    "too_long": "too_long",
    "greater_than": "too_small",
    "greater_than_equal": "too_small",
    "less_than": "too_big",
    "less_than_equal": "too_big",
    "string_pattern_mismatch": "malformed",
    "enum": "unknown_choice",
    "literal_error": "unknown_choice",
    "union_tag_invalid": "unknown_choice",
    "union_tag_not_found": "missing",
    "timezone_aware": "zone_missing",
    "value_error": "invalid",
}
"""Pydantic's words may change with its versions; ours don't. Codes of our own validators pass as they are."""

_MALFORMED: Final = ("_parsing", "_from_date_parsing", "_inexact")


def read_body(body: bytes, model: type[ModelT]) -> tuple[ModelT, object]:
    """The body as the model, and as plain JSON (raises BadRequestError, InvalidInputError)."""
    plain = parse(body)
    try:
        return model.model_validate_json(body), plain
    except ValidationError as error:
        raise _invalid(error, plain) from None


def read_query(raw: str, model: type[ModelT]) -> ModelT:
    """The query part of an address (raises QueryError, InvalidInputError)."""
    given: dict[str, str] = {}
    for pair in filter(None, raw.split("&")):
        name, _, value = pair.partition("=")
        decoded = _decoded(name)
        if decoded in given:
            raise QueryError("a parameter is given twice")
        given[decoded] = _decoded(value)
    try:
        return model.model_validate_strings(given)
    except ValidationError as error:
        raise _invalid(error, dict(given)) from None


def _decoded(text: str) -> str:
    try:
        decoded = unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise QueryError("the query is not UTF-8") from None
    check_text(decoded)
    return decoded


def _invalid(error: ValidationError, given: object) -> InvalidInputError:
    faults = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        pointer = _pointer(fault["loc"], given, names_own=fault["type"] != "extra_forbidden")
        faults.append({"pointer": pointer, "code": _code(fault["type"])})
    return InvalidInputError("a value can't be meant; `errors` names each", errors=faults)


def _code(kind: str) -> str:
    if kind.endswith(_MALFORMED):
        return "malformed"
    if kind.endswith("_type") or kind == "model_attributes_type":
        return "wrong_type"
    return _CODES.get(kind, kind)


def _pointer(location: Sequence[int | str], given: object, *, names_own: bool) -> str:
    """RFC 6901. A member that is unknown is told by where it stands: its name is the caller's own text.

    What pydantic adds of its own, the branches of a union, is no part of the body and left out.
    """
    steps, here = [], given
    for number, step in enumerate(location):
        is_last = number == len(location) - 1
        if is_last and not names_own:
            break
        match here, step:
            case dict(), str() if step in here:
                here = here[step]
            case list(), int() if step < len(here):
                here = here[step]
            case dict(), str() if is_last:
                here = None
            case _:
                continue
        steps.append(str(step).replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{step}" for step in steps)
