"""`POST /api/v1/lab/links {"token"}` -> `{"ws_url", "grant"}`."""

import json
from collections.abc import Callable

from aiohttp import web

from control.api.origin import check_origin, websocket_url
from control.errors import BadRequestError
from control.lab import LabLinks, Person


def add_lab_routes(
    app: web.Application,
    links: LabLinks,
    issue: Callable[[Person], str],
    *,
    public_url: str | None,
    websocket_path: str,
) -> None:
    """Only a demo or a test calls this: a lab link is a way in without a login."""

    async def exchange(request: web.Request) -> web.Response:
        check_origin(request, public_url)
        grant = issue(links.exchange(await _token(request)))
        answer = {"ws_url": websocket_url(request, public_url, websocket_path), "grant": grant}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    app.router.add_post("/api/v1/lab/links", exchange)


async def _token(request: web.Request) -> str:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise BadRequestError("the body is not JSON") from None
    match body:
        case {"token": str(token)} if len(body) == 1:
            return token
        case _:
            raise BadRequestError('the body must be {"token": "..."}')
