"""What a benchmark found, as Markdown for people and as numbers for whoever compares runs."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

README: Final = Path(__file__).with_name("README.md")
_BEGIN: Final = "<!-- figures -->\n"
_END: Final = "<!-- end of figures -->\n"


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, column heads, and rows of cells."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        lines = [self.columns, tuple("---" for _ in self.columns), *self.rows]
        return f"{self.caption}\n\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


@dataclass(frozen=True, slots=True)
class Result:
    """Of one benchmark; `figures` are named `what_unit`."""

    name: str
    figures: Mapping[str, float]
    tables: tuple[Table, ...]

    def markdown(self) -> str:
        return f"### {self.name}\n\n" + "\n".join(table.markdown() for table in self.tables)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank of values in order; nothing measured is no number."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> str:
    """What it ran on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    cores = len(os.sched_getaffinity(0))
    return (
        f"{model}, {cores} cores, {memory / 2**20:.0f} GiB; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def record(text: str, readme: Path = README) -> None:
    """Puts figures in the place of those in the README."""
    before, _, rest = readme.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    readme.write_text(f"{before}{_BEGIN}\n{text.strip()}\n\n{_END}{after}")
