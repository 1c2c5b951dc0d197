"""Checkpoints of every clinic's chain, signed each minute and kept out of reach of who can change the database.

The sink is a directory by default, meant to be another host's: a folder per clinic, a file per day (UTC), one line per
checkpoint, only ever appended to.
"""

import asyncio
import fcntl
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Protocol

import structlog
from pydantic import BaseModel, ConfigDict, Field

from control.audit.chain import Checkpoint, Head, sign
from control.files import sync_directory
from signalling.keys import SigningKey

PERIOD: Final = 60.0
"""Seconds between checkpoints: what was written since the last one can be cut off unseen."""
_CLINIC: Final = re.compile(r"[a-z0-9-]{1,64}")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a sink has of a clinic."""

    checkpoints: tuple[Checkpoint, ...]
    unreadable: int
    """Lines that are no checkpoints: damaged, or not of our writing."""


class CheckpointSink(Protocol):
    """Where checkpoints are kept. Both calls block, and raise OSError where they can't be carried out."""

    def append(self, checkpoint: Checkpoint) -> None:
        """Keeps it; it is on disk when this returns."""
        ...

    def read(self, clinic: str) -> Kept:
        """All there are of a clinic, the oldest first."""
        ...

    def last(self, clinic: str) -> Checkpoint | None:
        """The newest of a clinic."""
        ...

    def clinics(self) -> frozenset[str]:
        """Those that it has anything of."""
        ...


class DirectorySink:
    """A directory, perhaps mounted from elsewhere; it is made where it is missing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def append(self, checkpoint: Checkpoint) -> None:
        folder = self._folder(checkpoint.clinic)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{checkpoint.at.astimezone(UTC):%Y-%m-%d}.jsonl"
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with open(handle, "r+b") as file:
            fcntl.flock(handle, fcntl.LOCK_EX)  # another process may sign, too
            whole = _whole(file.read())
            file.seek(whole)
            file.truncate()
            file.write(_line(checkpoint))
            file.flush()
            os.fsync(handle)
        if whole == 0:
            sync_directory(folder)

    def read(self, clinic: str) -> Kept:
        checkpoints: list[Checkpoint] = []
        unreadable = 0
        for path in self._files(clinic):
            text = path.read_bytes()
            for line in text[: _whole(text)].splitlines():
                checkpoint = _parse(line)
                if checkpoint is None:
                    unreadable += 1
                else:
                    checkpoints.append(checkpoint)
        return Kept(tuple(checkpoints), unreadable)

    def last(self, clinic: str) -> Checkpoint | None:
        for path in reversed(self._files(clinic)):
            text = path.read_bytes()
            for line in reversed(text[: _whole(text)].splitlines()):
                checkpoint = _parse(line)
                if checkpoint is not None:
                    return checkpoint
        return None

    def clinics(self) -> frozenset[str]:
        try:
            return frozenset(path.name for path in self._directory.iterdir() if _CLINIC.fullmatch(path.name))
        except FileNotFoundError:
            return frozenset()

    def _files(self, clinic: str) -> list[Path]:
        return sorted(self._folder(clinic).glob("*.jsonl"))

    def _folder(self, clinic: str) -> Path:
        if _CLINIC.fullmatch(clinic) is None:
            raise ValueError("no id of a clinic")
        return self._directory / clinic


def _whole(text: bytes) -> int:
    """The length of the whole lines. What a power loss left of the last one was never acknowledged."""
    return text.rfind(b"\n") + 1


class Checkpointer:
    """Signs the head of each chain that has grown, once a period. Its owner runs it in a task and cancels that."""

    def __init__(
        self,
        heads: Callable[[], Awaitable[Sequence[Head]]],
        sink: CheckpointSink,
        key: SigningKey,
        now: Callable[[], datetime],
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._heads = heads
        self._sink = sink
        self._key = key
        self._now = now
        self._wait = wait
        self._last: dict[str, Checkpoint | None] = {}
        self.healthy = True
        """False where the last round failed: what is written now is protected once a round succeeds."""

    async def run(self) -> None:
        """For ever. A round that fails is told in the log, and the next one tries again."""
        while True:
            try:
                await self.sign_all()
            except Exception as error:
                # Whatever it is: a log without checkpoints until the next restart would be worse.
                self.healthy = False
                _log.error("audit_checkpoint_failed", error=type(error).__name__)
            await self._wait(PERIOD)

    async def sign_all(self) -> None:
        """One round; also worth doing before a stop. Raises what the database or the sink raises."""
        for head in await self._heads():
            await asyncio.to_thread(self._sign, head)
        self.healthy = True

    def _sign(self, head: Head) -> None:
        if head.clinic not in self._last:
            self._last[head.clinic] = self._sink.last(head.clinic)
        last = self._last[head.clinic]
        if last is not None and last.sequence > head.sequence:
            # Signing on would not hide it, the older checkpoint stays; but somebody should look now.
            _log.error("audit_went_back", clinic=head.clinic, signed=last.sequence, found=head.sequence)
        elif last is None or (last.sequence, last.hash) != (head.sequence, head.hash):
            checkpoint = sign(head, self._now(), self._key)
            self._sink.append(checkpoint)
            self._last[head.clinic] = checkpoint


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    clinic: str
    sequence: Annotated[int, Field(ge=0, lt=1 << 63)]
    hash: str
    at: str
    restored: bool
    kid: str
    signature: str


def _line(checkpoint: Checkpoint) -> bytes:
    line = _Line(
        clinic=checkpoint.clinic,
        sequence=checkpoint.sequence,
        hash=checkpoint.hash.hex(),
        at=checkpoint.at.astimezone(UTC).isoformat(timespec="microseconds"),
        restored=checkpoint.restored,
        kid=checkpoint.kid,
        signature=b64encode(checkpoint.signature).decode(),
    )
    return line.model_dump_json().encode() + b"\n"


def _parse(text: bytes) -> Checkpoint | None:
    try:
        line = _Line.model_validate_json(text)
        checkpoint = Checkpoint(
            clinic=line.clinic,
            sequence=line.sequence,
            hash=bytes.fromhex(line.hash),
            at=datetime.fromisoformat(line.at),
            restored=line.restored,
            kid=line.kid,
            signature=b64decode(line.signature, validate=True),
        )
    except ValueError:
        return None
    return checkpoint if _line(checkpoint) == text + b"\n" else None
