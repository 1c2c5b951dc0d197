"""Commands to rooms: written in the transaction of the act that wants them, carried out after it, and then deleted.

Whatever ends the process in between, the command is still there at the next start, and doing it twice does nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from control.clock import Clock, real
from control.rooms.port import Command, Rooms, RoomsUnavailableError, arguments_of, command_of
from control.store.database import Database, announce
from control.store.models import RoomCommand

TOPIC: Final = "room_commands"
RETRY_S: Final = 1.0
PATIENCE_S: Final = 10.0
"""So long a room may take over a command; with a full disk it would wait for ever."""
_BATCH: Final = 50
_ACROSS: Final = {"across": "operation"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_log = structlog.get_logger(__name__)


def give(session: AsyncSession, room: str, *commands: Command, clock: Clock = real) -> None:
    """Commands that a room is to be told once the session's transaction has been committed, in this order.

    Their moment is the true one, never a lab's: grants are compared with it.
    """
    first = (clock() - _EPOCH) // _MICROSECOND
    session.add_all(
        RoomCommand(number=first + index, room=room, kind=command.kind, arguments=arguments_of(command))
        for index, command in enumerate(commands)
    )
    announce(session, TOPIC)


class Dispatcher:
    """Tells the rooms. `run` until it is cancelled."""

    def __init__(self, database: Database, rooms: Rooms) -> None:
        self._database = database
        self._rooms = rooms
        self._told = asyncio.Event()
        database.subscribe(TOPIC, self._told.set)

    async def run(self) -> None:
        """Carries out what an earlier process left, then whatever comes."""
        while True:
            self._told.clear()
            try:
                while await self._step():
                    pass
                await self._told.wait()
            except (RoomsUnavailableError, DBAPIError, OSError) as error:
                # What a database's error says may name people.
                _log.warning("room_command_waits", reason=getattr(error, "message", type(error).__name__))
                await asyncio.sleep(RETRY_S)

    async def settle(self) -> None:
        """Carries out what is there now (raises RoomsUnavailableError)."""
        while await self._step():
            pass

    async def _step(self) -> bool:
        """Some commands, oldest first; whether there were any."""
        oldest = select(RoomCommand).order_by(RoomCommand.number, RoomCommand.id).limit(_BATCH)
        async with self._database.look(None) as session:
            found = (await session.scalars(oldest, execution_options=_ACROSS)).all()
        for row in found:
            at = _EPOCH + row.number * _MICROSECOND
            await self._do(row.room, command_of(row.kind, row.arguments), at)
            await self._forget([row.id])
        return bool(found)

    async def _do(self, room: str, command: Command, at: datetime) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._rooms.do(room, command, at)
        except TimeoutError:
            raise RoomsUnavailableError("no answer") from None

    async def _forget(self, ids: Sequence[str]) -> None:
        async with self._database.begin(None) as session:
            await session.execute(delete(RoomCommand).where(RoomCommand.id.in_(ids)), execution_options=_ACROSS)
