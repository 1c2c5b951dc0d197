"""Errors as `application/problem+json` (RFC 9457), each with a stable `code`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy import exc

from control.errors import ControlError, NotLoggedInError

CONTENT_TYPE: Final = "application/problem+json"

_log = structlog.get_logger(__name__)

_CODES = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_big",
    415: "unsupported_media_type",
}
_UNREACHABLE: Final = (exc.InterfaceError, exc.OperationalError, exc.TimeoutError, ConnectionRefusedError)
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


def problem(status: int, code: str, detail: str, members: Mapping[str, object] = _NOTHING) -> web.Response:
    """The answer for an error. No cache keeps it: what is missing now may be there in a moment."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **members,
    }
    text = json.dumps(body, default=_plain)
    return web.Response(
        status=status, body=text.encode(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"}
    )


def problem_of(error: ControlError) -> web.Response:
    """The answer for one of our own errors, with its members and the headers that its status asks for."""
    answer = problem(error.status, error.code, error.message, error.members)
    if isinstance(error, NotLoggedInError):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if "retry_after" in error.members:
        answer.headers["Retry-After"] = str(error.members["retry_after"])
    return answer


def _plain(value: object) -> str:
    """Times as RFC 3339 in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(type(value).__name__)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Makes a problem of every error; what nobody foresaw is logged and says nothing of its inside."""
    try:
        return await handler(request)
    except ControlError as error:
        return problem_of(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = problem(error.status, _CODES.get(error.status, f"http_{error.status}"), error.reason)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except _UNREACHABLE as error:
        # Its message may hold what was to be written.
        _log.error("database_unavailable", error=type(error).__name__)
        return problem(503, "database_unavailable", "the database does not answer; nothing was done")
    except Exception:
        resource = request.match_info.route.resource
        # The route, never the path: it may name somebody.
        _log.exception("request_failed", method=request.method, route=None if resource is None else resource.canonical)
        return problem(500, "internal", "something went wrong on the server")
