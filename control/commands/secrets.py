"""`venterom secrets`: makes the files of secret keys, for operators who keep them outside of the data directory."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from control.identity.secrets import create_secrets

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]


def add_to(commands: "Commands") -> None:
    """The command."""
    secrets = commands.add_parser("secrets", help="make the files of secret keys that a folder lacks")
    secrets.add_argument("directory", type=Path, help="what secrets.directory names")
    secrets.set_defaults(run=_secrets)


def _secrets(options: argparse.Namespace) -> int:
    create_secrets(options.directory)
    return 0
