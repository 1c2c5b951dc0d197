"""A whole call through the real server with canaries in every field: none comes into the log or the metrics."""

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.control.serving import Served
from tests.control.visitor import Visitor

SDP = Path(__file__).resolve().parents[1] / "sfu" / "data" / "chromium-1.sdp"
TOKEN = "metrics-kanari-token"
CANARY = "kanari"
"""Part of every name, identifier and secret below."""
ADDRESS = "127.0.0.77"


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path, room="kanarirom", more=f'[metrics]\ntoken = "{TOKEN}"\n')


def offer() -> str:
    """A browser's, with a canary where it has names of its own."""
    lines = SDP.read_text().splitlines()
    return "\r\n".join(f"a=ice-pwd:{CANARY * 4}" if line.startswith("a=ice-pwd:") else line for line in lines) + "\r\n"


async def use_everything(host: Visitor, patient: Visitor) -> None:
    """Every message a client can send, in good and in bad form."""
    tracks = [
        {"mid": "0", "kind": "audio", "source": "microphone"},
        {"mid": "1", "kind": "video", "source": "camera"},
    ]
    for visitor in (host, patient):
        assert (await visitor.ask(type="offer", sdp=offer(), tracks=tracks))["type"] == "answer"
    await host.websocket.send_json({"type": "notice", "minutes": 5, "text": "Kanari Fuglesang er forsinket"})
    await host.websocket.send_json({"type": "admit", "participant": "kanari-pasient"})
    await patient.until("admitted")
    await host.ask(type="mute", track="kanari-ukjent", muted=True)
    await host.websocket.send_json({"type": "mute", "track": "kanari-vert-camera", "muted": True})
    for kind in ("hold", "release"):
        await host.websocket.send_json({"type": kind, "participant": "kanari-pasient"})
    await patient.until("released")
    await patient.websocket.send_json({"type": "pause", "reason": "kanari_grunn"})
    await host.until("paused")
    await host.websocket.send_json({"type": "resume"})
    await patient.until("resumed")
    for broken in (
        {"type": "offer", "sdp": f"v=0\r\ns={CANARY}\r\n", "tracks": []},
        {"type": "offer", "sdp_z": CANARY, "tracks": []},
        {"type": "kanari", "kanari": CANARY},
        {"type": "admit", "participant": "kanari-ukjent"},
        {"type": "admit", "participant": "Kanari Fuglesang"},
        {"type": "join", "grant": "kanari.kanari.kanari"},
    ):
        assert (await host.ask(**broken))["type"] == "error"
    await host.websocket.send_str(f'{{"kanari": "{CANARY}"')
    await host.until("error")


async def knock_everywhere(http: aiohttp.ClientSession, served: Served) -> None:
    """HTTP with canaries in path, query, headers and body."""
    headers = {"Authorization": "Bearer kanari", "Cookie": "kanari=kanari", "X-Forwarded-For": ADDRESS}
    for path in ("/kanari?token=kanari", "/ws?token=kanari", "/patient/%6banari", "/metrics?kanari"):
        async with http.get(served.address + path, headers=headers) as response:
            await response.read()
    async with http.post(f"{served.address}/api/v1/lab/links", json={"token": CANARY}) as response:
        assert response.status == 404
    for grant in (CANARY, served.grant("kanari-annen").replace(".", ".kanari", 1)):
        visitor = Visitor(await served.knock(http))
        assert (await visitor.ask(type="join", grant=grant))["code"] == "grant_invalid"
        await visitor.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"KANARI kanari\r\nkanari: kanari\r\n\r\n")
    assert b"400" in await reader.readline()
    writer.close()


async def test_no_canary_in_log_or_metrics(served: Served) -> None:
    connector = aiohttp.TCPConnector(local_addr=(ADDRESS, 0))
    secrets: list[str] = []
    async with served.running() as process, aiohttp.ClientSession(connector=connector) as http:
        host = await served.come(http, "kanari-vert", role="practitioner", gate="open", name="Kanari Fuglesang")
        patient = await served.come(http, "kanari-pasient", name="Kanari Kvinandsen")
        secrets += [visitor.received[0]["seat"] for visitor in (host, patient)]
        await use_everything(host, patient)
        await knock_everywhere(http, served)
        await patient.close()
        patient = await served.come_back(http, secrets[1])
        async with http.get(f"{served.address}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            assert response.status == 200
            metrics = await response.text()
        await host.websocket.send_json({"type": "remove", "participant": "kanari-pasient"})
        await patient.until("ended")
        await host.websocket.send_json({"type": "end", "reason": "kanari_slutt"})
        await host.until("ended")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    log = served.log.read_text()
    events = {json.loads(line)["event"] for line in log.splitlines()}
    assert {"started", "entered", "returned", "admit", "pause", "remove", "ended", "stopped"} <= events
    for text in (log, metrics):
        assert CANARY not in text.lower()
        assert ADDRESS not in text
        for secret in secrets:
            assert not any(part in text for part in secret.split("."))
