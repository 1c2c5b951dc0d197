"""A network of its own: a namespace with an address that is not loopback, which Firefox needs (it passes over 127.0.0.1
as the other end of a call). No packet leaves it, and every port in it is free.
"""

import asyncio
import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from aiohttp import AddrInfoType

_CLONE_NEWNET: Final = 0x40000000
_NAMES: Final = Path("/run/netns")
_libc = ctypes.CDLL(None, use_errno=True)


class Island:
    """As a context it ends with the block; whatever runs in it should have ended before."""

    address: Final = "10.203.0.1"
    """On a pair of virtual cables of which both ends are here."""

    def __init__(self, name: str) -> None:
        self._name = name

    @classmethod
    async def make(cls) -> Self:
        """PermissionError for who may not: it takes root, and in a container CAP_SYS_ADMIN."""
        island = cls(f"venterom-{os.getpid()}")
        if await _run("netns", "add", island._name) != 0:
            raise PermissionError("a network namespace needs root, and in a container CAP_SYS_ADMIN")
        for command in (
            "link set lo up",
            "link add cable0 type veth peer name cable1",
            f"address add {cls.address}/24 dev cable0",
            "link set cable0 up",
            "link set cable1 up",
            "route add default dev cable0",
        ):
            await _ip("-n", island._name, *command.split())
        return island

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await _ip("netns", "delete", self._name)

    def command(self, *command: str) -> tuple[str, ...]:
        """The same command, run in here."""
        return ("ip", "netns", "exec", self._name, *command)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets made in the block belong here, wherever they are used later. The block must not await."""
        with open("/proc/thread-self/ns/net") as home, open(_NAMES / self._name) as here:
            _enter(here.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def socket(self, address: AddrInfoType) -> socket.socket:
        """For aiohttp: connections begin here."""
        family, kind, protocol, _, _ = address
        with self.entered():
            made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made


def _enter(namespace: int) -> None:
    """The calling thread alone."""
    if _libc.setns(namespace, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


async def _ip(*arguments: str) -> None:
    assert await _run(*arguments) == 0, f"ip {' '.join(arguments)}"


async def _run(*arguments: str) -> int:
    process = await asyncio.create_subprocess_exec("ip", *arguments)
    return await process.wait()
