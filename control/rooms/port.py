"""What control needs of rooms, wherever they are: in this process (`local`), or on media nodes later."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import Field, TypeAdapter

from control.errors import ControlError
from signalling.records import Record
from signalling.roles import Role
from signalling.room import Room


class RoomsUnavailableError(ControlError):
    """The rooms take no command now; it is kept and given again."""

    code = "rooms_unavailable"
    status = 503


@dataclass(frozen=True, slots=True)
class Open:
    """Open the room before anybody comes, or make it larger."""

    size: int
    kind: Literal["open"] = "open"


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take a person out, with everything that they were given up to now."""

    participant: str
    kind: Literal["revoke"] = "revoke"


@dataclass(frozen=True, slots=True)
class End:
    """End the room."""

    reason: str | None = None
    kind: Literal["end"] = "end"


@dataclass(frozen=True, slots=True)
class Notice:
    """Tell the lobby about a delay; with neither, there is none any more."""

    minutes: int | None
    text: str | None
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True)
class SetRights:
    """Give somebody another role, and with it other rights."""

    participant: str
    role: Role
    kind: Literal["set_rights"] = "set_rights"


Command = Open | Revoke | End | Notice | SetRights

_COMMAND: Final[TypeAdapter[Command]] = TypeAdapter(Annotated[Command, Field(discriminator="kind")])


def arguments_of(command: Command) -> dict[str, Any]:
    """All of a command but its kind, as the database keeps it."""
    return {name: value for name, value in asdict(command).items() if name != "kind"}


def command_of(kind: str, arguments: dict[str, Any]) -> Command:
    """The command again."""
    return _COMMAND.validate_python({"kind": kind, **arguments})


class Rooms(Protocol):
    """The port. Events are told at least once, in order for each room, until they are acknowledged."""

    async def do(self, room: str, command: Command, at: datetime) -> None:
        """Has a command of this moment take effect; doing it again does nothing (raises RoomsUnavailableError)."""
        ...

    def roster(self, room: str) -> Room | None:
        """Who stands where. None where the room is not known, or not any longer."""
        ...

    def pending(self) -> int:
        """How many events are not acknowledged."""
        ...

    async def next_event(self) -> Record:
        """Waits for the next event."""
        ...

    def acknowledge(self, event: Record) -> None:
        """It need not be told again, nor any before it of the same life of the room."""
        ...
