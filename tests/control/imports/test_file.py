"""The file of a clinic: what can't be meant is named by its place, and never repeated."""

from pathlib import Path

import pytest

from control.errors import ImportFileError
from control.imports.file import parse_file, read_file

CLINIC = '[clinic]\nkey = "vest"\nname = "Vest"\n'
STAFF = '[[staff]]\nkey = "ingrid"\nname = "Ingrid"\nroles = ["practitioner"]\n'
TYPE = '[[types]]\nkey = "samtale"\nname = "Samtale"\nminutes = 30\n'
SCHEDULE = '[[schedules]]\nkey = "s"\nname = "S"\npractitioner = "ingrid"\n'
ENTRY = '{ weekday = "monday", starts = "09:00", type = "samtale" }'
TEMPLATE = f'[[templates]]\nkey = "t"\nname = "T"\nentries = [{ENTRY}]\n'
PLAN = '[[work_plans]]\nkey = "p"\nschedule = "s"\ntemplate = "t"\nfirst_day = 2027-01-04\nlast_day = 2027-01-04\n'
WHOLE = CLINIC + STAFF + TYPE + SCHEDULE + TEMPLATE + PLAN


def refused(text: str) -> str:
    with pytest.raises(ImportFileError) as caught:
        parse_file(text.encode())
    assert caught.value.code == "import_invalid"
    return str(caught.value)


def test_a_whole_file() -> None:
    file = parse_file(WHOLE.encode())
    assert file.templates[0].entries[0].type == file.types[0].key
    assert parse_file(CLINIC.encode()).staff == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('key = "vest"', "", "clinic.key"),
        ('key = "vest"', 'key = "Vest"', "clinic.key"),
        ('key = "vest"', 'key = "../x"', "clinic.key"),
        ('name = "Vest"', 'name = ""', "clinic.name"),
        ('name = "Vest"', 'name = "Vest"\nzone = "Europe/Nowhere"', "clinic.zone"),
        ('name = "Vest"', 'name = "Vest"\nzone = "/etc/passwd"', "clinic.zone"),
        ('name = "Vest"', 'name = "Vest"\nvideo = true', "clinic.video"),
        ('name = "Vest"', 'name = "Vest"\nvideo_enabled = "yes"', "clinic.video_enabled"),
        ('roles = ["practitioner"]', "roles = []", "staff[1].roles"),
        ('roles = ["practitioner"]', 'roles = ["boss"]', "staff[1].roles[1]"),
        ('roles = ["practitioner"]', 'roles = ["patient"]', "staff[1].roles[1]"),
        ("minutes = 30", 'minutes = "30"', "types[1].minutes"),
        ("minutes = 30", "minutes = 0", "types[1].minutes"),
        ("minutes = 30", 'minutes = 30\nlevel = "high"', "types[1].level"),
        ("minutes = 30", 'minutes = 30\nsurface = "letter"', "types[1].surface"),
        ("minutes = 30", 'minutes = 30\nsurface = "video"', "types[1]"),
        ("minutes = 30", "minutes = 30\nage_from = 18\nage_to = 17", "types[1]"),
        ('practitioner = "ingrid"', 'practitioner = "nobody"', "schedules[1].practitioner"),
        ('roles = ["practitioner"]', 'roles = ["secretary"]', "schedules[1].practitioner"),
        ('starts = "09:00"', 'starts = "24:00"', "templates[1].entries[1].starts"),
        ('starts = "09:00"', "starts = 09:00:00", "templates[1].entries[1].starts"),
        ('starts = "09:00"', 'starts = "09:00", week = 1', "templates[1]"),
        ('starts = "09:00"', 'starts = "09:00", surface = "video"', "templates[1].entries[1].surface"),
        ('weekday = "monday"', 'weekday = "mandag"', "templates[1].entries[1].weekday"),
        ('type = "samtale"', 'type = "nothing"', "templates[1].entries[1].type"),
        ('schedule = "s"', 'schedule = "none"', "work_plans[1].schedule"),
        ('template = "t"', 'template = "none"', "work_plans[1].template"),
        ("last_day = 2027-01-04", "last_day = 2027-01-03", "work_plans[1]"),
        ("last_day = 2027-01-04", 'last_day = "2027-01-04"', "work_plans[1].last_day"),
        ("last_day = 2027-01-04", "last_day = 2027-02-30", "at line"),
    ],
)
def test_what_can_not_be_meant_is_named_by_its_place(old: str, new: str, place: str) -> None:
    assert old in WHOLE
    told = refused(WHOLE.replace(old, new, 1))
    assert f"{place}: " in told or place == "at line" in told


