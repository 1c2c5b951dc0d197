"""The file of `venterom clinic import`: one clinic, as configs/clinic.example.toml explains it (pure but for reading).

Everything that is referred to stands in the same file, by its `key`. What can't be meant is refused by its place in the
file; what stands there is never repeated, since it may be an identity number.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from control.characters import is_forbidden
from control.errors import ImportFileError
from control.identity.levels import of_acr
from control.scheduling.surface import Surface
from control.store.models import MemberRole

Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=4000)]
Minutes = Annotated[int, Field(ge=0, le=60 * 24 * 366)]
Loose = Field(strict=False)
_NO_TEXT: Final = "a character that controls, turns the direction of others, or is none"
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class ClinicPart(_Strict):
    """The clinic itself."""

    key: Key
    name: Name
    department: Name | None = None
    phone: Name | None = None
    contact: Text | None = None
    zone: str = "Europe/Oslo"
    video_enabled: bool = False
    unknown_patients_book: bool = False
    confirm_entry: bool = True
    physical_text: Text | None = None
    privacy_text: Text | None = None

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such time zone") from None
        return zone


class StaffPart(_Strict):
    """Somebody who works there."""

    key: Key
    name: Name
    roles: Annotated[list[Annotated[MemberRole, Loose]], Field(min_length=1)]
    title: Name | None = None
    """Of a practitioner."""
    number: Annotated[str | None, Field(repr=False)] = None
    """The national identity number that the person logs in with; needed where the person works in several clinics."""
    active: bool = True


class Restrictions(_Strict):
    """Who may book, of a type or a schedule."""

    age_from: Annotated[int, Field(ge=0, le=150)] | None = None
    age_to: Annotated[int, Field(ge=0, le=150)] | None = None
    new_patients: bool = True
    own_list_only: bool = False
    referral_needed: bool = False
    lead_minutes: Minutes = 0
    horizon_days: Annotated[int, Field(ge=0, le=3660)] | None = None

    @model_validator(mode="after")
    def _ages_are_in_order(self) -> Self:
        if self.age_from is not None and self.age_to is not None and self.age_to < self.age_from:
            raise ValueError("age_to comes before age_from")
        return self


class TypePart(Restrictions):
    """A type of appointment."""

    key: Key
    name: Name
    active: bool = True
    published: bool = False
    supports_video: bool = False
    surface: Annotated[Surface, Loose] = Surface.PHYSICAL
    minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    capacity: Annotated[int, Field(ge=1, le=100)] = 1
    opens_minutes: Minutes = 15
    closes_minutes: Minutes = 120
    level: str | None = None
    guests: bool = True
    max_open: Annotated[int, Field(ge=0, le=1000)] | None = None
    change_minutes: Minutes = 0
    booking_text: Text | None = None
    notifies: bool = True
    reminds: bool = True
    message_after_booking: Text | None = None
    message_to_video: Text | None = None

    @field_validator("level")
    @classmethod
    def _is_a_level(cls, level: str | None) -> str | None:
        if level is not None and of_acr(level) is None:
            raise ValueError("no level of login that we know")
        return level

    @model_validator(mode="after")
    def _video_is_supported(self) -> Self:
        if self.surface is Surface.VIDEO and not self.supports_video:
            raise ValueError("surface is video, and supports_video is not set")
        return self


class SchedulePart(Restrictions):
    """A practitioner's times."""

    key: Key
    name: Name
    practitioner: Key
    published: bool = False


