"""When the server has as much as it can carry. It then opens no new rooms; those that are open go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

RELIEF: Final = 0.9
"""A limit that was reached holds until the load is below this share of it, so that nothing flutters."""


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """From where on no new rooms are opened."""

    rooms: Annotated[int, Field(gt=0)] = 1000
    """Rooms with somebody in them."""

    participants: Annotated[int, Field(gt=0)] = 2500
    """People in rooms and lobbies."""

    event_loop_lag: Annotated[float, Field(gt=0)] = 0.25
    """Seconds by which the event loop is late, half of the time over five seconds."""

    media_thread: Annotated[float, Field(gt=0)] = 0.85
    """Share of one core that the media thread uses."""

    memory: Annotated[float, Field(gt=0)] = 0.95
    """Share of the memory that the process may use: of its control group where that has a limit, else of the host."""


class Strain(StrEnum):
    """What there is too much of."""

    ROOMS = "rooms"
    PARTICIPANTS = "participants"
    EVENT_LOOP = "event_loop"
    MEDIA_THREAD = "media_thread"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Load:
    """What there is at one moment, in the units of `LimitsConfig`."""

    rooms: int
    participants: int
    event_loop_lag: float
    media_thread: float
    memory: float


def strains(load: Load, limits: LimitsConfig, before: frozenset[Strain]) -> frozenset[Strain]:
    """What is at its limit now, after `before`: each from its limit on, and then until it is well below."""
    pairs: Mapping[Strain, tuple[float, float]] = {
        Strain.ROOMS: (load.rooms, limits.rooms),
        Strain.PARTICIPANTS: (load.participants, limits.participants),
        Strain.EVENT_LOOP: (load.event_loop_lag, limits.event_loop_lag),
        Strain.MEDIA_THREAD: (load.media_thread, limits.media_thread),
        Strain.MEMORY: (load.memory, limits.memory),
    }
    return frozenset(
        strain for strain, (value, limit) in pairs.items() if value >= (limit * RELIEF if strain in before else limit)
    )
