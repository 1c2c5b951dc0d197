"""Errors as `application/problem+json` (RFC 9457), each with a stable `code`."""

import json
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from control.errors import ControlError

_log = structlog.get_logger(__name__)

_CODES = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_big",
    415: "unsupported_media_type",
}


def problem(status: int, code: str, detail: str) -> web.Response:
    """The answer for an error."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/problem+json")


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Makes a problem of every error; what nobody foresaw is logged and says nothing of its inside."""
    try:
        return await handler(request)
    except ControlError as error:
        return problem(error.status, error.code, error.message)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = problem(error.status, _CODES.get(error.status, f"http_{error.status}"), error.reason)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception:
        resource = request.match_info.route.resource
        # The route, never the path: it may name somebody.
        _log.exception("request_failed", method=request.method, route=None if resource is None else resource.canonical)
        return problem(500, "internal", "something went wrong on the server")
