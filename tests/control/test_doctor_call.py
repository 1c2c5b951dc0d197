"""`venterom doctor --call` against a real server: a call that comes about, and each way in which it does not."""

import asyncio
import json
import socket
import sys
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
from control.doctor import caller
from control.doctor.call import call
from control.doctor.entrance import ByKey, ByLinks
from control.doctor.findings import Level
from signalling.keys import create_key
from tests.browser.server import free_port
from tests.control.test_metrics import samples
from tests.control.visitor import url

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


@needs_address
async def test_the_two_links_of_a_demo_do_as_well(running: Demo) -> None:
    addresses = dict(line.split(" ", 1) for line in running.announcement.splitlines())
    found = await call(ByLinks(addresses["practitioner"], addresses["patient"]))
    assert [each.level for each in found] == [Level.OK] * 4


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
