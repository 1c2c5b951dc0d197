"""Requests that may come again: what was answered the first time is answered again, and done only once."""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from control.api.errors import HeaderError
from control.identity.callers import Caller, Integrator, LoggedIn, Nobody

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


class Replay(Exception):  # noqa: N818 - nothing is wrong: it leads past the act to the answer that was given before
    """The request came before; raised within its transaction, so that nothing of the second time lasts."""

    def __init__(self, recorded: Recorded) -> None:
        super().__init__()
        self.recorded = recorded


def once(header: str, caller: Caller, route: str, path: Mapping[str, str], content: object) -> Once:
    """What the header says of this request (raises HeaderError)."""
    if not _KEY.fullmatch(header):
        raise HeaderError("Idempotency-Key must be 8 to 200 visible ASCII characters")
    said = json.dumps([dict(path), content], sort_keys=True, separators=(",", ":"))
    authenticated = hmac.digest(header.encode(), said.encode(), "sha256")
    return Once(_name(caller), route, sha256(header.encode()).hexdigest(), authenticated)


def _name(caller: Caller) -> str:
    match caller:
        case LoggedIn(person=person, role=role, clinic=clinic):
            return f"person {person} {role} {clinic or '-'}"
        case Integrator(clinic=clinic, name=name):
            return f"integrator {clinic} {name}"
        case Nobody():
            return "nobody"
