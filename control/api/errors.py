"""What the REST interface refuses before any rule is asked. No message repeats what was sent."""

from collections.abc import Mapping
from typing import Any, ClassVar

from control.errors import BadRequestError, ControlError


class MalformedJsonError(BadRequestError):
    """Not JSON (RFC 8259) in UTF-8."""

    code = "json_malformed"


class DuplicateMemberError(BadRequestError):
    """An object has two members of one name: readers differ on which counts."""

    code = "json_duplicate_member"


class JsonTooDeepError(BadRequestError):
    """Arrays and objects within each other beyond anything the interface asks for."""

    code = "json_too_deep"


class NumberRangeError(BadRequestError):
    """A number that not every reader of JSON holds exactly (RFC 8259, section 6)."""

    code = "json_number_range"


class ForbiddenTextError(BadRequestError):
    """Text with a control character, one that overrides the direction of text, or what is no character."""

    code = "text_forbidden"


class UnexpectedBodyError(BadRequestError):
    """A body where none is asked for."""

    code = "body_unexpected"


class QueryError(BadRequestError):
    """The query part of the address can't be read, or names something twice."""

    code = "query_malformed"


class CursorError(BadRequestError):
    """The cursor did not come from this list."""

    code = "cursor_invalid"


class HeaderError(BadRequestError):
    """A header has not the form that it must have; the message names it."""

    code = "header_invalid"


class MediaTypeError(ControlError):
    """The body is of another type than `application/json` in UTF-8, or compressed."""

    code = "unsupported_media_type"
    status = 415


class TooBigError(ControlError):
    """The body is larger than any that the interface asks for."""

    code = "too_big"
    status = 413


class CsrfError(ControlError):
    """A cookie alone moves nothing: Origin or X-CSRF-Token is missing or not of this session."""

    code = "csrf_failed"
    status = 403


class PreconditionRequiredError(ControlError):
    """A change must say by If-Match which version it changes."""

    code = "precondition_required"
    status = 428


class RateLimitedError(ControlError):
    """Too many requests; `retry_after` seconds later there is room again."""

    code = "rate_limited"
    status = 429
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {"retry_after": {"type": "integer", "minimum": 1}}
