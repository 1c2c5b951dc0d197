"""A real process, killed in the middle of a call: its successor knows everybody's place."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from signalling import grant
from signalling.keys import JwksFile, SigningKey, jwks

ROOT = Path(__file__).parents[2]
SERVER = """
import asyncio, pathlib, sys, time
from aiohttp import web
from signalling import grant, keys
from signalling.config import SignallingConfig
from signalling.server import SignallingServer
from tests.signalling.doubles import RecordingNode

async def main(data):
    source = keys.JwksFile(grant.DEFAULT_ISSUER, data / "jwks.json", time.monotonic)
    server = SignallingServer.create(SignallingConfig(), RecordingNode(), source, data)
    app = web.Application()
    server.add_to(app)
    await server.start()
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("port", runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


@asynccontextmanager
async def process(data: Path) -> AsyncIterator[str]:
    """A server's address; the server is killed at the end, never asked."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(data), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(30):
            while not (line := await child.stdout.readline()).startswith(b"port"):
                assert line
        yield f"http://127.0.0.1:{int(line.split()[1])}"
    finally:
        child.send_signal(signal.SIGKILL)
        await child.communicate()


async def joined(http: aiohttp.ClientSession, url: str, **join: str) -> aiohttp.ClientWebSocketResponse:
    socket = await http.ws_connect(f"{url}/ws", protocols=["venterom.v1"], origin=url)
    await socket.send_str(json.dumps({"type": "join", **join}))
    return socket


async def until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = await socket.receive_json(timeout=10)
        assert message["type"] != "error", message
        if message["type"] == kind:
            return message


async def test_a_kill_in_the_middle_of_a_call(tmp_path: Path) -> None:
    key = SigningKey.generate()
    (tmp_path / "jwks.json").write_text(jwks([key]))
    assert JwksFile(grant.DEFAULT_ISSUER, tmp_path / "jwks.json", lambda: 0.0).find(grant.DEFAULT_ISSUER, key.kid)
    doctor = grant.issue(key, room="r", participant="d", role="practitioner", name="D", gate="open")
    async with aiohttp.ClientSession() as http:
        async with process(tmp_path) as url:
            host = await joined(http, url, grant=doctor)
            seats = {"d": (await until(host, "joined"))["seat"]}
            people = {}
            for name in ("in", "waits", "out", "held", "back"):
                token = grant.issue(key, room="r", participant=name, role="patient", name=name)
                people[name] = await joined(http, url, grant=token)
                seats[name] = (await until(people[name], "joined"))["seat"]
            commands = (
                *(("admit", name) for name in ("in", "held", "back")),
                *(("remove", "out"), ("hold", "held"), ("to-lobby", "back"), ("pause", "in")),
            )
            for command, about in commands:
                await host.send_str(json.dumps({"type": command, "participant": about}))
            await until(people["in"], "paused")
            await until(people["out"], "ended")
            await until(people["held"], "held")
        async with process(tmp_path) as url:
            host = await joined(http, url, seat=seats["d"])
            assert (await until(host, "joined"))["gate"] == "open"
            assert (await until(host, "paused"))["by"] == "d"
            assert (await until(await joined(http, url, seat=seats["in"]), "joined"))["gate"] == "open"
            assert (await until(await joined(http, url, seat=seats["waits"]), "lobby"))["position"] == 1
            assert (await until(await joined(http, url, seat=seats["back"]), "lobby"))["position"] == 2
            held = await joined(http, url, seat=seats["held"])
            await until(held, "held")
            assert (await until(held, "paused"))["by"] == "d"
            for token, code in ((seats["out"], "seat_dead"), (doctor, "grant_replayed")):
                refused = await joined(http, url, **{"grant" if token == doctor else "seat": token})
                assert (await refused.receive_json(timeout=10))["code"] == code
