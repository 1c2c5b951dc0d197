"""Ports for servers of the tests."""

import contextlib
import socket
from random import SystemRandom
from typing import Final

_PORTS: Final = range(10_100, 32_000)
"""Below those that systems give to clients, so that no connection takes one before its server does; browsers open no
page on 10080."""


def free_port(kind: socket.SocketKind) -> int:
    """A port that nobody listens on just now; one for datagrams, as media and TURN have, is free in TCP too."""
    kinds = {kind, socket.SOCK_STREAM}
    while True:
        port = SystemRandom().choice(_PORTS)
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for each in kinds:
                probes.enter_context(socket.socket(socket.AF_INET, each)).bind(("0.0.0.0", port))
            return port