class Day(IntEnum):
    """Days of the week, as the file names them."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


DayName = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class EntryPart(_Strict):
    """Some slots in a row."""

    weekday: DayName
    starts: str
    type: Key
    week: Annotated[int, Field(ge=0, le=51)] = 0
    count: Annotated[int, Field(ge=1, le=200)] = 1
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = None
    """As long as the type says, where unset."""
    surface: Annotated[Surface, Loose] | None = None

    @field_validator("starts")
    @classmethod
    def _is_a_time(cls, starts: str) -> str:
        if _TIME.fullmatch(starts) is None:
            raise ValueError("a time of day, as 09:00")
        return starts


class TemplatePart(_Strict):
    """What weeks look like."""

    key: Key
    name: Name
    weeks: Annotated[int, Field(ge=1, le=52)] = 1
    active: bool = True
    entries: list[EntryPart] = []

    @model_validator(mode="after")
    def _has_these_weeks(self) -> Self:
        if any(entry.week >= self.weeks for entry in self.entries):
            raise ValueError("an entry's week is beyond the template's; they are counted from 0")
        return self


class PlanPart(_Strict):
    """A template, applied to a schedule for some days."""

    key: Key
    schedule: Key
    template: Key
    first_day: date
    last_day: date
    active: bool = True

    @model_validator(mode="after")
    def _days_are_in_order(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError("last_day comes before first_day")
        return self


class ClinicFile(_Strict):
    """All of the file."""

    clinic: ClinicPart
    staff: list[StaffPart] = []
    types: list[TypePart] = []
    schedules: list[SchedulePart] = []
    templates: list[TemplatePart] = []
    work_plans: list[PlanPart] = []


def read_file(path: Path) -> ClinicFile:
    """The file, checked. Raises ImportFileError with all that is wrong."""
    try:
        return parse_file(path.read_bytes())
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from error


def parse_file(text: bytes) -> ClinicFile:
    """As `read_file`, of what stands in it."""
    try:
        read = tomllib.loads(text.decode())
        if forbidden := list(_forbidden(read)):
            raise ImportFileError("; ".join(forbidden))
        file = ClinicFile.model_validate(read)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ImportFileError("not a TOML file in UTF-8" + _where(error)) from error
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise ImportFileError("; ".join(f"{_place(fault['loc'])}: {fault['msg']}" for fault in faults)) from None
    faults_between = list(_faults(file))
    if faults_between:
        raise ImportFileError("; ".join(faults_between))
    return file


def _where(error: Exception) -> str:
    """The place alone: what TOML's own words quote may be anything."""
    place = re.search(r"\(at line \d+, column \d+\)$", str(error))
    return "" if place is None else f" {place[0]}"


def _place(location: Sequence[int | str]) -> str:
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "file"


def _forbidden(value: object, location: tuple[int | str, ...] = ()) -> Iterator[str]:
    """Where a text or a key holds what the interface refuses too; it comes first, since a key is part of a place."""
    match value:
        case str() if is_forbidden(value):
            yield f"{_place(location)}: a text with {_NO_TEXT}"
        case dict():
            for key, inner in value.items():
                if is_forbidden(key):
                    yield f"{_place(location)}: a key with {_NO_TEXT}"
                else:
                    yield from _forbidden(inner, (*location, key))
        case list():
            for place, inner in enumerate(value):
                yield from _forbidden(inner, (*location, place))
        case _:
            pass


def _faults(file: ClinicFile) -> Iterator[str]:
    """What only shows between the parts."""
    sections: dict[str, Sequence[StaffPart | TypePart | SchedulePart | TemplatePart | PlanPart]] = {
        "staff": file.staff,
        "types": file.types,
        "schedules": file.schedules,
        "templates": file.templates,
        "work_plans": file.work_plans,
    }
    for section, parts in sections.items():
        keys = [part.key for part in parts]
        yield from (f"{section}[{place}].key: twice" for place, key in enumerate(keys, 1) if key in keys[: place - 1])
    numbers = [person.number for person in file.staff]
    for place, number in enumerate(numbers, 1):
        if number is not None and number in numbers[: place - 1]:
            yield f"staff[{place}].number: twice"
    practitioners = {person.key for person in file.staff if MemberRole.PRACTITIONER in person.roles}
    types, schedules = {part.key: part for part in file.types}, {part.key for part in file.schedules}
    templates = {part.key for part in file.templates}
    for place, schedule in enumerate(file.schedules, 1):
        if schedule.practitioner not in practitioners:
            yield f"schedules[{place}].practitioner: nobody among staff is a practitioner of this key"
    for place, template in enumerate(file.templates, 1):
        for inner, entry in enumerate(template.entries, 1):
            kind = types.get(entry.type)
            if kind is None:
                yield f"templates[{place}].entries[{inner}].type: no type has this key"
            elif entry.surface is Surface.VIDEO and not kind.supports_video:
                yield f"templates[{place}].entries[{inner}].surface: the type does not support video"
    for place, plan in enumerate(file.work_plans, 1):
        if plan.schedule not in schedules:
            yield f"work_plans[{place}].schedule: no schedule has this key"
        if plan.template not in templates:
            yield f"work_plans[{place}].template: no template has this key"
