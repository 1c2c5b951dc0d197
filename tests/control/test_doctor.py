"""The doctor: everything well is all ok, and each thing that is broken gives exactly its own line, with what to do."""

import asyncio
import datetime
import errno
import json
import os
import re
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from control.api.config import ApiConfig
from control.app import Service
from control.cli import main
from control.config import DataConfig, GrantsConfig, HttpConfig, Settings
from control.demo import prepare
from control.doctor import database, files, machine, network
from control.doctor import host as facts
from control.doctor.examine import diagnose, examine, examine_host
from control.doctor.findings import Finding, Level, as_json, as_text, fail, ok, warn, worst
from control.doctor.host import Host, look
from control.doctor.network import Server
from control.identity.secrets import create_secrets
from control.store import migrate
from sfu.config import MediaConfig
from signalling.config import SignallingConfig, TurnConfig
from signalling.keys import create_key, jwks
from tests.control.certificates import self_signed
from tests.control.postgres import Postgres
from tests.ports import free_port

HOST = Host(
    wall=datetime.datetime.now(datetime.UTC).timestamp(),
    synchronised=True,
    receive_buffer=4 << 20,
    send_buffer=4 << 20,
    descriptors=65536,
    raised_priority=True,
    segmentation=True,
    coalescing=True,
    addresses=("192.0.2.7", "127.0.0.1"),
)
KEYS = f'[[key]]\nname = "journal"\nclinic = "{"a" * 26}"\nsha256 = "{"0" * 64}"\n'
DAY = datetime.timedelta(days=1)
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Case:
    """A host that is well, to be broken in one place."""

    folder: Path
    settings: Settings
    host: Host = HOST
    server: Server | None = None

    def __post_init__(self) -> None:
        self.held = ExitStack()

    def change(self, section: str, **fields: Any) -> None:
        changed = replace(getattr(self.settings, section), **fields)
        self.settings = self.settings.model_copy(update={section: changed})

    def certify(self, since: datetime.timedelta, until: datetime.timedelta, name: str = "localhost") -> None:
        certificate, key = self_signed(self.folder, since=since, until=until, name=name)
        self.change("http", tls_certificate=certificate, tls_key=key)

    def keep_in(self, url: str, password: str = "password", mode: int = 0o600) -> None:
        if (self.folder / password).exists():
            (self.folder / password).chmod(mode)
        self.change("database", url=url, password_file=self.folder / password)

    def relabel(self, version: str) -> None:
        """Makes the tables those of another version."""
        with closing(sqlite3.connect(self.folder / "data/venterom.db")) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))

    def occupy(self, kind: socket.SocketKind, port: int) -> None:
        holder = self.held.enter_context(socket.socket(socket.AF_INET, kind))
        holder.bind(("0.0.0.0" if kind is socket.SOCK_DGRAM else "127.0.0.1", port))
        if kind is socket.SOCK_STREAM:
            holder.listen()

    def findings(self) -> list[Finding]:
        return diagnose(self.settings, self.host, self.server)


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _empty_sqlite: Path) -> Iterator[Case]:
    monkeypatch.setattr(files, "_file_system", lambda _: "ext4")  # where the tests' folder lies is not the matter
    monkeypatch.setattr(files, "_SLOW_DISK_S", 60.0)
    monkeypatch.setattr(files, "_LITTLE_SPACE", files._NO_SPACE)
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    create_key(data / "node-key.pem")
    shutil.copy(_empty_sqlite, data / "venterom.db")
    (tmp_path / "grants.jwks.json").write_text(jwks([create_key(tmp_path / "grants.pem")]))
    for name, text in (("turn-secret", "0123456789abcdef"), ("journal.toml", KEYS), ("password", "hemmelig")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    settings = Settings(
        http=HttpConfig(listen=("127.0.0.1",), port=free_port(socket.SOCK_STREAM), public_url="https://localhost"),
        data=DataConfig(directory=data),
        grants=GrantsConfig(keys=tmp_path / "grants.jwks.json"),
        api=ApiConfig(keys=tmp_path / "journal.toml"),
        signalling=SignallingConfig(turn=TurnConfig(urls=("turn:t.example.org",), secret=tmp_path / "turn-secret")),
        media=MediaConfig(
            port=free_port(socket.SOCK_DGRAM), tcp_ports=(free_port(socket.SOCK_STREAM),), announce=("192.0.2.7",)
        ),
    )
    create_secrets(data / "secrets")
    found = Case(tmp_path, settings)
    found.certify(since=-DAY, until=90 * DAY)
    with found.held:
        yield found


def test_a_host_that_is_well_is_all_ok(case: Case) -> None:
    found = case.findings()
    assert [each for each in found if each.level is not Level.OK] == []
    assert {each.check for each in found} == {
        *(
            "grant keys",
            "certificate",
            "TURN secret",
            "API keys",
            "database",
            "data directory",
            "node key",
            "secret keys",
            "HTTP port",
            "media port",
            "media addresses",
        ),
        *("clock", "priority", "socket buffers", "offload", "file descriptors"),
    }


Break = Callable[[Case], object]
BROKEN: list[tuple[str, Level, str, Break]] = [
    ("grant keys", Level.FAIL, "No such file", lambda c: (c.folder / "grants.jwks.json").unlink()),
    ("grant keys", Level.FAIL, "not a JWKS", lambda c: (c.folder / "grants.jwks.json").write_text("{}")),
    ("grant keys", Level.FAIL, "others may write", lambda c: (c.folder / "grants.jwks.json").chmod(0o666)),
    ("certificate", Level.FAIL, "expired on", lambda c: c.certify(since=-9 * DAY, until=-DAY)),
    ("certificate", Level.FAIL, "not valid before", lambda c: c.certify(since=DAY, until=9 * DAY)),
    ("certificate", Level.FAIL, "not for localhost", lambda c: c.certify(-DAY, 90 * DAY, name="other.example")),
    ("certificate", Level.WARN, "expires on", lambda c: c.certify(since=-DAY, until=10 * DAY)),
    ("certificate", Level.FAIL, "not of each other", lambda c: (c.folder / "key.pem").write_bytes(
        (c.folder / "grants.pem").read_bytes())),
    ("certificate", Level.FAIL, "No such file", lambda c: (c.folder / "certificate.pem").unlink()),
    ("certificate", Level.FAIL, "everybody may read", lambda c: (c.folder / "key.pem").chmod(0o644)),
    ("TURN secret", Level.FAIL, "No such file", lambda c: (c.folder / "turn-secret").unlink()),
    ("TURN secret", Level.FAIL, "fewer than 16", lambda c: (c.folder / "turn-secret").write_text("short")),
    ("TURN secret", Level.FAIL, "others may read", lambda c: (c.folder / "turn-secret").chmod(0o640)),
    ("API keys", Level.FAIL, "unreadable", lambda c: (c.folder / "journal.toml").unlink()),
    ("API keys", Level.FAIL, "key.0.sha256", lambda c: (c.folder / "journal.toml").write_text(KEYS.replace("0", "?"))),
    ("API keys", Level.FAIL, "others may write", lambda c: (c.folder / "journal.toml").chmod(0o620)),
    ("database", Level.FAIL, "not a database", lambda c: (c.folder / "data/venterom.db").write_text("?" * 999)),
    ("database", Level.FAIL, "does not know", lambda c: c.relabel("9999")),
    ("database", Level.FAIL, "sqlite or postgresql", lambda c: c.keep_in("mysql://v@localhost/v")),
    ("database", Level.FAIL, "Connect call failed", lambda c: c.keep_in("postgresql://v@127.0.0.1:1/v")),
    ("database", Level.FAIL, "password_file: missing", lambda c: c.keep_in("postgresql://v@127.0.0.1:1/v", "none")),
    ("database", Level.FAIL, "others may read", lambda c: c.keep_in("postgresql://v@127.0.0.1:1/v", mode=0o640)),
    ("data directory", Level.FAIL, "cannot be made", lambda c: c.change("data", directory=Path("/proc/none/data"))),
    ("data directory", Level.FAIL, "/proc/self", lambda c: c.change("data", directory=Path("/proc/self"))),
    ("data directory", Level.WARN, "look into", lambda c: (c.folder / "data").chmod(0o755)),
    ("node key", Level.FAIL, "refuses to start", lambda c: (c.folder / "data/node-key.pem").chmod(0o640)),
    ("node key", Level.FAIL, "private key", lambda c: (c.folder / "data/node-key.pem").write_text("?")),
    ("secret keys", Level.FAIL, "links.keys", lambda c: (c.folder / "data/secrets/links.keys").unlink()),
    ("secret keys", Level.FAIL, "mode 644", lambda c: (c.folder / "data/secrets/audit-key.pem").chmod(0o644)),
    ("secret keys", Level.FAIL, "each line", lambda c: (c.folder / "data/secrets/matching.keys").write_text("?")),
    ("secret keys", Level.FAIL, "No such file", lambda c: c.change("secrets", directory=c.folder / "none")),
    ("HTTP port", Level.FAIL, "another program", lambda c: c.occupy(socket.SOCK_STREAM, c.settings.http.port)),
    ("HTTP port", Level.FAIL, "of this host", lambda c: c.change("http", listen=("192.0.2.1",))),
    ("media port", Level.FAIL, "another program", lambda c: c.occupy(socket.SOCK_DGRAM, c.settings.media.port)),
    ("media port", Level.FAIL, "/tcp is taken", lambda c: c.occupy(socket.SOCK_STREAM, c.settings.media.port)),
    ("media port", Level.FAIL, "/tcp is taken", lambda c: c.occupy(socket.SOCK_STREAM, c.settings.media.tcp_ports[0])),
    ("media addresses", Level.FAIL, "not resolve", lambda c: c.change("media", announce=("a..b",))),
    ("media addresses", Level.FAIL, "only this host", lambda c: c.change("media", announce=("127.0.0.1", "::1"))),
    ("media addresses", Level.WARN, "198.51.100.4", lambda c: c.change("media", announce=("198.51.100.4:7000",))),
    ("clock", Level.WARN, "nothing keeps", lambda c: setattr(c, "host", replace(HOST, synchronised=False))),
    ("priority", Level.WARN, "no raised", lambda c: setattr(c, "host", replace(HOST, raised_priority=False))),
    ("socket buffers", Level.WARN, "less", lambda c: setattr(c, "host", replace(HOST, receive_buffer=212_992))),
    ("socket buffers", Level.WARN, "less", lambda c: setattr(c, "host", replace(HOST, send_buffer=212_992))),
    ("offload", Level.WARN, "no GSO", lambda c: setattr(c, "host", replace(HOST, segmentation=False))),
    ("offload", Level.WARN, "no GRO", lambda c: setattr(c, "host", replace(HOST, coalescing=False))),
    ("file descriptors", Level.WARN, "1024", lambda c: setattr(c, "host", replace(HOST, descriptors=1024))),
]  # fmt: skip


@pytest.mark.parametrize(("check", "level", "text", "break_it"), BROKEN, ids=[f"{b[0]}: {b[2]}" for b in BROKEN])
def test_what_is_broken_gives_exactly_its_line(
    case: Case, check: str, level: Level, text: str, break_it: Break
) -> None:
    before = case.findings()
    break_it(case)
    found = case.findings()
    (wrong,) = (each for each in found if each.level is not Level.OK)
    assert (wrong.check, wrong.level) == (check, level)
    assert text in wrong.text
    assert wrong.advice
    assert {each.check for each in before} >= {each.check for each in found}


def database_of(case: Case) -> Finding:
    (found,) = (each for each in case.findings() if each.check == "database")
    return found


def test_the_database_of_a_server_is_looked_at(case: Case, postgres: Postgres) -> None:
    url = postgres.create("doctor")
    case.keep_in(url.render_as_string())
    found = database_of(case)
    assert (found.level, "without tables" in found.text) == (Level.FAIL, True)
    assert "venterom db upgrade" in (found.advice or "")
    asyncio.run(migrate.upgrade(url))
    assert database_of(case).level is Level.OK
    case.keep_in(postgres.url("nowhere").render_as_string())
    found = database_of(case)
    assert found.text == 'database.url: database "nowhere" does not exist'
    assert "SELECT" not in found.text


def test_a_database_that_says_nothing_is_waited_for_a_little_while(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PATIENCE_S", 0.2)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        case.keep_in(f"postgresql://v@127.0.0.1:{silent.getsockname()[1]}/v")
        found = database_of(case)
    assert found.text == "database.url: no answer within 0.2 s"
    assert time.monotonic() - began < 30, "the driver's own patience is a minute"


def test_a_file_that_the_next_start_upgrades_is_well(case: Case) -> None:
    file = case.folder / "data/venterom.db"
    file.write_bytes(b"")
    found = database_of(case)
    assert (found.level, "next start" in found.text) == (Level.OK, True)
    assert file.stat().st_size == 0


def test_a_file_of_somebody_else_is_said(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, who may write anything."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = database_of(case)
    assert (found.level, "not writable" in found.text) == (Level.FAIL, True)


def test_the_database_is_only_read(case: Case) -> None:
    def lie() -> dict[str, tuple[int, int]]:
        found = (case.folder / "data").glob("venterom.db*")
        return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}

    file = case.folder / "data/venterom.db"
    with closing(sqlite3.connect(file)) as writer:  # as a server leaves it
        writer.execute("PRAGMA journal_mode=WAL")
    before = lie()
    assert before.keys() == {"venterom.db"}
    assert database_of(case).level is Level.OK
    assert lie() == before
    with closing(sqlite3.connect(file)) as writer:  # a server that runs
        with writer:
            writer.execute("UPDATE alembic_version SET version_num = '9999'")
        before = lie()
        assert "venterom.db-wal" in before
        assert "does not know" in database_of(case).text
        assert lie().keys() == before.keys()


@pytest.mark.parametrize(
    ("place", "level", "text"),
    [("none", Level.FAIL, "No such file"), ("", Level.WARN, "same disk"), ("elsewhere", Level.OK, "another")],
)
def test_checkpoints_are_best_elsewhere(case: Case, place: str, level: Level, text: str) -> None:
    sink = case.folder / place
    if place == "elsewhere":  # tests may be on either
        here = case.folder.stat().st_dev
        sink = next(path for path in (Path("/dev/shm"), Path("/var/tmp")) if path.stat().st_dev != here)
    case.change("audit", checkpoint_sink=sink)
    (found,) = (each for each in case.findings() if each.check == "audit checkpoints")
    assert (found.level, text in found.text) == (level, True)


def test_behind_nat_every_way_in_is_to_be_forwarded(case: Case) -> None:
    case.change("media", announce=("198.51.100.4",))
    (wrong,) = (each for each in case.findings() if each.level is not Level.OK)
    port, further = case.settings.media.port, case.settings.media.tcp_ports[0]
    assert f"forward {port}/udp, {port}/tcp and {further}/tcp here" in (wrong.advice or "")


def test_nothing_is_missed_or_made_before_the_first_start(case: Case) -> None:
    case.change("data", directory=case.folder / "new")
    assert not {"secret keys", "database"} & {each.check for each in case.findings()}
    assert not (case.folder / "new").exists()


def test_a_clock_of_years_ago_is_said_even_if_something_keeps_it(case: Case) -> None:
    case.host = replace(HOST, wall=1.6e9)
    assert {each.check for each in case.findings() if each.level is Level.FAIL} == {"clock", "certificate"}


@pytest.mark.parametrize(
    ("name", "value", "level", "text"),
    [
        ("_SLOW_DISK_S", -1.0, Level.WARN, "took"),
        ("_LITTLE_SPACE", 1 << 62, Level.WARN, "only"),
        ("_NO_SPACE", 1 << 62, Level.FAIL, "free"),
    ],
)
def test_a_slow_or_full_disk(
    case: Case, monkeypatch: pytest.MonkeyPatch, name: str, value: float, level: Level, text: str
) -> None:
    monkeypatch.setattr(files, name, value)
    (wrong,) = (each for each in case.findings() if each.level is not Level.OK)
    assert (wrong.check, wrong.level) == ("data directory", level)
    assert text in wrong.text


def test_a_file_system_in_memory_is_seen() -> None:
    assert files._file_system(Path("/dev/shm")) == "tmpfs"
    assert files._file_system(Path("/proc/self")) == "proc"


@pytest.mark.parametrize("section", ["http", "media"])
def test_a_port_below_1024_without_the_right(case: Case, monkeypatch: pytest.MonkeyPatch, section: str) -> None:
    """The tests may run as root, who has the right."""
    refused = case.settings.http.port if section == "http" else case.settings.media.tcp_ports[0]
    real = network._bind

    def bind(host: str, port: int, kind: socket.SocketKind) -> int | None:
        return errno.EACCES if port == refused else real(host, port, kind)

    monkeypatch.setattr(network, "_bind", bind)
    (wrong,) = (each for each in case.findings() if each.level is not Level.OK)
    assert (wrong.check, str(refused) in wrong.text) == ("HTTP port" if section == "http" else "media port", True)
    assert "CAP_NET_BIND_SERVICE" in (wrong.advice or "")


def test_a_server_with_other_settings_is_seen(case: Case) -> None:
    case.server = Server(pid=1)
    wrong = [each for each in case.findings() if each.level is not Level.OK]
    assert [(each.check, "other settings" in each.text) for each in wrong] == [("media port", True)] * 3
    case.occupy(socket.SOCK_DGRAM, case.settings.media.port)  # by us, who are not that server
    first, *_ = (each for each in case.findings() if each.level is not Level.OK)
    assert (first.check, "another program" in first.text) == ("media port", True)


async def test_the_ports_of_a_server_that_runs_are_its_own(tmp_path: Path) -> None:
    demo = prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))
    service = await Service.start(demo.settings, demo.lab)
    try:
        assert service.media is not None
        assert look(os.getpid()).raised_priority is service.media.node.raised_priority
        found = {each.check: each for each in await asyncio.to_thread(examine_host, demo.settings)}
    finally:
        await service.stop()
    assert (found["HTTP port"].level, "ours" in found["HTTP port"].text) == (Level.OK, True)
    assert (found["media port"].level, "held by" in found["media port"].text) == (Level.OK, True)
    assert found["node key"].level is Level.OK


