"""`venterom serve` in a process of its own, behind a proxy that is not there, with a grant key of the test's."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from signalling.grant import issue
from signalling.keys import create_key, jwks
from tests.browser.island import Island
from tests.control.visitor import Visitor
from tests.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
READY_S: Final = 30.0


class Served:
    """Settings, key and data; `running` starts a process with them, as often as one likes."""

    def __init__(
        self, folder: Path, *, room: str = "r1", more: str = "", host: str = "127.0.0.1", island: Island | None = None
    ) -> None:
        self.origin: Final = "https://video.example.org"
        self.port: Final = free_port(socket.SOCK_STREAM)
        self.address: Final = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        self.log: Final = folder / "server.log"
        self.data: Final = folder / "data"
        self.config: Final = folder / "venterom.toml"
        self.key: Final = create_key(folder / "grants.pem")
        self.room: Final = room
        self._island: Final = island
        (folder / "grants.jwks.json").write_text(jwks([self.key]))
        self.config.write_text(
            f'[http]\nlisten = ["{host}"]\nport = {self.port}\nbehind_proxy = true\npublic_url = "{self.origin}"\n'
            f"[data]\ndirectory = {json.dumps(str(self.data))}\n"
            f"[grants]\nkeys = {json.dumps(str(folder / 'grants.jwks.json'))}\n"
            f"[media]\nport = {free_port(socket.SOCK_DGRAM)}\n{more}"
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The process, ready; killed at the end if it still lives. Its log is appended to `log`."""
        command = (sys.executable, "-m", "control.cli", "serve", "--config", str(self.config))
        with self.log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(self._island.command(*command) if self._island else command),
                cwd=ROOT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_S)
            assert line.decode() == f"ready {self.origin}\n", self.log.read_text()
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def grant(self, participant: str, *, role: str = "patient", gate: Any = "lobby", name: str = "Kari") -> str:
        """Into the one room."""
        return issue(self.key, room=self.room, participant=participant, role=role, name=name, gate=gate, size=5)

    async def knock(self, http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        """Opens a WebSocket."""
        return await http.ws_connect(f"{self.address}/ws", protocols=("venterom.v1",), origin=self.origin)

    async def come(self, http: aiohttp.ClientSession, participant: str, **given: Any) -> Visitor:
        """Joins by a fresh grant."""
        visitor = Visitor(await self.knock(http))
        joined = await visitor.ask(type="join", grant=self.grant(participant, **given))
        assert joined["type"] == "joined", joined
        return visitor

    async def come_back(self, http: aiohttp.ClientSession, seat: str) -> Visitor:
        """Joins by a seat."""
        visitor = Visitor(await self.knock(http))
        joined = await visitor.ask(type="join", seat=seat)
        assert joined["type"] == "joined", joined
        return visitor
