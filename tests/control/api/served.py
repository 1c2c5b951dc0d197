"""The world in a thread of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL

from control.store.database import Database
from tests.control.api.world import World, running

_WAIT_S: Final = 60.0
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Served:
    """A running world."""

    world: World
    loop: asyncio.AbstractEventLoop

    @property
    def address(self) -> str:
        return f"http://{self.world.client.host}:{self.world.client.port}"

    def do(self, work: Callable[[World], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Runs something in the world's loop."""
        return asyncio.run_coroutine_threadsafe(work(self.world), self.loop).result(_WAIT_S)


@contextmanager
def served(url: URL, folder: Path) -> Iterator[Served]:
    """The world over this database, until the end."""
    ready: list[Served | BaseException] = []
    started, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        database = Database.open(url)
        try:
            async with running(database, folder) as world:
                ready.append(Served(world, asyncio.get_running_loop()))
                started.set()
                await over.wait()
        finally:
            await database.close()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            ready.append(error)
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(_WAIT_S)
    found = ready[0]
    if isinstance(found, BaseException):
        thread.join(_WAIT_S)
        raise found
    try:
        yield found
    finally:
        found.loop.call_soon_threadsafe(over.set)
        thread.join(_WAIT_S)
