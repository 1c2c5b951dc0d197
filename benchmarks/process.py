"""Processes of a benchmark, and what the kernel knows of them."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, Self

from benchmarks.lines import LIMIT, Fields

ROOT: Final = Path(__file__).resolve().parents[1]
_READY_S: Final = 30.0
_ANSWER_S: Final = 90.0
_STOP_S: Final = 5.0
_PRIORITY: Final = -10


class Child:
    """A module of this package in a process of its own. As a context it ends with the block."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Fields) -> None:
        self._process = process
        self.ready: Final = ready
        """What it said of itself when it was ready."""

    @classmethod
    async def start(
        cls,
        module: str,
        *arguments: str,
        core: int | None = None,
        raised: bool = False,
        environment: Mapping[str, str] | None = None,
        by: Sequence[str] = (),
        errors: IO[bytes] | None = None,
    ) -> Self:
        """`core` is where it is to run; a system with a single one has no choice. `by` is a command that runs it.

        `raised` asks for the priority that the media thread asks for itself. `errors` takes its standard error.
        """
        process = await asyncio.create_subprocess_exec(
            *by, sys.executable, "-m", module, *arguments,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=LIMIT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            start_new_session=True,
        )  # fmt: skip
        child = cls(process, {})
        try:
            cores = sorted(os.sched_getaffinity(0))
            if core is not None and len(cores) > 1:
                os.sched_setaffinity(process.pid, {cores[core % len(cores)]})
            if raised:  # before it has threads: they inherit it
                with contextlib.suppress(PermissionError):
                    os.setpriority(os.PRIO_PROCESS, process.pid, _PRIORITY)
            child.ready.update(await child._answer(_READY_S))
        except BaseException:
            await child.stop()
            raise
        return child

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, do: str, **fields: Any) -> Fields:
        """Has a command carried out, and gives its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **fields}).encode() + b"\n")
        await self._process.stdin.drain()
        return await self._answer(_ANSWER_S)

    async def stop(self) -> None:
        """Ends its input, and so the process; one that does not listen is killed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _answer(self, limit_s: float) -> Fields:
        assert self._process.stdout is not None
        async with asyncio.timeout(limit_s):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"process {self.pid} ended with {await self._process.wait()}")
        answer: Fields = json.loads(line)
        return answer


def thread_named(pid: int, name: str) -> int:
    """The id of a process's thread."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise LookupError(f"process {pid} has no thread {name}")


def cpu_ns(pid: int, thread: int | None = None) -> int:
    """CPU time of a thread, or of all that are there, in nanoseconds, user and system together."""
    threads = [thread] if thread is not None else [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(_thread_cpu_ns(Path(f"/proc/{pid}/task/{number}")) for number in threads)


def _thread_cpu_ns(task: Path) -> int:
    try:
        return int((task / "schedstat").read_text().split()[0])
    except OSError:  # a kernel without CONFIG_SCHED_INFO: ticks of 10 ms
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def rss_bytes(pid: int) -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
