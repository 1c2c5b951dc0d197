"""Identity numbers of made-up people."""

from collections.abc import Iterator

from control.errors import NationalNumberError
from control.identity import numbers
from control.identity.numbers import LAB
from tests.control.store.rows import NOW


def national_numbers() -> Iterator[str]:
    """Synthetic numbers (month + 80), one after the other."""
    for place in range(100_000):
        text = f"018190{place:05d}"
        try:
            numbers.parse(text, LAB, NOW.date())
        except NationalNumberError:
            continue
        yield text


def take(count: int) -> list[str]:
    """So many numbers."""
    made = national_numbers()
    return [next(made) for _ in range(count)]
