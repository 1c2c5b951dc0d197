"""Who makes a request."""

from dataclasses import dataclass, field
from datetime import datetime

from control.identity.roles import Role


@dataclass(frozen=True, slots=True)
class Nobody:
    """No login was shown."""

    clinic: None = field(default=None, init=False)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A person with a living session."""

    session: bytes = field(repr=False)
    """The digest of the session's token."""

    person: str
    role: Role
    clinic: str | None
    """The one clinic that the session is in; patients are in none."""

    acr: str | None
    """The level of the login, in the words of who made it."""

    authenticated_at: datetime
    csrf: str = field(repr=False)
    """What the session's own pages send beside the cookie."""


@dataclass(frozen=True, slots=True)
class Integrator:
    """A program with a key of its own, bound to one clinic."""

    name: str
    clinic: str


Caller = Nobody | LoggedIn | Integrator


def role_of(caller: Caller) -> Role | None:
    """None for who is not logged in."""
    match caller:
        case Nobody():
            return None
        case LoggedIn(role=role):
            return role
        case Integrator():
            return Role.INTEGRATOR
