"""Brings a backup back (`venterom db restore`): nothing old is sent, everybody logs in anew, and what was revoked since
the backup is listed, since it is in force no longer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import URL, delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from control.audit import log
from control.audit.chain import Event, Head, Reference, sign
from control.audit.checkpoints import CheckpointSink
from control.audit.reading import heads
from control.errors import BackupError, WitnessError
from control.store import backup, migrate
from control.store.database import Database
from control.store.models import LoginSession, OutboxEntry, OutboxState
from control.store.revocations import Key, Standing, came_back, logins, standing
from signalling.keys import SigningKey

ACTOR: Final = Reference("operator", "")
"""Whoever may run commands on the host; who it was is for the host's own log."""
_ACROSS: Final = {"across": "operation"}


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it."""

    kept: Path | None
    """Where the database that was replaced is, None where there was none."""
    compared: bool
    """False where the replaced database could not be read: then nobody can say what it had revoked."""
    came_back: tuple[Key, ...]
    """What was revoked, declined or left since the backup, and is in force again."""
    paused: int
    """Messages that wait until somebody lets them go (`venterom db resume-outbox`)."""


@dataclass(frozen=True, slots=True)
class _Before:
    standing: Standing
    logins: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Witness:
    """Who signs that the chains went back, and where that is kept."""

    sink: CheckpointSink
    key: SigningKey


async def restore(url: URL, file: Path, keep: Path, witness: Witness, now: datetime) -> Restored:
    """Puts a backup in the place of the database, and what was there into `keep`, a new file.

    Raises BackupError or DatabaseInUseError, and then nothing has changed; WitnessError where all is done but the sink
    did not take the checkpoints of the restore.
    """
    gone = await asyncio.to_thread(_clinics, witness.sink)
    exists = await asyncio.to_thread(backup.check, url, file, keep)
    before = await _look_before(url) if exists else None
    if url.get_backend_name() == "sqlite":
        prepared = await asyncio.to_thread(backup.prepare_sqlite, file, url, migrate.revisions())
        try:
            settled = await _settle(prepared, before, now)
            await asyncio.to_thread(backup.swap_sqlite, prepared, url, keep)
        finally:
            backup.sqlite_file(prepared).unlink(missing_ok=True)
    else:
        await asyncio.to_thread(backup.take, url, keep)
        await asyncio.to_thread(
            backup.replace_postgresql, file, url, migrate.revisions(), keep.with_name(f".{keep.name}.sql")
        )
        settled = await _settle(url, before, now)
    known = {head.clinic for head in settled.kept}
    await asyncio.to_thread(
        _testify, witness, [*settled.kept, *(Head.start(clinic) for clinic in sorted(gone - known))], now
    )
    return Restored(
        kept=keep if exists else None,
        compared=before is not None or not exists,
        came_back=settled.came_back,
        paused=settled.paused,
    )


def _clinics(sink: CheckpointSink) -> frozenset[str]:
    try:
        return sink.clinics()
    except OSError as error:
        raise BackupError(f"audit.checkpoint_sink: {error.strerror}") from error


async def _look_before(url: URL) -> _Before | None:
    """What the database that goes has revoked; None where it is of another version, or damaged."""
    database = Database.open(url)
    try:
        if not await migrate.is_current(url):
            return None
        async with database.look(None) as session:
            return _Before(await standing(session), await logins(session))
    except SQLAlchemyError:
        return None
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class _Settled:
    kept: tuple[Head, ...]
    came_back: tuple[Key, ...]
    paused: int


async def _settle(url: URL, before: _Before | None, now: datetime) -> _Settled:
    """What has to be done in a database that came back, before anybody uses it."""
    await migrate.upgrade(url)
    database = Database.open(url)
    try:
        kept = tuple(await heads(database))
        async with database.begin(None) as session:
            back: list[Key] = []
            if before is not None:
                back += await came_back(session, before.standing)
                back += sorted(await logins(session) - before.logins)
            await session.execute(delete(LoginSession), execution_options=_ACROSS)
            waiting = update(OutboxEntry).where(OutboxEntry.state == OutboxState.QUEUED)
            await session.execute(waiting.values(state=OutboxState.PAUSED), execution_options=_ACROSS)
            paused = await session.scalar(
                select(func.count()).select_from(OutboxEntry).where(OutboxEntry.state == OutboxState.PAUSED),
                execution_options=_ACROSS,
            )
        for head in kept:
            async with database.begin(head.clinic) as session:
                details = {
                    "kept": head.sequence,
                    "came_back": [f"{k.kind}:{k.id}" for k in back if k.clinic == head.clinic],
                }
                await log.record(session, Event(now, ACTOR, "database.restore", detail=log.detail(details)))
    finally:
        await database.close()
    return _Settled(kept, tuple(back), paused or 0)


def _testify(witness: Witness, kept: Sequence[Head], now: datetime) -> None:
    """Tells the sink where each chain went back to: without it, a restore would look like a truncation."""
    try:
        for head in kept:
            witness.sink.append(sign(head, now, witness.key, restored=True))
    except OSError as error:
        raise WitnessError(f"audit.checkpoint_sink: {error.strerror}; all else is done") from error


async def resume(url: URL, now: datetime) -> int:
    """Lets the messages go that a restore paused; how many."""
    database = Database.open(url)
    resumed = 0
    try:
        for head in await heads(database):
            async with database.begin(head.clinic) as session:
                waiting = update(OutboxEntry).where(OutboxEntry.state == OutboxState.PAUSED)
                result = await session.execute(waiting.values(state=OutboxState.QUEUED))
                count = int(result.rowcount)  # type: ignore[attr-defined]
                if count:
                    event = Event(now, ACTOR, "outbox.resume", detail=log.detail({"messages": count}))
                    await log.record(session, event)
                resumed += count
    finally:
        await database.close()
    return resumed
