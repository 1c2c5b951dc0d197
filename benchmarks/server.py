"""The server of the benchmarks: node, signalling, pages and lab links as `venterom demo` has them, on free ports.

Commands on standard input (`benchmarks.lines`): `snapshot`, `links`, `tables`, `vitals`, `later`.
"""

import argparse
import asyncio
import gc
import secrets
import sys
import tracemalloc
from itertools import count
from pathlib import Path

import psutil
import uvloop
from aiohttp import web

from benchmarks import lines
from benchmarks.lines import Fields
from benchmarks.malloc import native_bytes
from control import logs
from control.api.lab import add_lab_routes
from control.api.problems import problems
from control.app import Lab
from control.lab import LabLinks, Person, address
from control.memory import give_back
from control.pages import SecureHeaders, add_pages, default_root
from sfu.config import MediaConfig
from sfu.node import Node
from signalling import grant
from signalling.clock import LoopClock
from signalling.config import SignallingConfig
from signalling.keys import StaticKeys, create_key
from signalling.room import Phase
from signalling.rooms import Rooms
from signalling.server import SignallingServer

KEY = "control-key.pem"
"""The file in the data directory whose key signs grants."""


class _Clock(LoopClock):
    """Its wall time may be put ahead."""

    ahead = 0.0

    def wall(self) -> float:
        return super().wall() + self.ahead


class _Commands:
    """What can be asked of the running server."""

    def __init__(self, node: Node, rooms: Rooms, links: LabLinks, url: str, clock: _Clock) -> None:
        self._node = node
        self._registry = rooms
        self._links = links
        self._url = url
        self._clock = clock
        self._rooms = count(1)

    async def snapshot(self, fields: Fields) -> Fields:
        """The wire's own view; with `collect`, garbage is collected before."""
        if fields.get("collect"):
            gc.collect()
        snapshot = self._node.snapshot()
        return {
            "counters": dict(snapshot.counters),
            "history_bytes": snapshot.history_bytes,
            "peers": len(snapshot.peers),
            "open_routes": len(snapshot.open_routes),
            "python_bytes": tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else None,
        }

    async def tables(self, fields: Fields) -> Fields:
        """Who stands where in those `rooms` that there are, and the wire's own table."""
        snapshot = self._node.snapshot()
        found = {name: self._registry.roster(name) for name in fields["rooms"]}
        return {
            "rooms": {
                name: {
                    "paused": room.phase is Phase.PAUSED,
                    "host_lost": room.host_lost,
                    "people": {
                        person: {
                            "standing": room.standing(person).value,
                            "gate": room.gate(person),
                            "peer": self._node.number(name, person),
                        }
                        for person in room.people
                    },
                }
                for name, room in found.items()
                if room is not None
            },
            "peers": sorted(snapshot.peers),
            "routes": [{"track": route.track, "viewer": route.viewer} for route in snapshot.routes],
        }

    async def vitals(self, _fields: Fields) -> Fields:
        """What the process holds, garbage apart, and apart from what the allocator keeps; bytes where it is memory."""
        gc.collect()
        give_back()
        process = psutil.Process()
        ended, spent = self._registry.remembered
        return {
            "tasks": len(asyncio.all_tasks()),
            "threads": process.num_threads(),
            "descriptors": process.num_fds(),
            "memory": process.memory_info().rss,
            "blocks": sys.getallocatedblocks(),
            "native": native_bytes(),
            "peers": len(self._node.snapshot().peers),
            "ended": ended,
            "spent": spent,
        }

    async def later(self, fields: Fields) -> Fields:
        """Forgets those grants and ended rooms that have run out in so many `seconds`."""
        self._clock.ahead = fields["seconds"]
        self._registry.forget()
        self._clock.ahead = 0.0
        return {}

    async def links(self, fields: Fields) -> Fields:
        """A new room with a practitioner, and a patient who enters by the gate that `gate` tells."""
        room = f"room-{next(self._rooms)}"
        practitioner = Person(room, "practitioner", "practitioner", "Ingrid Solberg", "open", "clinic")
        patient = Person(room, "patient", "patient", "Arne Kristiansen", fields["gate"], "patient")
        return {person.role: address(self._url, person, self._links.add(person)) for person in (practitioner, patient)}


async def _run(data: Path, announce: tuple[str, ...]) -> None:
    key = create_key(data / KEY)
    links = LabLinks(new_token=lambda: secrets.token_urlsafe(16))
    node = Node.start(MediaConfig(port=0, announce=announce))
    clock = _Clock(asyncio.get_running_loop())
    signalling = SignallingServer.create(
        SignallingConfig(), node, StaticKeys(grant.DEFAULT_ISSUER, (key.verify_key,)), data, clock
    )
    app = web.Application(middlewares=[problems])
    app.on_response_prepare.append(SecureHeaders(https=False))
    signalling.add_to(app)
    add_lab_routes(app, links, Lab(links, key).issue, public_url=None, websocket_path=SignallingConfig().path)
    add_pages(app, default_root())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    try:
        await signalling.start()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        commands = _Commands(node, signalling.rooms, links, f"http://localhost:{port}", clock)
        names = ("snapshot", "links", "tables", "vitals", "later")
        await lines.serve({name: getattr(commands, name) for name in names}, {"port": port, "media": node.port})
    finally:
        await signalling.stop()
        await runner.cleanup()
        node.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server")
    parser.add_argument("data", type=Path, help="an empty folder of its own")
    parser.add_argument("--announce", action="append", default=[], help="address offered to clients; default all")
    options = parser.parse_args()
    logs.configure(level="WARNING")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(options.data, tuple(options.announce)))


if __name__ == "__main__":
    main()
