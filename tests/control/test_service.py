"""Everything in one process, over real sockets: it starts, answers, refuses what it must, and leaves nothing behind."""

import asyncio
import re
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from control.app import Service
from control.config import DataConfig, GrantsConfig, HttpConfig, Settings
from control.demo import Demo, prepare
from control.errors import AddressInUseError, ConfigError, DrainingError
from sfu.plane import ThreadPlane
from signalling.errors import JournalError, KeyFileError
from signalling.packing import pack
from tests.control.certificates import self_signed
from tests.ports import free_port

SUBPROTOCOL = "venterom.v1"
ROOT = Path(__file__).resolve().parents[2]
OFFER = Path(__file__).resolve().parents[1] / "sfu" / "data" / "chromium-1.sdp"


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """Ready to start, on free ports."""
    return prepare(tmp_path, port=free_port(socket.SOCK_STREAM), media_port=free_port(socket.SOCK_DGRAM))


@pytest_asyncio.fixture
async def running(demo: Demo) -> AsyncIterator[Demo]:
    service = await Service.start(demo.settings, demo.lab)
    yield demo
    await service.stop()


def url(demo: Demo) -> str:
    return f"http://localhost:{demo.settings.http.port}"


async def get(address: str, **more: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(address, **more) as response:
        return response.status, await response.text()


async def test_it_serves_health_and_pages(running: Demo) -> None:
    assert (await get(f"{url(running)}/healthz"))[0] == 200
    assert (await get(f"{url(running)}/readyz"))[0] == 200
    status, page = await get(f"{url(running)}/patient/")
    assert status == 200
    assert "<!doctype html>" in page.lower()


async def test_a_link_leads_into_the_room(running: Demo) -> None:
    token = running.announcement.partition("#lab=")[2].split()[0]
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url(running)}/api/v1/lab/links", json={"token": token}) as response:
            admission = await response.json()
        assert admission["ws_url"] == f"ws://localhost:{running.settings.http.port}/ws"
        async with session.ws_connect(admission["ws_url"], protocols=[SUBPROTOCOL], origin=url(running)) as socket_:
            await socket_.send_json({"type": "join", "id": 1, "grant": admission["grant"]})
            joined = await socket_.receive_json(timeout=5)
            assert (joined["type"], joined["re"], joined["role"], joined["gate"]) == ("joined", 1, "patient", "lobby")
            assert (await socket_.receive_json(timeout=5))["type"] == "lobby"


async def test_sdp_bombs_leave_the_call_as_it_was(demo: Demo) -> None:
    """Over the real node: whoever sends them hears a code, or is cut; nobody else hears anything."""
    service = await Service.start(demo.settings, demo.lab)
    offer = OFFER.read_text()
    tracks = [{"mid": "0", "kind": "audio", "source": "microphone"}, {"mid": "1", "kind": "video", "source": "camera"}]
    lines = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + "m=audio 9 x 1\r\n" * 10_000
    try:
        async with aiohttp.ClientSession() as session:
            people = []
            for token in reversed(re.findall(r"#lab=(\S+)", demo.announcement)):
                grant = demo.lab.issue(demo.lab.links.exchange(token))
                socket_ = await session.ws_connect(f"{url(demo)}/ws", protocols=[SUBPROTOCOL], origin=url(demo))
                await socket_.send_json({"type": "join", "grant": grant})
                await socket_.send_json({"type": "offer", "id": 1, "sdp": offer, "tracks": tracks})
                await until(socket_, "answer")
                people.append(socket_)
            host, patient = people
            await host.send_json({"type": "admit", "participant": "pasient-arne"})
            await until(host, "tracks")
            assert service.media is not None
            before = service.media.node.snapshot()
            assert (len(before.peers), len(before.open_routes)) == (2, 4)
            for sdp in ({"sdp": lines}, {"sdp_z": pack(lines)}):
                await patient.send_json({"type": "offer", "id": 2, "tracks": tracks, **sdp})
                error = await until(patient, "error")
                assert (error["re"], error["code"]) == (2, "sdp_too_many_sections")
            await host.send_json({"type": "ping"})
            assert (await host.receive_json(timeout=5))["type"] == "pong", "the host heard of none of it"
            await patient.send_json({"type": "offer", "id": 3, "tracks": tracks, "sdp": offer + "a=x\r\n" * 200_000})
            async for _ in patient:
                pass
            assert patient.close_code == 1009
            after = service.media.node.snapshot()
            assert (after.peers, after.open_routes) == (before.peers, before.open_routes)
    finally:
        await service.stop()


