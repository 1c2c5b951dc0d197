"""A server, and a host with two ways to it, each with an address of its own: as a phone in Wi-Fi and mobile network.

boat  10.204.1.2 ---- 10.204.1.1  shore 10.204.0.1
      10.204.2.2 ---- 10.204.2.1
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.browser.server import Server
from tests.network.space import Space, run
from tests.tcp_relay import TcpRelay

HOST: Final = "10.204.0.1"
WAYS: Final = ("one", "two")


@dataclass(frozen=True, slots=True)
class Crossing:
    """Both hosts; what is on shore sees the server as on this machine."""

    shore: Space
    boat: Space
    server: Server
    port: int
    """Of pages and signalling, as the boat sees them."""

    @property
    def origin(self) -> str:
        """Of the pages, for the boat; a browser has to be told that it may have the camera there."""
        return f"http://{HOST}:{self.port}"

    @property
    def patient(self) -> str:
        """The address of the one who is at sea."""
        return self.server.patient.replace(self.server.url, self.origin)

    async def cut(self, way: str) -> None:
        """The boat's interface goes down, and its address with it, as when a phone leaves the Wi-Fi."""
        await _cut(self.boat, way)

    async def lay(self, way: str) -> None:
        """It is up."""
        await _lay(self.boat, way)


@asynccontextmanager
async def crossing(data: Path, *ways: str) -> AsyncIterator[Crossing]:
    """With these ways up. PermissionError for who is not root."""
    async with AsyncExitStack() as stack:
        shore, boat = await Space.host("shore", stack), await Space.host("boat", stack)
        # The addresses of IPv6 are there a second later, and browsers take that for another network.
        await run(*boat.command("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"))
        await run(*shore.command("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"))
        await shore.ip(f"address add {HOST}/32 dev lo")
        for number, way in enumerate(WAYS, 1):
            await boat.cable(shore, way, f"10.204.{number}.2/24", f"10.204.{number}.1/24")
            await _cut(boat, way)
        for way in ways:
            await _lay(boat, way)
        server = await Server.start(data, island=shore, settings={"MEDIA__ANNOUNCE": f'["{HOST}"]'})
        stack.push_async_callback(server.stop)
        relay = await stack.enter_async_context(TcpRelay.to(server.port, host=HOST, within=shore.entered))
        yield Crossing(shore, boat, server, relay.port)


async def _cut(boat: Space, way: str) -> None:
    await boat.ip(f"link set {way} down")
    await boat.ip(f"address flush dev {way}")


async def _lay(boat: Space, way: str) -> None:
    number = WAYS.index(way) + 1
    await boat.ip(f"address add 10.204.{number}.2/24 dev {way}")
    await boat.ip(f"link set {way} up")
    await boat.ip(f"route add default via 10.204.{number}.1 dev {way} metric {number}")
