"""Backups of a running database, and what must be done when an older state comes back."""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit import log
from control.audit.chain import ISSUER, Event, Reference
from control.audit.checkpoints import Checkpointer, DirectorySink
from control.audit.reading import heads, verify_all
from control.audit.verify import Fault
from control.errors import BackupError, DatabaseInUseError, WitnessError
from control.identity.keyring import SecretKeys
from control.identity.numbers import LAB, parse
from control.identity.pseudonyms import Pseudonyms, Row
from control.store import backup, migrate
from control.store.database import Database
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    AuditEvent,
    GuardianRelation,
    LoginSession,
    MemberRole,
    Membership,
    OutboxEntry,
    OutboxState,
    Patient,
    Practitioner,
    Surface,
)
from control.store.restore import Restored, Witness, restore, resume
from control.store.revocations import Kind
from signalling.keys import SigningKey, StaticKeys
from signalling.roles import Role
from tests.control.store.rows import NOW, open_clinic, patient, person

KEY = SigningKey.generate()
KEYS = StaticKeys(ISSUER, (KEY.verify_key,))
LATER = NOW + timedelta(days=1)
ACROSS = {"across": "operation"}


@pytest.fixture
def sink(tmp_path: Path) -> DirectorySink:
    return DirectorySink(tmp_path / "checkpoints")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a backup goes."""
    return tmp_path / "backup"


@pytest.fixture
async def opened(database_url: URL) -> AsyncIterator[Callable[[], Database]]:
    """Opens the database, as often as it is asked, and closes what is open at the end."""
    databases: list[Database] = []

    def open_() -> Database:
        databases.append(Database.open(database_url))
        return databases[-1]

    yield open_
    for each in databases:
        await each.close()


async def write(database: Database, clinic: str, times: int = 1) -> None:
    for _ in range(times):
        async with database.begin(clinic) as session:
            session.add(patient(clinic))
            await log.record(session, Event(NOW, Reference("secretary", "s"), "patient.create"))


async def checkpoint(database: Database, sink: DirectorySink) -> None:
    await Checkpointer(lambda: heads(database), sink, KEY, lambda: NOW).sign_all()


async def bring_back(url: URL, file: Path, sink: DirectorySink) -> Restored:
    return await restore(url, file, file.with_name("replaced"), Witness(sink, KEY), LATER)


async def counts(database: Database) -> tuple[int, int]:
    """How many patients and events."""
    async with database.look(None) as session:
        found = [
            await session.scalar(select(func.count()).select_from(table), execution_options=ACROSS)
            for table in (Patient, AuditEvent)
        ]
    return found[0] or 0, found[1] or 0


async def test_a_backup_of_a_running_database_is_of_one_moment(
    database_url: URL, opened: Callable[[], Database], file: Path, sink: DirectorySink
) -> None:
    """Each transaction writes a patient and an event: in the backup are as many of the one as of the other."""
    database = opened()
    clinic = await open_clinic(database)
    await write(database, clinic, 20)
    stop = asyncio.Event()

    async def go_on() -> None:
        while not stop.is_set():
            await write(database, clinic)

    writer = asyncio.create_task(go_on())
    await asyncio.to_thread(backup.take, database_url, file)
    stop.set()
    await writer
    before = await counts(database)
    await database.close()
    await bring_back(database_url, file, sink)
    patients, events = await counts(opened())
    assert 20 <= patients <= before[0]
    assert events == patients + 1  # and the event of the restore
    (report,) = await verify_all(opened(), sink, KEYS)
    assert report.findings == ()
    assert (await asyncio.to_thread(file.stat)).st_mode & 0o777 == 0o600


async def test_no_key_is_in_a_backup(database_url: URL, opened: Callable[[], Database], file: Path) -> None:
    pseudonyms = Pseudonyms(SecretKeys.generate(), SecretKeys.generate())
    number = parse("47906701517", LAB, NOW.date())
    async with opened().begin(None) as session:
        kari = person(id="k" * 26)
        made, sealed = pseudonyms.of(number), pseudonyms.seal(number, Row("person", kari.id))
        kari.number_digest, kari.number_digest_key = made.digest, made.key_id
        kari.number_sealed, kari.number_sealed_key = sealed.data, sealed.key_id
        session.add(kari)
    await asyncio.to_thread(backup.take, database_url, file)
    content = await asyncio.to_thread(file.read_bytes)
    if database_url.get_backend_name() == "postgresql":
        content = await asyncio.to_thread(subprocess.check_output, ["pg_restore", "--file=-", str(file)])
    assert made.key_id.encode() in content
    for key in (pseudonyms.matching.current.key, pseudonyms.sealing.current.key):
        assert key not in content
        assert key.hex().encode() not in content
    assert number.reveal().encode() not in content


async def test_a_restore_pauses_messages_ends_logins_and_is_an_event(
    database_url: URL, opened: Callable[[], Database], file: Path, sink: DirectorySink
) -> None:
    database = opened()
    clinic = await open_clinic(database)
    await write(database, clinic, 2)
    async with database.begin(clinic) as session:
        for state in OutboxState:
            session.add(OutboxEntry(kind="booked", state=state, due_at=NOW, created_at=NOW))
    async with database.begin(None) as session:
        kari = person()
        session.add(kari)
        await session.flush()
        session.add(login(kari.id, b"one"))
    await asyncio.to_thread(backup.take, database_url, file)
    await write(database, clinic, 3)
    await checkpoint(database, sink)
    await database.close()
    restored = await bring_back(database_url, file, sink)
    assert (restored.kept, restored.compared, restored.came_back, restored.paused) == (
        file.with_name("replaced"), True, (), 2,
    )  # fmt: skip
    database = opened()
    async with database.look(None) as session:
        states = sorted(await session.scalars(select(OutboxEntry.state), execution_options=ACROSS))
        assert states == ["paused", "paused", "sent", "withdrawn"]
        assert (await session.scalars(select(LoginSession), execution_options=ACROSS)).all() == []
        events = (await session.scalars(select(AuditEvent), execution_options=ACROSS)).all()
    last = max(events, key=lambda event: event.sequence)
    assert (last.sequence, last.action, last.at) == (3, "database.restore", LATER)
    (report,) = await verify_all(database, sink, KEYS)
    assert [(found.fault, found.first, found.last) for found in report.findings] == [(Fault.LOST, 3, 5)]
    assert report.intact
    await write(database, clinic)
    await checkpoint(database, sink)
    (report,) = await verify_all(database, sink, KEYS)
    assert (report.intact, report.signed) == (True, 5)


async def test_paused_messages_go_when_somebody_says_so(
    database_url: URL, opened: Callable[[], Database], sink: DirectorySink
) -> None:
    database = opened()
    clinic = await open_clinic(database)
    await open_clinic(database, "other")
    async with database.begin(clinic) as session:
        for state in OutboxState:
            session.add(OutboxEntry(kind="booked", state=state, due_at=NOW, created_at=NOW))
    assert await resume(database_url, LATER) == 1
    assert await resume(database_url, LATER) == 0
    async with database.look(clinic) as session:
        assert sorted(await session.scalars(select(OutboxEntry.state))) == ["queued", "queued", "sent", "withdrawn"]
        assert [event.action for event in await session.scalars(select(AuditEvent))] == ["outbox.resume"]


def login(person: str, digest: bytes) -> LoginSession:
    return LoginSession(
        **dict.fromkeys(("authenticated_at", "created_at", "seen_at"), NOW),
        digest=digest.ljust(32, b"\0"),
        person_id=person,
        role="patient",
        csrf="",
        expires_at=LATER,
    )


async def furnish(database: Database, clinic: str) -> dict[str, str]:
    """A clinic in which nothing is revoked yet; the ids of its things."""
    async with database.begin(None) as session:
        kari, ingrid = person("Kari"), person("Ingrid")
        session.add_all([kari, ingrid])
    async with database.begin(clinic) as session:
        practitioner = Practitioner(person_id=ingrid.id, name="Ingrid")
        kind = AppointmentType(name="Samtale", minutes=30)
        records = [patient(clinic, name) for name in ("opts out", "moves", "shares")]
        session.add_all([practitioner, kind, *records])
        await session.flush()
        appointments = [
            Appointment(
                type_id=kind.id, practitioner_id=practitioner.id, person_id=ingrid.id, starts=NOW, ends=LATER,
                surface=Surface.VIDEO, created_at=NOW,
            )
            for _ in range(2)
        ]  # fmt: skip
        session.add_all(appointments)
        await session.flush()
        attendees = [
            Attendee(appointment_id=appointments[0].id, role=Role.PATIENT, name=name)
            for name in ("new link", "removed")
        ]
        guardians = [
            GuardianRelation(
                patient_id=records[2].id, person_id=kari.id, name=name, ends_on=LATER.date(), created_at=NOW
            )
            for name in ("revoked", "ended earlier", "stays")
        ]
        member = Membership(person_id=ingrid.id, role=MemberRole.PRACTITIONER)
        session.add_all([*attendees, *guardians, member])
    return {
        "link": attendees[0].id, "attendee": attendees[1].id, "appointment": appointments[1].id,
        "guardian": guardians[0].id, "guardian that ends": guardians[1].id, "member": member.id,
        "opt_out": records[0].id, "protected_address": records[1].id,
    }  # fmt: skip


async def revoke(session: AsyncSession, ids: dict[str, str]) -> None:
    """Each of them."""
    for statement in (
        update(Attendee).where(Attendee.id == ids["link"]).values(link_version=Attendee.link_version + 1),
        update(Attendee).where(Attendee.id == ids["attendee"]).values(removed_at=NOW),
        update(Appointment).where(Appointment.id == ids["appointment"]).values(state=AppointmentState.CANCELLED),
        update(GuardianRelation).where(GuardianRelation.id == ids["guardian"]).values(revoked_at=NOW),
        update(GuardianRelation).where(GuardianRelation.id == ids["guardian that ends"]).values(ends_on=NOW.date()),
        update(Membership).where(Membership.id == ids["member"]).values(active=False),
        update(Patient).where(Patient.id == ids["opt_out"]).values(opted_out=True),
        update(Patient).where(Patient.id == ids["protected_address"]).values(protected_address=True),
    ):
        await session.execute(statement)


async def test_what_was_revoked_since_the_backup_is_listed(
    database_url: URL, opened: Callable[[], Database], file: Path, sink: DirectorySink
) -> None:
    """And neither what had been revoked before, nor what came into being since."""
    database = opened()
    clinics = [await open_clinic(database), await open_clinic(database, "before"), await open_clinic(database, "nord")]
    ids = {clinic: await furnish(database, clinic) for clinic in clinics}
    async with database.begin(clinics[1]) as session:
        await revoke(session, ids[clinics[1]])
    async with database.begin(None) as session:
        ola = person("Ola")
        session.add(ola)
        await session.flush()
        session.add_all([login(ola.id, b"logs out"), login(ola.id, b"stays")])
    await asyncio.to_thread(backup.take, database_url, file)
    for clinic in clinics[::2]:
        async with database.begin(clinic) as session:
            await revoke(session, ids[clinic])
    new = await open_clinic(database, "new")
    async with database.begin(new) as session:
        session.add(patient(new, opted_out=True))
    async with database.begin(None) as session:
        statement = delete(LoginSession).where(LoginSession.digest == b"logs out".ljust(32, b"\0"))
        await session.execute(statement, execution_options=ACROSS)
    await database.close()
    restored = await bring_back(database_url, file, sink)
    found = sorted((key.clinic, key.kind.value, key.id) for key in restored.came_back if key.clinic)
    assert found == sorted(
        (clinic, what.split()[0], id_) for clinic in clinics[::2] for what, id_ in ids[clinic].items()
    )
    assert [(key.kind, key.id) for key in restored.came_back if not key.clinic] == [
        (Kind.SESSION, b"logs out".hex()[:16])
    ]
    async with opened().look(clinics[0]) as session:
        (event,) = await session.scalars(select(AuditEvent))
    assert event.detail is not None
    assert all(id_ in event.detail for id_ in ids[clinics[0]].values())
    assert not any(id_ in event.detail for id_ in ids[clinics[2]].values())


async def refused(url: URL, file: Path, sink: DirectorySink, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        await bring_back(url, file, sink)


async def test_nothing_is_restored_while_a_server_runs(
    database_url: URL, opened: Callable[[], Database], file: Path, sink: DirectorySink
) -> None:
    database = opened()
    clinic = await open_clinic(database)
    await asyncio.to_thread(backup.take, database_url, file)
    await write(database, clinic)
    await refused(database_url, file, sink, DatabaseInUseError, "stop the server")
    assert await counts(database) == (1, 1)
    await database.close()
    await bring_back(database_url, file, sink)
    assert await counts(opened()) == (0, 1)


async def test_who_is_connected_is_seen_before_and_at_the_end(
    database_url: URL, opened: Callable[[], Database], file: Path
) -> None:
    """A server may be started while a backup is looked through."""
    database = opened()
    await open_clinic(database)
    await asyncio.to_thread(backup.take, database_url, file)
    with pytest.raises(DatabaseInUseError):
        await asyncio.to_thread(backup.check, database_url, file, file.with_name("replaced"))
    if database_url.get_backend_name() == "sqlite":
        prepared = await asyncio.to_thread(backup.prepare_sqlite, file, database_url, migrate.revisions())
        with pytest.raises(DatabaseInUseError):
            await asyncio.to_thread(backup.swap_sqlite, prepared, database_url, file.with_name("replaced"))
        assert not await asyncio.to_thread(file.with_name("replaced").exists)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(4096), b"PGDMP" + bytes(100), b"\0" * 5000])
async def test_what_is_no_backup_changes_nothing(
    database_url: URL, opened: Callable[[], Database], file: Path, sink: DirectorySink, content: bytes
) -> None:
    database = opened()
    clinic = await open_clinic(database)
    await write(database, clinic)
    await database.close()
    await asyncio.to_thread(file.write_bytes, content)
    await refused(database_url, file, sink, BackupError, "backup|file header")
    assert await counts(opened()) == (1, 1)
    assert sink.clinics() == frozenset()


async def test_a_backup_of_a_newer_version_changes_nothing(
    database_url: URL,
    opened: Callable[[], Database],
    file: Path,
    sink: DirectorySink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = opened()
    clinic = await open_clinic(database)
    await asyncio.to_thread(backup.take, database_url, file)
    await write(database, clinic)
    await database.close()
    with monkeypatch.context() as older:
        older.setattr(migrate, "revisions", lambda: frozenset({"0000"}))
        await refused(database_url, file, sink, BackupError, "newer version")
    assert await counts(opened()) == (1, 1)


async def test_what_is_there_is_never_written_over(
    database_url: URL, opened: Callable[[], Database], file: Path, sink: DirectorySink
) -> None:
    database = opened()
    await asyncio.to_thread(backup.take, database_url, file)
    with pytest.raises(BackupError, match="there already"):
        await asyncio.to_thread(backup.take, database_url, file)
    await database.close()
    file.with_name("replaced").write_text("dear")
    await refused(database_url, file, sink, BackupError, "there already")
    assert file.with_name("replaced").read_text() == "dear"


async def test_what_was_replaced_can_come_back_itself(
    database_url: URL, opened: Callable[[], Database], file: Path, sink: DirectorySink
) -> None:
    database = opened()
    clinic = await open_clinic(database)
    await asyncio.to_thread(backup.take, database_url, file)
    await write(database, clinic, 2)
    await database.close()
    restored = await bring_back(database_url, file, sink)
    assert restored.kept is not None
    again = restored.kept.with_name("kept again")
    await restore(database_url, restored.kept, again, Witness(sink, KEY), LATER + timedelta(hours=1))
    assert await counts(opened()) == (2, 3)
    (report,) = await verify_all(opened(), sink, KEYS)
    assert report.intact


async def test_a_clinic_that_a_restore_took_is_explained(
    database_url: URL, opened: Callable[[], Database], file: Path, sink: DirectorySink
) -> None:
    database = opened()
    await asyncio.to_thread(backup.take, database_url, file)
    clinic = await open_clinic(database)
    await write(database, clinic)
    await checkpoint(database, sink)
    await database.close()
    await bring_back(database_url, file, sink)
    (report,) = await verify_all(opened(), sink, KEYS)
    assert (report.clinic, report.intact) == (clinic, True)
    assert [found.fault for found in report.findings] == [Fault.LOST]


async def test_a_sink_that_does_not_take_the_restore_is_told(
    database_url: URL, opened: Callable[[], Database], file: Path, sink: DirectorySink
) -> None:
    class Full(DirectorySink):
        def append(self, checkpoint: object) -> None:
            raise OSError(28, "No space left on device")

    database = opened()
    await open_clinic(database)
    await asyncio.to_thread(backup.take, database_url, file)
    await database.close()
    await refused(database_url, file, Full(sink._directory), WitnessError, "No space")


def damage(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\0" + os.urandom(8192))


def outdate(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'x'")
        connection.commit()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("change", "compared"), [(damage, False), (outdate, False), (Path.unlink, True)])
async def test_a_database_that_can_not_be_read_is_replaced_uncompared(
    database_url: URL,
    opened: Callable[[], Database],
    file: Path,
    sink: DirectorySink,
    change: Callable[[Path], None],
    compared: bool,
) -> None:
    database = opened()
    clinic = await open_clinic(database)
    await write(database, clinic)
    await asyncio.to_thread(backup.take, database_url, file)
    await database.close()
    change(backup.sqlite_file(database_url))
    restored = await bring_back(database_url, file, sink)
    assert (restored.compared, restored.kept is None) == (compared, compared)
    assert await counts(opened()) == (1, 2)


def test_a_missing_tool_is_named(postgres_url: URL, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(file.parent))
    with pytest.raises(BackupError, match="pg_dump is missing"):
        backup.take(postgres_url, file)
    assert not file.exists()


@pytest.fixture
def postgres_url() -> URL:
    """Nobody listens there."""
    return URL.create("postgresql+asyncpg", host="/nowhere", database="none", password="hemmelig")


def test_an_error_of_a_tool_names_no_password(postgres_url: URL, file: Path) -> None:
    with pytest.raises(BackupError, match=r"pg_dump: .*No such file") as caught:
        backup.take(postgres_url, file)
    assert "hemmelig" not in str(caught.value)
    assert list(file.parent.glob("*backup*")) == []
