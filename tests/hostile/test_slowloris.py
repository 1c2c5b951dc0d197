"""Slow HTTP (slowloris): who brings no whole request is shown out; who did, or has a WebSocket, stays."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from control import app
from control.app import Service
from control.demo import Demo, prepare
from control.doorkeeper import Doorkeeper
from tests.ports import free_port

LIMIT = 20.0
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
async def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Demo]:
    monkeypatch.setattr(app, "Doorkeeper", lambda: Doorkeeper(patience=0.5, every=0.1))
    demo = prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))
    service = await Service.start(demo.settings, demo.lab)
    yield demo
    await service.stop()


async def is_cut(port: int, *said: bytes) -> None:
    """Waits until the server hangs up on who says that, piece by piece."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = asyncio.ensure_future(reader.read())
    try:
        for piece in said:
            writer.write(piece)
            await asyncio.wait({heard}, timeout=0.05)
        await asyncio.wait_for(heard, LIMIT)
    except ConnectionError:
        pass  # a harder way to hang up
    finally:
        heard.cancel()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_who_brings_no_whole_request_is_cut_and_nobody_else(demo: Demo) -> None:
    port = demo.settings.http.port
    origin = f"http://localhost:{port}"
    async with aiohttp.ClientSession() as session:
        guest = await session.ws_connect(f"{origin}/ws", protocols=["venterom.v1"], origin=origin)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        assert b"200" in await asyncio.wait_for(reader.readline(), LIMIT)
        post = b"POST /api/v1/lab/links HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        slow = (
            (),
            (b"GET /",),
            (REQUEST[:-2],),
            tuple(bytes((byte,)) for byte in REQUEST[:-1]),
            (post,),
            (post + b"Content-Type: application/json\r\n\r\n", b"{", b'"'),
        )
        await asyncio.gather(*(is_cut(port, *said) for said in slow))
        writer.write(REQUEST)
        await asyncio.wait_for(reader.readuntil(b"HTTP/1.1 200"), LIMIT)
        await guest.send_json({"type": "ping", "id": 1})
        assert (await guest.receive_json(timeout=LIMIT))["re"] == 1
        await guest.close()
        writer.close()
        await writer.wait_closed()
