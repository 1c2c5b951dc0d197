"""How long something took, and how much of that a machine with other work may be blamed for."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

BUSY_S: Final = 8.0
"""The most that is forgiven; also what patience is made longer by."""

_PRESSURE: Final = (Path("/proc/pressure/cpu"), Path("/proc/pressure/io"))
_CPU: Final = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Runs from the moment in which it was made; `began` is wall time, as frames are noted by."""

    began: float = field(default_factory=time.time)
    _stood: float = field(default_factory=lambda: kept_waiting())

    def stalled(self) -> float:
        """For how many seconds since then somebody who had work to do was kept waiting for a processor or a disk.

        On a machine that does nothing else, that is next to nothing.
        """
        return min(BUSY_S, kept_waiting() - self._stood)

    def within(self, bound_s: float, took_s: float | None = None) -> None:
        """Fails where it took longer, until now where nothing is given, than the bound and what is forgiven."""
        took = time.time() - self.began if took_s is None else took_s
        stalled = self.stalled()
        print(f"took {took:.2f} s of {bound_s:.1f} s, of which the machine stalled for {stalled:.2f} s")
        assert took < bound_s + stalled, f"{took:.2f} s, where {bound_s} s are allowed and {stalled:.2f} s excused"


def kept_waiting() -> float:
    """Seconds since the machine's start: of those who waited for it, and of a host that kept the processors to itself.

    A kernel that does not count who waits forgives as much as may be forgiven.
    """
    try:
        lines = [file.read_text().splitlines()[0] for file in _PRESSURE]
    except OSError:
        return time.monotonic() * BUSY_S
    waited = sum(int(line.rpartition("total=")[2]) for line in lines) / 1e6
    stolen = int(_CPU.read_text().split(maxsplit=9)[8]) / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1)
    return waited + stolen
