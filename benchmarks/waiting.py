"""Waiting for what tells nobody when it happens."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(happened: Callable[[], Awaitable[bool]], *, limit_s: float, every_s: float = 0.02) -> None:
    """Looks again and again; TimeoutError after the limit."""
    async with asyncio.timeout(limit_s):
        while True:
            if await happened():
                return
            await asyncio.sleep(every_s)
