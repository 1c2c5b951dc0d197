"""Sessions: an opaque random token in the person's browser, and here its digest alone.

A session ends when it was idle for too long, when it is too old, and at logout. Whenever it gains other rights (login,
change of clinic) the token is a new one, so that one planted or seen before is worth nothing.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Final, Protocol

from pydantic import Field

from control.identity.callers import Caller, LoggedIn
from control.identity.roles import Role

_TOUCHES: Final = 20
"""Use is written down once in this share of the idle time: not every request costs a write."""


@dataclass(frozen=True, slots=True)
class SessionsConfig:
    """How long a login lasts, in seconds."""

    idle: Annotated[int, Field(ge=60, le=86_400)] = 3600
    """Without any request; an open page asks now and then."""

    life: Annotated[int, Field(ge=300, le=86_400)] = 43_200
    """At most, however busy."""


@dataclass(frozen=True, slots=True)
class Session:
    """What is kept of a login."""

    digest: bytes = field(repr=False)
    person: str
    role: Role
    clinic: str | None
    acr: str | None
    csrf: str = field(repr=False)
    authenticated_at: datetime
    """When the person proved who they are; a change of clinic doesn't renew it."""

    created_at: datetime
    seen_at: datetime
    expires_at: datetime

    def caller(self) -> LoggedIn:
        """Who makes the requests of this session."""
        return LoggedIn(self.digest, self.person, self.role, self.clinic, self.acr, self.authenticated_at, self.csrf)


class SessionStore(Protocol):
    """Where sessions are kept."""

    async def find(self, digest: bytes) -> Session | None:
        """The session of this digest, expired or not; none where its person is no longer what it says."""
        ...

    async def add(self, session: Session, instead_of: LoggedIn | None) -> None:
        """Keeps a new session, and no longer the one that it takes the place of."""
        ...

    async def touch(self, digest: bytes, seen_at: datetime) -> None:
        """Writes down that a session was used."""
        ...

    async def end(self, caller: LoggedIn, at: datetime) -> None:
        """Forgets a session at its person's wish; nothing happens where there is none."""
        ...


class Sessions:
    """Opens, finds and ends sessions. `now` is the true time, never the lab's."""

    def __init__(self, store: SessionStore, config: SessionsConfig, now: Callable[[], datetime]) -> None:
        self._store = store
        self._config = config
        self._idle = timedelta(seconds=config.idle)
        self._now = now

    async def open(self, person: str, role: Role, clinic: str | None, acr: str | None, *, instead_of: Caller) -> str:
        """The token of a new login; the session that the browser had until now ends."""
        return await self._add(person, role, clinic, acr, self._now(), instead_of)

    async def change(self, caller: LoggedIn, role: Role, clinic: str | None) -> str:
        """The token of the same login in another role or clinic; it grows no younger by that."""
        return await self._add(caller.person, role, clinic, caller.acr, caller.authenticated_at, caller)

    async def find(self, token: str) -> LoggedIn | None:
        """Whose token this is, None where it is nobody's (any longer)."""
        session = await self._store.find(digest(token))
        if session is None:
            return None
        now = self._now()
        if not is_alive(session, now, self._idle):
            return None
        if now - session.seen_at > self._idle / _TOUCHES:
            await self._store.touch(session.digest, now)
        return session.caller()

    async def end(self, caller: LoggedIn) -> None:
        """Logout."""
        await self._store.end(caller, self._now())

    async def _add(
        self, person: str, role: Role, clinic: str | None, acr: str | None, authenticated_at: datetime, before: Caller
    ) -> str:
        now, token, csrf = self._now(), secrets.token_urlsafe(32), secrets.token_urlsafe(18)
        expires_at = authenticated_at + timedelta(seconds=self._config.life)
        session = Session(digest(token), person, role, clinic, acr, csrf, authenticated_at, now, now, expires_at)
        await self._store.add(session, before if isinstance(before, LoggedIn) else None)
        return token


def is_alive(session: Session, now: datetime, idle: timedelta) -> bool:
    """Both limits are included: at the very second it still lives."""
    return now - session.seen_at <= idle and now <= session.expires_at


def digest(token: str) -> bytes:
    """What is stored of a token. It has 256 random bits, so a plain digest can't be turned back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
