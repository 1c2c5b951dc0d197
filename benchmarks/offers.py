"""How long an offer holds the event loop: an ordinary one, the largest that is answered, those made to cost much."""

import statistics
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.report import Result, Table, percentile
from sfu.config import MediaConfig
from sfu.errors import SfuError
from sfu.node import Node
from sfu.sdp import OfferedTrack
from tests.bed.bombs import BOMBS, largest

_CAPTURED: Final = Path(__file__).resolve().parents[1] / "tests/sfu/data/chromium-1.sdp"
_TRACKS: Final = (OfferedTrack("0", "audio", "microphone"), OfferedTrack("1", "video", "camera"))
_ORDINARY: Final = "an ordinary one, of two people"
_LARGEST: Final = "the largest that is answered"


@dataclass(frozen=True, slots=True)
class Size:
    """How often each is offered."""

    times: int = 30


FULL: Final = Size()
QUICK: Final = Size(times=2)


async def run(size: Size = FULL) -> Result:
    captured = _CAPTURED.read_text()
    offers = {_ORDINARY: captured, _LARGEST: largest(captured), **{name: text for name, (text, _) in BOMBS.items()}}
    node = Node.start(MediaConfig(port=0, announce=("127.0.0.1",)))
    try:
        taken = {name: [await _offer(node, text) for _ in range(size.times)] for name, text in offers.items()}
    finally:
        node.stop()
    figures: dict[str, float] = {}
    rows = []
    ordinary = statistics.median(taken[_ORDINARY])
    for name, times in taken.items():
        half, most = statistics.median(times), percentile(sorted(times), 0.95)
        figures |= {f"{name}.p50_ms": half, f"{name}.p95_ms": most}
        kib = len(offers[name].encode()) / 1024
        rows.append((name, f"{kib:,.0f}", f"{half:.1f}", f"{most:.1f}", f"{half / ordinary:.1f}"))
    caption = "Milliseconds of CPU on the event loop from the offer to its answer, or to its refusal."
    return Result("offers", figures, (Table(caption, ("offer", "KiB", "p50", "p95", "ratio"), tuple(rows)),))


async def _offer(node: Node, sdp: str) -> float:
    """Milliseconds of the loop's thread; each time the participant is new, and goes again."""
    node.open_peer("room", "participant", size=2)
    start = time.thread_time()
    with suppress(SfuError):
        await node.offer("room", "participant", sdp, _TRACKS)
    taken = time.thread_time() - start
    node.close_peer("room", "participant")
    return taken * 1000
