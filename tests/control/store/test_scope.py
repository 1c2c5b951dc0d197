"""No statement reaches another clinic's rows: it is scoped, or it is refused."""

import ast
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import delete, exists, func, insert, select, text, union_all, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, lazyload, selectinload

from control.store.database import Database
from control.store.models import Appointment, AppointmentType, Attendee, Clinic, Patient, Person, Practitioner
from control.store.scope import CROSS_CLINIC, UnscopedError
from signalling.roles import Role
from tests.control.store.rows import NOW, clinic, patient, person

CONTROL: Final = Path(__file__).resolve().parents[3] / "control"


class Two:
    """Two clinics with a patient, an appointment and an attendee each."""

    def __init__(self, ours: str, theirs: str) -> None:
        self.ours = ours
        self.theirs = theirs
        self.patients: dict[str, str] = {}
        self.appointments: dict[str, str] = {}


@pytest.fixture
async def two(database: Database) -> Two:
    async with database.begin(None) as session:
        a, b, doctor = clinic("a"), clinic("b"), person("Lege")
        session.add_all([a, b, doctor])
        await session.flush()
        found = Two(a.id, b.id)
    for each in (found.ours, found.theirs):
        async with database.begin(each) as session:
            who = patient(each)
            kind = AppointmentType(name="Time", minutes=20)
            practitioner = Practitioner(person_id=doctor.id, name="Lege")
            session.add_all([who, kind, practitioner])
            await session.flush()
            appointment = Appointment(
                type_id=kind.id,
                practitioner_id=practitioner.id,
                person_id=doctor.id,
                starts=NOW,
                ends=NOW,
                surface="video",
                created_at=NOW,
            )
            session.add(appointment)
            await session.flush()
            session.add(
                Attendee(appointment_id=appointment.id, role=Role.PATIENT, patient_id=who.id, name="Kari Nordmann")
            )
            found.patients[each] = who.id
            found.appointments[each] = appointment.id
    return found


other = aliased(Patient)

