"""Lab links: an address that stands for a person in a room, for demos and tests. Each exchange gives a fresh grant."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from control.errors import LinkUnknownError

Page = Literal["patient", "clinic"]


@dataclass(frozen=True, slots=True)
class Person:
    """Who opens the link, and where it leads."""

    room: str
    participant: str
    role: str
    name: str
    gate: Literal["lobby", "open"]
    page: Page


class LabLinks:
    """Tokens and the persons they stand for. Only digests are kept, so a look-up tells nothing by its time."""

    def __init__(self, new_token: Callable[[], str] = secrets.token_urlsafe) -> None:
        self._new_token = new_token
        self._persons: dict[bytes, Person] = {}

    def add(self, person: Person, token: str | None = None) -> str:
        """A token that stands for the person from now on: a new one, or one given out before."""
        token = token or self._new_token()
        self._persons[_digest(token)] = person
        return token

    def exchange(self, token: str) -> Person:
        """Who the token stands for; it stays valid."""
        try:
            return self._persons[_digest(token)]
        except KeyError:
            raise LinkUnknownError("this link is not known here") from None


def address(public_url: str, person: Person, token: str) -> str:
    """What to open in a browser. The token travels in the fragment, which no server log sees."""
    return f"{public_url}/{person.page}/#lab={token}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
