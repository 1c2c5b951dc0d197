"""`/healthz`: the process answers. `/readyz`: it takes people, or says by a code why not."""

from collections.abc import Callable

from aiohttp import web

from control.errors import NotReadyError


def add_health_routes(app: web.Application, hindrance: Callable[[], NotReadyError | None]) -> None:
    """`hindrance` tells why nobody is taken, nothing where they are."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        error = hindrance()
        if error is not None:
            raise error
        return web.json_response({"status": "ready"})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
