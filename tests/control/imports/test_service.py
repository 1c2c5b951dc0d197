"""An import makes a clinic, again changes what differs, and never makes anything twice or by half."""

from collections import Counter
from pathlib import Path

import pytest
from pydantic import BaseModel
from sqlalchemy import func, select

from control.errors import ImportConflictError, NationalNumberError, SyntheticNumberError
from control.identity.keyring import SecretKeys
from control.identity.numbers import LAB, PRODUCTION, NumberPolicy, parse
from control.identity.persons import find_person
from control.identity.pseudonyms import Pseudonyms
from control.imports.file import (
    ClinicPart,
    EntryPart,
    PlanPart,
    SchedulePart,
    StaffPart,
    TemplatePart,
    TypePart,
    parse_file,
)
from control.imports.service import Imported, import_clinic
from control.store.base import Base
from control.store.database import Database
from control.store.models import (
    AppointmentType,
    AuditEvent,
    Clinic,
    Membership,
    Practitioner,
    Schedule,
    TemplateEntry,
    WeekTemplate,
    WorkPlan,
)
from tests.control.store.rows import NOW, open_clinic

EXAMPLE = (Path(__file__).resolve().parents[3] / "configs" / "clinic.example.toml").read_text()
NUMBER, OTHER_NUMBER = "47906701517", "23906398699"
KEYS = Pseudonyms(SecretKeys.generate(), SecretKeys.generate())
ACROSS = {"across": "operation"}
INGRID = 'name = "Ingrid Solberg"\ntitle = "Lege"\n'


async def bring(database: Database, text: str = EXAMPLE, policy: NumberPolicy = LAB) -> Imported:
    return await import_clinic(database, parse_file(text.encode()), KEYS, policy, NOW)


async def counts(database: Database) -> dict[str, int]:
    """How many rows each table has, save the audit log."""
    async with database.look(None) as session:
        found = Counter[str]()
        for mapper in Base.registry.mappers:
            number = await session.scalar(select(func.count()).select_from(mapper.class_), execution_options=ACROSS)
            found[mapper.class_.__name__] = number or 0
    return {name: number for name, number in found.items() if number and not name.startswith("Audit")}


async def actions(database: Database, clinic: str) -> list[str]:
    async with database.look(clinic) as session:
        return list(await session.scalars(select(AuditEvent.action).order_by(AuditEvent.sequence)))


WHOLE = {
    "Clinic": 1,
    "Person": 3,
    "Practitioner": 2,
    "Membership": 4,
    "AppointmentType": 2,
    "Schedule": 2,
    "WeekTemplate": 2,
    "TemplateEntry": 3,
    "WorkPlan": 2,
}


async def test_the_example_makes_a_clinic(database: Database) -> None:
    imported = await bring(database)
    assert await counts(database) == WHOLE
    assert (imported.made, imported.changed) == (sum(WHOLE.values()) - WHOLE["TemplateEntry"], 0)
    assert await actions(database, imported.clinic) == ["clinic.import"]
    async with database.look(imported.clinic) as session:
        schedule = (await session.scalars(select(Schedule).where(Schedule.key == "ingrid"))).one()
        practitioner = (await session.scalars(select(Practitioner).where(Practitioner.key == "ingrid"))).one()
        entries = (await session.scalars(select(TemplateEntry).order_by(TemplateEntry.weekday))).all()
        kinds = {kind.id: kind.key for kind in await session.scalars(select(AppointmentType))}
        roles = sorted(await session.scalars(select(Membership.role).where(Membership.key == "ingrid")))
    assert schedule.practitioner_id == practitioner.id
    assert [(e.weekday, e.week, e.starts, e.count, e.minutes, kinds[e.type_id], e.surface) for e in entries] == [
        (0, 0, "09:00", 6, 30, "samtale", None),
        (2, 0, "09:00", 4, 45, "samtale", "physical"),
        (3, 1, "13:00", 1, 90, "gruppe", None),
    ]
    assert roles == ["administrator", "practitioner"]


async def test_again_makes_and_changes_nothing(database: Database) -> None:
    first = await bring(database)
    assert await bring(database) == Imported(first.clinic, 0, 0)
    assert await counts(database) == WHOLE
    assert await actions(database, first.clinic) == ["clinic.import"]


