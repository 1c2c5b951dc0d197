"""A real PostgreSQL server with a folder of its own, reached through a socket in that folder."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL

_START_S: Final = 60
_SETTINGS: Final = {
    "listen_addresses": "",
    # What tests write need not outlive the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
}


def programs() -> Path:
    """The folder with initdb and pg_ctl: Debian keeps them off the PATH, one folder a version."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    assert folders, "PostgreSQL is missing: apt-get install postgresql"
    return folders[-1]


@dataclass(frozen=True, slots=True)
class Postgres:
    """The running server."""

    folder: Path
    user: str | None
    """Who runs it: it refuses to run as root."""
    durable: bool = False
    """Whether a commit waits for the disk, as in production."""

    def url(self, name: str) -> URL:
        """The address of one of its databases."""
        return URL.create("postgresql+asyncpg", username="postgres", database=name, query={"host": str(self.folder)})

    def create(self, name: str) -> URL:
        """A new database, without tables."""
        self.run("createdb", name)
        return self.url(name)

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's own programs as a client."""
        self._do(program, "--host", str(self.folder), "--username", "postgres", *arguments)

    def start(self) -> None:
        """Makes the files and waits until it answers."""
        data = str(self.folder / "data")
        self._do("initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync")
        given = {"listen_addresses": ""} if self.durable else _SETTINGS
        settings = " ".join(f"-c {name}='{value}'" for name, value in given.items())
        self._do(
            *("pg_ctl", "start", "--wait", "--timeout", str(_START_S), "--pgdata", data),
            *("--log", str(self.folder / "log"), "--options", f"{settings} -k {self.folder}"),
        )

    def stop(self) -> None:
        self._do("pg_ctl", "stop", "--mode", "immediate", "--pgdata", str(self.folder / "data"))

    def _do(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs() / program, *arguments],
            user=self.user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,  # the server inherits it
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_START_S,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}"


@contextmanager
def running(*, durable: bool = False, parent: Path | None = None) -> Iterator[Postgres]:
    """A server for as long as it is needed, its data below `parent` or where temporary files are."""
    user = "postgres" if os.getuid() == 0 else None
    # Not in pytest's folders: a socket's path is short (107 bytes), and the other user can't enter there.
    with tempfile.TemporaryDirectory(prefix="venterom-pg-", dir=parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        server = Postgres(folder, user, durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()