FORBIDDEN = ("\\u0000", "\\u001B", "\\u0085", "\u202e", "\u2066", "\ufdd0", "\uffff", "\\U0010FFFE")
"""Controls, overrides of direction, noncharacters; as they stand where TOML takes them so."""


@pytest.mark.parametrize("character", FORBIDDEN)
@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('name = "Vest"', 'name = "Ve{}st"', "clinic.name"),
        ('name = "Vest"', 'name = "Vest"\nphysical_text = """\nKom\n{}"""', "clinic.physical_text"),
        ('name = "Ingrid"', 'name = "{}"', "staff[1].name"),
        ('name = "Ingrid"', 'name = "Ingrid"\nnumber = "47906701517{}"', "staff[1].number"),
        ("minutes = 30", 'minutes = 30\nbooking_text = "{}x"', "types[1].booking_text"),
        ('weekday = "monday"', 'weekday = "monday{}"', "templates[1].entries[1].weekday"),
        ('roles = ["practitioner"]', 'roles = ["practitioner", "{}"]', "staff[1].roles[2]"),
        ('name = "Ingrid"', 'name = "Ingrid"\n"{}" = 1', "staff[1]"),
        ('[clinic]\nkey = "vest"', '"{}" = 1\n[clinic]\nkey = "vest"', "file"),
    ],
)
def test_texts_are_held_to_what_the_interface_takes(character: str, old: str, new: str, place: str) -> None:
    assert old in WHOLE
    told = refused(WHOLE.replace(old, new.format(character), 1))
    key = "a key" if '"{}" = 1' in new else "a text"
    assert told == f"{place}: {key} with a character that controls, turns the direction of others, or is none"


def test_ends_of_lines_tabs_and_what_people_write_are_text() -> None:
    words = 'name = "Dr. O\'Neil \U0001f600"\ncontact = """\nRing\t22 22 22 22\r\neller skriv \u0627\u200f."""'
    assert parse_file(WHOLE.replace('name = "Vest"', words, 1).encode()).clinic.contact


@pytest.mark.parametrize("part", [STAFF, TYPE, SCHEDULE, TEMPLATE, PLAN])
def test_a_key_stands_for_one_thing(part: str) -> None:
    assert "[2].key: twice" in refused(WHOLE + part)


def test_a_number_stands_for_one_person() -> None:
    ingrid, per = (f'{staff}number = "47906701517"\n' for staff in (STAFF, STAFF.replace("ingrid", "per")))
    text = WHOLE.replace(STAFF, ingrid + per)
    assert refused(text) == "staff[2].number: twice"


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = WHOLE.replace('practitioner = "ingrid"', 'practitioner = "nobody"').replace('type = "samtale"', 'type = "x"')
    assert refused(text).count(";") == 1


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.replace(STAFF, STAFF + "number = 47906701517\n"),
        WHOLE.replace(STAFF, STAFF + 'nummer = "47906701517"\n'),
        WHOLE.replace(STAFF, STAFF + "number = 47906701517x\n"),
        WHOLE.replace(STAFF, STAFF + 'number = "47906701517\n'),
        WHOLE.replace('roles = ["practitioner"]', 'roles = ["47906701517"]'),
    ],
)
def test_what_stands_there_is_not_repeated(text: str) -> None:
    assert "47906701517" not in refused(text)


@pytest.mark.parametrize("text", [b"\xff", b"[clinic", b"a = " + b"[" * 5000, b""])
def test_what_is_no_file_of_a_clinic(text: bytes) -> None:
    with pytest.raises(ImportFileError):
        parse_file(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"none\.toml"):
        read_file(tmp_path / "none.toml")


def test_no_number_shows_by_accident() -> None:
    assert "47906701517" not in repr(parse_file(WHOLE.replace(STAFF, STAFF + 'number = "47906701517"\n').encode()))
