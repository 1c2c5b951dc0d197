"""How well the relay keeps to the emulated link: what a full line carries, and by how much datagrams leave late."""

import asyncio
import socket
import threading
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.link import LinkConfig, Steps
from benchmarks.link.capacity import QUANTUM
from benchmarks.link.core import OVERHEAD
from benchmarks.link.relay import Relay
from benchmarks.report import Result, Table, percentile

RATE: Final = 12_000_000
_PAYLOAD: Final = bytes(QUANTUM - OVERHEAD)
_SPIN_S: Final = 0.000_2


@dataclass(frozen=True, slots=True)
class Size:
    """How long each measurement takes."""

    seconds: float = 10.0


FULL: Final = Size()
QUICK: Final = Size(seconds=1.0)


async def run(size: Size = FULL) -> Result:
    full = await asyncio.to_thread(_measure, size.seconds, 1.2)
    easy = await asyncio.to_thread(_measure, size.seconds, 0.8)
    figures = {
        "carried_mbit_per_s": full.rate / 1e6,
        "full_late_p99_us": percentile(full.late, 0.99),
        "late_p50_us": percentile(easy.late, 0.5),
        "late_p99_us": percentile(easy.late, 0.99),
    }
    rows = (
        ("carried when offered more, Mbit/s", f"{figures['carried_mbit_per_s']:.3f}"),
        ("departure late, line full, p99, µs", f"{figures['full_late_p99_us']:.0f}"),
        ("departure late, line at 80 %, p50 / p99, µs", f"{figures['late_p50_us']:.0f} / {figures['late_p99_us']:.0f}"),
    )
    caption = f"The relay at {RATE / 1e6:.0f} Mbit/s, delay 20 ms, {size.seconds:.0f} s each."
    return Result("emulation", figures, (Table(caption, ("", "figure"), rows),))


@dataclass(frozen=True, slots=True)
class _Measured:
    rate: float
    """Bits per second, overhead included, between the first and the last arrival."""
    late: list[int]


def _measure(seconds: float, load: float) -> _Measured:
    """Full packets at that share of the line's rate, one by one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(1.0)
        line = LinkConfig(delay=20_000, capacity=Steps.constant(RATE), queue=40 * QUANTUM)
        with Relay(server.getsockname(), line) as relay:
            sender = threading.Thread(target=_send, args=(relay.address, seconds, load))
            sender.start()
            arrivals: list[float] = []
            try:
                while True:
                    server.recv(2_048)
                    arrivals.append(time.monotonic())
            except TimeoutError:
                sender.join()
            late = sorted(relay.late)
    return _Measured((len(arrivals) - 1) * QUANTUM * 8 / (arrivals[-1] - arrivals[0]), late)


def _send(to: tuple[str, int], seconds: float, load: float) -> None:
    interval = QUANTUM * 8 / (RATE * load)
    due = time.monotonic()
    end = due + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        while due < end:
            left = due - time.monotonic()
            if left > _SPIN_S:
                time.sleep(left - _SPIN_S)
            client.sendto(_PAYLOAD, to)
            due += interval