def test_the_facts_of_this_host_can_be_had() -> None:
    host = look(None)
    assert host.wall > 1.7e9
    assert host.descriptors > 0 or host.descriptors == -1
    assert "127.0.0.1" in host.addresses


def test_it_judges_by_what_the_media_thread_asks_for() -> None:
    shard = "\n".join(path.read_text() for path in (ROOT / "sfu/wire/src/shard").glob("*.rs"))
    (size,) = set(re.findall(r"KERNEL_BUFFER: usize = (\d+) << 20;", shard))
    assert int(size) << 20 == machine._KERNEL_BUFFER
    assert f"PRIORITY: i32 = {facts._NICE};" in shard
    assert f'"{facts._MEDIA_THREAD}"' in shard


def test_the_worst_is_the_exit_code() -> None:
    good, odd, bad = ok("a", "fine"), warn("b", "odd", "look"), fail("c", "bad", "mend")
    assert [worst(each) for each in ([], [good], [good, odd], [bad, odd, good])] == [0, 0, 1, 2]
    assert as_text([good, odd]).splitlines() == [
        "ok   a                   fine",
        "warn b                   odd",
        "                         -> look",
    ]
    assert json.loads(as_json([good, bad])) == {
        "level": "fail",
        "findings": [
            {"check": "a", "level": "ok", "text": "fine", "advice": None},
            {"check": "c", "level": "fail", "text": "bad", "advice": "mend"},
        ],
    }


def test_settings_that_can_not_be_read_are_all_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "venterom.toml"
    path.write_text("[http]\nprot = 1\n")
    assert main(["doctor", "--config", str(path), "--json"]) == 2
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["check"], finding["level"]) == ("settings", "fail")
    assert "http.prot" in finding["text"]


def test_what_is_no_production_is_said_and_the_rest_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "venterom.toml"
    port, media = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    path.write_text(
        f"[http]\nport = {port}\n[media]\nport = {media}\n[data]\ndirectory = {json.dumps(str(tmp_path))}\n"
    )
    found = examine(path, {})
    assert (found[0].check, found[0].level) == ("settings", Level.FAIL)
    assert len(found) > 5
    assert main(["doctor", "--config", str(path)]) == 2
    assert capsys.readouterr().out.startswith("fail settings")
