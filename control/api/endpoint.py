"""How a route is declared: one value says what comes in, what goes out, who may, and what may be refused.

Handler, OpenAPI document and the matrix of access are all made of it, so they can't disagree.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel

from control.api.transactions import Store
from control.errors import ControlError, ForbiddenError, NotLoggedInError
from control.identity.callers import Caller, Integrator, LoggedIn
from control.identity.roles import STAFF, Role

BodyT = TypeVar("BodyT", bound=BaseModel | None)
QueryT = TypeVar("QueryT", bound=BaseModel | None)
AnswerT = TypeVar("AnswerT", bound=BaseModel | None)
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

PREFIX: Final = "/api/v1"


class Anybody(Enum):
    """Who needs no login."""

    ANYBODY = auto()


Access = Anybody | frozenset[Role]
PUBLIC: Final = Anybody.ANYBODY
EVERYONE: Final = frozenset(Role) - {Role.INTEGRATOR}
"""Whoever is logged in."""

CLINIC: Final = STAFF | {Role.INTEGRATOR}
"""The clinic's people and its journal system."""

ADMINISTRATOR: Final = frozenset({Role.ADMINISTRATOR})
PATIENT: Final = frozenset({Role.PATIENT})


@dataclass(frozen=True, slots=True)
class Call(Generic[BodyT, QueryT]):
    """A request, read and checked."""

    caller: Caller
    body: BodyT
    query: QueryT
    path: Mapping[str, str]
    """The identifiers in the path."""

    versions: frozenset[int] | None
    """The versions that the caller means to change (If-Match); None stands for whichever is there."""

    base_url: str
    """How the caller's browser reaches us: scheme and host."""

    store: Store
    """The database; a request with an idempotency key has its answer kept by the act's transaction."""

    @property
    def id(self) -> str:
        """The thing that the path names."""
        return self.path["id"]

    @property
    def login(self) -> LoggedIn:
        """The person who asks (raises NotLoggedInError)."""
        if isinstance(self.caller, LoggedIn):
            return self.caller
        raise NotLoggedInError("log in first")

    @property
    def clinic(self) -> str:
        """The clinic that the caller is in (raises ForbiddenError for who is in none)."""
        match self.caller:
            case LoggedIn(clinic=str(clinic)) | Integrator(clinic=clinic):
                return clinic
            case _:
                raise ForbiddenError("this login is in no clinic")


@dataclass(frozen=True, slots=True)
class NewSession(Generic[AnswerT]):
    """An answer after which the browser has this session's cookie, or none any longer."""

    answer: AnswerT
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[BodyT, QueryT, AnswerT]):
    """A route."""

    method: Method
    path: str
    """Below /api/v1; `{id}` and the like stand for identifiers."""

    name: str
    """Its `operationId`, also the route's name wherever one is kept."""

    summary: str
    access: Access
    act: Callable[[Call[BodyT, QueryT]], Awaitable[AnswerT | NewSession[AnswerT]]]
    body: type[BodyT] | None = None
    query: type[QueryT] | None = None
    answer: type[AnswerT] | None = None
    problems: tuple[type[ControlError], ...] = ()
    """What the act itself may refuse; the rest follows from the other fields."""

    status: int = 200
    location: str | None = None
    """Where the thing made is found: a path of ours with the answer's fields in braces."""

    idempotent: bool = False
    """Takes an Idempotency-Key; the act then happens in one `store.transact`, whose result is the answer."""

    conditional: bool = False
    """Asks for If-Match."""

    lab_only: bool = False
    """There is no such route outside a lab."""

    description: str = ""

    @property
    def is_safe(self) -> bool:
        """Whether it changes nothing (RFC 9110, section 9.2.1)."""
        return self.method == "GET"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the identifiers in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


Route = Endpoint[Any, Any, Any]
"""Any endpoint: what tables of them hold."""
