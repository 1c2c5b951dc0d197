"""Settings of the REST interface."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Who may ask how much."""

    keys: Path | None = None
    """A TOML file with the digests of the keys of journal systems; see docs/operations.md."""

    session_rate: Annotated[float, Field(gt=0)] = 20.0
    """Requests a second of one session or key, in the long run."""

    session_burst: Annotated[int, Field(gt=0)] = 100
    """And at once."""

    address_rate: Annotated[float, Field(gt=0)] = 20.0
    """Requests a second without a login, of one address (IPv6: of one /64)."""

    address_burst: Annotated[int, Field(gt=0)] = 200
