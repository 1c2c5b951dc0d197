"""SIGTERM to the real server: not ready first, everybody told to come back, nothing ended; and after it as before."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from control.errors import DrainingError
from tests.control.serving import Served
from tests.control.visitor import Visitor

STOP_S = 10.0
"""It takes one or two; a busy machine may take longer."""
STANDING = {"ingrid": "admitted", "waits": "lobby", "inside": "admitted", "held": "held"}
"""As the host sees them."""


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path, more="[signalling]\ndrain = 10\nslow_reader = 4\n")


async def stand(http: aiohttp.ClientSession, served: Served) -> dict[str, Visitor]:
    """A host inside, one person in the lobby, one admitted from there, one on hold."""
    people = {
        "ingrid": await served.come(http, "ingrid", role="practitioner", gate="open"),
        "waits": await served.come(http, "waits"),
        "inside": await served.come(http, "inside"),
        "held": await served.come(http, "held"),
    }
    host = people["ingrid"]
    for participant in ("inside", "held"):
        await host.websocket.send_json({"type": "admit", "participant": participant})
        await people[participant].until("admitted")
    await host.websocket.send_json({"type": "hold", "participant": "held"})
    await people["held"].until("held")
    return people


def standing(visitor: Visitor) -> dict[str, Any]:
    lists = [message["participants"] for message in visitor.received if message["type"] == "participants"]
    return {person["id"]: person["state"] for person in lists[-1]} if lists else {}


@asynccontextmanager
async def stubborn(served: Served) -> AsyncIterator[socket.socket]:
    """A WebSocket whose client never answers a close frame, so that draining takes its time."""
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        lines = [
            *("GET /ws HTTP/1.1", f"Host: 127.0.0.1:{served.port}", "Upgrade: websocket", "Connection: Upgrade"),
            *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
            *("Sec-WebSocket-Protocol: venterom.v1", f"Origin: {served.origin}"),
        ]
        await loop.sock_sendall(raw, ("\r\n".join(lines) + "\r\n\r\n").encode())
        assert (await loop.sock_recv(raw, 1000)).startswith(b"HTTP/1.1 101 ")
        yield raw


async def test_sigterm_ends_nothing_and_everybody_is_back_where_they_were(served: Served) -> None:
    async with aiohttp.ClientSession() as http:
        async with served.running() as process:
            people = await stand(http, served)
            while standing(people["ingrid"]) != STANDING:
                await people["ingrid"].until("participants")
            async with stubborn(served):
                process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(STOP_S):
                    for visitor in people.values():
                        async for message in visitor.websocket:
                            assert message.json()["type"] != "ended"
                        assert visitor.websocket.close_code == 1012
                    # The stubborn one is still waited for: the process answers, and takes nobody.
                    async with http.get(f"{served.address}/readyz") as response:
                        assert (response.status, (await response.json())["code"]) == (503, DrainingError.code)
                    async with http.get(f"{served.address}/healthz") as response:
                        assert response.status == 200
                    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                        await served.knock(http)
                    assert refused.value.status == 503
                    assert await process.wait() == 0
        assert '"event": "stopped"' in served.log.read_text()
        async with served.running():
            back = {name: await served.come_back(http, visitor.received[0]["seat"]) for name, visitor in people.items()}
            gates = {name: visitor.received[0]["gate"] for name, visitor in back.items()}
            assert gates == {"ingrid": "open", "waits": "lobby", "inside": "open", "held": "open"}
            host = back["ingrid"]
            while standing(host) != STANDING:
                await host.until("participants")
            for visitor in back.values():
                await visitor.close()


async def test_a_second_signal_does_not_wait(served: Served) -> None:
    async with served.running() as process, stubborn(served) as raw:
        process.send_signal(signal.SIGTERM)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(STOP_S):
            assert (await loop.sock_recv(raw, 100))[:1] == b"\x88"  # a close frame: it drains
            process.send_signal(signal.SIGTERM)
            await process.wait()
