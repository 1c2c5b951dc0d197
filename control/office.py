"""Control's half of the process: database, secret keys, the way to the rooms, and what it does by itself."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from control import clock
from control.audit.checkpoints import Checkpointer, DirectorySink
from control.audit.reading import heads
from control.clock import LabClock
from control.config import Settings
from control.consultation.joining import Issuer
from control.errors import ConfigError, DatabaseOutdatedError
from control.housekeeping import Housekeeping
from control.identity.persons import check_keys
from control.identity.secrets import Secrets, open_secrets
from control.rooms.commands import Dispatcher
from control.rooms.events import Listener
from control.rooms.port import Rooms
from control.rooms.reconcile import reconcile
from control.store import migrate
from control.store.database import Database, address
from signalling.keys import SigningKey

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Office:
    """What the interface is built on."""

    database: Database
    secrets: Secrets
    issuer: Issuer
    lab_clock: LabClock | None


@contextlib.asynccontextmanager
async def opened(settings: Settings, key: SigningKey | None) -> AsyncIterator[Office]:
    """The database at this version, and the keys; none for grants where no rooms are reached.

    Raises ConfigError, DatabaseOutdatedError, SecretFileError; SealKeyUnknownError where rows need a key that is gone.
    """
    secrets = open_secrets(settings.secrets.directory, settings.data.directory)
    database = await _open_database(settings)
    try:
        await check_keys(database, secrets.pseudonyms)
        lab_clock = LabClock() if settings.lab.enabled else None
        yield Office(database, secrets, Issuer(key, time.time), lab_clock)
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def at_work(office: Office, settings: Settings, rooms: Rooms | None) -> AsyncIterator[None]:
    """Hears the rooms, tells them, signs checkpoints and cleans up, until it is left; then one last checkpoint.

    Without rooms, what they are to be told waits in the database for the process that has them.
    """
    database = office.database
    jobs: dict[str, Coroutine[Any, Any, None]] = {}
    if rooms is not None:
        listener = Listener(database, rooms)
        await listener.catch_up()
        differed = await reconcile(database, rooms, clock.real)
        _log.info("reconciled", differed=differed)
        jobs |= {"dispatcher": Dispatcher(database, rooms).run(), "listener": listener.run()}
    sink = DirectorySink(settings.audit.directory(settings.data.directory))
    checkpointer = Checkpointer(lambda: heads(database), sink, office.secrets.audit, clock.real)
    housekeeping = Housekeeping(database, timedelta(seconds=settings.sessions.idle), clock.real)
    jobs |= {"checkpointer": checkpointer.run(), "housekeeping": housekeeping.run()}
    tasks = [asyncio.create_task(job, name=name) for name, job in jobs.items()]
    for task in tasks:
        task.add_done_callback(_told_of_end)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(DBAPIError, OSError):
            await checkpointer.sign_all()


def _told_of_end(task: asyncio.Task[None]) -> None:
    """None of them ends by itself; whoever reads the log must know of one that did."""
    if not task.cancelled():
        _log.critical("job_ended", job=task.get_name(), error=type(task.exception()).__name__)


async def _open_database(settings: Settings) -> Database:
    """A file of our own is brought to this version at once; of a server somebody else may be in charge."""
    settings.data.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = address(settings.database.url, settings.database.password_file, settings.data.directory)
    try:
        if url.get_backend_name() == "sqlite":
            await migrate.upgrade(url)
        elif not await migrate.is_current(url):
            raise DatabaseOutdatedError("the tables are of another version: venterom db upgrade")
    except (DBAPIError, OSError) as error:
        raise ConfigError(f"database: {type(error).__name__}: not reached, or not ours to use") from error
    return Database.open(url)
