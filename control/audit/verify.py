"""Reads a clinic's chain against its checkpoints and tells what is wrong (pure)."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from enum import Enum

from control.audit.chain import Checkpoint, Head, Row
from signalling.keys import KeySource


class Fault(Enum):
    """What can be found; the value is its code."""

    DELETED = "deleted"
    """Rows are missing between others."""
    REORDERED = "reordered"
    """A row stands behind one with the same or a higher number."""
    EDITED = "edited"
    """A row is not what was hashed, or not of this clinic."""
    BROKEN = "broken"
    """A row doesn't follow from the one before it."""
    DETAIL_EDITED = "detail_edited"
    """A row's detail is not what was hashed (an erased one is no fault)."""
    REWRITTEN = "rewritten"
    """At a checkpoint the chain has another hash than was signed: it was written anew from some row before."""
    TRUNCATED = "truncated"
    """The chain ends before its last checkpoint."""
    HEAD = "head"
    """The head that is kept beside the rows, from which the next one follows, is not the last row's."""
    UNLISTED = "unlisted"
    """The list by which patients find who looked does not say what the row says."""
    UNREADABLE = "unreadable"
    """Lines among the checkpoints that are none; they have no rows."""
    FORGED = "forged"
    """A checkpoint that none of our keys signed, or of another clinic."""
    LOST = "lost"
    """Gone by a restore of the database, as the checkpoint of that restore says: worth knowing, and no tampering."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and in which rows, both ends included."""

    clinic: str
    fault: Fault
    first: int
    last: int

    @property
    def tampering(self) -> bool:
        """False for what only has to be known."""
        return self.fault is not Fault.LOST


class Verification:
    """Reads a clinic's checkpoints, then its rows in the order in which they are stored, one by one."""

    def __init__(self, clinic: str, checkpoints: Iterable[Checkpoint], keys: KeySource) -> None:
        self.findings: list[Finding] = []
        self._head = Head.start(clinic)
        genuine: list[Checkpoint] = []
        for checkpoint in checkpoints:
            if checkpoint.clinic == clinic and checkpoint.genuine(keys):
                genuine.append(checkpoint)
            else:
                self.findings.append(Finding(clinic, Fault.FORGED, checkpoint.sequence, checkpoint.sequence))
        standing, lost = _without_lost(genuine)
        self.findings += (Finding(clinic, Fault.LOST, first, last) for first, last in lost)
        self._signed: dict[int, set[bytes]] = {}
        for checkpoint in standing:
            self._signed.setdefault(checkpoint.sequence, set()).add(checkpoint.hash)

    @property
    def head(self) -> Head:
        """The last row so far."""
        return self._head

    def add(self, row: Row) -> None:
        """The next row."""
        self.findings += _examine(row, self._head, self._signed.get(row.sequence, set()))
        self._head = Head(self._head.clinic, max(self._head.sequence, row.sequence), row.hash)

    def finish(self) -> list[Finding]:
        """There are no more rows: all that is wrong.

        Nothing found means: up to the last checkpoint these are the rows that were written, and none is missing. What
        was written after it is only known to hang together.
        """
        last = max(self._signed, default=0)
        if last > self._head.sequence:
            self.findings.append(Finding(self._head.clinic, Fault.TRUNCATED, self._head.sequence + 1, last))
        return self.findings


def verify(clinic: str, rows: Iterable[Row], checkpoints: Iterable[Checkpoint], keys: KeySource) -> list[Finding]:
    """All that is wrong with a clinic's rows, given in the order in which they are stored, and its checkpoints."""
    verification = Verification(clinic, checkpoints, keys)
    for row in rows:
        verification.add(row)
    return verification.finish()


def _examine(row: Row, head: Head, signed: Set[bytes]) -> Iterator[Finding]:
    def found(fault: Fault, first: int = row.sequence, last: int = row.sequence) -> Finding:
        return Finding(head.clinic, fault, first, last)

    if row.sequence <= head.sequence:
        yield found(Fault.REORDERED)
    elif row.sequence > head.sequence + 1:
        yield found(Fault.DELETED, head.sequence + 1, row.sequence - 1)
    elif row.previous != head.hash:
        yield found(Fault.BROKEN)
    if row.clinic != head.clinic or row.hash != row.expected_hash():
        yield found(Fault.EDITED)
    if row.detail is not None and row.detail.hash != row.detail_hash:
        yield found(Fault.DETAIL_EDITED)
    if signed - {row.hash}:
        yield found(Fault.REWRITTEN)


def _without_lost(checkpoints: Sequence[Checkpoint]) -> tuple[list[Checkpoint], list[tuple[int, int]]]:
    """The checkpoints that still have to hold, and the rows (from, to) that restores are known to have taken away."""
    lost: list[tuple[int, int]] = []
    gone: set[int] = set()
    for restored in checkpoints:
        if restored.restored:
            later = [
                place
                for place, other in enumerate(checkpoints)
                if other.sequence > restored.sequence and other.at <= restored.at
            ]
            if later:
                lost.append((restored.sequence + 1, max(checkpoints[place].sequence for place in later)))
            gone.update(later)
    return [checkpoint for place, checkpoint in enumerate(checkpoints) if place not in gone], lost