async def test_what_differs_is_changed(database: Database) -> None:
    first = await bring(database)
    text = (
        EXAMPLE.replace('name = "Vest legesenter"', 'name = "Vest"')
        .replace("minutes = 90", "minutes = 60")
        .replace('roles = ["practitioner", "administrator"]', 'roles = ["practitioner", "secretary"]')
        .replace('title = "Psykolog"', 'title = "Overlege"')
    )
    again = await bring(database, text)
    assert again.clinic == first.clinic
    assert await counts(database) == WHOLE | {"Membership": 5}
    async with database.look(first.clinic) as session:
        assert (await session.scalars(select(Clinic))).one().name == "Vest"
        kind = (await session.scalars(select(AppointmentType).where(AppointmentType.key == "gruppe"))).one()
        assert (kind.minutes, kind.version) == (60, 2)
        active = select(Membership.role).where(Membership.key == "ingrid", Membership.active)
        assert sorted(await session.scalars(active)) == ["practitioner", "secretary"]
        assert sorted(t or "" for t in await session.scalars(select(Practitioner.title))) == ["Lege", "Overlege"]
    assert await actions(database, first.clinic) == ["clinic.import", "clinic.import"]


async def test_somebody_who_has_left(database: Database) -> None:
    first = await bring(database)
    await bring(database, EXAMPLE.replace(INGRID, INGRID + "active = false\n"))
    async with database.look(first.clinic) as session:
        left = select(Practitioner.key).where(Practitioner.active.is_(False))
        assert list(await session.scalars(left)) == ["ingrid"]
        members = select(Membership.key).where(Membership.active.is_(False))
        assert list(await session.scalars(members)) == ["ingrid", "ingrid"]
    await bring(database)
    async with database.look(first.clinic) as session:
        assert list(await session.scalars(left)) == list(await session.scalars(members)) == []


async def test_an_edited_template_is_another_version_and_an_edited_plan_has_to_be_applied(database: Database) -> None:
    first = await bring(database)
    async with database.begin(first.clinic) as session:
        for plan in await session.scalars(select(WorkPlan)):
            plan.applied_version = 1
    edited = EXAMPLE.replace("count = 6", "count = 5").replace("last_day = 2027-06-30", "last_day = 2027-05-31", 1)
    await bring(database, edited)
    async with database.look(first.clinic) as session:
        versions = {each.key: each.version for each in await session.scalars(select(WeekTemplate))}
        applied = {each.key: each.applied_version for each in await session.scalars(select(WorkPlan))}
    assert versions == {"formiddag": 2, "gruppe": 1}
    assert applied == {"ingrid-2027": None, "per-2027": 1}
    assert await counts(database) == WHOLE


async def test_a_template_that_was_empty_is_another_version_once_it_is_not(database: Database) -> None:
    empty = EXAMPLE.replace('entries = [{ weekday = "thursday", week = 1, starts = "13:00", type = "gruppe" }]', "")
    first = await bring(database, empty)
    await bring(database)
    async with database.look(first.clinic) as session:
        assert [each.version for each in await session.scalars(select(WeekTemplate).order_by(WeekTemplate.key))] == [
            1,
            2,
        ]


async def test_a_person_of_two_clinics_is_one_by_number(database: Database) -> None:
    text = EXAMPLE.replace(INGRID, f'{INGRID}number = "{NUMBER}"\n')
    await bring(database, text)
    nord = await bring(database, text.replace('key = "vest"', 'key = "nord"'))
    assert nord.made > 0
    assert (await counts(database))["Person"] == 5
    async with database.look(None) as session:
        statement = select(Practitioner.person_id).where(Practitioner.key == "ingrid")
        owners = await session.scalars(statement, execution_options=ACROSS)
        assert len(set(owners)) == 1


async def test_a_number_may_come_later(database: Database) -> None:
    await bring(database)
    await bring(database, EXAMPLE.replace(INGRID, f'{INGRID}number = "{NUMBER}"\n'))
    assert await counts(database) == WHOLE
    async with database.begin(None) as session:
        found = await find_person(session, KEYS, parse(NUMBER, LAB, NOW.date()))
        assert found is not None
        assert found.name == "Ingrid Solberg"


