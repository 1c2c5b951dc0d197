"""A server and its load generator, side by side for one benchmark."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.lines import Fields
from benchmarks.process import Child
from benchmarks.server import KEY
from benchmarks.waiting import until

SERVER_CORE: Final = 0
LOAD_CORE: Final = 1
ROUTES_A_ROOM: Final = 4
"""Sound and picture, both ways."""
_PATIENCE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class House:
    """Both processes."""

    server: Child
    load: Child

    async def snapshot(self, *, collect: bool = False) -> Fields:
        return await self.server.ask("snapshot", collect=collect)

    async def routes_open(self, rooms: int) -> None:
        """Waits until media may pass in all rooms."""

        async def are_open() -> bool:
            return int((await self.snapshot())["open_routes"]) == ROUTES_A_ROOM * rooms

        await until(are_open, limit_s=_PATIENCE_S)

    async def everybody_leaves(self) -> None:
        """Ends all calls, and waits until the wire has forgotten them."""

        async def is_empty() -> bool:
            return not (await self.snapshot())["peers"]

        await self.load.ask("leave")
        await until(is_empty, limit_s=_PATIENCE_S)


@asynccontextmanager
async def server(
    *, announce: str | None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Child, Path]]:
    """A server, and the file of the key that signs grants for it; data in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="venterom-bench-") as folder:
        data = Path(folder) / "data"
        arguments = ["--announce", announce] if announce is not None else []
        async with await Child.start(
            "benchmarks.server", str(data), *arguments, core=SERVER_CORE, environment=environment
        ) as child:
            yield child, data / KEY


@asynccontextmanager
async def house(environment: Mapping[str, str] | None = None) -> AsyncIterator[House]:
    """A server on loopback with a load generator on another core."""
    async with AsyncExitStack() as stack:
        child, key = await stack.enter_async_context(server(announce="127.0.0.1", environment=environment))
        load = await stack.enter_async_context(
            await Child.start(
                "benchmarks.load", *("--port", str(child.ready["port"]), "--key", str(key)), core=LOAD_CORE, raised=True
            )
        )
        yield House(child, load)
