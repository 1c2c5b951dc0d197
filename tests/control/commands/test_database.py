"""`venterom db` and `venterom secrets`, as an operator uses them."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL, delete, update

from control import clock
from control.audit import log
from control.audit.chain import Event, Reference
from control.audit.checkpoints import Checkpointer, DirectorySink
from control.audit.reading import heads
from control.cli import main
from control.identity.keyring import Purpose
from control.identity.numbers import LAB, parse
from control.identity.persons import person_of
from control.identity.secrets import create_secrets, open_secrets
from control.store.database import Database
from control.store.models import AuditEvent, AuditSubject, OutboxEntry
from signalling.keys import SigningKey, jwks
from tests.control.store.rows import NOW, open_clinic, patient

Venterom = Callable[..., int]


@pytest.fixture
def venterom(database_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Venterom:
    """Runs a command against the database."""
    monkeypatch.setenv("VENTEROM_DATA__DIRECTORY", str(tmp_path))
    if database_url.get_backend_name() == "postgresql":
        monkeypatch.setenv("VENTEROM_DATABASE__URL", database_url.render_as_string(hide_password=False))
    return lambda *arguments: main([str(argument) for argument in arguments])


def using(url: URL, act: Callable[[Database], object]) -> None:
    """Does something in the database, while nobody else is connected."""

    async def run() -> None:
        database = Database.open(url)
        try:
            await act(database)  # type: ignore[misc]
        finally:
            await database.close()

    asyncio.run(run())


def fill(url: URL, tmp_path: Path) -> None:
    """A clinic with three views of one patient, all of them signed."""

    async def act(database: Database) -> None:
        clinic = await open_clinic(database)
        async with database.begin(clinic) as session:
            record = patient(clinic)
            session.add(record)
            session.add(OutboxEntry(kind="booked", due_at=NOW, created_at=NOW))
        for _ in range(3):
            event = Event(NOW, Reference("secretary", "s"), "patient.read", (Reference(log.PATIENT, record.id),))
            async with database.begin(clinic) as session:
                await log.record(session, event)
        key = open_secrets(None, tmp_path).audit
        sink = DirectorySink(tmp_path / "audit-checkpoints")
        await Checkpointer(lambda: heads(database), sink, key, clock.real).sign_all()

    using(url, act)


def tamper(url: URL, *statements: object) -> None:
    async def act(database: Database) -> None:
        async with database.begin(None) as session:
            for statement in statements:
                await session.execute(statement, execution_options={"across": "operation"})  # type: ignore[call-overload]

    using(url, act)


def test_an_intact_log_is_said_to_be_so(
    venterom: Venterom, database_url: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(database_url, tmp_path)
    assert venterom("db", "verify-audit") == 0
    assert re.fullmatch(
        r"clinic [a-z2-7]{26}: intact, 3 events, 1 checkpoints, signed to event 3\n", capsys.readouterr().out
    )


SECOND, SECOND_SUBJECT = (table.sequence == 2 for table in (AuditEvent, AuditSubject))


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        ((delete(AuditSubject).where(SECOND_SUBJECT), delete(AuditEvent).where(SECOND)), "deleted: events 2 to 2"),
        ((update(AuditEvent).where(SECOND).values(action="nothing"),), "edited: events 2 to 2"),
        (
            (
                delete(AuditSubject),
                update(AuditEvent).where(SECOND).values(sequence=9),
                update(AuditEvent).where(AuditEvent.sequence == 3).values(sequence=2),
                update(AuditEvent).where(AuditEvent.sequence == 9).values(sequence=3),
            ),
            "edited: events 2 to 2",
        ),
        ((delete(AuditSubject), delete(AuditEvent)), "truncated: events 1 to 3"),
    ],
    ids=["deletion", "edit", "reordering", "truncation"],
)
def test_row_n9_tampering_with_the_log_is_detected(
    venterom: Venterom,
    database_url: URL,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    statements: tuple[object, ...],
    fault: str,
) -> None:
    fill(database_url, tmp_path)
    tamper(database_url, *statements)
    assert venterom("db", "verify-audit") == 1
    told = capsys.readouterr().out
    assert "TAMPERED WITH" in told
    assert f"  {fault}\n" in told


def test_the_log_is_verified_with_public_keys_too(
    venterom: Venterom, database_url: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By who shall not sign; with the keys of somebody else every checkpoint is a forgery."""
    fill(database_url, tmp_path)
    (tmp_path / "public.json").write_text(jwks([open_secrets(None, tmp_path).audit]))
    (tmp_path / "secrets" / "audit-key.pem").unlink()
    assert venterom("db", "verify-audit", "--keys", tmp_path / "public.json") == 0
    (tmp_path / "public.json").write_text(jwks([SigningKey.generate()]))
    assert venterom("db", "verify-audit", "--keys", tmp_path / "public.json") == 1
    assert "forged" in capsys.readouterr().out
    assert "audit-key.pem" not in [path.name for path in (tmp_path / "secrets").iterdir()]


