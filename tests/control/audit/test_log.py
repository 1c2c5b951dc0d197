"""Events are written with the act that they tell of, or not at all."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import select

from control.audit import log
from control.audit.chain import GENESIS, Event, Reference
from control.store.database import Database
from control.store.models import AuditEvent, AuditHead, AuditSubject
from tests.control.store.rows import NOW, open_clinic

EVENT = Event(NOW, Reference("secretary", "p1"), "patient.read", (Reference("patient", "a"), Reference("patient", "b")))


async def test_events_follow_each_other(database: Database) -> None:
    clinic = await open_clinic(database)
    for number in range(3):
        async with database.begin(clinic) as session:
            await log.record(session, replace(EVENT, detail=log.detail({"number": number})))
    async with database.look(clinic) as session:
        events = (await session.scalars(select(AuditEvent).order_by(AuditEvent.sequence))).all()
        head = (await session.scalars(select(AuditHead))).one()
    assert [event.sequence for event in events] == [1, 2, 3]
    assert [event.previous for event in events] == [GENESIS, events[0].hash, events[1].hash]
    assert (head.sequence, head.hash) == (3, events[2].hash)
    assert events[1].detail == '{"number":1}'
    assert events[0].subjects == [["patient", "a"], ["patient", "b"]]


async def test_an_act_that_fails_leaves_no_event(database: Database) -> None:
    clinic = await open_clinic(database)

    async def fail() -> None:
        async with database.begin(clinic) as session:
            await log.record(session, EVENT)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with database.look(clinic) as session:
        assert (await session.scalars(select(AuditEvent))).all() == []
        assert (await session.scalars(select(AuditHead))).one().sequence == 0


async def test_many_writers_make_one_chain(database: Database) -> None:
    clinic = await open_clinic(database)

    async def act() -> None:
        async with database.begin(clinic) as session:
            await log.record(session, EVENT)

    await asyncio.gather(*(act() for _ in range(30)))
    async with database.look(clinic) as session:
        events = (await session.scalars(select(AuditEvent).order_by(AuditEvent.sequence))).all()
        subjects = (await session.scalars(select(AuditSubject.patient_id).distinct())).all()
    assert [event.sequence for event in events] == list(range(1, 31))
    assert all(after.previous == before.hash for before, after in pairwise(events))
    assert set(subjects) == {"a", "b"}
