"""The log in the database: verified against its checkpoints, and shown to the patient whose records were seen."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log, reading
from control.audit.chain import ISSUER, Event, Reference
from control.audit.checkpoints import Checkpointer, DirectorySink
from control.audit.reading import Report, heads, verify_all, who_looked
from control.audit.verify import Fault
from control.store.database import Database
from control.store.models import AuditEvent, AuditHead, AuditSubject
from signalling.keys import SigningKey, StaticKeys
from tests.control.store.rows import NOW, open_clinic, patient, person

KEY = SigningKey.generate()
KEYS = StaticKeys(ISSUER, (KEY.verify_key,))


@pytest.fixture
def sink(tmp_path: Path) -> DirectorySink:
    return DirectorySink(tmp_path / "checkpoints")


async def write(database: Database, clinic: str, *patients: str, action: str = "patient.read", minute: int = 0) -> None:
    event = Event(
        NOW + timedelta(minutes=minute),
        Reference("secretary", "nobody"),
        action,
        tuple(Reference(log.PATIENT, each) for each in patients),
        log.detail({"name": "Kari"}),
    )
    async with database.begin(clinic) as session:
        await log.record(session, event)


async def checkpoint(database: Database, sink: DirectorySink) -> None:
    async def read() -> list[Any]:
        return await heads(database)

    await Checkpointer(read, sink, KEY, lambda: NOW).sign_all()


async def report(database: Database, sink: DirectorySink, clinic: str) -> Report:
    (found,) = [each for each in await verify_all(database, sink, KEYS) if each.clinic == clinic]
    return found


async def five(database: Database, sink: DirectorySink) -> str:
    """A clinic with five events, of which a checkpoint covers four."""
    clinic = await open_clinic(database)
    for number in range(4):
        await write(database, clinic, f"patient{number}", "everybody", minute=number)
    await checkpoint(database, sink)
    await write(database, clinic, minute=9)
    return clinic


async def test_an_intact_log(database: Database, sink: DirectorySink) -> None:
    clinic = await five(database, sink)
    empty = await open_clinic(database, "tom")
    assert await report(database, sink, clinic) == Report(clinic, 5, 1, 4, ())
    assert await report(database, sink, empty) == Report(empty, 0, 0, 0, ())
    assert (await report(database, sink, clinic)).intact


@pytest.mark.parametrize("chunk", [1, 2, 5, 6])
async def test_it_is_read_in_chunks(
    database: Database, sink: DirectorySink, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(reading, "_CHUNK", chunk)
    clinic = await five(database, sink)
    assert await report(database, sink, clinic) == Report(clinic, 5, 1, 4, ())


async def test_details_may_be_erased(database: Database, sink: DirectorySink) -> None:
    clinic = await five(database, sink)
    async with database.begin(clinic) as session:
        await session.execute(update(AuditEvent).where(AuditEvent.sequence < 4).values(detail=None, detail_salt=None))
    assert (await report(database, sink, clinic)).findings == ()


Tamper = Callable[[AsyncSession], Awaitable[object]]
TAMPERED: dict[str, tuple[Tamper, set[Fault]]] = {
    "an event": (
        lambda session: session.execute(update(AuditEvent).where(AuditEvent.sequence == 2).values(action="nothing")),
        {Fault.EDITED},
    ),
    "a time": (
        lambda session: session.execute(
            update(AuditEvent).where(AuditEvent.sequence == 5).values(at=NOW - timedelta(microseconds=1))
        ),
        {Fault.EDITED},
    ),
    "a detail": (
        lambda session: session.execute(update(AuditEvent).where(AuditEvent.sequence == 5).values(detail="{}")),
        {Fault.DETAIL_EDITED},
    ),
    "what patients search by": (
        lambda session: session.execute(delete(AuditSubject).where(AuditSubject.patient_id == "patient1")),
        {Fault.UNLISTED},
    ),
    "the head": (
        lambda session: session.execute(update(AuditHead).values(sequence=4)),
        {Fault.HEAD},
    ),
    "no head": (
        lambda session: session.execute(delete(AuditHead)),
        {Fault.HEAD},
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_is_changed_in_the_database_is_found(database: Database, sink: DirectorySink, what: str) -> None:
    clinic = await five(database, sink)
    tamper, faults = TAMPERED[what]
    async with database.begin(clinic) as session:
        await tamper(session)
    found = await report(database, sink, clinic)
    assert {finding.fault for finding in found.findings} == faults
    assert not found.intact


@pytest.mark.parametrize(
    ("gone", "faults"),
    [({2}, {Fault.DELETED}), ({5}, {Fault.HEAD}), ({4, 5}, {Fault.TRUNCATED, Fault.HEAD}),
     ({1, 2, 3, 4, 5}, {Fault.TRUNCATED, Fault.HEAD})],
)  # fmt: skip
async def test_what_is_deleted_is_found(
    database: Database, sink: DirectorySink, gone: set[int], faults: set[Fault]
) -> None:
    clinic = await five(database, sink)
    async with database.begin(clinic) as session:
        await session.execute(delete(AuditSubject).where(AuditSubject.sequence.in_(gone)))
        await session.execute(delete(AuditEvent).where(AuditEvent.sequence.in_(gone)))
    assert {finding.fault for finding in (await report(database, sink, clinic)).findings} == faults


async def test_a_clinic_that_only_its_checkpoints_remember_is_found(database: Database, sink: DirectorySink) -> None:
    """As if a clinic were taken out of the database with all its rows."""
    clinic = await five(database, sink)
    other = DirectorySink(sink._directory)
    gone = replace(other.read(clinic).checkpoints[0], clinic="g" * 26)
    other.append(gone)
    found = await report(database, sink, "g" * 26)
    assert {finding.fault for finding in found.findings} == {Fault.FORGED}
    assert (await report(database, sink, clinic)).intact


async def test_an_unreadable_line_is_told(database: Database, sink: DirectorySink) -> None:
    clinic = await five(database, sink)
    (file,) = (sink._directory / clinic).iterdir()
    with file.open("ab") as opened:
        opened.write(b"something\n")
    found = await report(database, sink, clinic)
    assert {finding.fault for finding in found.findings} == {Fault.UNREADABLE}


async def test_a_patient_sees_who_looked_in_every_clinic(database: Database) -> None:
    vest, nord = await open_clinic(database), await open_clinic(database, "nord")
    async with database.begin(None) as session:
        kari, ola, ingrid = person("Kari"), person("Ola"), person("Ingrid Solberg")
        session.add_all([kari, ola, ingrid])
    patients = {}
    for clinic in (vest, nord):
        async with database.begin(clinic) as session:
            for who in (kari, ola):
                patients[clinic, who.name] = row = patient(clinic, who.name, person_id=who.id)
                session.add(row)
    ids = {key: row.id for key, row in patients.items()}
    both = tuple(Reference(log.PATIENT, ids[vest, name]) for name in ("Kari", "Ola"))
    by_ingrid = Event(NOW + timedelta(minutes=2), Reference("practitioner", ingrid.id), "day.read", both)
    async with database.begin(vest) as session:
        await log.record(session, by_ingrid)
    await write(database, nord, ids[nord, "Kari"], minute=1)
    await write(database, nord, ids[nord, "Ola"], minute=3)
    async with database.look(None) as session:
        looks = await who_looked(session, kari.id, limit=10)
    assert [(look.clinic_name, look.action, look.actor.kind, look.actor_name, look.at) for look in looks] == [
        ("Klinikk vest", "day.read", "practitioner", "Ingrid Solberg", NOW + timedelta(minutes=2)),
        ("Klinikk nord", "patient.read", "secretary", None, NOW + timedelta(minutes=1)),
    ]


async def test_who_looked_comes_in_pages(database: Database) -> None:
    """Also where several events have the same time."""
    clinic = await open_clinic(database)
    async with database.begin(None) as session:
        kari = person()
        session.add(kari)
    async with database.begin(clinic) as session:
        record = patient(clinic, person_id=kari.id)
        session.add(record)
    for number in range(7):
        await write(database, clinic, record.id, action=f"act.{number}", minute=number // 3)
    found: list[str] = []
    after = None
    async with database.look(None) as session:
        while page := await who_looked(session, kari.id, limit=2, after=after):
            found += [look.action for look in page]
            after = page[-1].place
        everything = (await session.scalars(select(AuditEvent), execution_options={"across": "operation"})).all()
    assert found == [f"act.{number}" for number in reversed(range(7))]
    assert len(everything) == 7
