"""Looks at the database: reached, ours to use, and with the tables of this version. Nothing is made or changed."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, assert_never
from urllib.parse import quote

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from control.config import Settings
from control.doctor.findings import Finding, fail, ok
from control.errors import ConfigError
from control.store import migrate
from control.store.database import address
from control.store.migrate import Tables

_PATIENCE_S: Final = 5.0
_CHECK: Final = "database"


def look_at_database(settings: Settings) -> Iterator[Finding]:
    """One finding, or none where there is no file yet: the first start makes it."""
    try:
        url = address(settings.database.url, settings.database.password_file, settings.data.directory)
    except ConfigError as error:
        yield fail(_CHECK, error.message, "configs/reference.toml explains [database]")
        return
    if url.get_backend_name() == "sqlite":
        yield from _file(url)
    else:
        yield _server(url, settings.database.password_file)


def _file(url: URL) -> Iterator[Finding]:
    file = Path(url.database or "")
    if not file.exists():
        return
    if not os.access(file, os.W_OK):
        advice = "run the doctor as the user of the service; if it is that one: chown venterom, for it and its -wal"
        yield fail(_CHECK, f"{file}: not writable", advice)
        return
    found = _tables(_untouched(url, file))
    match found:
        case str():
            yield fail(_CHECK, f"{file}: {found}", "bring a backup back: venterom db restore")
        case Tables.CURRENT:
            yield ok(_CHECK, f"{file}: its tables are of this version")
        case Tables.NONE | Tables.OLDER:
            yield ok(_CHECK, f"{file}: the next start brings its tables to this version")
        case Tables.UNKNOWN:
            yield _unknown(str(file))
        case _:
            assert_never(found)


def _server(url: URL, password_file: Path | None) -> Finding:
    if password_file is not None and password_file.stat().st_mode & 0o077:
        return fail(_CHECK, f"{password_file}: others may read the password", f"chmod 600 {password_file}")
    found = _tables(url)
    match found:
        case str():
            advice = (
                "is it there, does a firewall let us through, may the user of database.url enter? psql tells the same"
            )
            return fail(_CHECK, f"database.url: {found}", advice)
        case Tables.CURRENT:
            return ok(_CHECK, "reached; its tables are of this version")
        case Tables.NONE | Tables.OLDER:
            text = (
                "reached, and without tables" if found is Tables.NONE else "reached; its tables are of an older version"
            )
            return fail(_CHECK, f"{text}: the server refuses to start", "venterom db upgrade, with the same --config")
        case Tables.UNKNOWN:
            return _unknown("database.url")
        case _:
            assert_never(found)


def _unknown(what: str) -> Finding:
    advice = "install the Venterom that it was in use with, or bring a backup back: venterom db restore"
    return fail(_CHECK, f"{what}: its tables are of a version that this one does not know", advice)


def _tables(url: URL) -> Tables | str:
    """What tables there are, else why that can't be known."""
    try:
        return asyncio.run(asyncio.wait_for(migrate.tables(url), _PATIENCE_S))
    except TimeoutError:
        return f"no answer within {_PATIENCE_S:g} s"
    except DBAPIError as error:
        # The driver's own words; SQLAlchemy's would have the statement with them.
        return str(getattr(error.orig, "__cause__", None) or error.orig)
    except OSError as error:
        return error.strerror or type(error).__name__


def _untouched(url: URL, file: Path) -> URL:
    """A way to the file that only reads. Where no log lies beside it none is made: else it would belong to who asks."""
    has_log = file.with_name(f"{file.name}-wal").exists()
    query = {"mode": "ro", "uri": "true"} | ({} if has_log else {"immutable": "1"})
    return url.set(database=f"file:{quote(str(file.absolute()))}", query=query)
