"""An emulated network path: one deterministic core, driven by virtual time in tests and by a UDP relay for browsers."""

from benchmarks.link.capacity import Capacity, Steps, Trace
from benchmarks.link.core import Bursts, Link, LinkConfig, Path

__all__ = ["Bursts", "Capacity", "Link", "LinkConfig", "Path", "Steps", "Trace"]
