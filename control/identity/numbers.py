"""National identity numbers of Norway: which are well formed, and which may be used here.

Eleven digits, the last two of them check digits (modulo 11). What looks like a date is only held to be one: whoever
needs an age or a sex asks elsewhere, since a number from 2032 on tells neither.
Source: Skatteetaten, "Nytt fødselsnummer fra 2032"; Direktoratet for e-helse, HIS 80506 (H and FH numbers).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, NoReturn

from control.errors import NationalNumberError, SyntheticNumberError

_SHAPE: Final = re.compile(r"[0-9]{6} ?[0-9]{5}")
_WEIGHTS_1: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_WEIGHTS_2: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_D_NUMBER_DAY: Final = 40
_FIRST_FH_DIGIT: Final = "8"


class Kind(Enum):
    """What a number was given out as."""

    BIRTH = "birth"
    """Fødselsnummer, for who lives in the country."""
    D = "d"
    """D-number, for who is here for a time: 40 is added to the day."""
    H = "h"
    """Help number of one institution: 40 is added to the month. NAV's synthetic people look the same."""
    FH = "fh"
    """Common help number of the health services: begins with 8 or 9 and holds no date."""


class Series(Enum):
    """What is added to the month, and so whether the person is made up."""

    REAL = 0
    FORTY = 40
    """H numbers, and NAV's synthetic people: the number doesn't say which."""
    HEALTH_NETWORK = 65
    """Synthetic people of Norsk helsenett."""
    REGISTER = 80
    """Synthetic people of the national register."""


class Version(Enum):
    """How the first check digit is reckoned."""

    FROM_1964 = 1964
    FROM_2032 = 2032
    """Four times as many numbers; the digits between date and check digits tell no century and no sex."""

    @property
    def remainders(self) -> frozenset[int]:
        """What the weighted sum with the first check digit may leave, modulo 11."""
        return frozenset({0}) if self is Version.FROM_1964 else frozenset({0, 1, 2, 3})

    def in_force(self, day: date) -> bool:
        """Whether such numbers are given out by that day."""
        return day.year >= self.value


@dataclass(frozen=True, slots=True)
class NumberPolicy:
    """Which numbers are taken."""

    synthetic: bool = False
    """Made-up people, and numbers that are not given out yet: for tests and demos alone."""
    h_numbers: bool = False
    """Help numbers of the institution's own. In production only where it still has some: they can't be told from
    NAV's synthetic numbers, and another institution may have given the same one to somebody else."""


PRODUCTION: Final = NumberPolicy()
LAB: Final = NumberPolicy(synthetic=True, h_numbers=True)


class NationalNumber:
    """A well-formed number. It is shown by nothing but `reveal`: repr, str, format and pickle never have the digits."""

    __slots__ = ("_digits", "kind", "version")

    _digits: str
    kind: Kind
    version: Version

    def __init__(self, digits: str, kind: Kind, version: Version) -> None:
        object.__setattr__(self, "_digits", digits)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "version", version)

    def reveal(self) -> str:
        """The eleven digits: for the pseudonym, for the cipher, and for who must read them."""
        return self._digits

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} of a number can't be set")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NationalNumber) and other._digits == self._digits

    def __hash__(self) -> int:
        return hash(self._digits)

    def __repr__(self) -> str:
        return "NationalNumber(hidden)"

    def __format__(self, specification: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a national number is not pickled")


def parse(text: str, policy: NumberPolicy, today: date) -> NationalNumber:
    """The number that was typed or told, `today` being the day in Norway.

    Raises NationalNumberError where it is none, SyntheticNumberError where made-up people are not taken.
    """
    if _SHAPE.fullmatch(text) is None:
        raise NationalNumberError("eleven digits are needed")
    digits = text.replace(" ", "")
    kind, series = _classify(digits)
    made_up = series in (Series.HEALTH_NETWORK, Series.REGISTER)
    version = _version([int(digit) for digit in digits])
    # Numbers of 2032 can be had for tests long before; until then a real one is a slip of the pen.
    if version is None or not (version.in_force(today) or made_up):
        raise NationalNumberError("the check digits don't fit")
    if made_up and not policy.synthetic:
        raise SyntheticNumberError("this number belongs to a made-up person")
    if kind is Kind.H and not policy.h_numbers:
        raise SyntheticNumberError("help numbers of an institution, and made-up people, are not taken here")
    return NationalNumber(digits, kind, version)


def restore(digits: str) -> NationalNumber:
    """A number that was taken before, from where it was sealed. Raises NationalNumberError where it is none."""
    return parse(digits, LAB, date.max)


def _classify(digits: str) -> tuple[Kind, Series]:
    if digits[0] >= _FIRST_FH_DIGIT:
        return Kind.FH, Series.REAL
    day, month, year = (int(digits[place : place + 2]) for place in (0, 2, 4))
    series = next((each for each in Series if 1 <= month - each.value <= 12), None)
    if series is None:
        raise NationalNumberError("there is no such date")
    kind = Kind.H if series is Series.FORTY else Kind.BIRTH
    if day > _D_NUMBER_DAY:
        day -= _D_NUMBER_DAY
        kind = Kind.D if kind is Kind.BIRTH else kind
    try:
        # The century can't be known: 2000 to 2099 has every date that any has, 29 February of a year 00 among them.
        date(2000 + year, month - series.value, day)
    except ValueError:
        raise NationalNumberError("there is no such date") from None
    return kind, series


def _version(digits: Sequence[int]) -> Version | None:
    """The oldest whose check digits these are."""
    if _remainder(digits, _WEIGHTS_2) != 0:
        return None
    first = _remainder(digits, _WEIGHTS_1)
    return next((version for version in Version if first in version.remainders), None)


def _remainder(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False)) % 11
