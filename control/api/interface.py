"""Tables of endpoints into handlers: read and check, let the act happen, tell what came of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from control.api import conditional, idempotency
from control.api.access import COOKIE, Doors
from control.api.endpoint import PREFIX, Call, NewSession, Route
from control.api.errors import MediaTypeError, UnexpectedBodyError
from control.api.idempotency import Recorded, Replay
from control.api.models import ID_PATTERN, Nothing
from control.api.transactions import Stores
from control.api.validation import read_body, read_query
from control.errors import NotFoundError
from control.identity.callers import Caller

_ID: Final = re.compile(ID_PATTERN)
_KEPT_HEADERS: Final = ("ETag", "Location")


@dataclass(frozen=True, slots=True)
class Interface:
    """What all endpoints share."""

    doors: Doors
    stores: Stores
    base_url: str
    """What addresses in answers begin with: as it is configured, whatever a request says of itself."""

    def add_to(self, app: web.Application, routes: Iterable[Route]) -> None:
        """Adds the routes."""
        for route in routes:
            app.router.add_route(route.method, PREFIX + route.path, self._handler(route), name=route.name)

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            caller = await self.doors.enter(request, route)
            call = await self._read(request, route, caller)
            try:
                result = await route.act(call)
            except Replay as replay:
                return _replayed(replay.recorded)
            return _answer(request, route, result)

        return handle

    async def _read(self, request: web.Request, route: Route, caller: Caller) -> Call[Any, Any]:
        path = _path(request.match_info)
        query = read_query(request.rel_url.raw_query_string, route.query or Nothing)
        expected = conditional.versions(request.headers.get("If-Match")) if route.conditional else None
        body, plain = await _body(request, route.body)
        key = request.headers.get("Idempotency-Key") if route.idempotent else None
        if key is None:
            store = self.stores.plain
        else:
            once = idempotency.once(key, caller, route.name, path, plain)
            store = self.stores.once(once, lambda result: _recorded(_answer(request, route, result)))
        return Call(caller, body, query, path, expected, self.base_url, store)


def _path(found: Mapping[str, str]) -> Mapping[str, str]:
    """What can't be an identifier is nothing that exists."""
    if not all(_ID.fullmatch(value) for value in found.values()):
        raise NotFoundError
    return dict(found)


async def _body(request: web.Request, model: type[BaseModel] | None) -> tuple[BaseModel | None, object]:
    if model is None:
        if request.can_read_body and await request.read():
            raise UnexpectedBodyError("this route takes no body")
        return None, None
    charset = (request.charset or "utf-8").lower()
    if request.content_type != "application/json" or charset != "utf-8" or "Content-Encoding" in request.headers:
        raise MediaTypeError("application/json in UTF-8, as it is, and nothing else")
    return read_body(await request.read(), model)


def _answer(request: web.Request, route: Route, result: Any) -> web.Response:
    answer = result.answer if isinstance(result, NewSession) else result
    response = web.Response(status=route.status, headers={"Cache-Control": "no-store"})
    if answer is not None:
        version = getattr(answer, "version", None)
        if isinstance(version, int):
            response.headers["ETag"] = conditional.etag(version)
            if route.is_safe and conditional.is_unchanged(request.headers.get("If-None-Match"), version):
                response.set_status(304)
                return response
        response.text = answer.model_dump_json()
        response.content_type = "application/json"
        if route.location is not None:
            response.headers["Location"] = PREFIX + route.location.format_map(answer.model_dump())
    if isinstance(result, NewSession):
        _set_cookie(response, result.token)
    return response


def _set_cookie(response: web.Response, token: str | None) -> None:
    if token is None:
        response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    else:
        response.set_cookie(COOKIE, token, path="/", secure=True, httponly=True, samesite="Lax")


def _recorded(answer: web.Response) -> Recorded:
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    return Recorded(answer.status, headers, answer.text or "")


def _replayed(before: Recorded) -> web.Response:
    headers = {"Cache-Control": "no-store", **before.headers}
    response = web.Response(status=before.status, headers=headers)
    if before.body:
        response.text = before.body
        response.content_type = "application/json"
    return response