def test_a_backup_goes_out_and_comes_back(
    venterom: Venterom, database_url: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(database_url, tmp_path)
    assert venterom("db", "backup", tmp_path / "backup") == 0
    tamper(database_url, delete(OutboxEntry))
    assert venterom("db", "restore", tmp_path / "backup", "--keep", tmp_path / "kept") == 0
    told = capsys.readouterr().out
    assert f"kept as {tmp_path / 'kept'}" in told
    assert "messages paused until `venterom db resume-outbox`: 1" in told
    assert "nothing was revoked or declined since the backup" in told
    assert venterom("db", "verify-audit") == 0
    assert venterom("db", "resume-outbox") == 0
    assert "resumed: 1\n" in capsys.readouterr().out
    assert venterom("db", "restore", tmp_path / "backup") == 0
    assert len(list(tmp_path.glob("replaced-*.backup"))) == 1


def test_what_can_be_expected_to_fail_is_one_line(
    venterom: Venterom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "backup").touch()
    assert venterom("db", "backup", tmp_path / "backup") == 1
    assert venterom("db", "restore", tmp_path / "none") == 1
    assert re.fullmatch(r"(venterom: backup_failed: .*\n){2}", capsys.readouterr().err)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_upgrade_makes_a_database_from_nothing(
    venterom: Venterom, database_url: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert database_url.database is not None
    Path(database_url.database).unlink()
    assert venterom("db", "verify-audit") == 1
    assert "database_outdated" in capsys.readouterr().err
    assert venterom("db", "upgrade") == 0
    assert venterom("db", "upgrade") == 0
    assert venterom("db", "verify-audit") == 0


def test_secrets_are_made_for_an_operator(tmp_path: Path) -> None:
    assert main(["secrets", str(tmp_path / "keys")]) == 0
    made = open_secrets(tmp_path / "keys", tmp_path)
    create_secrets(tmp_path / "keys")
    assert open_secrets(tmp_path / "keys", tmp_path).links == made.links


def test_keys_are_rotated(
    venterom: Venterom, database_url: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As docs/operations.md says: a new line on top, and once nothing is of the old key, its line goes."""
    number = parse("47906701517", LAB, NOW.date())

    async def add(database: Database) -> None:
        async with database.begin(None) as session:
            keys = open_secrets(None, tmp_path).pseudonyms
            await person_of(session, keys, number, name="Kari", shown=True, now=NOW)

    using(database_url, add)
    old = {purpose: tmp_path / "secrets" / purpose.value for purpose in (Purpose.MATCHING, Purpose.SEALING)}
    create_secrets(tmp_path / "fresh")
    for purpose, file in old.items():
        fresh = (tmp_path / "fresh" / purpose.value).read_text()
        file.write_text(fresh + file.read_text())
    assert venterom("db", "rotate-keys") == 0
    assert "derived again: 1\nof an old key until their person brings the number again: 0\n" in capsys.readouterr().out
    for purpose, file in old.items():
        file.write_bytes((tmp_path / "fresh" / purpose.value).read_bytes())
    assert venterom("db", "rotate-keys") == 0
    create_secrets(tmp_path / "others")
    old[Purpose.MATCHING].write_bytes((tmp_path / "others" / Purpose.MATCHING.value).read_bytes())
    assert venterom("db", "rotate-keys") == 1
    assert "seal_key_unknown" in capsys.readouterr().err