async def until(socket_: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of this type."""
    while True:
        message: dict[str, Any] = await socket_.receive_json(timeout=5)
        if message["type"] == kind:
            return message


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://localhost.evil.example", "null"])
async def test_pages_of_others_get_no_socket(running: Demo, origin: str) -> None:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Origin": origin}
    headers |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": SUBPROTOCOL}
    status, body = await get(f"{url(running)}/ws", headers=headers)
    assert (status, "origin_forbidden" in body) == (403, True)


async def test_without_a_lab_there_are_no_lab_links(demo: Demo) -> None:
    service = await Service.start(demo.settings, None)
    try:
        async with aiohttp.ClientSession() as session:
            for token in ("", demo.announcement.partition("#lab=")[2].split()[0]):
                async with session.post(f"{url(demo)}/api/v1/lab/links", json={"token": token}) as response:
                    assert (response.status, (await response.json())["code"]) == (404, "not_found")
    finally:
        await service.stop()


async def test_after_the_stop_every_port_is_free_and_it_can_start_again(demo: Demo) -> None:
    for _ in range(2):
        service = await Service.start(demo.settings, demo.lab)
        assert service.hindrance() is None
        await service.stop()
        assert isinstance(service.hindrance(), DrainingError)
    with socket.create_server(("127.0.0.1", demo.settings.http.port)):
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind(("0.0.0.0", demo.settings.media.port))


@pytest.mark.parametrize("raised", [True, False])
async def test_it_says_where_the_media_thread_got_no_priority(
    demo: Demo, raised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ThreadPlane, "raised_priority", raised)
    with capture_logs() as logs:
        service = await Service.start(demo.settings, demo.lab)
        await service.stop()
    assert ("media_priority_refused" in [entry["event"] for entry in logs]) is not raised


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
async def test_a_port_in_use_is_named_and_nothing_stays_open(demo: Demo, kind: socket.SocketKind) -> None:
    port = demo.settings.http.port if kind is socket.SOCK_STREAM else demo.settings.media.port
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1" if kind is socket.SOCK_STREAM else "0.0.0.0", port))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        with pytest.raises(AddressInUseError, match=str(port)):
            await Service.start(demo.settings, demo.lab)
    service = await Service.start(demo.settings, demo.lab)
    await service.stop()


async def test_a_data_directory_has_one_process(running: Demo) -> None:
    settings = running.settings.model_copy(
        update={
            "http": replace(running.settings.http, port=free_port(socket.SOCK_STREAM)),
            "media": replace(running.settings.media, port=free_port(socket.SOCK_DGRAM)),
        }
    )
    with pytest.raises(JournalError) as caught:
        await Service.start(settings, running.lab)
    assert caught.value.code == "journal_locked"


async def test_keys_that_are_missing_or_of_nobody_are_said_before_anything_opens(demo: Demo, tmp_path: Path) -> None:
    grants = demo.settings.model_copy(update={"grants": GrantsConfig(keys=tmp_path / "none.json")})
    with pytest.raises(KeyFileError):
        await Service.start(grants, None)
    http = replace(demo.settings.http, tls_certificate=tmp_path / "none.pem", tls_key=tmp_path / "none.pem")
    with pytest.raises(ConfigError, match="tls"):
        await Service.start(demo.settings.model_copy(update={"http": http}), None)


async def test_an_address_of_another_host_is_refused(demo: Demo) -> None:
    http = replace(demo.settings.http, listen=("192.0.2.1",))
    with pytest.raises(ConfigError, match=r"http\.listen"):
        await Service.start(demo.settings.model_copy(update={"http": http}), None)


async def test_it_speaks_https_itself(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    port = free_port(socket.SOCK_STREAM)
    settings = Settings(
        http=HttpConfig(listen=("127.0.0.1",), port=port, tls_certificate=certificate, tls_key=key),
        data=DataConfig(directory=tmp_path / "data"),
        media=replace(Settings().media, port=free_port(socket.SOCK_DGRAM)),
    )
    service = await Service.start(settings, None)
    try:
        context = ssl.create_default_context(cafile=str(certificate))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"https://localhost:{port}/readyz", ssl=context) as response,
        ):
            assert response.status == 200
            assert "Strict-Transport-Security" in response.headers
    finally:
        await service.stop()


ENDED_MEDIA = """
import sys
from control.cli import main
from sfu.node import Node

def ended(_):
    raise RuntimeError("the media thread has ended by a bug; its panic is on stderr")

Node.statistics = ended
sys.exit(main(sys.argv[1:]))
"""


async def test_without_a_media_thread_the_process_ends_so_that_another_starts(tmp_path: Path) -> None:
    """What watches over the process starts the next; people's pages come back to it by themselves."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ENDED_MEDIA, "demo", "--data", str(tmp_path)),
        *("--port", str(free_port(socket.SOCK_STREAM)), "--media-port", str(free_port(socket.SOCK_DGRAM))),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1, errors
    assert out.startswith(b"ready "), errors
    assert b'"event": "media_thread_ended"' in errors
    assert b'"event": "stopped"' in errors
    assert b"\nventerom: media_ended: " in errors
    assert b"Traceback" not in errors
