"""The write-ahead log is emptied beside the transactions, and what is in it is in the file afterwards."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from control.store import wal
from control.store.wal import WriteAheadLog


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
def writer(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE thing (n INTEGER)")
    connection.executemany("INSERT INTO thing VALUES (?)", [(number,) for number in range(100)])
    return connection


def size_of(file: Path) -> int:
    """Without what is in the log alone."""
    return file.stat().st_size


async def test_after_so_many_transactions_the_log_is_brought_into_the_file(
    file: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "EVERY", 3)
    size = size_of(file)
    log = WriteAheadLog(file)
    for _ in range(2):
        log.committed()
    await log.close()
    assert size_of(file) == size
    log.committed()
    await log.close()
    assert size_of(file) > size


async def test_while_it_is_at_it_nobody_waits(
    file: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "EVERY", 1)
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM thing").fetchone() == (100,)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM thing")
    log = WriteAheadLog(file)
    log.committed()
    await asyncio.wait_for(log.close(), 5)
    writer.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM thing").fetchone() == (100,)


def fails(_: Path) -> None:
    raise sqlite3.OperationalError


async def test_one_that_fails_is_told_and_the_next_one_tries_again(
    file: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "EVERY", 1)
    size = size_of(file)
    log = WriteAheadLog(file)
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(wal, "checkpoint", fails)
        log.committed()
        await log.close()
    assert [each["event"] for each in logs] == ["wal_checkpoint_failed"]
    log.committed()
    await log.close()
    assert size_of(file) > size
