"""Sessions in the database: found by digest alone, dead with their person's place in the clinic, and in the log."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from sqlalchemy import func, select, update

from control.identity.callers import LoggedIn, Nobody
from control.identity.logins import StoredSessions
from control.identity.roles import Role
from control.identity.sessions import Sessions, SessionsConfig
from control.store.database import Database
from control.store.models import AuditEvent, LoginSession, MemberRole, Membership
from tests.control.store import rows

START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(database: Database, clock: Clock) -> Sessions:
    return Sessions(StoredSessions(database), SessionsConfig(), clock)


@pytest.fixture
async def place(database: Database) -> tuple[str, str]:
    """A clinic, and a person who is its secretary."""
    clinic, person = await rows.open_clinic(database), rows.person()
    async with database.begin(clinic) as session:
        session.add(person)
        await session.flush()
        session.add(Membership(person_id=person.id, role=MemberRole.SECRETARY))
    return clinic, person.id


async def actions(database: Database, clinic: str) -> list[tuple[str, str, str]]:
    async with database.look(clinic) as session:
        events = await session.scalars(select(AuditEvent).order_by(AuditEvent.sequence))
        return [(event.actor_kind, event.actor_id, event.action) for event in events]


async def test_a_login_is_found_by_its_token_and_told_in_the_log(
    database: Database, sessions: Sessions, place: tuple[str, str]
) -> None:
    clinic, person = place
    token = await sessions.open(person, Role.SECRETARY, clinic, "idporten-loa-high", instead_of=Nobody())
    caller = await sessions.find(token)
    assert caller is not None
    assert (caller.person, caller.role, caller.clinic, caller.acr, caller.authenticated_at) == (
        *(person, Role.SECRETARY, clinic),
        *("idporten-loa-high", START),
    )
    assert await sessions.find(token + "x") is None
    assert await sessions.find(token.lower()) is None
    await sessions.end(caller)
    assert await sessions.find(token) is None
    assert await actions(database, clinic) == [
        ("secretary", person, "session.open"),
        ("secretary", person, "session.close"),
    ]


async def test_a_patients_login_is_in_no_clinic(sessions: Sessions, place: tuple[str, str]) -> None:
    token = await sessions.open(place[1], Role.PATIENT, None, None, instead_of=Nobody())
    caller = await sessions.find(token)
    assert caller is not None
    assert caller.clinic is None
    await sessions.end(caller)
    assert await sessions.find(token) is None


async def test_whoever_lost_the_place_in_the_clinic_is_logged_in_no_longer(
    database: Database, sessions: Sessions, place: tuple[str, str]
) -> None:
    clinic, person = place
    token = await sessions.open(person, Role.SECRETARY, clinic, None, instead_of=Nobody())
    other = await sessions.open(person, Role.ADMINISTRATOR, clinic, None, instead_of=Nobody())
    assert isinstance(await sessions.find(token), LoggedIn)
    assert await sessions.find(other) is None
    async with database.begin(clinic) as session:
        await session.execute(update(Membership).values(active=False))
    assert await sessions.find(token) is None


async def test_a_session_takes_the_place_of_the_one_before(sessions: Sessions, place: tuple[str, str]) -> None:
    clinic, person = place
    first = await sessions.open(person, Role.SECRETARY, clinic, None, instead_of=Nobody())
    caller = await sessions.find(first)
    assert caller is not None
    second = await sessions.change(caller, Role.PATIENT, None)
    assert await sessions.find(first) is None
    assert (await sessions.find(second)) is not None


@pytest.mark.parametrize("to", ["elsewhere", "another role", "patient"])
async def test_a_clinic_that_is_left_is_told_of_it_as_the_new_one_is_of_the_coming(
    database: Database, sessions: Sessions, place: tuple[str, str], to: str
) -> None:
    left, person = place
    other = await rows.open_clinic(database, "east")
    for works_in, works_as in ((other, MemberRole.SECRETARY), (left, MemberRole.ADMINISTRATOR)):
        async with database.begin(works_in) as session:
            session.add(Membership(person_id=person, role=works_as))
    token = await sessions.open(person, Role.SECRETARY, left, None, instead_of=Nobody())
    caller = await sessions.find(token)
    assert isinstance(caller, LoggedIn)
    places: dict[str, tuple[Role, str | None]] = {
        "elsewhere": (Role.SECRETARY, other),
        "another role": (Role.ADMINISTRATOR, left),
        "patient": (Role.PATIENT, None),
    }
    role, clinic = places[to]
    entered = await sessions.find(await sessions.change(caller, role, clinic))
    assert isinstance(entered, LoggedIn)
    assert (entered.role, entered.clinic) == (role, clinic)
    assert await sessions.find(token) is None
    come_and_gone = [("secretary", person, "session.open"), ("secretary", person, "session.close")]
    coming = [] if clinic is None else [(role.value, person, "session.open")]
    assert await actions(database, left) == come_and_gone + (coming if clinic == left else [])
    assert await actions(database, other) == (coming if clinic == other else [])


async def test_a_login_in_place_of_anothers_ends_it_in_their_clinics_log(
    database: Database, sessions: Sessions, place: tuple[str, str]
) -> None:
    clinic, person = place
    before = await sessions.find(await sessions.open(person, Role.SECRETARY, clinic, None, instead_of=Nobody()))
    assert before is not None
    somebody = rows.person("En Annen")
    async with database.begin(None) as session:
        session.add(somebody)
    await sessions.open(somebody.id, Role.PATIENT, None, None, instead_of=before)
    assert (await actions(database, clinic))[1:] == [("secretary", person, "session.close")]


async def test_a_session_that_is_ended_twice_is_told_of_once(
    database: Database, sessions: Sessions, place: tuple[str, str]
) -> None:
    clinic, person = place
    caller = await sessions.find(await sessions.open(person, Role.SECRETARY, clinic, None, instead_of=Nobody()))
    assert caller is not None
    await asyncio.gather(*(sessions.end(caller) for _ in range(3)))
    assert [action for *_, action in await actions(database, clinic)] == ["session.open", "session.close"]


async def test_use_keeps_a_session_alive_and_dead_ones_are_removed(
    database: Database, sessions: Sessions, place: tuple[str, str], clock: Clock
) -> None:
    async def kept() -> int | None:
        async with database.look(None) as session:
            counted = select(func.count(LoginSession.digest))
            return await session.scalar(counted, execution_options={"across": "login"})

    clinic, person = place
    store, idle = StoredSessions(database), timedelta(seconds=SessionsConfig().idle)
    token = await sessions.open(person, Role.SECRETARY, clinic, None, instead_of=Nobody())
    for _ in range(3):
        clock.now += idle
        assert await sessions.find(token) is not None
        await store.forget_dead(clock.now, idle)
    assert await kept() == 1
    clock.now += idle + timedelta(seconds=1)
    assert await sessions.find(token) is None
    await store.forget_dead(clock.now, idle)
    assert await kept() == 0
