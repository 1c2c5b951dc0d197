"""What the journal is made of."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from signalling.grant import GrantId
from signalling.inputs import Recorded
from signalling.room import Room


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A room as it was, in place of the records that led there."""

    room: Room
    kind: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True)
class Spent:
    """A grant that was used, remembered until wall time `forget_at`."""

    grant: GrantId
    forget_at: float
    kind: Literal["spent"] = "spent"


@dataclass(frozen=True, slots=True)
class Untold:
    """What led to a snapshot, kept because whoever owns the rooms has yet to hear of it; the state has it already."""

    event: Annotated[Recorded, Field(discriminator="kind")]
    kind: Literal["untold"] = "untold"


@dataclass(frozen=True, slots=True)
class Record:
    """What happened to a room, at wall time `at`; numbered without gaps within one life of the room."""

    room: str
    epoch: int
    sequence: int
    at: float
    event: Annotated[Recorded | Snapshot | Spent | Untold, Field(discriminator="kind")]
