"""What can happen to a room: one small type per input. The journal keeps those that change a gate or spend a grant."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from signalling.roles import Role, is_host


class Act(StrEnum):
    """What happens to one person's standing."""

    ENTER = "enter"
    """By a grant that leads to the lobby."""
    ENTER_OPEN = "enter-open"
    """By a grant that leads inside."""
    ADMIT = "admit"
    DENY = "deny"
    TO_LOBBY = "to-lobby"
    REMOVE = "remove"
    HOLD = "hold"
    RELEASE = "release"
    LEAVE = "leave"
    REVOKE = "revoke"
    """Control takes back whatever the person was given, used or not."""


MoveAct = Literal[
    Act.ADMIT, Act.DENY, Act.TO_LOBBY, Act.REMOVE, Act.HOLD, Act.RELEASE, Act.LEAVE, Act.REVOKE
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Open:
    """Control opens the room before anybody comes."""

    size: int
    decided: float | None = None
    """The wall time at which control decided so, None for that of the opening itself."""
    kind: Literal["open"] = "open"


@dataclass(frozen=True, slots=True)
class Enter:
    """A verified grant is used. Issuer and jti are what stays remembered, until `forget_at`."""

    participant: str
    role: Role
    name: str
    gate: Literal["lobby", "open"]
    size: int
    issued: float
    issuer: str
    jti: str
    forget_at: float
    acr: str | None = None
    """The level of login that the grant vouches for; also None in journals of before it was kept."""
    kind: Literal["enter"] = "enter"


@dataclass(frozen=True, slots=True)
class Return:
    """A seat comes back."""

    participant: str
    number: int
    kind: Literal["return"] = "return"


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody's standing changes; `by` is None for control."""

    participant: str
    act: MoveAct
    by: str | None
    reason: str | None = None
    before: float | None = None
    """Of a revocation: the wall time up to which grants are taken back, None for that of the revocation itself.

    Whoever is in by a grant that was issued later stays.
    """
    kind: Literal["move"] = "move"


@dataclass(frozen=True, slots=True)
class Pause:
    """All media in the room stops."""

    by: str | None
    reason: str
    kind: Literal["pause"] = "pause"


@dataclass(frozen=True, slots=True)
class Resume:
    """The pause is lifted."""

    by: str | None
    kind: Literal["resume"] = "resume"


@dataclass(frozen=True, slots=True)
class End:
    """The room is over; with `expired`, because nobody was there for as long as seats last."""

    by: str | None
    reason: str | None = None
    expired: bool = False
    before: float | None = None
    """The wall time up to which grants are dead from now on, None for that of the end itself."""
    kind: Literal["end"] = "end"


@dataclass(frozen=True, slots=True)
class SetNotice:
    """What the lobby is told; nothing takes it back."""

    by: str | None
    minutes: int | None
    text: str | None
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True)
class SetRole:
    """Control makes somebody with a seat something else, until a grant says otherwise."""

    participant: str
    role: Role
    kind: Literal["role"] = "role"


@dataclass(frozen=True, slots=True)
class HostLost:
    """No host has been there for too long."""

    kind: Literal["host-lost"] = "host-lost"


@dataclass(frozen=True, slots=True)
class HostBack:
    """A host is there again."""

    kind: Literal["host-back"] = "host-back"


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Somebody's WebSocket is gone."""

    participant: str
    kind: Literal["disconnect"] = "disconnect"


@dataclass(frozen=True, slots=True)
class Expire:
    """Somebody's WebSocket has been gone for too long to go on showing that it may return; it still may."""

    participant: str
    kind: Literal["expire"] = "expire"


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody's media transport came up, or its consent (RFC 7675) was lost."""

    participant: str
    alive: bool
    kind: Literal["consent"] = "consent"


Recorded = Open | Enter | Move | Pause | Resume | End | SetNotice | SetRole | HostLost | HostBack
Transient = Return | Disconnect | Expire | Consent
Input = Recorded | Transient

_OPENING_ACTS: Final = frozenset({Act.ADMIT, Act.RELEASE})


def is_opening(event: Input) -> bool:
    """Whether it may open a gate or spends a grant: then it takes effect only once the journal has it on disk."""
    match event:
        case Open() | Enter() | Resume() | HostBack():
            return True
        case Move(act=act):
            return act in _OPENING_ACTS
        case SetRole(role=role):
            return is_host(role)  # whose gate is open also where the others are left alone
        case _:
            return False
