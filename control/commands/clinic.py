"""`venterom clinic import`: a clinic from one file."""

import argparse
import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from control import clock
from control.commands.opening import opened
from control.config import load
from control.identity.numbers import LAB, PRODUCTION, NumberPolicy
from control.identity.pseudonyms import Pseudonyms
from control.identity.secrets import open_secrets
from control.imports.file import ClinicFile, read_file
from control.imports.service import Imported, import_clinic
from control.store.database import address

if TYPE_CHECKING:
    from sqlalchemy import URL

    Commands = argparse._SubParsersAction[Any]


def add_to(commands: "Commands") -> None:
    """The command and those below it."""
    below = commands.add_parser("clinic", help="clinics: import").add_subparsers(required=True, metavar="COMMAND")
    imported = below.add_parser("import", help="bring a clinic in from a file, again and again without doubles")
    imported.add_argument("file", type=Path, help="TOML; see configs/clinic.example.toml")
    imported.add_argument("--config", type=Path, help="TOML file; see configs/reference.toml")
    imported.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> int:
    settings = load(options.config, os.environ)
    url = address(settings.database.url, settings.database.password_file, settings.data.directory)
    file = read_file(options.file)
    pseudonyms = open_secrets(settings.secrets.directory, settings.data.directory).pseudonyms
    policy = LAB if settings.lab.enabled else PRODUCTION
    imported = asyncio.run(_into(url, file, pseudonyms, policy))
    print(f"clinic {imported.clinic}: {imported.made} made, {imported.changed} changed")
    return 0


async def _into(url: "URL", file: ClinicFile, pseudonyms: Pseudonyms, policy: NumberPolicy) -> Imported:
    async with opened(url) as database:
        return await import_clinic(database, file, pseudonyms, policy, clock.real())
