"""Keys of journal systems: static bearer tokens, of which a file holds the digests.

    [[key]]
    name = "journal"                                  # shows in the audit log
    clinic = "mzxw6ytboi4tqmrqgaytsnrvge"
    sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

A key is at least 32 characters that nobody can guess (`openssl rand -base64 32`),
its digest the output of `printf %s KEY | sha256sum`.
"""

import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control.errors import ConfigError
from control.identity.callers import Integrator

SHORTEST: Final = 32


class _Key(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    clinic: Annotated[str, Field(pattern=r"^[a-z2-7]{26}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    key: tuple[_Key, ...] = ()


class ApiKeys:
    """Whose key is whose."""

    def __init__(self, owners: Mapping[str, Integrator]) -> None:
        self._owners = dict(owners)

    @classmethod
    def read(cls, path: Path | None) -> "ApiKeys":
        """Reads the file (raises ConfigError)."""
        if path is None:
            return cls({})
        try:
            file = _File.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            detail = "unreadable" if isinstance(error, OSError) else "not a table of keys"
            if isinstance(error, ValidationError):
                detail = "; ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
            raise ConfigError(f"api.keys: {path.name}: {detail}") from None
        owners = {key.sha256: Integrator(key.name, key.clinic) for key in file.key}
        if len(owners) != len(file.key):
            raise ConfigError(f"api.keys: {path.name}: one key is there twice")
        return cls(owners)

    def find(self, key: str) -> Integrator | None:
        """Whose key this is. A look-up by digest tells nothing by its time."""
        if len(key) < SHORTEST:
            return None
        return self._owners.get(sha256(key.encode("utf-8", "surrogatepass")).hexdigest())
