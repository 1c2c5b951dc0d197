"""`venterom serve` as an operator runs it: a settings file, a key of their own, grants by `venterom grant`, SIGTERM."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from control.cli import main
from tests.control.serving import Served
from tests.control.visitor import Visitor

WHO = ["--room", "r1", "--participant", "p1", "--role", "patient", "--name", "Kari", "--gate", "open"]

STOP_S = 10.0
"""It takes one; a busy machine may take longer."""


async def test_a_grant_lets_in_and_sigterm_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    served, key = Served(tmp_path), str(tmp_path / "grants.pem")
    assert main(["jwks", "--key", key]) == 0
    (tmp_path / "grants.jwks.json").write_text(capsys.readouterr().out)
    assert main(["grant", "--key", key, *WHO]) == 0
    grant = capsys.readouterr().out.strip()
    async with aiohttp.ClientSession() as http:
        async with served.running() as process:
            visitor = Visitor(await served.knock(http))
            joined = await visitor.ask(type="join", grant=grant)
            assert (joined["type"], joined["room"], joined["gate"]) == ("joined", "r1", "open")
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_S):
                async for _ in visitor.websocket:
                    pass
                assert await process.wait() == 0
            assert visitor.websocket.close_code == 1012
        async with served.running():
            visitor = Visitor(await served.knock(http))
            assert (await visitor.ask(type="join", grant=grant))["code"] == "grant_replayed"
            back = await served.come_back(http, joined["seat"])
            assert back.received[0]["gate"] == "open"
