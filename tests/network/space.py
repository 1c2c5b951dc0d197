"""Network namespaces joined by cables: hosts and routers of their own, with addresses that nobody else has."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from typing import Self

from tests.browser.island import Island


class Space(Island):
    """One host. Its sockets are made in a block of `entered`, and are used anywhere."""

    @classmethod
    async def host(cls, name: str, stack: AsyncExitStack) -> Self:
        """An empty one, with loopback alone; it goes when the stack does. PermissionError for who is not root."""
        if os.geteuid() != 0:
            raise PermissionError("a network namespace needs root")
        space = cls(f"venterom-{os.getpid()}-{name}")
        await run("ip", "netns", "add", space._name)
        await stack.enter_async_context(space)
        await space.ip("link set lo up")
        return space

    async def ip(self, command: str) -> None:
        await run("ip", "-n", self._name, *command.split())

    async def nft(self, rules: str) -> None:
        await run(*self.command("nft", "-f", "-"), text=rules)

    async def forwards(self) -> None:
        """It is a router from now on."""
        await run(*self.command("sysctl", "-qw", "net.ipv4.ip_forward=1"))

    async def cable(self, other: "Space", name: str, here: str, there: str) -> None:
        """A cable to another host, with an address (and its prefix) at each end."""
        await self.ip(f"link add {name} type veth peer name {name} netns {other._name}")
        for space, address in ((self, here), (other, there)):
            await space.ip(f"address add {address} dev {name}" + (" nodad" if ":" in address else ""))
            await space.ip(f"link set {name} up")

    def udp(self, address: str) -> socket.socket:
        """A socket on an address of this host."""
        with self.entered():
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            made.setblocking(False)
            made.bind((address, 0))
            return made

    def tcp(self, address: str) -> socket.socket:
        """A stream that has yet to connect."""
        with self.entered():
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            made.setblocking(False)
            return made


async def run(*command: str, text: str = "") -> None:
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    await process.communicate(text.encode())
    assert process.returncode == 0, " ".join(command)
