"""The real server in a process of its own, as `venterom demo` starts it, on free ports and with data of its own."""

import asyncio
import atexit
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy import URL

from tests.browser.island import Island
from tests.control.visitor import plain
from tests.ports import free_port

READY_S = 30.0
STOP_S = 5.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Server:
    """A running demo: its addresses, and what it wrote."""

    process: asyncio.subprocess.Process
    url: str
    patient: str
    practitioner: str
    media_port: int
    log: Path
    island: Island | None
    settings: Mapping[str, str]
    database: URL | None

    @classmethod
    async def start(
        cls,
        data: Path,
        *,
        port: int | None = None,
        media_port: int | None = None,
        island: Island | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        database: URL | None = None,
    ) -> Self:
        """`settings` of media, signalling and limits, as in the environment: `{"SIGNALLING__HOST_ABSENCE": "2"}`.

        Data that is already there is taken as it is; without a database of its own, so is the file in it.
        """
        if not (data / "demo").exists():
            shutil.copytree(await _furnished(), data / "demo")
        port = port or free_port(socket.SOCK_STREAM)
        media_port = media_port or free_port(socket.SOCK_DGRAM)
        log = data / "server.log"
        module = ("control.cli",) if database is None else ("tests.control.demo_elsewhere", plain(database))
        with log.open("ab") as errors:
            command = (sys.executable, "-m", *module, "demo")
            where = ("--port", str(port), "--media-port", str(media_port), "--data", str(data / "demo"))
            process = await asyncio.create_subprocess_exec(
                *(island.command(*command) if island else command),
                *where,
                cwd=_ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=os.environ
                | {"PYTHONUNBUFFERED": "1"}
                | {f"VENTEROM_{name}": value for name, value in settings.items()},
                start_new_session=True,
            )
        try:
            lines = await read_ready(process, READY_S)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            print(log.read_text())
            raise
        links = lines["patient"], lines["practitioner"]
        return cls(process, lines["ready"], *links, media_port, log, island, settings, database)

    async def restart(self) -> Self:
        """The process dies as by a power cut, and another takes its place with the same data and ports."""
        await self.kill()
        return await self.start_again()

    async def kill(self) -> None:
        """The process dies as by a power cut."""
        self.process.kill()
        await self.process.wait()

    async def start_again(self) -> Self:
        """Another takes the place of one that is gone, with the same data, ports and settings."""
        return await type(self).start(
            self.log.parent,
            port=self.port,
            media_port=self.media_port,
            island=self.island,
            settings=self.settings,
            database=self.database,
        )

    @property
    def port(self) -> int:
        """Of pages and signalling."""
        port = urlsplit(self.url).port
        assert port is not None
        return port

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise


_templates: list[Path] = []


async def _furnished() -> Path:
    """The data of a server that has been up once: tables, keys and the demo's clinic, which take a second to make."""
    if not _templates:
        folder = Path(tempfile.mkdtemp(prefix="venterom-furnished-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        (folder / "demo").mkdir(mode=0o700)
        server = await Server.start(folder)
        await server.stop()
        _templates.append(folder / "demo")
    return _templates[0]


async def read_ready(process: asyncio.subprocess.Process, limit_s: float) -> dict[str, str]:
    """The three lines that say where to go."""
    assert process.stdout is not None
    lines: dict[str, str] = {}
    async with asyncio.timeout(limit_s):
        while {"ready", "patient", "practitioner"} - lines.keys():
            line = (await process.stdout.readline()).decode()
            assert line, f"the server ended with {await process.wait()} before it was ready"
            word, _, rest = line.strip().partition(" ")
            lines[word] = rest
    return lines
