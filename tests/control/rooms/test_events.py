"""Each event of a room is applied once, whatever is told twice, late, or of somebody unknown."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Final

import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from control.audit import log
from control.audit.chain import Event, Reference
from control.rooms import events
from control.rooms.events import Listener
from control.store.database import Database
from control.store.models import (
    Admission,
    Attendee,
    AuditEvent,
    Consultation,
    ConsultationMessage,
    IssuedGrant,
    Practitioner,
)
from signalling.inputs import (
    Act,
    End,
    Enter,
    HostBack,
    HostLost,
    Move,
    Open,
    Pause,
    Recorded,
    Resume,
    SetNotice,
    SetRole,
)
from signalling.records import Record
from signalling.roles import Role
from tests.control.rooms.doubles import Told
from tests.control.store import rows
from tests.control.store.rows import NOW, Meeting

WALL: Final = NOW.timestamp()


class House:
    """A meeting of a practitioner and a patient, and what its room tells."""

    def __init__(self, database: Database, made: Meeting) -> None:
        self.database, self.made, self.rooms = database, made, Told()
        self.doctor, self.patient = made.practitioner, made.patients[0]
        self._sequences: Iterator[int] = count(1)

    async def tell(self, event: Recorded, *, epoch: int = 1, sequence: int | None = None, room: str = "") -> Record:
        number = next(self._sequences) if sequence is None else sequence
        record = Record(room or self.made.room, epoch, number, WALL + number, event)
        await Listener(self.database, self.rooms).hear(record)
        return record

    def enter(self, who: str, *, gate: Any = "lobby", issued: float = WALL, jti: str = "g") -> Enter:
        role = Role.PRACTITIONER if who == self.doctor else Role.PATIENT
        return Enter(who, role, "N", gate, 2, issued, "venterom", jti, WALL + 120)

    async def all(self, model: Any) -> list[Any]:
        async with self.database.look(self.made.clinic) as session:
            return list((await session.scalars(select(model))).all())

    async def attendee(self, id_: str) -> Attendee:
        found: Attendee = next(each for each in await self.all(Attendee) if each.id == id_)
        return found

    async def state(self) -> Any:
        """All that an event may change, as plain values."""
        return {
            model.__name__: sorted(
                tuple(str(getattr(row, each.key)) for each in model.__mapper__.column_attrs)
                for row in await self.all(model)
            )
            for model in (Attendee, Consultation, Admission, ConsultationMessage, AuditEvent)
        }


@pytest_asyncio.fixture
async def house(database: Database) -> House:
    clinic = await rows.open_clinic(database)
    async with database.begin(clinic) as session:
        person = rows.person()
        session.add(person)
        await session.flush()
        doctor, patient = Practitioner(person_id=person.id, name="Ola Lege"), rows.patient(clinic)
        session.add_all([doctor, patient])
    return House(database, await rows.meeting(database, clinic, doctor.id, [patient.id]))


async def test_every_kind_of_event_told_twice_is_applied_once(house: House) -> None:
    story: list[Recorded] = [
        Open(2),
        house.enter(house.doctor, gate="open"),
        house.enter(house.patient),
        Move(house.patient, Act.ADMIT, house.doctor),
        Move(house.patient, Act.HOLD, house.doctor),
        Move(house.patient, Act.RELEASE, house.doctor),
        Pause(house.patient, "not_alone"),
        Resume(house.doctor),
        SetNotice(house.doctor, 5, "Akutt"),
        SetRole(house.patient, Role.COMPANION),
        HostLost(),
        HostBack(),
        Move(house.patient, Act.TO_LOBBY, house.doctor),
        Move(house.patient, Act.ADMIT, house.doctor),
        Move(house.patient, Act.REMOVE, house.doctor),
        End(house.doctor, "done"),
    ]
    for event in story:
        record = await house.tell(event)
        once = await house.state()
        await Listener(house.database, house.rooms).hear(record)
        assert await house.state() == once, event.kind
    assert [each.by_id for each in sorted(await house.all(Admission), key=lambda each: each.sequence)] == [
        None,
        house.doctor,
        house.doctor,
    ]
    assert len(house.rooms.acknowledged) == 2 * len(story), "acknowledged again each time"
    assert [each.action for each in sorted(await house.all(AuditEvent), key=lambda each: each.sequence)] == [
        *("room.enter", "room.enter", "room.admit", "room.hold", "room.release", "room.pause", "room.resume"),
        *("room.notice", "room.to_lobby", "room.admit", "room.remove", "room.end"),
    ]


async def test_what_is_older_than_what_was_applied_changes_nothing(house: House) -> None:
    await house.tell(house.enter(house.patient), epoch=2, sequence=5)
    before = await house.state()
    for epoch, sequence in ((2, 4), (1, 900)):
        await house.tell(Move(house.patient, Act.ADMIT, house.doctor), epoch=epoch, sequence=sequence)
    assert await house.state() == before
    await house.tell(Move(house.patient, Act.ADMIT, house.doctor), epoch=3, sequence=1)
    assert len(await house.all(Admission)) == 1, "a new life of the room counts from the beginning"


async def test_a_room_or_a_person_of_nobody_is_acknowledged_and_no_more(house: House) -> None:
    before = await house.state()
    await house.tell(house.enter("somebody"), room="a-front-ends-own", sequence=1)
    assert await house.state() == before
    await house.tell(house.enter("somebody"), sequence=2)
    await house.tell(Move("somebody", Act.ADMIT, house.doctor), sequence=3)
    assert await house.all(Admission) == []
    assert [each[2] for each in house.rooms.acknowledged] == [1, 2, 3]


async def test_who_was_removed_once_enters_by_the_lobby_even_with_an_open_grant(house: House) -> None:
    await house.tell(house.enter(house.patient, gate="open"))
    assert (await house.attendee(house.patient)).standing == "admitted"
    await house.tell(Move(house.patient, Act.REMOVE, house.doctor))
    await house.tell(house.enter(house.patient, gate="open", issued=WALL + 9))
    assert (await house.attendee(house.patient)).standing == "lobby"
    await house.tell(Move(house.patient, Act.LEAVE, house.patient))
    await house.tell(house.enter(house.patient, gate="open", issued=WALL + 99))
    assert (await house.attendee(house.patient)).standing == "lobby", "ever after"
    assert len(await house.all(Admission)) == 1


@pytest.mark.parametrize(("before", "standing"), [(WALL - 1, "admitted"), (WALL + 1, "removed")])
async def test_a_revocation_concerns_entries_of_before_it(house: House, before: float, standing: str) -> None:
    await house.tell(house.enter(house.patient, gate="open", issued=WALL))
    await house.tell(Move(house.patient, Act.REVOKE, None, before=before))
    assert (await house.attendee(house.patient)).standing == standing


async def test_an_admission_has_what_the_login_behind_the_grant_proved(house: House) -> None:
    async with house.database.begin(house.made.clinic) as session:
        session.add(
            IssuedGrant(
                id="g" * 26,
                consultation_id=house.made.consultation,
                attendee_id=house.patient,
                authenticated_at=NOW,
                issued_at=NOW,
            )
        )
    await house.tell(replace(house.enter(house.patient, jti="g" * 26), acr="idporten-loa-high"))
    await house.tell(Move(house.patient, Act.ADMIT, house.doctor))
    (admission,) = await house.all(Admission)
    assert (admission.acr, admission.authenticated_at, admission.by_id) == ("idporten-loa-high", NOW, house.doctor)


async def test_an_expired_room_leaves_the_consultation_open_and_an_ended_one_does_not(house: House) -> None:
    for event, state in ((End(None, expired=True), "running"), (End(house.doctor), "ended")):
        await house.tell(house.enter(house.patient))
        await house.tell(event)
        (consultation,) = await house.all(Consultation)
        assert consultation.state == state
        row = await house.attendee(house.patient)
        assert (row.standing, row.waiting_since) == (None, None)


async def test_an_event_that_the_database_does_not_take_is_kept_at(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RETRY_S", 0.01)
    failures = [OperationalError("", None, Exception()), OSError()]
    heard = asyncio.Event()
    record = Record(house.made.room, 1, 1, WALL, house.enter(house.patient))

    class Once(Told):
        def __init__(self) -> None:
            super().__init__()
            self.left = [record]

        async def next_event(self) -> Record:
            return self.left.pop() if self.left else await asyncio.Future()

        def acknowledge(self, event: Record) -> None:
            super().acknowledge(event)
            heard.set()

    transact = house.database.transact

    async def failing(*given: Any) -> Any:
        if failures:
            raise failures.pop()
        return await transact(*given)

    monkeypatch.setattr(house.database, "transact", failing)
    task = asyncio.create_task(Listener(house.database, Once()).run())
    await asyncio.wait_for(heard.wait(), 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await house.attendee(house.patient)).standing == "lobby"


async def test_an_event_that_a_bug_does_not_get_through_stops_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (Record(house.made.room, 1, number, WALL, Pause(None, "host")) for number in (1, 2))
    heard = asyncio.Event()

    class Two(Told):
        def __init__(self) -> None:
            super().__init__()
            self.left = [second, first]

        async def next_event(self) -> Record:
            return self.left.pop() if self.left else await asyncio.Future()

        def acknowledge(self, event: Record) -> None:
            super().acknowledge(event)
            if event is second:
                heard.set()

    async def faulty(_: Listener, record: Record) -> None:
        if record is first:
            raise KeyError
        rooms.acknowledge(record)

    rooms = Two()
    monkeypatch.setattr(Listener, "hear", faulty)
    task = asyncio.create_task(Listener(house.database, rooms).run())
    async with asyncio.timeout(30):
        await heard.wait()
    task.cancel()
    assert rooms.acknowledged == [(house.made.room, 1, 1), (house.made.room, 1, 2)]


async def test_who_holds_the_end_of_the_log_waits_for_no_other_row(house: House) -> None:
    """An event holds the consultation, and a grant for it is waiting: both come through, neither as a deadlock."""
    database, made = house.database, house.made
    if database.dialect == "sqlite":
        pytest.skip("one writer at a time: there is nothing to hold in an order")
    happened = Event(NOW, Reference("server", "room"), "room.test", (Reference("consultation", made.consultation),))

    async def give_a_grant() -> None:
        async with database.begin(made.clinic) as session:
            session.add(IssuedGrant(consultation_id=made.consultation, attendee_id=house.patient, issued_at=NOW))
            await log.record(session, happened)

    async with database.begin(made.clinic) as session:
        await session.scalars(select(Consultation).with_for_update())
        giving = asyncio.create_task(give_a_grant())
        await somebody_waits(database)
        await log.record(session, happened)
    await giving
    assert len(await house.all(IssuedGrant)) == 1


async def somebody_waits(database: Database) -> None:
    """Until a statement waits for a row that another transaction holds."""
    engine = create_async_engine(database.url)
    here = "wait_event_type = 'Lock' AND datname = current_database()"
    waiting = text(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")
    try:
        async with asyncio.timeout(10):
            while True:
                async with engine.connect() as connection:
                    if (await connection.scalar(waiting) or 0) > 0:
                        return
                await asyncio.sleep(0.02)
    finally:
        await engine.dispose()
