"""A server at its limit, over real sockets: no new rooms, everything else goes on, and the way back."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from control.app import Service
from control.demo import Demo, prepare
from signalling.logfile import LogFile
from tests.control.visitor import Visitor, grant, url
from tests.ports import free_port


@pytest.fixture
def demo(tmp_path: Path, request: pytest.FixtureRequest) -> Demo:
    prepared = prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))
    limits = replace(prepared.settings.limits, **request.param)
    return replace(prepared, settings=prepared.settings.model_copy(update={"limits": limits}))


@pytest_asyncio.fixture
async def running(demo: Demo) -> AsyncIterator[Demo]:
    service = await Service.start(demo.settings, demo.lab)
    yield demo
    await service.stop()


async def readiness(http: aiohttp.ClientSession, demo: Demo) -> tuple[int, str, str]:
    async with http.get(f"{url(demo)}/readyz") as response:
        body = await response.json()
    return response.status, body.get("code", ""), body.get("detail", "")


@pytest.mark.parametrize("demo", [{"rooms": 1}], indirect=True)
async def test_at_the_limit_only_new_rooms_are_refused(running: Demo) -> None:
    address, lab = url(running), running.lab
    async with aiohttp.ClientSession() as http:
        assert await readiness(http, running) == (200, "", "")
        first = await Visitor.come(http, address, grant=grant(lab, "r1", "ingrid"))
        assert first.last["type"] == "joined"
        seat = first.last["seat"]
        status, code, detail = await readiness(http, running)
        assert (status, code) == (503, "overloaded")
        assert "rooms" in detail

        turned_away = grant(lab, "r2", "arne")
        other = await Visitor.come(http, address, grant=turned_away)
        assert (other.last["type"], other.last["code"]) == ("error", "overloaded")
        companion = await Visitor.come(http, address, grant=grant(lab, "r1", "kari", role="patient", gate="lobby"))
        assert companion.last["type"] == "joined"
        await first.close()
        back = await Visitor.come(http, address, seat=seat)
        assert back.last["type"] == "joined"
        await back.ask(type="ping")

        await back.websocket.send_json({"type": "end"})
        assert (await back.until("ended"))["reason"] == "ended"
        assert await readiness(http, running) == (200, "", "")
        # The grant was not spent: the same connection may try it again.
        assert (await other.ask(type="join", grant=turned_away))["type"] == "joined"
        for visitor in (other, companion, back):
            await visitor.close()


async def test_a_flood_through_our_proxy_takes_no_places_of_other_addresses(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))
    proxied = replace(prepared.settings.http, proxies=(ip_network("127.0.0.1/32"),))
    few = prepared.settings.signalling.model_copy(update={"max_unjoined": 3})
    demo = replace(prepared, settings=prepared.settings.model_copy(update={"http": proxied, "signalling": few}))
    service = await Service.start(demo.settings, demo.lab)
    try:
        async with aiohttp.ClientSession() as http:

            async def connect(address: str) -> aiohttp.ClientWebSocketResponse:
                headers = {"X-Forwarded-For": address}
                return await http.ws_connect(
                    f"{url(demo)}/ws", protocols=("venterom.v1",), origin=url(demo), headers=headers
                )

            early = await connect("192.0.2.1")
            flood = [await connect("192.0.2.2") for _ in range(5)]
            assert [(await one.receive(5)).data for one in flood[:3]] == [1013] * 3
            await early.send_json({"type": "join", "grant": grant(demo.lab, "r1", "ingrid")})
            assert (await early.receive_json(timeout=5))["type"] == "joined"
    finally:
        await service.stop()


@pytest.mark.parametrize("demo", [{"participants": 1}, {"memory": 0.0001}], indirect=True)
async def test_people_and_memory_are_limits_too(running: Demo, demo: Demo) -> None:
    async with aiohttp.ClientSession() as http:
        if demo.settings.limits.participants == 1:
            only = await Visitor.come(http, url(running), grant=grant(running.lab, "r1", "ingrid"))
            assert only.last["type"] == "joined"
        visitor = await Visitor.come(http, url(running), grant=grant(running.lab, "r2", "arne"))
        assert visitor.last["code"] == "overloaded"
        assert (await readiness(http, running))[:2] == (503, "overloaded")
        await visitor.close()


@pytest.mark.parametrize("demo", [{}], indirect=True)
async def test_a_disk_that_takes_nothing_is_said(running: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with aiohttp.ClientSession() as http:
        inside = await Visitor.come(http, url(running), grant=grant(running.lab, "r1", "ingrid"))
        with monkeypatch.context() as disk:
            disk.setattr(LogFile, "append", full)
            disk.setattr(LogFile, "reserve", full)
            refused = await Visitor.come(http, url(running), grant=grant(running.lab, "r1", "arne"))
            assert refused.last["code"] == "storage_unavailable"
            assert (await readiness(http, running))[:2] == (503, "storage_unavailable")
            async with http.get(f"{url(running)}/metrics") as response:
                text = await response.text()
            assert "venterom_journal_healthy 0.0" in text
            assert "venterom_ready 0.0" in text
            assert (await inside.ask(type="ping"))["type"] == "pong"
        async with asyncio.timeout(20):
            while (await readiness(http, running))[0] != 200:
                pass
        for visitor in (inside, refused):
            await visitor.close()
