"""`python -m benchmarks [NAME|all] [--quick] [--folder DIR] [--json FILE] [--record]`."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import uvloop

from benchmarks import emulation, forward, join, memory, offers, report
from benchmarks.clinic import run as clinic
from benchmarks.report import Result

_Run = Callable[[bool, Path], Awaitable[Result]]
_BENCHMARKS: Final[Mapping[str, _Run]] = {
    "join": lambda quick, _: join.run(join.QUICK if quick else join.FULL),
    "forward": lambda quick, _: forward.run(forward.QUICK if quick else forward.FULL),
    "memory": lambda quick, _: memory.run(memory.QUICK if quick else memory.FULL),
    "offers": lambda quick, _: offers.run(offers.QUICK if quick else offers.FULL),
    "control": lambda quick, folder: clinic.run(clinic.QUICK if quick else clinic.FULL, folder),
    "emulation": lambda quick, _: emulation.run(emulation.QUICK if quick else emulation.FULL),
}
_LIMIT_S: Final = 3600.0
"""Of one benchmark; each has bounds of its own inside."""


async def _run(names: Sequence[str], quick: bool, folder: Path) -> list[Result]:
    results = []
    for name in names:
        async with asyncio.timeout(_LIMIT_S):
            result = await _BENCHMARKS[name](quick, folder)
        print(f"{result.markdown()}", flush=True)
        results.append(result)
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures a server of its own.")
    parser.add_argument("name", nargs="?", choices=[*_BENCHMARKS, "all"], default="all")
    parser.add_argument("--quick", action="store_true", help="the smallest size, to see that it runs")
    parser.add_argument(
        "--folder", type=Path, default="/tmp", help="where databases are laid: the disk to measure, or /dev/shm"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--record", action="store_true", help="put the tables into benchmarks/README.md")
    options = parser.parse_args(arguments)
    # That of the clinic fills databases with years of appointments first, which takes minutes.
    names = [name for name in _BENCHMARKS if name != "control"] if options.name == "all" else [options.name]
    head = f"{date.today().isoformat()}; {report.machine()}"
    print(f"{head}\n", flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(_run(names, options.quick, options.folder))
    if options.json is not None:
        options.json.write_text(json.dumps({result.name: dict(result.figures) for result in results}, indent=2) + "\n")
    if options.record:
        report.record("\n".join([head, "", *(result.markdown() for result in results)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
