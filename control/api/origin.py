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
    """The address of the signalling for a lab's page, which may have come by a name that nobody configured."""
    if public_url is None:
        if (host := host_of(request)) is None:
            raise BadRequestError("the Host header is missing or malformed")
        public_url = f"{'https' if request.secure else 'http'}://{host}"
    return f"ws{public_url.removeprefix('http')}{path}"


def check_origin(request: web.Request, public_url: str | None) -> None:
    """Refuses pages of other sites. No Origin means no browser, and so nobody's rights to borrow."""
    if "Origin" in request.headers and not is_own_origin(request, public_url):
        raise ForeignOriginError("this origin may not ask")


def is_own_origin(request: web.Request, public_url: str | None) -> bool:
    """Whether a page of ours asks, as its browser says: by scheme and host, where we were told of ours."""
    origin = request.headers.get("Origin", "").lower()
    if public_url is not None:
        return origin == public_url.lower()
    url = urlsplit(origin)
    return url.scheme in ("http", "https") and url.netloc == (host_of(request) or "").lower() != ""
