"""`venterom db`: upgrade, backup, restore, resume-outbox, verify-audit, rotate-keys."""

import argparse
import asyncio
import os
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL

from control import clock
from control.audit.chain import ISSUER
from control.audit.checkpoints import DirectorySink
from control.audit.reading import Report, verify_all
from control.commands.opening import opened
from control.config import Settings, load
from control.identity.persons import Rotation, rotate
from control.identity.pseudonyms import Pseudonyms
from control.identity.secrets import open_secrets
from control.store import backup, migrate
from control.store.database import address
from control.store.restore import Restored, Witness, restore, resume
from signalling.keys import JwksFile, KeySource, StaticKeys

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]


def add_to(commands: "Commands") -> None:
    """The command and those below it."""
    below = commands.add_parser("db", help="the database: upgrade, backup, restore, audit").add_subparsers(
        required=True, metavar="COMMAND"
    )

    upgrade = below.add_parser("upgrade", help="bring the tables to this version")
    upgrade.set_defaults(run=_upgrade)

    taken = below.add_parser("backup", help="write the running database into one file; no keys are in it")
    taken.add_argument("file", type=Path, help="a new file")
    taken.set_defaults(run=_backup)

    brought = below.add_parser("restore", help="bring a backup back; the server must be stopped")
    brought.add_argument("file", type=Path, help="what backup wrote")
    brought.add_argument(
        "--keep", type=Path, help="a new file for what is replaced; one in the data directory if unset"
    )
    brought.set_defaults(run=_restore)

    resumed = below.add_parser("resume-outbox", help="let the messages go that a restore paused")
    resumed.set_defaults(run=_resume)

    verified = below.add_parser("verify-audit", help="hold the audit log against its signed checkpoints")
    verified.add_argument("--keys", type=Path, help="the keys that signed, public, as JWKS; the server's own if unset")
    verified.set_defaults(run=_verify)

    rotated = below.add_parser("rotate-keys", help="put identity numbers under the keys in use, while the server runs")
    rotated.set_defaults(run=_rotate)

    for command in (upgrade, taken, brought, resumed, verified, rotated):
        command.add_argument("--config", type=Path, help="TOML file; see configs/reference.toml")


def _settings(options: argparse.Namespace) -> tuple[Settings, URL]:
    settings = load(options.config, os.environ)
    return settings, address(settings.database.url, settings.database.password_file, settings.data.directory)


def _sink(settings: Settings) -> DirectorySink:
    return DirectorySink(settings.audit.directory(settings.data.directory))


def _upgrade(options: argparse.Namespace) -> int:
    settings, url = _settings(options)
    settings.data.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(migrate.upgrade(url))
    return 0


def _backup(options: argparse.Namespace) -> int:
    backup.take(_settings(options)[1], options.file)
    return 0


def _restore(options: argparse.Namespace) -> int:
    settings, url = _settings(options)
    now = clock.real()
    witness = Witness(_sink(settings), open_secrets(settings.secrets.directory, settings.data.directory).audit)
    keep = options.keep or settings.data.directory / f"replaced-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.backup"
    print(_told(asyncio.run(restore(url, options.file, keep, witness, now))))
    return 0


def _told(restored: Restored) -> str:
    lines = ["restored" if restored.kept is None else f"restored; what was there is kept as {restored.kept}"]
    lines.append("everybody has to log in anew")
    lines.append(f"messages paused until `venterom db resume-outbox`: {restored.paused}")
    if not restored.compared:
        lines.append("the replaced database could not be read: what it had revoked since the backup is not known")
    elif not restored.came_back:
        lines.append("nothing was revoked or declined since the backup")
    else:
        lines.append("revoked or declined since the backup, and in force again until somebody does it anew:")
        lines += (f"  {key.kind} {key.id} of clinic {key.clinic}" for key in restored.came_back if key.clinic)
        lines += (f"  {key.kind} {key.id}, ended" for key in restored.came_back if not key.clinic)
    return "\n".join(lines)


def _resume(options: argparse.Namespace) -> int:
    print(f"resumed: {asyncio.run(resume(_settings(options)[1], clock.real()))}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    settings, url = _settings(options)
    keys: KeySource
    if options.keys is not None:
        keys = JwksFile(ISSUER, options.keys, lambda: 0.0)
    else:
        secrets = open_secrets(settings.secrets.directory, settings.data.directory)
        keys = StaticKeys(ISSUER, (secrets.audit.verify_key,))
    reports = asyncio.run(_verify_all(url, _sink(settings), keys))
    for report in reports:
        print(_summary(report))
    return 0 if all(report.intact for report in reports) else 1


async def _verify_all(url: URL, sink: DirectorySink, keys: KeySource) -> list[Report]:
    async with opened(url) as database:
        return await verify_all(database, sink, keys)


def _rotate(options: argparse.Namespace) -> int:
    settings, url = _settings(options)
    pseudonyms = open_secrets(settings.secrets.directory, settings.data.directory).pseudonyms
    rotation = asyncio.run(_rotate_all(url, pseudonyms))
    print(f"derived again: {rotation.derived}")
    print(f"of an old key until their person brings the number again: {rotation.waiting}")
    return 0


async def _rotate_all(url: URL, pseudonyms: Pseudonyms) -> Rotation:
    async with opened(url) as database:
        return await rotate(database, pseudonyms)


def _summary(report: Report) -> str:
    what = "intact" if report.intact else "TAMPERED WITH"
    head = f"clinic {report.clinic}: {what}, {report.rows} events, {report.checkpoints} checkpoints"
    lines = [f"{head}, signed to event {report.signed}"]
    lines += (f"  {finding.fault.value}: events {finding.first} to {finding.last}" for finding in report.findings)
    return "\n".join(lines)
