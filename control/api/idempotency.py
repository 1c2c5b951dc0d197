"""Requests that may come again: what was answered the first time is answered again, and done only once."""

import hmac
import json
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Final, Protocol

from control.api.errors import HeaderError
from control.errors import IdempotencyConflictError
from control.identity.callers import Caller, Integrator, LoggedIn, Nobody

KEPT: Final = timedelta(hours=24)
_KEY: Final = re.compile(r"[\x21-\x7e]{8,200}")


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a request the same as another: who asks, of which route, by which key; and what it said."""

    caller: str
    route: str
    key: str
    """A digest of the key: whoever reads the database can't repeat the request."""

    content: bytes = field(repr=False)
    """Path and body, authenticated by the key itself, which is not kept: nobody can try identity numbers against it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An answer as it was given."""

    status: int
    headers: Mapping[str, str]
    body: str = field(repr=False)


class Attempt(Protocol):
    """One request with a key, within the transaction of its act."""

    @property
    def before(self) -> tuple[bytes, Recorded] | None:
        """The content and the answer of the first request, where this is not the first."""
        ...

    async def record(self, answer: Recorded) -> None:
        """Keeps the answer, in the act's transaction: both last, or neither."""
        ...


class IdempotencyStore(Protocol):
    """Where answers are kept for `KEPT`."""

    def attempt(self, once: Once) -> AbstractAsyncContextManager[Attempt]:
        """The transaction that the act takes part in; ended by an error, nothing of it lasts.

        A twin that comes meanwhile waits for it (raises IdempotencyBusyError where that takes too long).
        """
        ...


def once(header: str, caller: Caller, route: str, path: Mapping[str, str], content: object) -> Once:
    """What the header says of this request (raises HeaderError)."""
    if not _KEY.fullmatch(header):
        raise HeaderError("Idempotency-Key must be 8 to 200 visible ASCII characters")
    said = json.dumps([dict(path), content], sort_keys=True, separators=(",", ":"))
    return Once(
        _name(caller), route, sha256(header.encode()).hexdigest(), hmac.digest(header.encode(), said.encode(), sha256)
    )


def replay(attempt: Attempt, request: Once) -> Recorded | None:
    """The earlier answer, None for a first request (raises IdempotencyConflictError for another one)."""
    if attempt.before is None:
        return None
    content, answer = attempt.before
    if not hmac.compare_digest(content, request.content):
        raise IdempotencyConflictError("this idempotency key came with another request before")
    return answer


def _name(caller: Caller) -> str:
    match caller:
        case LoggedIn(person=person, role=role, clinic=clinic):
            return f"person {person} {role} {clinic or '-'}"
        case Integrator(clinic=clinic, name=name):
            return f"integrator {clinic} {name}"
        case Nobody():
            return "nobody"
