"""Rooms that keep what they are told, and fail when they are asked to."""

from datetime import datetime

from control.rooms.port import Command, RoomsUnavailableError
from signalling.records import Record
from signalling.room import Room


class Told:
    """The port of rooms that need not exist."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, Command]] = []
        self.moments: list[datetime] = []
        self.acknowledged: list[tuple[str, int, int]] = []
        self.rosters: dict[str, Room] = {}
        self.failures = 0
        """So many of the next commands are refused."""

    async def do(self, room: str, command: Command, at: datetime) -> None:
        if self.failures:
            self.failures -= 1
            raise RoomsUnavailableError("full")
        self.commands.append((room, command))
        self.moments.append(at)

    def roster(self, room: str) -> Room | None:
        return self.rosters.get(room)

    def pending(self) -> int:
        return 0

    async def next_event(self) -> Record:
        raise NotImplementedError

    def acknowledge(self, event: Record) -> None:
        self.acknowledged.append((event.room, event.epoch, event.sequence))
