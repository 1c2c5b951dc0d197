"""Where a request says it comes from, and the addresses we tell it."""

import re
from urllib.parse import urlsplit

from aiohttp import web

from control.errors import BadRequestError, ForeignOriginError

_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")


def host_of(request: web.Request) -> str | None:
    """The Host header where it has the form of one: it goes into headers and addresses of ours."""
    host = request.headers.get("Host", "")
    return host if _HOST.fullmatch(host) else None


def websocket_url(request: web.Request, public_url: str | None, path: str) -> str:
    """The address of the signalling for who reached us by this request."""
    if public_url is not None:
        url = urlsplit(public_url)
        return f"{'wss' if url.scheme == 'https' else 'ws'}://{url.netloc}{path}"
    if (host := host_of(request)) is None:
        raise BadRequestError("the Host header is missing or malformed")
    return f"{'wss' if request.secure else 'ws'}://{host}{path}"


def check_origin(request: web.Request, public_url: str | None) -> None:
    """Refuses pages of other sites. No Origin means no browser, and so nobody's rights to borrow."""
    origin = request.headers.get("Origin")
    if origin is None:
        return
    ours = urlsplit(public_url).netloc if public_url is not None else host_of(request)
    if urlsplit(origin).netloc != ours:
        raise ForeignOriginError("this origin may not ask")
