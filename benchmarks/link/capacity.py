"""When a line may send how much: Mahimahi's opportunities, from a trace or from rates. Times in microseconds."""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final, Protocol, Self

QUANTUM: Final = 1504
"""Bytes of an opportunity: a packet of 1500 and the four bytes that Mahimahi's tunnel puts before it."""
_SECOND: Final = 1_000_000


class Capacity(Protocol):
    """Opportunities to send, in order."""

    def after(self, when: int) -> tuple[int, int]:
        """The first opportunity later than a moment: when it is, and for how many bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Steps:
    """A rate that changes at given moments, by byte credit: an opportunity whenever `quantum` bytes have come together.

    `steps` are (from when on, bits per second), from 0 on and in order; the last holds for ever. A smaller quantum is
    for thin links, where one of 1504 bytes would be tenths of a second.
    """

    steps: tuple[tuple[int, int], ...]
    quantum: int = QUANTUM
    _credit: tuple[int, ...] = field(init=False, repr=False)
    """Per step, what has come together when it begins, in bits times microseconds a second: exact."""

    def __post_init__(self) -> None:
        begins = [begin for begin, _ in self.steps]
        if not begins or begins[0] != 0 or begins != sorted(set(begins)):
            raise ValueError("steps begin at 0 and are in order")
        if self.quantum <= 0 or any(rate < 0 for _, rate in self.steps) or self.steps[-1][1] == 0:
            raise ValueError("rates are not negative, the last is above zero, and so is the quantum")
        credit = [0]
        for (begin, rate), (end, _) in zip(self.steps, self.steps[1:], strict=False):
            credit.append(credit[-1] + (end - begin) * rate)
        object.__setattr__(self, "_credit", tuple(credit))

    @classmethod
    def constant(cls, rate: int, quantum: int = QUANTUM) -> Self:
        """One rate, in bits per second."""
        return cls(((0, rate),), quantum)

    def after(self, when: int) -> tuple[int, int]:
        step = max(0, bisect_right(self.steps, when, key=lambda item: item[0]) - 1)
        begin, rate = self.steps[step]
        unit = self.quantum * 8 * _SECOND
        # An opportunity may fall between two microseconds: it is then taken at the later one.
        wanted = ((self._credit[step] + max(0, when - begin) * rate) // unit + 1) * unit
        while step + 1 < len(self.steps) and self._credit[step + 1] < wanted:
            step += 1
        begin, rate = self.steps[step]
        return begin + -((self._credit[step] - wanted) // rate), self.quantum


@dataclass(frozen=True, slots=True)
class Trace:
    """Opportunities of 1504 bytes at given milliseconds, over and over, as in Mahimahi's files."""

    milliseconds: tuple[int, ...]
    _moments: tuple[int, ...] = field(init=False, repr=False)
    _bytes: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.milliseconds or self.milliseconds[-1] <= 0 or list(self.milliseconds) != sorted(self.milliseconds):
            raise ValueError("a trace is milliseconds in order, the last above zero: its length")
        groups = [(at * 1000, len(list(same)) * QUANTUM) for at, same in groupby(self.milliseconds)]
        object.__setattr__(self, "_moments", tuple(at for at, _ in groups))
        object.__setattr__(self, "_bytes", tuple(size for _, size in groups))

    @classmethod
    def read(cls, file: Path) -> Self:
        """A file with a millisecond a line. ValueError where it is none."""
        return cls(tuple(int(line) for line in file.read_text().split()))

    def after(self, when: int) -> tuple[int, int]:
        length = self._moments[-1]
        # The end of one round is the start of the next.
        rounds, within = divmod(when, length)
        index = bisect_right(self._moments, within)
        if index == len(self._moments):
            rounds, index = rounds + 1, 0
        return rounds * length + self._moments[index], self._bytes[index]
