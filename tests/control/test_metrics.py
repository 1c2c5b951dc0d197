"""`/metrics`: who may read it, that it counts what happens, and that it names nobody."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from control.api.metrics import may_read
from control.app import Service
from control.config import MetricsConfig, load
from control.demo import Demo, prepare
from control.errors import ConfigError
from tests.control.visitor import Visitor, grant, url
from tests.ports import free_port

TOKEN = "a-token-of-the-hospital"
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))


@pytest_asyncio.fixture
async def running(demo: Demo) -> AsyncIterator[Demo]:
    service = await Service.start(demo.settings, demo.lab)
    yield demo
    await service.stop()


async def scrape(http: aiohttp.ClientSession, demo: Demo) -> str:
    async with http.get(f"{url(demo)}/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        return await response.text()


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Values by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


LOCAL, MAPPED, OTHER = ("127.0.0.1", 1), ("::ffff:127.0.0.1", 1, 0, 0), ("10.0.0.9", 1)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("headers", "peer", "token", "behind_proxy", "may"),
    [
        ({}, LOCAL, None, False, True),
        ({}, ("::1", 1, 0, 0), None, False, True),
        ({}, MAPPED, None, False, True),
        ({}, OTHER, None, False, False),
        ({}, ("fe80::1%eth0", 1, 0, 2), None, False, False),
        ({}, None, None, False, False),
        ({}, "", None, False, False),
        ({}, LOCAL, None, True, False),
        ({"X-Forwarded-For": "10.0.0.9"}, LOCAL, None, False, False),
        ({"Forwarded": "for=10.0.0.9"}, LOCAL, None, False, False),
        (BEARER, OTHER, None, False, False),
        (BEARER, OTHER, TOKEN, False, True),
        (BEARER | {"X-Forwarded-For": "10.0.0.9"}, LOCAL, TOKEN, True, True),
        ({}, LOCAL, TOKEN, False, False),
        ({"Authorization": TOKEN}, LOCAL, TOKEN, False, False),
        ({"Authorization": f"Bearer {TOKEN}x"}, LOCAL, TOKEN, False, False),
        ({"Authorization": "Bearer æ"}, LOCAL, TOKEN, False, False),
    ],
)
def test_who_may_read(headers: dict[str, str], peer: object, token: str | None, behind_proxy: bool, may: bool) -> None:
    assert may_read(headers, peer=peer, token=token, behind_proxy=behind_proxy) is may


async def test_a_token_is_asked_for_over_http(demo: Demo) -> None:
    settings = demo.settings.model_copy(update={"metrics": MetricsConfig(token=TOKEN)})
    service = await Service.start(settings, demo.lab)
    try:
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{url(demo)}/metrics") as response:
                assert (response.status, (await response.json())["code"]) == (403, "metrics_forbidden")
            async with http.get(f"{url(demo)}/metrics", headers=BEARER) as response:
                assert response.status == 200
                assert "venterom_rooms" in await response.text()
    finally:
        await service.stop()


def test_a_token_is_no_short_one_and_shows_nowhere() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {"VENTEROM_METRICS__TOKEN": "short-secret"})
    assert "short-secret" not in str(caught.value)
    assert TOKEN not in repr(load(None, {"VENTEROM_METRICS__TOKEN": TOKEN}))


async def test_it_counts_rooms_people_and_joins(running: Demo) -> None:
    address, lab = url(running), running.lab
    async with aiohttp.ClientSession() as http:
        before = samples(await scrape(http, running))
        assert before["venterom_rooms", "occupied"] == 0
        assert before["venterom_ready",] == 1
        host = await Visitor.come(http, address, grant=grant(lab, "r1", "ingrid"))
        waits = await Visitor.come(http, address, grant=grant(lab, "r1", "arne", role="patient", gate="lobby"))
        held = await Visitor.come(http, address, grant=grant(lab, "r1", "kari", role="patient"))
        await host.websocket.send_json({"type": "hold", "participant": "kari"})
        await held.until("held")
        away = await Visitor.come(http, address, grant=grant(lab, "r1", "ola", role="guest"))
        await away.close()
        while {"id": "ola", "state": "reconnecting"}.items() - _person(host, "ola").items():
            await host.until("participants")
        refused = await Visitor.come(http, address, grant="no-grant-at-all")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(f"{address}/ws", protocols=("venterom.v1",), origin="https://elsewhere.example")

        after = samples(await scrape(http, running))
        people = {state: after["venterom_participants", state] for state in ("lobby", "admitted", "held")}
        assert people == {"lobby": 1, "admitted": 1, "held": 1}
        assert after["venterom_participants", "reconnecting"] == 1
        assert (after["venterom_rooms", "occupied"], after["venterom_rooms", "empty"]) == (1, 0)
        assert (after["venterom_websockets", "joined"], after["venterom_websockets", "waiting"]) == (3, 1)
        assert after["venterom_websockets_opened_total",] == 5
        assert after["venterom_websockets_refused_total", "origin_forbidden"] == 1
        assert after["venterom_joins_refused_total", "grant_invalid"] == 1
        assert after["venterom_join_seconds_count",] == 4
        assert 0 < after["venterom_join_seconds_sum",] < 4 * 10
        assert after["venterom_join_seconds_bucket", "+Inf"] == 4
        assert after["venterom_journal_healthy",] == 1
        assert after["venterom_journal_write_seconds_count",] >= 1
        assert after["venterom_event_loop_lag_seconds_count",] >= before["venterom_event_loop_lag_seconds_count",]
        for visitor in (host, waits, held, refused):
            await visitor.close()


def _person(visitor: Visitor, participant: str) -> dict[str, Any]:
    lists = [message["participants"] for message in visitor.received if message["type"] == "participants"]
    return next((person for person in lists[-1] if person["id"] == participant), {}) if lists else {}


async def test_it_counts_datagrams_by_what_they_are(running: Demo) -> None:
    media = ("127.0.0.1", running.settings.media.port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(3):
            stranger.sendto(b"\xff" * 50, media)
        stranger.sendto(bytes.fromhex("0001 0000 2112a442") + bytes(12), media)
    async with aiohttp.ClientSession() as http:
        while True:  # the media thread reads them when it does
            found = samples(await scrape(http, running))
            if found["venterom_media_packets_total", "received", "stun"]:
                break
    assert found["venterom_media_packets_total", "received", "other"] == 3
    assert found["venterom_media_bytes_total", "received", "other"] == 150
    assert found["venterom_media_dropped_packets_total", "unknown"] == 3
    assert found["venterom_media_bytes_total", "received", "stun"] == 20


async def test_a_loop_that_stood_still_shows_it(running: Demo) -> None:
    async with aiohttp.ClientSession() as http:
        before = samples(await scrape(http, running))
        time.sleep(0.4)  # noqa: ASYNC251
        await asyncio.sleep(0.15)
        after = samples(await scrape(http, running))

    def late(found: dict[tuple[str, ...], float]) -> float:
        """Ticks that came more than a quarter of a second late."""
        return (
            found["venterom_event_loop_lag_seconds_count",] - found["venterom_event_loop_lag_seconds_bucket", "0.256"]
        )

    assert late(after) > late(before)
    grown = after["venterom_event_loop_lag_seconds_sum",] - before["venterom_event_loop_lag_seconds_sum",]
    assert grown >= 0.29


async def test_no_label_names_anybody(running: Demo) -> None:
    room, person = "kanarirom-4711", "kanari-fuglesang"
    async with aiohttp.ClientSession() as http:
        visitor = await Visitor.come(http, url(running), grant=grant(running.lab, room, person))
        assert visitor.last["type"] == "joined"
        await visitor.ask(type="join", grant="kanari.token.x")
        await visitor.ask(type="kanari")
        text = await scrape(http, running)
        await visitor.close()
    assert "kanari" not in text.lower()
    assert "127.0.0.1" not in text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for label, value in sample.labels.items():
                closed = r"[0-9.]+|\+Inf|[0-9.e-]+" if label == "le" else r"[a-z][a-z_]*|0\.1\.0"
                assert re.fullmatch(closed, value), (sample.name, label)


async def test_the_guide_explains_every_metric(running: Demo) -> None:
    async with aiohttp.ClientSession() as http:
        text = await scrape(http, running)
    told = {family.name for family in text_string_to_metric_families(text) if family.name.startswith("venterom_")}
    guide = GUIDE.read_text("utf-8")
    rows = re.findall(r"^\| `(venterom_\w+)", guide, re.MULTILINE)
    named = {re.sub("_(total|bucket|info)$", "", name) for name in re.findall(r"venterom_[a-z_]+", guide)}
    assert named <= told | {"venterom_build"}
    assert sorted(told) == sorted(name.removesuffix("_total") for name in rows)
