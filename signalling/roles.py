"""Roles, and what each may do, in one table."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What a person is in the consultation."""

    PRACTITIONER = "practitioner"
    PATIENT = "patient"
    GUARDIAN = "guardian"
    COMPANION = "companion"
    INTERPRETER = "interpreter"
    GUEST = "guest"


class Right(StrEnum):
    """A thing that somebody inside the room may do (nobody in the lobby may do any)."""

    ADMIT = "admit"
    DENY = "deny"
    TO_LOBBY = "to-lobby"
    REMOVE = "remove"
    HOLD = "hold"
    RELEASE = "release"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    NOTICE = "notice"
    SEE_LOBBY = "see-lobby"
    HOST = "host"
    """The others are not left alone while one with this right is there."""


_EVERYBODY: Final = frozenset({Right.PAUSE})

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = MappingProxyType(
    {
        Role.PRACTITIONER: frozenset(Right),
        Role.PATIENT: _EVERYBODY,
        Role.GUARDIAN: _EVERYBODY,
        Role.COMPANION: _EVERYBODY,
        Role.INTERPRETER: _EVERYBODY,
        Role.GUEST: _EVERYBODY,
    }
)


def is_host(role: Role) -> bool:
    """Whether the role leads the room."""
    return Right.HOST in RIGHTS[role]
