"""`venterom doctor --call` against a real server: a call that comes about, and each way in which it does not."""

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aioice.ice import get_host_addresses

from control.app import Service
from control.cli import main
from control.demo import Demo, prepare
from control.doctor import caller, relays
from control.doctor.call import call
from control.doctor.entrance import ByKey, ByLinks
from control.doctor.findings import Level
from control.doctor.relays import look_at_relays
from signalling.config import TurnConfig
from signalling.keys import create_key
from signalling.turn import Turn
from tests.control.test_metrics import samples
from tests.control.visitor import url
from tests.ports import free_port
from tests.turn.coturn import SECRET, Coturn

ROOT = Path(__file__).resolve().parents[2]
OWN = get_host_addresses(use_ipv4=True, use_ipv6=False)
needs_address = pytest.mark.skipif(
    not OWN, reason="aiortc sends from no loopback address, and this machine has no other"
)


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))


@pytest_asyncio.fixture
async def running(demo: Demo) -> AsyncIterator[Demo]:
    service = await Service.start(demo.settings, demo.lab)
    yield demo
    await service.stop()


async def doctor(*arguments: str) -> tuple[int, Sequence[dict[str, Any]]]:
    """The command, in a process of its own; its exit code and findings."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "control.cli", "doctor", "--json", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode is not None
    return process.returncode, json.loads(out)["findings"]


@needs_address
async def test_a_call_comes_about_and_the_metrics_tell_of_it(running: Demo, tmp_path: Path) -> None:
    key = tmp_path / "control-key.pem"
    code, findings = await doctor("--call", "--key", str(key), "--url", url(running))
    assert code == 0, findings
    assert [each["check"] for each in findings] == [
        *("call: signalling", "call: transport", "call: practitioner", "call: patient"),
    ]
    assert all(each["level"] == "ok" for each in findings)
    assert all("ms after the admission" in each["text"] for each in findings[2:])
    async with aiohttp.ClientSession() as http, http.get(f"{url(running)}/metrics") as response:
        text = await response.text()
    found = samples(text)
    assert found["venterom_handshake_seconds_count",] == 2
    assert found["venterom_join_seconds_count",] == 2
    for direction in ("received", "sent"):
        for kind in ("stun", "dtls", "rtcp", "audio", "video"):
            assert found["venterom_media_packets_total", direction, kind] > 0, (direction, kind)
    assert found["venterom_media_thread_cpu_seconds_total",] > 0
    assert (found["venterom_rooms", "occupied"], found["venterom_rooms", "empty"]) == (0, 0)  # its room is ended
    assert "doctor" not in text


@pytest.fixture
async def coturn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Coturn]:
    server = await Coturn.start(tmp_path, OWN[0])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "turn.pem"))
    yield server
    await server.stop()


def handed_out(coturn: Coturn, secret: str, *urls: str, late: float = 0.0) -> list[dict[str, Any]]:
    """As signalling does it."""
    server = Turn(urls or tuple(coturn.urls.values()), 600, secret.encode()).server(time.time() - late)
    return [{"urls": ["stun:s.example.org"]}, server.model_dump()]


@needs_address
async def test_the_two_links_of_a_demo_do_as_well_and_their_turn_server_is_tried(demo: Demo, coturn: Coturn) -> None:
    turn = TurnConfig(urls=tuple(coturn.urls.values()), secret=coturn.secret)
    signalling = demo.settings.signalling.model_copy(update={"turn": turn})
    service = await Service.start(demo.settings.model_copy(update={"signalling": signalling}), demo.lab)
    try:
        addresses = dict(line.split(" ", 1) for line in demo.announcement.splitlines())
        found = await call(ByLinks(addresses["practitioner"], addresses["patient"]))
    finally:
        await service.stop()
    assert [each.level for each in found] == [Level.OK] * 7, found
    tried = [each.text for each in found if each.check == "call: TURN"]
    assert len(tried) == 3
    for server, text in zip(coturn.urls.values(), tried, strict=True):
        assert text.startswith(f"{server}: relays to the media server")


@needs_address
async def test_a_turn_server_that_helps_nobody_is_said_to_be_so(
    coturn: Coturn, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = [("::1", 7882), (OWN[0], 7882)]

    async def fails(servers: list[dict[str, Any]], text: str, advice: str) -> None:
        found = await look_at_relays(servers, media)
        assert found
        for each in found:
            assert (each.check, each.level) == ("call: TURN", Level.FAIL)
            assert text in each.text
            assert advice in (each.advice or "")

    assert {each.level for each in await look_at_relays(handed_out(coturn, SECRET), media)} == {Level.OK}
    await fails(handed_out(coturn, "another secret of 16"), "refuses the credential", "static-auth-secret")
    await fails(handed_out(coturn, SECRET, late=3600), "refuses the credential", "clocks")
    await fails([{"urls": [coturn.urls["udp"]]}], "refuses the credential", "username")
    for urls, text, advice in (
        ("turn:host:3478?transport=sctp turns:host?transport=udp turn:", "not an address", "turns:HOST"),
        (f"turn:{OWN[0]}:1?transport=tcp", "Connect call failed", "1/tcp"),
        ("turn:nowhere.invalid", "not known", "name resolve"),
    ):
        await fails(handed_out(coturn, SECRET, *urls.split(" ")), text, advice)
    monkeypatch.delenv("SSL_CERT_FILE")
    await fails(handed_out(coturn, SECRET, coturn.urls["tls"]), "browsers refuse its certificate", "chain")
    media = [("192.0.2.99", 7882), ("::1", 7882)]
    await fails(handed_out(coturn, SECRET, coturn.urls["udp"]), "(192.0.2.99, ::1)", "allowed-peer-ip")
    monkeypatch.setattr(relays, "LIMIT_S", 0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((OWN[0], 0))
        port = silent.getsockname()[1]
        await fails(handed_out(coturn, SECRET, f"turn:{OWN[0]}:{port}"), "no answer", f"{port}/udp")


async def test_a_server_that_is_not_there(demo: Demo) -> None:
    (finding,) = await call(ByKey(demo.settings, demo.lab.key, url(demo)))
    assert (finding.check, finding.level) == ("call", Level.FAIL)
    assert finding.text.startswith("websocket failed: ")
    addresses = dict(line.split(" ", 1) for line in demo.announcement.splitlines())
    (finding,) = await call(ByLinks(addresses["practitioner"], addresses["patient"]))
    assert finding.text.startswith("no grant: ")


async def test_a_key_that_the_server_does_not_know(running: Demo, tmp_path: Path) -> None:
    (finding,) = await call(ByKey(running.settings, create_key(tmp_path / "other.pem"), url(running)))
    assert finding.text == "join failed: grant_invalid"
    assert "grants.keys" in (finding.advice or "")


async def test_an_origin_that_is_not_allowed(running: Demo) -> None:
    http = replace(running.settings.http, public_url="https://elsewhere.example")
    settings = running.settings.model_copy(update={"http": http})
    (finding,) = await call(ByKey(settings, running.lab.key, url(running)))
    assert finding.text == "websocket failed: HTTP status 403"
    assert "signalling.origins" in (finding.advice or "")


@needs_address
async def test_a_media_port_that_is_not_reached(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((OWN[0], 0))
        media = replace(demo.settings.media, announce=(f"{OWN[0]}:{silent.getsockname()[1]}",))
        service = await Service.start(demo.settings.model_copy(update={"media": media}), demo.lab)
        try:
            monkeypatch.setattr(caller, "LIMIT_S", 3.0)
            joined, finding = await call(ByKey(demo.settings, demo.lab.key, url(demo)))
        finally:
            await service.stop()
    assert joined.level is Level.OK
    assert (finding.level, finding.text) == (Level.FAIL, "transport failed: timeout")
    assert "media.announce" in (finding.advice or "")


def test_without_a_way_in_it_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--call"]) == 2
    assert "--key" in capsys.readouterr().out


def test_without_aiortc_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create_key(tmp_path / "key.pem")
    monkeypatch.setitem(sys.modules, "control.doctor.call", None)
    assert main(["doctor", "--call", "--key", str(tmp_path / "key.pem")]) == 2
    assert "pip install aiortc" in capsys.readouterr().out


async def test_the_server_itself_loads_no_ffmpeg() -> None:
    loaded = "import control.cli, control.app, sys; print(sorted({'av', 'aiortc'} & sys.modules.keys()))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", loaded, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.decode().strip() == "[]"


def test_a_key_is_read_as_grant_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--call", "--key", str(tmp_path / "none.pem")]) == 1
    assert capsys.readouterr().err.startswith("venterom: key_invalid: ")
