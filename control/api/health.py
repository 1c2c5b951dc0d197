"""`/healthz`: the process answers. `/readyz`: it takes people."""

from collections.abc import Callable

from aiohttp import web

from control.errors import NotReadyError


def add_health_routes(app: web.Application, is_ready: Callable[[], bool]) -> None:
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        if not is_ready():
            raise NotReadyError("starting or stopping")
        return web.json_response({"status": "ready"})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
