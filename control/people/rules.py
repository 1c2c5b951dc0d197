"""Who people are to a clinic: names to search by, how long guardians may act, and what is kept from whom. Pure."""

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from signalling.roles import Role, is_host

OWN_MASTER: Final = 16
"""The age from which patients decide for themselves (pasient- og brukerrettighetsloven § 4-3): guardians end there."""

_LAST: Final = "\U0010ffff"
"""No character comes after it, and none is it (a noncharacter of Unicode)."""


def search_form(name: str) -> str:
    """The name as it is searched by: case-folded, composed (NFC), white space joined."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).split())


def prefix_range(prefix: str) -> tuple[str, str] | None:
    """Search forms that begin so lie from the first, included, to the second, in the order of code points.

    None for a prefix of white space alone: everybody would be meant.
    """
    form = search_form(prefix)
    return (form, form + _LAST) if form else None


def birthday(born: date, age: int) -> date:
    """The day on which somebody gets that old; who was born on 29 February does on 1 March in other years."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def default_end(born: date | None) -> date | None:
    """The first day on which guardians no longer act, where nothing else is said; None where staff must say it."""
    return None if born is None else birthday(born, OWN_MASTER)


def holds(ends_on: date | None, *, revoked: bool, day: date) -> bool:
    """Whether a guardian may act on that day of the clinic's calendar; the end date itself is the first day without."""
    return not revoked and (ends_on is None or day < ends_on)


class Audience(StrEnum):
    """Who reads something about a patient."""

    CLINIC = "clinic"
    SELF = "self"
    COMPANION = "companion"
    """Guardians, companions, interpreters, guests."""
    MESSAGE = "message"
    EXPORT = "export"
    """Programs, the journal system's among them."""


def may_know_whereabouts(audience: Audience, *, protected: bool) -> bool:
    """Whether a patient's address, phone and place may be told: of a protected one only to the clinic and themself."""
    return not protected or audience in (Audience.CLINIC, Audience.SELF)


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody who is expected at an appointment."""

    id: str
    role: Role
    patient: str | None
    """The patient that this is, or comes with; None for who comes with nobody in particular."""


def sees(viewer: Expected, other: Expected) -> bool:
    """Whether one may be told of another before the meeting: patients of a group, and theirs, never of each other."""
    if viewer.id == other.id or is_host(viewer.role) or is_host(other.role):
        return True
    if other.role is not Role.PATIENT and other.patient is None:
        return True
    return other.patient is not None and other.patient == viewer.patient
