"""Commands are given with the act or not at all, in order, once, and after a restart too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from control.rooms import commands
from control.rooms.commands import Dispatcher, give
from control.rooms.port import Command, End, Notice, Open, Revoke, RoomsUnavailableError, SetRights
from control.store.database import Database
from control.store.models import RoomCommand
from signalling.roles import Role
from tests.control.rooms.doubles import Told
from tests.control.store.rows import open_clinic

ALL: tuple[Command, ...] = (
    Open(3),
    Notice(5, "Akutt"),
    SetRights("a", Role.INTERPRETER),
    Revoke("a"),
    End("moved"),
    Notice(None, None),
)
WAIT_S = 20.0


async def left(database: Database) -> int:
    """How many commands are still to be given."""
    async with database.look(None) as session:
        count = select(func.count()).select_from(RoomCommand)
        return await session.scalar(count, execution_options={"across": "operation"}) or 0


@asynccontextmanager
async def running(database: Database, rooms: Told) -> AsyncIterator[None]:
    task = asyncio.create_task(Dispatcher(database, rooms).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Awaited(Told):
    """Tells when it has been told enough."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.enough = asyncio.Event()
        self._count = count

    async def do(self, room: str, command: Command, at: datetime) -> None:
        await super().do(room, command, at)
        if len(self.commands) >= self._count:
            self.enough.set()


async def test_every_command_arrives_as_it_was_given_in_order_and_once(database: Database) -> None:
    clinic, rooms = await open_clinic(database), Told()
    before = datetime.now(UTC)
    async with database.begin(clinic) as session:
        give(session, "r", *ALL)
    await Dispatcher(database, rooms).settle()
    await Dispatcher(database, rooms).settle()
    assert rooms.commands == [("r", each) for each in ALL]
    assert all(abs(at - before) < timedelta(minutes=1) for at in rooms.moments), "the true time, whatever a lab's is"
    assert await left(database) == 0


async def test_an_act_that_fails_gives_no_command(database: Database) -> None:
    clinic, rooms = await open_clinic(database), Told()

    async def fail() -> None:
        async with database.begin(clinic) as session:
            give(session, "r", End())
            await session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    await Dispatcher(database, rooms).settle()
    assert rooms.commands == []


async def test_what_an_earlier_process_left_is_done_at_the_start(database: Database) -> None:
    clinic, rooms = await open_clinic(database), Awaited(2)
    for room in ("r", "s"):
        async with database.begin(clinic) as session:
            give(session, room, End())
    async with running(database, rooms):
        await asyncio.wait_for(rooms.enough.wait(), WAIT_S)
    assert rooms.commands == [("r", End()), ("s", End())]


async def test_a_commit_wakes_it(database: Database) -> None:
    clinic, rooms = await open_clinic(database), Awaited(1)
    async with running(database, rooms):
        await asyncio.sleep(0)
        async with database.begin(clinic) as session:
            give(session, "r", Open(2))
        await asyncio.wait_for(rooms.enough.wait(), WAIT_S)
    assert rooms.commands == [("r", Open(2))]


async def test_while_the_rooms_take_none_they_wait_and_keep_their_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "RETRY_S", 0.01)
    clinic, rooms = await open_clinic(database), Awaited(2)
    rooms.failures = 3
    async with database.begin(clinic) as session:
        give(session, "r", Open(2), End())
    with pytest.raises(RoomsUnavailableError):
        await Dispatcher(database, rooms).settle()
    assert await left(database) == 2
    async with running(database, rooms):
        await asyncio.wait_for(rooms.enough.wait(), WAIT_S)
    assert rooms.commands == [("r", Open(2)), ("r", End())]


async def test_a_room_that_does_not_answer_is_asked_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a full disk: what is asked for would take effect once there is room."""
    monkeypatch.setattr(commands, "RETRY_S", 0.01)
    monkeypatch.setattr(commands, "PATIENCE_S", 0.05)

    class Hanging(Awaited):
        hangs = 2

        async def do(self, room: str, command: Command, at: datetime) -> None:
            if self.hangs:
                self.hangs -= 1
                await asyncio.Event().wait()
            await super().do(room, command, at)

    clinic, rooms = await open_clinic(database), Hanging(1)
    async with database.begin(clinic) as session:
        give(session, "r", End())
    async with running(database, rooms):
        await asyncio.wait_for(rooms.enough.wait(), WAIT_S)
    assert rooms.commands == [("r", End())]
