"""`venterom serve` as an operator runs it: a settings file, a key of their own, grants by `venterom grant`, SIGTERM."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from control.cli import main
from signalling.keys import create_key
from tests.browser.server import free_port

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "https://video.example.org"
WAIT = 20.0


@asynccontextmanager
async def serving(config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process, ready; killed at the end if it still lives."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "control.cli", "serve", "--config", str(config)),
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), WAIT)
        assert line.decode() == f"ready {ORIGIN}\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def join(http: aiohttp.ClientSession, port: int, **by: str) -> tuple[aiohttp.ClientWebSocketResponse, Any]:
    """A connection, and the reply to its join."""
    socket_ = await http.ws_connect(f"http://127.0.0.1:{port}/ws", protocols=["venterom.v1"], origin=ORIGIN)
    await socket_.send_json({"type": "join", "id": 1, **by})
    return socket_, await socket_.receive_json(timeout=WAIT)


async def test_a_grant_lets_in_and_sigterm_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, config, port = tmp_path / "grants.pem", tmp_path / "venterom.toml", free_port(socket.SOCK_STREAM)
    create_key(key)
    assert main(["jwks", "--key", str(key)]) == 0
    (tmp_path / "grants.jwks.json").write_text(capsys.readouterr().out)
    config.write_text(
        f'[http]\nlisten = ["127.0.0.1"]\nport = {port}\nbehind_proxy = true\npublic_url = "{ORIGIN}"\n'
        f"[data]\ndirectory = {json.dumps(str(tmp_path / 'data'))}\n"
        f"[grants]\nkeys = {json.dumps(str(tmp_path / 'grants.jwks.json'))}\n"
        f"[media]\nport = {free_port(socket.SOCK_DGRAM)}\n"
    )
    who = ["--room", "r1", "--participant", "p1", "--role", "patient", "--name", "Kari", "--gate", "open"]
    assert main(["grant", "--key", str(key), *who]) == 0
    grant = capsys.readouterr().out.strip()
    async with aiohttp.ClientSession() as http:
        async with serving(config) as process:
            client, joined = await join(http, port, grant=grant)
            assert (joined["type"], joined["room"], joined["gate"]) == ("joined", "r1", "open")
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(2):
                async for _ in client:
                    pass
                assert await process.wait() == 0
            assert client.close_code == 1012
        async with serving(config):
            _, refused = await join(http, port, grant=grant)
            assert refused["code"] == "grant_replayed"
            _, back = await join(http, port, seat=joined["seat"])
            assert (back["type"], back["gate"]) == ("joined", "open")
