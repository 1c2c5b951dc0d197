"""What a picture and a sound must be like to be the ones that were sent."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

Rgb = tuple[int, int, int]
Quarters = tuple[str, str, str, str]
"""Colours as `#rrggbb`: top left, top right, bottom left, bottom right."""

NEAR: Final = 70
"""Colours no further apart are one colour, after an encoder had them."""

_LOUD_DB: Final = -50.0
_NEAR_HZ: Final = 25.0


def distance(one: Rgb, other: str) -> int:
    """How far a colour is from another, written as `#rrggbb`, in its furthest part."""
    return max(abs(a - b) for a, b in zip(one, bytes.fromhex(other[1:]), strict=True))


async def until_quarters(colours: Quarters, see: Callable[[], Awaitable[Sequence[Rgb]]], within_s: float) -> None:
    """Looks at a picture in 8 x 8 fields, row by row, until the colours stand in their quarters."""
    end = time.monotonic() + within_s
    while True:
        fields = await see()
        quarters = [fields[row * 8 + column] for row, column in ((1, 1), (1, 6), (6, 1), (6, 6))] if fields else []
        if quarters and max(map(distance, quarters, colours)) < NEAR:
            return
        assert time.monotonic() < end, f"{quarters} are not {colours}"


async def until_tone(hertz: float, hear: Callable[[], Awaitable[tuple[float, float]]], within_s: float) -> None:
    """Listens for the loudest frequency (Hz) and its level (dB) until the frequency is this one."""
    end = time.monotonic() + within_s
    while True:
        found, decibel = await hear()
        if abs(found - hertz) < _NEAR_HZ and decibel > _LOUD_DB:
            return
        assert time.monotonic() < end, f"the loudest is {found} Hz with {decibel} dB, not {hertz} Hz"
