"""Who makes a request: by a session's cookie, or by a bearer key; and whether a page of ours made it.

A cookie is sent by the browser whichever page asks. So whatever changes something must also come from a page of ours,
as Origin says, and bring the session's X-CSRF-Token, which other sites can't read.
"""

import hmac
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from control.api.endpoint import Access, Anybody, Route
from control.api.errors import CsrfError
from control.api.keys import ApiKeys
from control.api.origin import check_origin, is_own_origin
from control.api.proxies import Network, client_address
from control.api.rate import RateLimits
from control.errors import ForbiddenError, NotLoggedInError
from control.identity.callers import Caller, Integrator, LoggedIn, Nobody, role_of
from control.identity.sessions import Sessions

COOKIE: Final = "__Host-venterom"
"""Browsers take it over HTTPS, and over plain HTTP from this machine alone, for this host and all its paths only."""

CSRF_HEADER: Final = "X-CSRF-Token"
_BEARER: Final = "bearer"


@dataclass(frozen=True, slots=True)
class Doors:
    """Lets callers in, and counts them."""

    sessions: Sessions
    keys: ApiKeys
    limits: RateLimits
    public_url: str | None
    proxies: tuple[Network, ...]

    async def enter(self, request: web.Request, route: Route) -> Caller:
        """Who asks, where they may (raises ForeignOriginError, CsrfError, NotLoggedInError, ForbiddenError,
        RateLimitedError)."""
        caller = await self._identify(request)
        match caller:
            case LoggedIn(session=digest):
                self.limits.count_known(digest)
            case Integrator(name=name, clinic=clinic):
                self.limits.count_known(f"{clinic} {name}".encode())
            case Nobody():
                self.limits.count_unknown(client_address(request, self.proxies))
        if not route.is_safe:
            self._check_source(request, caller)
        if "Authorization" in request.headers and isinstance(caller, Nobody):
            raise NotLoggedInError("this key is not known here")
        permit(route.access, caller)
        return caller

    async def _identify(self, request: web.Request) -> Caller:
        """Where there is a key the cookie is not looked at: one request has one caller."""
        if (authorization := request.headers.get("Authorization")) is not None:
            scheme, _, key = authorization.partition(" ")
            return (self.keys.find(key.strip()) if scheme.lower() == _BEARER else None) or Nobody()
        token = request.cookies.get(COOKIE)
        return (await self.sessions.find(token) if token else None) or Nobody()

    def _check_source(self, request: web.Request, caller: Caller) -> None:
        check_origin(request, self.public_url)
        if not isinstance(caller, LoggedIn):
            return
        given = request.headers.get(CSRF_HEADER, "").encode("utf-8", "surrogateescape")
        if not is_own_origin(request, self.public_url) or not hmac.compare_digest(given, caller.csrf.encode()):
            raise CsrfError("Origin or X-CSRF-Token is missing or not of this session")


def permit(access: Access, caller: Caller) -> None:
    """Holds a caller to the roles of a route (raises NotLoggedInError, ForbiddenError)."""
    match access:
        case Anybody():
            return
        case roles:
            role = role_of(caller)
            if role is None:
                raise NotLoggedInError("log in first")
            if role not in roles:
                raise ForbiddenError("this role may not do that")
