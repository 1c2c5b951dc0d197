"""How much of the memory that this process may use is in use."""

from pathlib import Path
from typing import Final

import psutil

CGROUP: Final = Path("/sys/fs/cgroup")


def share_in_use(cgroup: Path = CGROUP) -> float:
    """0 to 1: of the control group where it has a limit (cgroup v2, as containers and units have), else of the host."""
    limited = _of_group(cgroup)
    if limited is not None:
        return limited
    host = psutil.virtual_memory()
    return 1 - float(host.available) / float(host.total)


def _of_group(cgroup: Path) -> float | None:
    try:
        limit = int((cgroup / "memory.max").read_text())  # "max" where there is none
        used = int((cgroup / "memory.current").read_text())
        lines = (cgroup / "memory.stat").read_text().splitlines()
    except (OSError, ValueError):
        return None
    # The page cache of files is given back when memory runs short.
    cache = sum(int(value) for name, _, value in (line.partition(" ") for line in lines) if name == "inactive_file")
    return max(0, used - cache) / limit if limit else None
