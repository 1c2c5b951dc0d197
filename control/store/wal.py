"""Brings what SQLite's write-ahead log holds into the file itself, beside the transactions instead of in one of them.

SQLite does so in the commit that makes the log too long, and whoever waits for that commit waits for the disk twice
(https://www.sqlite.org/wal.html section 2.3).
"""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

import structlog

EVERY: Final = 100
"""Transactions after which it is done: some megabytes of log."""
AT_LATEST_PAGES: Final = 5_000
"""From here on (20 MB) a commit does it after all, should this one not keep up."""
_log = structlog.get_logger(__name__)


class WriteAheadLog:
    """Of one database file. All calls on one event loop; `close` in the end."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._since = 0
        self._running: asyncio.Task[None] | None = None

    def committed(self) -> None:
        """A transaction has been written."""
        self._since += 1
        if self._since >= EVERY and self._running is None:
            self._since = 0
            self._running = asyncio.create_task(self._bring())

    async def close(self) -> None:
        """Waits for what is under way."""
        if self._running is not None:
            await asyncio.wait([self._running])

    async def _bring(self) -> None:
        try:
            await asyncio.to_thread(checkpoint, self._file)
        except (sqlite3.Error, RuntimeError) as error:  # RuntimeError: the interpreter takes no new threads, at its end
            _log.warning("wal_checkpoint_failed", error=type(error).__name__)
        finally:
            self._running = None


def checkpoint(file: Path) -> None:
    """Once, without waiting for anybody and without anybody waiting for it (raises sqlite3.Error)."""
    address = f"file:{quote(str(file))}?mode=rw"  # never makes a file that is gone
    with contextlib.closing(sqlite3.connect(address, isolation_level=None, uri=True)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
