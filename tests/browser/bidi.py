"""WebDriver BiDi (https://w3c.github.io/webdriver-bidi/) as Firefox speaks it: commands and events on one WebSocket."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Self

import aiohttp

_PATIENCE_S: Final = 120.0
"""Longer than anything a test waits for in a page."""

Fields = dict[str, Any]


class BidiError(Exception):
    """The browser refused a command; `code` is its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Bidi:
    """A connection with a session."""

    def __init__(self, client: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._client = client
        self._socket = socket
        self._number = 0
        self._replies: dict[int, asyncio.Future[Fields]] = {}
        self._listeners: dict[str, Callable[[Fields], None]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, client: aiohttp.ClientSession, url: str) -> Self:
        """Takes the client over."""
        bidi = cls(client, await client.ws_connect(f"{url}/session", max_msg_size=0))
        await bidi.send("session.new", capabilities={})
        return bidi

    async def send(self, method: str, **parameters: Any) -> Fields:
        """Has a command carried out, and gives its result."""
        self._number += 1
        reply = self._replies[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        return await asyncio.wait_for(reply, _PATIENCE_S)

    async def listen(self, event: str, listener: Callable[[Fields], None]) -> None:
        """Has the listener called with the fields of every such event."""
        self._listeners[event] = listener
        await self.send("session.subscribe", events=[event])

    async def close(self) -> None:
        """The browser goes on."""
        await self._socket.close()
        await self._reading
        await self._client.close()

    async def _read(self) -> None:
        async for message in self._socket:
            match message.json():
                case {"type": "event", "method": method, "params": fields} if method in self._listeners:
                    self._listeners[method](fields)
                case {"type": "success", "id": number, "result": result}:
                    if not (reply := self._replies.pop(number)).done():
                        reply.set_result(result)
                case {"type": "error", "id": number, "error": code, "message": text}:
                    if not (reply := self._replies.pop(number)).done():
                        reply.set_exception(BidiError(code, text))
                case _:
                    pass
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(ConnectionError("the browser closed its WebSocket"))