READS: dict[str, Callable[[], Any]] = {
    "all": lambda: select(Patient.clinic_id),
    "alias": lambda: select(other.clinic_id),
    "join": lambda: select(Patient.clinic_id).join(other, other.name == Patient.name),
    "joined": lambda: select(other.clinic_id).select_from(Patient).join(other, other.name == Patient.name),
    "left join": lambda: select(Attendee.clinic_id).outerjoin(Patient, Patient.id == Attendee.patient_id),
    "subquery": lambda: select(select(Patient.clinic_id).subquery()),
    "cte": lambda: select(select(Patient.clinic_id).cte()),
    "exists": lambda: select(Patient.clinic_id).where(exists(select(Attendee.id).where(Attendee.name == Patient.name))),
    "in": lambda: select(Patient.clinic_id).where(Patient.id.in_(select(Attendee.patient_id))),
    "clinic": lambda: select(Clinic.id),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_reads_see_one_clinic(database: Database, two: Two, read: Callable[[], Any]) -> None:
    async with database.look(two.ours) as session:
        assert (await session.scalars(read())).all() == [two.ours]


async def test_counts_see_one_clinic(database: Database, two: Two) -> None:
    inner = select(func.count()).select_from(Attendee).scalar_subquery()
    async with database.look(two.ours) as session:
        assert await session.scalar(select(func.count()).select_from(Patient)) == 1
        assert await session.scalar(select(inner).select_from(Patient)) == 1


async def test_unions_see_one_clinic(database: Database, two: Two) -> None:
    statement = union_all(select(Patient.clinic_id), select(Attendee.clinic_id))
    async with database.look(two.ours) as session:
        try:
            seen = set((await session.scalars(statement)).all())
        except UnscopedError:
            return
        assert seen == {two.ours}


async def test_relationships_load_of_one_clinic(database: Database, two: Two) -> None:
    statement = select(Appointment).options(selectinload(Appointment.attendees))
    async with database.look(two.ours) as session:
        appointment = (await session.scalars(statement)).one()
        assert [each.clinic_id for each in appointment.attendees] == [two.ours]


async def test_a_key_of_another_clinic_finds_nothing(database: Database, two: Two) -> None:
    async with database.look(two.ours) as session:
        assert await session.get(Patient, (two.theirs, two.patients[two.theirs])) is None
        assert await session.get(Patient, (two.ours, two.patients[two.theirs])) is None
        assert await session.get(Patient, (two.ours, two.patients[two.ours])) is not None
        assert await session.get(Clinic, two.theirs) is None


async def test_bulk_changes_touch_one_clinic(database: Database, two: Two) -> None:
    async with database.begin(two.ours) as session:
        await session.execute(update(Patient).values(name="Ny"))
        await session.execute(delete(Attendee))
    async with database.look(two.theirs) as session:
        assert (await session.scalars(select(Patient.name))).all() == ["Kari Nordmann"]
        assert len((await session.scalars(select(Attendee))).all()) == 1
    async with database.look(two.ours) as session:
        assert (await session.scalars(select(Patient.name))).all() == ["Ny"]
        assert (await session.scalars(select(Attendee))).all() == []


async def test_a_change_chosen_by_others_rows_touches_nothing(database: Database, two: Two) -> None:
    theirs = select(Attendee.id).where(Attendee.patient_id == two.patients[two.theirs])
    async with database.begin(two.ours) as session:
        await session.execute(update(Patient).where(exists(theirs)).values(name="Ny"))
    async with database.look(two.ours) as session:
        assert (await session.scalars(select(Patient.name))).all() == ["Kari Nordmann"]


async def _add_foreign(session: AsyncSession, two: Two) -> None:
    session.add(patient(two.theirs))
    await session.flush()


async def _move_foreign(session: AsyncSession, two: Two) -> None:
    row = (await session.scalars(select(Patient))).one()
    row.clinic_id = two.theirs
    await session.flush()


async def _bulk_insert(session: AsyncSession, two: Two) -> None:
    values = {"id": "x", "clinic_id": two.theirs, "name": "N", "search_name": "n", "created_at": NOW}
    await session.execute(insert(Patient), [values])


async def _insert_values(session: AsyncSession, two: Two) -> None:
    statement = insert(Patient).values(id="x", clinic_id=two.theirs, name="N", search_name="n", created_at=NOW)
    await session.execute(statement)


async def _insert_many_values(session: AsyncSession, two: Two) -> None:
    row = {"name": "N", "search_name": "n", "created_at": NOW}
    rows = [{"id": "x", "clinic_id": two.ours, **row}, {"id": "y", "clinic_id": two.theirs, **row}]
    await session.execute(insert(Patient).values(rows))


async def _insert_from_select(session: AsyncSession, two: Two) -> None:
    await session.execute(insert(Person).from_select(["id"], select(Patient.id)))


async def _bulk_update(session: AsyncSession, two: Two) -> None:
    row = {"clinic_id": two.theirs, "id": two.patients[two.theirs], "name": "Ny"}
    await session.execute(update(Patient), [row])


async def _core(session: AsyncSession, two: Two) -> None:
    await session.execute(select(Patient.__table__))


async def _text(session: AsyncSession, two: Two) -> None:
    await session.execute(text("SELECT * FROM patient"))


async def _text_with_comment(session: AsyncSession, two: Two) -> None:
    connection = await session.connection()
    await connection.exec_driver_sql("/* BEGIN */ SELECT * FROM patient")


async def _connection(session: AsyncSession, two: Two) -> None:
    await (await session.connection()).execute(select(Patient.__table__))


async def _connection_orm(session: AsyncSession, two: Two) -> None:
    await (await session.connection()).execute(select(Patient))


async def _text_as_entity(session: AsyncSession, two: Two) -> None:
    await session.execute(select(Patient).from_statement(text("SELECT * FROM patient")))


async def _legacy_save(session: AsyncSession, two: Two) -> None:
    await session.run_sync(lambda each: each.bulk_save_objects([patient(two.theirs)]))


async def _legacy_insert(session: AsyncSession, two: Two) -> None:
    await session.run_sync(lambda each: each.bulk_insert_mappings(Patient.__mapper__, [{"clinic_id": two.theirs}]))


async def _legacy_update(session: AsyncSession, two: Two) -> None:
    await session.run_sync(lambda each: each.bulk_update_mappings(Patient.__mapper__, [{"clinic_id": two.theirs}]))


async def _persons(session: AsyncSession, two: Two) -> None:
    await session.execute(select(Person))


async def _no_such_reason(session: AsyncSession, two: Two) -> None:
    await session.execute(select(Patient), execution_options={"across": "because"})


async def _change_other_clinic(session: AsyncSession, two: Two) -> None:
    statement = select(Clinic).where(Clinic.id == two.theirs)
    row = (await session.scalars(statement, execution_options={"across": "operation"})).one()
    row.name = "Ny"
    await session.flush()


REFUSED: list[Callable[[AsyncSession, Two], Awaitable[None]]] = [
    _add_foreign,
    _move_foreign,
    _bulk_insert,
    _insert_values,
    _insert_many_values,
    _insert_from_select,
    _bulk_update,
    _core,
    _text,
    _text_with_comment,
    _connection,
    _connection_orm,
    _text_as_entity,
    _legacy_save,
    _legacy_insert,
    _legacy_update,
    _persons,
    _no_such_reason,
    _change_other_clinic,
]


async def _lazy_load(session: AsyncSession, two: Two) -> None:
    statement = select(Appointment).options(lazyload(Appointment.attendees))
    appointment = (await session.scalars(statement, execution_options={"across": "operation"})).first()
    await session.run_sync(lambda _: appointment.attendees if appointment is not None else None)


WITHOUT_CLINIC: list[Callable[[AsyncSession, Two], Awaitable[None]]] = [
    *(act for act in REFUSED if act not in (_add_foreign, _move_foreign, _change_other_clinic)),
    _lazy_load,
]
"""What a session of no clinic is refused as well."""


@pytest.mark.parametrize("act", REFUSED, ids=lambda act: act.__name__.strip("_"))
async def test_what_cant_be_scoped_is_refused(
    database: Database, two: Two, act: Callable[[AsyncSession, Two], Awaitable[None]]
) -> None:
    with pytest.raises(UnscopedError):
        async with database.begin(two.ours) as session:
            await act(session, two)
    async with database.look(two.theirs) as session:
        assert len((await session.scalars(select(Patient))).all()) == 1


@pytest.mark.parametrize("act", WITHOUT_CLINIC, ids=lambda act: act.__name__.strip("_"))
async def test_a_session_of_no_clinic_is_refused_as_much(
    database: Database, two: Two, act: Callable[[AsyncSession, Two], Awaitable[None]]
) -> None:
    with pytest.raises(UnscopedError):
        async with database.begin(None) as session:
            await act(session, two)
    for each in (two.ours, two.theirs):
        async with database.look(each) as session:
            assert (await session.scalars(select(Patient.name))).all() == ["Kari Nordmann"]


async def test_no_relationship_loads_by_itself(database: Database, two: Two) -> None:
    async with database.look(two.ours) as session:
        appointment = (await session.scalars(select(Appointment))).one()
        with pytest.raises(InvalidRequestError, match="raise"):
            await session.run_sync(lambda _: appointment.attendees)


async def test_a_relationship_that_loads_late_loads_of_one_clinic(database: Database, two: Two) -> None:
    statement = select(Appointment).options(lazyload(Appointment.attendees))
    async with database.look(two.ours) as session:
        there = (await session.scalars(statement, execution_options={"across": "operation"})).all()
        found = await session.run_sync(lambda _: [each for row in there for each in row.attendees])
        assert len(there) == 2
        assert [each.clinic_id for each in found] == [two.ours]


async def test_many_rows_of_ones_own_may_come_at_once(database: Database, two: Two) -> None:
    rows = [
        {"id": name, "clinic_id": two.ours, "name": name, "search_name": name, "created_at": NOW} for name in ("x", "y")
    ]
    async with database.begin(two.ours) as session:
        await session.execute(insert(Patient), rows)
    async with database.look(two.ours) as session:
        assert await session.scalar(select(func.count()).select_from(Patient)) == 3


async def test_persons_come_by_no_join(database: Database, two: Two) -> None:
    statement = select(Person.id).select_from(Practitioner).join(Person, Person.id == Practitioner.person_id)
    async with database.look(two.ours) as session:
        with pytest.raises(UnscopedError):
            await session.scalars(statement)
    async with database.look(two.ours) as session:
        joined = select(Practitioner.id).join(Person, Person.id == Practitioner.person_id)
        assert (await session.scalars(joined)).all() == []


async def test_a_session_of_no_clinic_needs_a_reason(database: Database, two: Two) -> None:
    async with database.look(None) as session:
        with pytest.raises(UnscopedError):
            await session.scalars(select(Patient))
        found = await session.scalars(select(Patient.clinic_id), execution_options={"across": "operation"})
        assert set(found.all()) == {two.ours, two.theirs}


CROSSING: dict[str, set[str]] = {
    "my_appointments": {"consultation/places", "people/mine"},
    "my_access_log": {"audit/reading"},
    "my_records": {"people/mine"},
    "busy_intervals": {"scheduling/offers", "scheduling/rows"},
    "link": {"consultation/places"},
    "login": {
        "audit/events",
        "identity/logins",
        "identity/persons",
        "identity/places",
        "people/records",
        "people/staff",
        "scheduling/booking",
    },
    "idempotency": {"api/transactions"},
    "operation": {
        "audit/reading",
        "consultation/joining",
        "identity/persons",
        "imports/service",
        "rooms/commands",
        "rooms/events",
        "rooms/reconcile",
        "store/restore",
        "store/revocations",
    },
}
"""Which modules look past their session's clinic, and why: a new one must be meant, and be written here."""


def reasons_of(tree: ast.AST) -> Iterator[str]:
    """What a module gives as the option `across`; whatever is no plain text is as good as a reason that is unknown."""
    for node in ast.walk(tree):
        values: list[ast.expr] = []
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            values = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "across"]
        elif isinstance(node, ast.keyword) and node.arg == "across":
            values = [node.value]
        elif isinstance(node, ast.ImportFrom) and any(each.name == "CROSS_TIMES" for each in node.names):
            yield "busy_intervals"
        yield from (str(each.value) if isinstance(each, ast.Constant) else ast.unparse(each) for each in values)


def test_every_read_that_crosses_clinics_is_known() -> None:
    found: dict[str, set[str]] = {}
    for file in CONTROL.rglob("*.py"):
        source = file.read_text()
        for reason in reasons_of(ast.parse(source)):
            found.setdefault(reason, set()).add(file.relative_to(CONTROL).with_suffix("").as_posix())
        # Nor does a reason come by a detour: the option is named only where its reason is.
        assert source.count('"across"') == source.count('{"across": "') or file == CONTROL / "store/scope.py", file
    assert found == CROSSING
    assert CROSSING.keys() == CROSS_CLINIC
