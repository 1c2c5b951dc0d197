"""The load generator: `python -m benchmarks.load --port PORT --key FILE`, then commands (`benchmarks.lines`).

`join` rooms, `start` and `stop` media, `reset` the tally, `leave`; `meet` for the time of one join; `relay` for
participants without protection behind the bare relay.
"""

import argparse
import asyncio
import gc
import socket
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import aiohttp
import uvloop

from benchmarks import lines
from benchmarks.lines import Fields
from benchmarks.load.caller import Bare, Caller
from benchmarks.load.guest import Guest
from benchmarks.load.pump import Pump
from benchmarks.load.stream import Shape
from benchmarks.waiting import until
from sfu.dtls import Certificate
from signalling import grant
from signalling.keys import SigningKey
from tests.bed.dialect import CHROMIUM, KINDS, published

_AT_ONCE: Final = 8
"""Joins under way at the same time."""
_PING_S: Final = 4.0
_DRAIN_S: Final = 0.3
_MEET_S: Final = 10.0


class _Load:
    """Everybody whom this process plays."""

    def __init__(self, session: aiohttp.ClientSession, port: int, key: SigningKey | None, seed: int) -> None:
        self._session = session
        self._port = port
        self._key = key
        self._random = Random(seed)
        self._certificate = Certificate.generate(time.time)
        self._pump = Pump()
        self._rooms = count(1)
        self._guests: list[Guest] = []
        self._bare: list[Caller] = []
        self._pump.start()

    def close(self) -> None:
        self._pump.stop()

    async def keep_alive(self) -> None:
        """Each WebSocket says something every few seconds, as pages do."""
        while True:
            await asyncio.sleep(_PING_S)
            for guest in tuple(self._guests):
                with suppress(ConnectionError):
                    await guest.ping()

    async def join(self, fields: Fields) -> Fields:
        """So many rooms of a practitioner and a patient; the milliseconds that each one took."""
        limit = asyncio.Semaphore(_AT_ONCE)
        video = _video(fields)

        async def meet() -> list[Guest]:
            room = f"load-{next(self._rooms)}"
            async with limit:
                return [await self._enter(room, role, video) for role in ("practitioner", "patient")]

        rooms = await asyncio.gather(*(meet() for _ in range(fields["rooms"])))
        fresh = [guest for room in rooms for guest in room]
        self._guests += fresh
        gc.collect()
        gc.freeze()
        return {"connected_ms": sorted(guest.times.connected for guest in fresh)}

    async def start(self, _fields: Fields) -> Fields:
        """Everybody sends."""
        for caller in self._callers():
            caller.start()
        return {}

    async def reset(self, _fields: Fields) -> Fields:
        """Begins the tally anew."""
        self._pump.reset()
        return {}

    async def stop(self, _fields: Fields) -> Fields:
        """Nobody sends any more; the tally after the last packet came."""
        for caller in self._callers():
            caller.stop()
        await asyncio.sleep(_DRAIN_S)
        return self._pump.tally.as_json()

    async def leave(self, _fields: Fields) -> Fields:
        """Everybody leaves."""
        guests, self._guests = self._guests, []
        bare, self._bare = self._bare, []
        for caller in bare:
            caller.leave()
        await asyncio.gather(*(guest.leave() for guest in guests))
        gc.unfreeze()
        return {}

    async def meet(self, fields: Fields) -> Fields:
        """A patient enters where a practitioner talks: milliseconds to each step, the first packets included."""
        room = f"load-{next(self._rooms)}"
        video = _video(fields)
        practitioner = await self._enter(room, "practitioner", video)
        practitioner.caller.start()
        await asyncio.sleep(0.2)
        patient = await self._enter(room, "patient", video)

        async def all_kinds_came() -> bool:
            return len(patient.caller.first) == len(KINDS)

        try:
            await until(all_kinds_came, limit_s=_MEET_S, every_s=0.002)
        finally:
            await asyncio.gather(practitioner.leave(), patient.leave())
        times = patient.times
        first: Fields = {kind: (at - times.wall) / 1e6 for kind, at in patient.caller.first.items()}
        return {"joined": times.joined, "answered": times.answered, "connected": times.connected} | first

    async def relay(self, fields: Fields) -> Fields:
        """Participants in plain RTP, each sending to the relay; their ports, partners side by side."""
        ports: list[int] = []
        for index in range(2 * fields["rooms"]):
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.setblocking(False)
            opened.bind(("127.0.0.1", 0))
            opened.connect(("127.0.0.1", fields["port"]))
            ports.append(opened.getsockname()[1])
            caller = Caller(
                self._pump, opened,
                seals=Bare(),
                opens=Bare(),
                tracks=tuple(published(CHROMIUM, KINDS, first_track=1)),
                slots=(),
                ice=None,
                random=Random(index),
                video=_video(fields),
            )  # fmt: skip
            self._bare.append(caller)
            caller.listen()
        return {"ports": ports}

    def _callers(self) -> list[Caller]:
        return [guest.caller for guest in self._guests] + self._bare

    async def _enter(self, room: str, role: Literal["practitioner", "patient"], video: Shape) -> Guest:
        assert self._key is not None
        token = grant.issue(self._key, room=room, participant=role, role=role, name=role, gate="open")
        random = Random(self._random.getrandbits(64))
        return await Guest.enter(
            self._session, self._port, token,
            pump=self._pump, certificate=self._certificate, random=random, video=video,
        )  # fmt: skip


def _video(fields: Fields) -> Shape:
    shape: dict[str, Any] = {"frames": 25, "pieces": 4, "size": 1_100} | fields.get("video", {})
    return Shape.video(**shape)


async def _run(port: int, key: SigningKey | None, seed: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        load = _Load(session, port, key, seed)
        pinging = asyncio.create_task(load.keep_alive())
        names = ("join", "start", "reset", "stop", "leave", "meet", "relay")
        try:
            await lines.serve({name: getattr(load, name) for name in names}, {})
        finally:
            pinging.cancel()
            load.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("--port", type=int, default=0, help="of the server's HTTP")
    parser.add_argument("--key", type=Path, help="private key that signs grants; without it only `relay` works")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    key = SigningKey.read(options.key) if options.key is not None else None
    sys.setswitchinterval(0.000_5)  # the pump must not wait for the event loop
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(options.port, key, options.seed))


if __name__ == "__main__":
    main()
