"""Rooms in this process: the port over signalling's registry."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Final, Protocol, assert_never

from control.rooms.port import Command, End, Notice, Open, Revoke, RoomsUnavailableError, SetRights
from signalling.errors import RoomError
from signalling.records import Record
from signalling.roles import Role
from signalling.room import Room

_DONE: Final = frozenset({"room_ended", "unknown_participant", "bad_state"})
"""Refusals that say that nothing is left to do."""


class Registry(Protocol):
    """What is used of `signalling.rooms.Rooms`, which the composition root has."""

    async def open(self, room: str, *, size: int = 2, at: float | None = None) -> None: ...
    async def revoke(self, room: str, participant: str, *, before: float | None = None) -> None: ...
    async def end(self, room: str, *, reason: str | None = None, before: float | None = None) -> None: ...
    async def notice(self, room: str, *, minutes: int | None = None, text: str | None = None) -> None: ...
    async def set_rights(self, room: str, participant: str, role: Role, *, before: float | None = None) -> None: ...
    def roster(self, room: str) -> Room | None: ...


class Events(Protocol):
    """What is used of signalling's feed."""

    @property
    def pending(self) -> int: ...
    async def next(self) -> Record: ...
    def acknowledge(self, room: str, epoch: int, sequence: int) -> None: ...


class LocalRooms:
    """`control.rooms.port.Rooms` in one process."""

    def __init__(self, registry: Registry, events: Events) -> None:
        self._registry = registry
        self._events = events

    async def do(self, room: str, command: Command, at: datetime) -> None:
        try:
            await self._action(room, command, at.timestamp())
        except RoomError as error:
            if error.code not in _DONE:
                raise RoomsUnavailableError(error.code) from error

    def roster(self, room: str) -> Room | None:
        return self._registry.roster(room)

    def pending(self) -> int:
        return self._events.pending

    async def next_event(self) -> Record:
        return await self._events.next()

    def acknowledge(self, event: Record) -> None:
        self._events.acknowledge(event.room, event.epoch, event.sequence)

    def _action(self, room: str, command: Command, at: float) -> Awaitable[None]:
        match command:
            case Open(size=size):
                return self._registry.open(room, size=size, at=at)
            case Revoke(participant=participant):
                return self._registry.revoke(room, participant, before=at)
            case End(reason=reason):
                return self._registry.end(room, reason=reason, before=at)
            case Notice(minutes=minutes, text=text):
                return self._registry.notice(room, minutes=minutes, text=text)
            case SetRights(participant=participant, role=role):
                return self._registry.set_rights(room, participant, role, before=at)
        assert_never(command)
