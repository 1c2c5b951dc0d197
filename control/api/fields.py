"""Fields of people: names that are shown, identity numbers, days, contact data."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from control.api.models import TEXT, Input
from control.identity import numbers
from control.identity.numbers import NationalNumber, NumberPolicy
from signalling.ids import NAME_MAX, plain

_NORWAY: Final = ZoneInfo("Europe/Oslo")


def _in_range(day: date) -> date:
    if not 1850 <= day.year <= 2200:
        raise PydanticCustomError("out_of_range", "years 1850 to 2200")
    return day


Day = Annotated[date, AfterValidator(_in_range), Field(examples=["2026-03-02"])]
"""A day of the clinic's calendar."""

Name = Annotated[
    str,
    Field(min_length=1, max_length=NAME_MAX, json_schema_extra=TEXT),
    AfterValidator(plain),
]
"""A name as rooms show it: one line, without characters that turn the direction of text."""

Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ]{2,24}$", examples=["+47 99 99 99 99"])]
Email = Annotated[str, Field(max_length=254, pattern=r"^[^\s@\u0000]+@[^\s@\u0000]+$")]
Address = Annotated[str, Field(min_length=1, max_length=500, json_schema_extra=TEXT)]
Number = Annotated[str, Field(min_length=1, max_length=20)]
"""A national identity number, as it is typed."""


class Changes(Input):
    """The body of a PATCH: what is not given stays as it is."""

    def given(self) -> dict[str, Any]:
        """What is to be changed, by name."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


@dataclass(frozen=True, slots=True)
class NumberReader:
    """Reads identity numbers as this installation takes them: made-up people's in a lab alone."""

    policy: NumberPolicy

    def read(self, text: str, now: datetime) -> NationalNumber:
        """The number (raises NationalNumberError)."""
        return numbers.parse(text, self.policy, now.astimezone(_NORWAY).date())
