"""How much of the memory that this process may use is in use; what can be given back, and what is there to stay."""

import ctypes
import gc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import psutil

_ROOT: Final = Path("/sys/fs/cgroup")
_OWN: Final = Path("/proc/self/cgroup")


def share_in_use(groups: Sequence[Path] | None = None) -> float:
    """0 to 1: of the control group with the tightest limit, else of the host.

    `groups` are folders of cgroup v2, by default those around this process: a unit has a limit by `MemoryMax`, a
    container by its memory option.
    """
    shares = [share for group in (own_groups() if groups is None else groups) if (share := _of(group)) is not None]
    if shares:
        return max(shares)
    host = psutil.virtual_memory()
    return 1 - float(host.available) / float(host.total)


def give_back() -> None:
    """Returns to the system what the allocator holds free, where it can (glibc).

    It keeps what calls have used, spread over the heaps of all threads: some 10 MB after a handful of calls. All
    allocations wait meanwhile, for milliseconds: nobody should be in a call.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def settle() -> None:
    """What there is by now lasts as long as the process: the garbage collector passes it over from now on.

    A look through all that was made at the start, which is some hundred thousand objects, holds up everybody for a
    tenth of a second, and comes as often as calls and answers leave enough behind.
    """
    gc.collect()
    gc.freeze()


def own_groups(own: Path = _OWN, root: Path = _ROOT) -> tuple[Path, ...]:
    """The group of this process and those around it, innermost first; nothing without cgroup v2."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return ()
    return tuple(group for line in lines if line.startswith("0::/") for group in _upwards(root, line[len("0::/") :]))


def _upwards(root: Path, name: str) -> Iterator[Path]:
    group = root / name
    yield group
    if group != root and group.is_relative_to(root):
        yield from _upwards(root, str(group.parent.relative_to(root)))


def _of(group: Path) -> float | None:
    try:
        limit = int((group / "memory.max").read_text())  # "max" where there is none
        used = int((group / "memory.current").read_text())
        lines = (group / "memory.stat").read_text().splitlines()
    except (OSError, ValueError):
        return None
    # The page cache of files is given back when memory runs short.
    cache = sum(int(value) for name, _, value in (line.partition(" ") for line in lines) if name == "inactive_file")
    return max(0, used - cache) / limit if limit else None
