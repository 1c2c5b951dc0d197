"""Copies of a running database in one file, and such a file put back. Secret keys are in neither.

SQLite by its own backup interface, which takes one moment of a file that others write to; PostgreSQL by pg_dump.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Set
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from control.errors import BackupError, DatabaseInUseError
from control.files import sync_directory

_SQLITE: Final = b"SQLite format 3\0"
_POSTGRESQL: Final = b"PGDMP"
_IN_USE: Final = "others are connected to the database: stop the server first"
_EMPTY_SCHEMA: Final = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
  LOOP EXECUTE format('DROP TABLE %I CASCADE', name); END LOOP;
END $$;
"""
_CHECK: Final = """
RESET search_path;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM alembic_version WHERE version_num IN ({0})) THEN
    RAISE EXCEPTION 'its tables are of a newer version';
  END IF;
END $$;
"""
_PAUSE: Final = "UPDATE outbox_entry SET state = 'paused' WHERE state = 'queued';"
"""In the transaction of the restore itself: whatever happens after it, nothing old is sent."""
_OTHERS: Final = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def take(url: URL, target: Path) -> None:
    """Writes the database as it is at one moment into a new file that only its owner reads.

    Raises BackupError where the file is there already, or the database or its tools are not.
    """
    if target.exists():
        raise BackupError(f"{target} is there already")
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)):
            pass
        if url.get_backend_name() == "sqlite":
            _copy_sqlite(sqlite_file(url), part)
        else:
            _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={part}")
        _sync(part)
        part.rename(target)
        sync_directory(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"{target}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def check(url: URL, file: Path, keep: Path) -> bool:
    """Whether there is a database to be replaced, before one of its kind comes back from a file.

    Raises BackupError where the file is no backup of its kind, or that place to keep the old one is taken, and
    DatabaseInUseError while a server, or anybody else, is connected.
    """
    is_sqlite = url.get_backend_name() == "sqlite"
    try:
        with file.open("rb") as opened:
            begins = opened.read(16)
    except OSError as error:
        raise BackupError(f"{file}: {error.strerror}") from error
    if not begins.startswith(_SQLITE if is_sqlite else _POSTGRESQL):
        raise BackupError(f"{file} is no backup of a {url.get_backend_name()} database")
    if keep.exists():
        raise BackupError(f"{keep} is there already")
    if is_sqlite:
        _claim(sqlite_file(url))
        return sqlite_file(url).exists()
    if _run("psql", url, "--no-psqlrc", "--tuples-only", "--no-align", f"--command={_OTHERS}").strip() != "0":
        raise DatabaseInUseError(_IN_USE)
    return True


def sqlite_file(url: URL) -> Path:
    """The database's file."""
    assert url.database is not None
    return Path(url.database)


def prepare_sqlite(backup: Path, url: URL, revisions: Set[str]) -> URL:
    """A copy of the backup beside the database, to be looked through before it takes the database's place.

    Raises BackupError where it is damaged, or its tables are of none of the `revisions`.
    """
    part = sqlite_file(url).with_name(f".restored.{os.getpid()}.db")
    part.unlink(missing_ok=True)
    try:
        part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy_sqlite(backup, part)
        part.chmod(0o600)
        with closing(sqlite3.connect(part)) as copy:
            found = {revision for (revision,) in copy.execute("SELECT version_num FROM alembic_version")}
        if not found or not found <= revisions:
            raise sqlite3.DatabaseError("its tables are of a newer version")
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise BackupError(f"{backup}: {error}") from error
    return url.set(database=str(part))


def swap_sqlite(prepared: URL, url: URL, keep: Path) -> None:
    """The prepared file takes the database's place, and what was there is kept. Nobody may be connected to either."""
    part, file = sqlite_file(prepared), sqlite_file(url)
    try:
        _claim(part)
        _sync(part)
        if file.exists():
            _claim(file)
            os.link(file, keep)
        part.replace(file)
        sync_directory(file.parent)
    except OSError as error:
        raise BackupError(f"{file}: {error.strerror}") from error


def replace_postgresql(backup: Path, url: URL, revisions: Set[str], script: Path) -> None:
    """The backup's tables take the place of all there are, in one transaction, with the outbox paused.

    `script` is a new file for the whole of it: from a pipe, half a backup would look like a whole one. Raises
    BackupError as `prepare_sqlite`.
    """
    known = ", ".join(f"'{revision}'" for revision in sorted(revisions))
    try:
        with open(script, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)):
            pass
        _run("pg_restore", url, "--no-owner", "--no-privileges", f"--file={script}", str(backup), connects=False)
        _run(
            *("psql", url, "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"),
            *(
                f"--command={_EMPTY_SCHEMA}",
                f"--file={script}",
                f"--command={_CHECK.format(known)}",
                f"--command={_PAUSE}",
            ),
        )
    except OSError as error:
        raise BackupError(f"{backup}: {error}") from error
    finally:
        script.unlink(missing_ok=True)


def _copy_sqlite(source: Path, target: Path) -> None:
    """All pages in one step, so that it is one moment; in WAL mode, readers keep no writer waiting."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as running,
        closing(sqlite3.connect(target)) as copy,
    ):
        running.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without companions
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")


def _claim(file: Path) -> None:
    """Leaves WAL mode, which takes the whole database for a moment and so fails while anybody else is connected."""
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise DatabaseInUseError(_IN_USE) from error
    except sqlite3.DatabaseError:
        return  # it is damaged, which may be why something else shall take its place


def _run(program: str, url: URL, *arguments: str, connects: bool = True) -> str:
    """One of PostgreSQL's programs. The password travels in its environment, which only the same user can read."""
    if shutil.which(program) is None:
        raise BackupError(f"{program} is missing: it comes with PostgreSQL's client, postgresql-client in Debian")
    given = {
        "PGHOST": url.host or url.query.get("host"),
        "PGPORT": None if url.port is None else str(url.port),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    environment = os.environ | {name: value for name, value in given.items() if isinstance(value, str) and connects}
    done = subprocess.run(
        [program, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        # Only the line with the error: those that explain it may quote rows.
        errors = [line for line in done.stderr.splitlines() if "error:" in line.lower()]
        raise BackupError(f"{program}: {errors[0].removeprefix(program + ': ') if errors else 'it failed'}")
    return done.stdout


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