async def test_an_import_of_what_was_made_by_hand_takes_it_over(database: Database) -> None:
    """By the number, where there is no key yet."""
    text = EXAMPLE.replace(INGRID, f'{INGRID}number = "{NUMBER}"\n')
    first = await bring(database, text)
    async with database.begin(first.clinic) as session:
        for row in (*await session.scalars(select(Membership)), *await session.scalars(select(Practitioner))):
            if row.key == "ingrid":
                row.key = None
    await bring(database, text)
    assert await counts(database) == WHOLE


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"ingrid": NUMBER}, {"ingrid": OTHER_NUMBER}),
        ({"ingrid": NUMBER, "per": OTHER_NUMBER}, {"ingrid": OTHER_NUMBER, "per": NUMBER}),
        ({"ingrid": NUMBER}, {"per": NUMBER}),
    ],
)
async def test_two_people_are_never_made_one(database: Database, first: dict[str, str], second: dict[str, str]) -> None:
    def text(numbers: dict[str, str]) -> str:
        given = EXAMPLE
        for key, number in numbers.items():
            given = given.replace(f'[[staff]]\nkey = "{key}"\n', f'[[staff]]\nkey = "{key}"\nnumber = "{number}"\n')
        return given.replace("Vest legesenter", "Another name")

    await bring(database, text(first).replace("Another name", "Vest legesenter"))
    with pytest.raises(ImportConflictError, match=r"staff (ingrid|per)"):
        await bring(database, text(second))
    async with database.look(None) as session:
        assert (await session.scalars(select(Clinic), execution_options=ACROSS)).one().name == "Vest legesenter"


async def test_two_keys_are_never_made_one_person(database: Database) -> None:
    """As where a second line with the number was added, and the first left there."""
    await bring(database, EXAMPLE.replace(INGRID, f'{INGRID}number = "{NUMBER}"\n'))
    second = f'[[staff]]\nkey = "solberg"\nname = "Ingrid"\nroles = ["practitioner"]\nnumber = "{NUMBER}"\n\n[[types]]'
    with pytest.raises(ImportConflictError, match="solberg and ingrid are one"):
        await bring(database, EXAMPLE.replace("[[types]]", second, 1))
    assert await counts(database) == WHOLE


@pytest.mark.parametrize(
    ("number", "policy", "error"),
    [("47906701518", LAB, NationalNumberError), (NUMBER, PRODUCTION, SyntheticNumberError)],
)
async def test_a_number_that_is_none_makes_nothing(
    database: Database, number: str, policy: NumberPolicy, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await bring(database, EXAMPLE.replace(INGRID, f'{INGRID}number = "{number}"\n'), policy)
    assert await counts(database) == {}


async def test_an_error_in_the_middle_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from control.imports import service

    async def fail(*_: object) -> None:
        raise KeyError

    with monkeypatch.context() as broken:
        broken.setattr(service._Import, "_plan", fail)
        with pytest.raises(KeyError):
            await bring(database)
    assert await counts(database) == {}
    await bring(database)
    assert await counts(database) == WHOLE


async def test_another_clinic_is_left_alone(database: Database) -> None:
    other = await open_clinic(database, "other")
    await bring(database)
    async with database.look(other) as session:
        assert (await session.scalars(select(Practitioner))).all() == []
        assert (await session.scalars(select(Clinic))).one().key == "other"
    assert (await counts(database))["Person"] == WHOLE["Person"]


@pytest.mark.parametrize(
    ("table", "part", "otherwise"),
    [
        (Clinic, ClinicPart, set()),
        (AppointmentType, TypePart, set()),
        (Schedule, SchedulePart, {"practitioner_id"}),
        (WeekTemplate, TemplatePart, set()),
        (TemplateEntry, EntryPart, {"template_id", "type_id"}),
        (WorkPlan, PlanPart, {"schedule_id", "template_id", "applied_version"}),
        (Practitioner, StaffPart, {"person_id"}),
    ],
)
def test_all_that_can_be_set_can_be_imported(table: type[Base], part: type[BaseModel], otherwise: set[str]) -> None:
    columns = {column.name for column in table.__table__.columns} - {"id", "clinic_id", "version"}
    assert columns - part.model_fields.keys() == otherwise
