"""Every route of the process is one of the interface's table, which `tests/access.toml` covers, or named here."""

import socket
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from control.api.endpoint import PREFIX
from control.app import Service
from control.demo import prepare
from tests.ports import free_port

TABLE: Final = Path(__file__).resolve().parents[1] / "access.toml"

ELSEWHERE: Final = {
    "GET /",
    "GET /{folder}",
    "GET /{folder}/{rest}",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /ws",
    "GET /api/docs",
    f"GET {PREFIX}/openapi.json",
    f"POST {PREFIX}/lab/links",
}
"""Pages, health, numbers, the WebSocket, documents, and the demo's links: for everybody, each with tests of its own."""


async def test_no_route_is_outside_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[web.Application] = []

    class Runner(web.AppRunner):
        def __init__(self, app: web.Application, **options: Any) -> None:
            made.append(app)
            super().__init__(app, **options)

    monkeypatch.setattr(web, "AppRunner", Runner)
    demo = prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))
    service = await Service.start(demo.settings, demo.lab)
    await service.stop()
    (app,) = made
    found = {
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    table = {row["route"].replace(" ", f" {PREFIX}") for row in tomllib.loads(TABLE.read_text()).values()}
    assert found == table | ELSEWHERE
