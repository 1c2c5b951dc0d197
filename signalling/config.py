"""Settings of signalling; the composition root fills them from TOML and environment."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from signalling.grant import DEFAULT_AUDIENCE

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LEAST_SILENCE = 10
"""Seconds: clients ping every 5, as PROTOCOL.md tells them to, and one ping may come late."""


class IceServerConfig(BaseModel):
    """A STUN or TURN server that clients are told of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: tuple[str, ...]
    username: str | None = None
    credential: Annotated[str | None, Field(repr=False)] = None


class TurnConfig(BaseModel):
    """A TURN server that shares a secret with us, by which each participant gets a credential that soon runs out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: Annotated[tuple[str, ...], Field(min_length=1)]
    secret: Path
    """The file with the secret, coturn's `static-auth-secret`."""
    lifetime: Annotated[int, Field(ge=60, le=24 * 3600)] = 4 * 3600
    """How long a credential is good for a new relay, in seconds."""


class SignallingConfig(BaseModel):
    """How signalling behaves. Times are in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = "/ws"
    origins: tuple[str, ...] = ()
    """Origins whose pages may connect, as `https://video.example.org`; none means: only pages of this same host."""
    audience: str = DEFAULT_AUDIENCE
    """What grants must name as `aud`."""
    ice_servers: tuple[IceServerConfig, ...] = ()
    turn: TurnConfig | None = None
    join_timeout: Seconds = 10
    silence: Annotated[float, Field(ge=LEAST_SILENCE, allow_inf_nan=False)] = LEAST_SILENCE
    """A connection that said nothing for so long is dead."""
    slow_reader: Seconds = 2
    """A client that takes no bytes for so long is cut."""
    drain: Seconds = 1
    """For how long a stop waits for clients to take their close frames."""
    away: Seconds = 60
    """Who has been away for so long is no longer shown; the seat stays good."""
    host_absence: Seconds = 60
    """For how long patients may be alone without a host; groups may not at all."""
    seat_life: Annotated[int, Field(gt=0)] = 12 * 3600
    """How long a seat is good, and how long a room without anybody is kept."""
    messages_per_second: Annotated[float, Field(gt=0)] = 20
    messages_burst: Annotated[int, Field(gt=0)] = 60
    offers_per_second: Annotated[float, Field(gt=0)] = 1
    offers_burst: Annotated[int, Field(gt=0)] = 20
    """Nearly as many come at once where a room for two becomes one of 25 while everybody is there."""
    max_unjoined: Annotated[int, Field(gt=0)] = 1000
    """How many connections may be waiting to join; beyond that the oldest of the address with the most gives way."""
    queue_messages: Annotated[int, Field(gt=0)] = 200
    queue_bytes: Annotated[int, Field(gt=0)] = 256 * 1024
