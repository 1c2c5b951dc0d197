"""Somebody at the WebSocket of a service in the same process, without media."""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Self

import aiohttp
from sqlalchemy import URL

from control.app import Lab
from control.config import DatabaseConfig
from control.demo import Demo
from signalling.grant import issue

WAIT_S = 20.0


def plain(database: URL) -> str:
    """As settings name it, without a driver."""
    return database.set(drivername=database.get_backend_name()).render_as_string(hide_password=False)


def kept_in(demo: Demo, database: URL) -> Demo:
    """The same demo with its clinic in this database."""
    settings = demo.settings.model_copy(update={"database": DatabaseConfig(url=plain(database))})
    return replace(demo, settings=settings)


def url(demo: Demo) -> str:
    """Where the demo's pages are."""
    return f"http://localhost:{demo.settings.http.port}"


def grant(lab: Lab, room: str, participant: str, *, role: str = "practitioner", gate: Any = "open") -> str:
    """A grant of the demo's own key."""
    return issue(lab.key, room=room, participant=participant, role=role, name=participant.title(), gate=gate)


class Visitor:
    """A connection; `received` holds all that came, in order."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.websocket = websocket
        self.received: list[dict[str, Any]] = []

    @classmethod
    async def come(cls, http: aiohttp.ClientSession, address: str, **by: str) -> Self:
        """Opens the connection and joins; the reply is the last that was received."""
        visitor = cls(await http.ws_connect(f"{address}/ws", protocols=("venterom.v1",), origin=address))
        await visitor.ask(type="join", **by)
        return visitor

    @property
    def last(self) -> dict[str, Any]:
        return self.received[-1]

    async def ask(self, **message: Any) -> dict[str, Any]:
        """Sends a message and gives its reply, or the error about it."""
        number = len(self.received) + 1
        await self.websocket.send_json({"id": number, **message})
        while True:
            found = await self.hear()
            if found.get("re") == number:
                return found

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of a type."""
        while (await self.hear())["type"] != kind:
            pass
        return self.last

    async def hear(self) -> dict[str, Any]:
        self.received.append(await self.websocket.receive_json(timeout=WAIT_S))
        return self.last

    async def close(self) -> None:
        with suppress(ConnectionError):
            await self.websocket.close()
