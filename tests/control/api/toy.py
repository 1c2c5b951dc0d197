"""A resource of a few routes, with everything that a route can have: what the interface itself is tested with."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import ip_network
from typing import Annotated, Any, Final, TypeVar

from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import Field

from control.api.access import COOKIE, Doors
from control.api.config import ApiConfig
from control.api.docs import add_documents
from control.api.endpoint import CLINIC, EVERYONE, PUBLIC, Call, Endpoint, NewSession, Route
from control.api.idempotency import Once, Recorded, Replay
from control.api.interface import Interface
from control.api.keys import ApiKeys
from control.api.models import Id, Input, Instant, Line, Output, Page, PageQuery, Versioned, Words
from control.api.paging import page, position_of
from control.api.problems import problems
from control.api.rate import RateLimits
from control.errors import ControlError, IdempotencyConflictError, NotFoundError, PreconditionFailedError
from control.identity.callers import Integrator, LoggedIn
from control.identity.roles import Role
from control.identity.sessions import Session, Sessions, SessionsConfig
from control.pages import SecureHeaders

START: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CLINIC_A: Final = "a" * 26
KEY: Final = "k" * 40
ORIGIN: Final = "https://video.example.org"

ResultT = TypeVar("ResultT")
Client = TestClient[web.Request, web.Application]


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class NewThing(Input):
    name: Line
    note: Words = ""
    colour: Colour = Colour.RED
    size: Annotated[int, Field(ge=1, le=10)] = 1
    at: Instant | None = None
    tags: Annotated[tuple[Line, ...], Field(max_length=3)] = ()


class Thing(Versioned):
    id: Id
    name: str
    note: str
    colour: Colour
    size: int
    at: Instant | None


class Things(PageQuery):
    colour: Colour | None = None
    since: Instant | None = None


class Login(Output):
    csrf: str


class Credentials(Input):
    role: Role


class FullError(ControlError):
    """There is room for three."""

    code = "full"
    status = 409


@dataclass(slots=True)
class MemorySessions:
    """A store without a database."""

    kept: dict[bytes, Session] = field(default_factory=dict)
    writes: int = 0

    async def find(self, digest: bytes) -> Session | None:
        return self.kept.get(digest)

    async def add(self, session: Session, instead_of: LoggedIn | None) -> None:
        self.kept.pop(b"" if instead_of is None else instead_of.session, None)
        self.kept[session.digest] = session

    async def touch(self, digest: bytes, seen_at: datetime) -> None:
        self.writes += 1
        self.kept[digest] = replace(self.kept[digest], seen_at=seen_at)

    async def end(self, caller: LoggedIn, at: datetime) -> None:
        self.kept.pop(caller.session, None)


@dataclass(slots=True)
class MemoryStores:
    """Stores without a database: a transaction is a lock."""

    kept: dict[tuple[str, str, str], tuple[bytes, Recorded]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def plain(self) -> "MemoryStore":
        return MemoryStore(self, None, None)

    def once(self, once: Once, record: Callable[[Any], Recorded]) -> "MemoryStore":
        return MemoryStore(self, once, record)


@dataclass(slots=True)
class MemoryStore:
    stores: MemoryStores
    once: Once | None
    record: Callable[[Any], Recorded] | None

    async def transact(self, clinic: str | None, act: Callable[[Any], Awaitable[ResultT]]) -> ResultT:
        async with self.stores.lock:
            if self.once is None or self.record is None:
                return await act(None)
            place = (self.once.caller, self.once.route, self.once.key)
            if (before := self.stores.kept.get(place)) is not None:
                content, answer = before
                if content != self.once.content:
                    raise IdempotencyConflictError("another request")
                raise Replay(answer)
            result = await act(None)
            self.stores.kept[place] = (self.once.content, self.record(result))
            return result

    def look(self, clinic: str | None) -> AbstractAsyncContextManager[Any]:
        return nullcontext()


@dataclass(slots=True)
class Toy:
    """Things in a list, a clock that stands, and the interface around them."""

    things: list[Thing] = field(default_factory=list)
    sessions_kept: MemorySessions = field(default_factory=MemorySessions)
    now: datetime = START
    ticks: float = 0.0
    made: "itertools.count[int]" = field(default_factory=itertools.count)
    config: SessionsConfig = field(default_factory=SessionsConfig)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.sessions_kept, self.config, lambda: self.now)

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                "GET", "/things", "list_things", "All things", CLINIC, self.list, query=Things, answer=Page[Thing]
            ),
            Endpoint(
                *("POST", "/things", "make_thing", "Makes a thing", CLINIC, self.make),
                body=NewThing,
                answer=Thing,
                problems=(FullError,),
                status=201,
                location="/things/{id}",
                idempotent=True,
            ),
            Endpoint("GET", "/things/{id}", "read_thing", "One thing", CLINIC, self.read, answer=Thing),
            Endpoint(
                *("PUT", "/things/{id}", "change_thing", "Changes a thing", CLINIC, self.change),
                body=NewThing,
                answer=Thing,
                conditional=True,
            ),
            Endpoint("DELETE", "/things/{id}", "drop_thing", "Drops a thing", CLINIC, self.drop, status=204),
            Endpoint("POST", "/session", "log_in", "Logs in", PUBLIC, self.enter, body=Credentials, answer=Login),
            Endpoint("GET", "/session", "who", "Who am I", EVERYONE, self.who, answer=Login),
            Endpoint("POST", "/session/end", "log_out", "Logs out", EVERYONE, self.leave, status=204),
        )

    async def list(self, call: Call[None, Things]) -> Page[Thing]:
        after = position_of(call.query.cursor, str)
        wanted = [thing for thing in self.things if call.query.colour in (None, thing.colour)]
        left = [thing for thing in wanted if after is None or (thing.id,) > after]
        return page(left, call.query.limit, lambda thing: thing, lambda thing: (thing.id,))

    async def make(self, call: Call[NewThing, None]) -> Thing:
        return await call.store.transact(call.clinic, lambda _: self._make(call.body))

    async def _make(self, new: NewThing) -> Thing:
        if len(self.things) >= 300:
            raise FullError("there is no room for another")
        identifier = f"{next(self.made):026d}".translate(str.maketrans("0123456789", "abcdefghij"))
        thing = Thing(id=identifier, version=1, **new.model_dump(exclude={"tags"}))
        self.things.append(thing)
        return thing

    async def read(self, call: Call[None, None]) -> Thing:
        return self._find(call.id)

    async def change(self, call: Call[NewThing, None]) -> Thing:
        thing = self._find(call.id)
        if call.versions is not None and thing.version not in call.versions:
            raise PreconditionFailedError("it was changed meanwhile")
        changed = Thing(id=thing.id, version=thing.version + 1, **call.body.model_dump(exclude={"tags"}))
        self.things[self.things.index(thing)] = changed
        return changed

    async def drop(self, call: Call[None, None]) -> None:
        self.things.remove(self._find(call.id))

    async def enter(self, call: Call[Credentials, None]) -> NewSession[Login]:
        token = await self.sessions.open(
            "p" * 26, call.body.role, CLINIC_A, "idporten-loa-high", instead_of=call.caller
        )
        caller = await self.sessions.find(token)
        assert isinstance(caller, LoggedIn)
        return NewSession(Login(csrf=caller.csrf), token)

    async def who(self, call: Call[None, None]) -> Login:
        return Login(csrf=call.login.csrf)

    async def leave(self, call: Call[None, None]) -> NewSession[None]:
        await self.sessions.end(call.login)
        return NewSession(None, None)

    def _find(self, identifier: str) -> Thing:
        for thing in self.things:
            if thing.id == identifier:
                return thing
        raise NotFoundError


def application(toy: Toy, config: ApiConfig | None = None) -> web.Application:
    """An application with the toy's routes, as the composition root makes one."""
    app = web.Application(middlewares=[problems], client_max_size=8192)
    app.on_response_prepare.append(SecureHeaders(https=True))
    doors = Doors(
        toy.sessions,
        ApiKeys({sha256(KEY.encode()).hexdigest(): Integrator("journal", CLINIC_A)}),
        RateLimits(config or ApiConfig(address_burst=10_000, session_burst=10_000), lambda: toy.ticks),
        ORIGIN,
        (ip_network("127.0.0.1/32"),),
    )
    Interface(doors, MemoryStores(), ORIGIN).add_to(app, toy.routes())
    add_documents(app, toy.routes())
    return app


@asynccontextmanager
async def running(toy: Toy, config: ApiConfig | None = None) -> AsyncIterator[Client]:
    """A server with the toy, and a client that keeps no cookies by itself."""
    async with TestClient(TestServer(application(toy, config)), cookie_jar=DummyCookieJar()) as client:
        yield client


BEARER: Final = {"Authorization": f"Bearer {KEY}"}


async def log_in(client: Client, role: Role = Role.SECRETARY) -> dict[str, str]:
    """The headers of a new login's own pages."""
    async with client.post("/api/v1/session", json={"role": role}, headers={"Origin": ORIGIN}) as response:
        assert response.status == 200, await response.text()
        csrf = (await response.json())["csrf"]
        return {"Cookie": f"{COOKIE}={response.cookies[COOKIE].value}", "Origin": ORIGIN, "X-CSRF-Token": csrf}


def later(toy: Toy, **of: float) -> None:
    """Lets time pass for sessions."""
    toy.now += timedelta(**of)
