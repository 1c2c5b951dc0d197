"""How sure a login is of who somebody is: one ladder for ID-porten, eIDAS and HelseID.

The names are those of the providers' own documentation; a name that is not there proves nothing.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Level(IntEnum):
    """Level of a login; a higher one does wherever a lower one does."""

    SELF_REGISTERED = 1
    LOW = 2
    SUBSTANTIAL = 3
    HIGH = 4

    @property
    def acr(self) -> str:
        """Its name in ID-porten, which is also how it is stored and shown."""
        return _NAMES[self]


_NAMES: Final[Mapping[Level, str]] = MappingProxyType(
    {
        Level.SELF_REGISTERED: "selfregistered-email",
        Level.LOW: "idporten-loa-low",
        Level.SUBSTANTIAL: "idporten-loa-substantial",
        Level.HIGH: "idporten-loa-high",
    }
)
_ACR: Final[Mapping[str, Level]] = MappingProxyType(
    {
        **{name: level for level, name in _NAMES.items()},
        "Level3": Level.SUBSTANTIAL,
        "Level4": Level.HIGH,
        "eidas-loa-low": Level.LOW,
        "eidas-loa-substantial": Level.SUBSTANTIAL,
        "eidas-loa-high": Level.HIGH,
    }
)
_SECURITY_LEVEL: Final[Mapping[str, Level]] = MappingProxyType(
    {"2": Level.LOW, "3": Level.SUBSTANTIAL, "4": Level.HIGH}
)


def of_acr(acr: object) -> Level | None:
    """The level that an ID token's `acr` tells; none where it is missing or is no name that we know."""
    return _ACR.get(acr) if isinstance(acr, str) else None


def of_security_level(claim: object) -> Level | None:
    """The level that HelseID's `helseid://claims/identity/security_level` tells: a string, "2" to "4"."""
    return _SECURITY_LEVEL.get(claim) if isinstance(claim, str) else None


def satisfies(level: Level | None, required: Level) -> bool:
    """Whether a login is good enough; one of unknown level never is."""
    return level is not None and level >= required
