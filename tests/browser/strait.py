"""A server on the island whose media is reached over an emulated path alone."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import SOCK_DGRAM

from benchmarks.link import LinkConfig
from benchmarks.link.relay import Relay
from tests.browser.island import Island
from tests.browser.server import Server
from tests.ports import free_port


@dataclass(frozen=True, slots=True)
class Strait:
    """Both ends of the path, and the path."""

    server: Server
    media: Relay


@asynccontextmanager
async def strait(data: Path, island: Island, link: LinkConfig) -> AsyncIterator[Strait]:
    """`link` holds each way."""
    media_port = free_port(SOCK_DGRAM)
    with ExitStack() as stack:
        with island.entered():  # the relay's thread, too, which opens sockets of its own
            media = stack.enter_context(Relay((island.address, media_port), link, host=island.address))
        settings = {"MEDIA__ANNOUNCE": f'["{media.announce}"]'}
        server = await Server.start(data, media_port=media_port, island=island, settings=settings)
        try:
            yield Strait(server, media)
        finally:
            await server.stop()
