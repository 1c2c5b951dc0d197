"""How a benchmark and its processes talk: a JSON object a line, an answer to each; the end of input ends them."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

LIMIT: Final = 16 << 20
"""Bytes of a line: tallies hold every delay sampled."""

Fields = dict[str, Any]
Handler = Callable[[Fields], Awaitable[Fields]]


async def serve(handlers: Mapping[str, Handler], ready: Fields) -> None:
    """Says that it is ready, then carries out commands one after another until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say(ready)
    while line := await reader.readline():
        command = json.loads(line)
        say(await handlers[command.pop("do")](command))


def say(fields: Fields) -> None:
    """One line to whoever started us."""
    print(json.dumps(fields), flush=True)
