"""`make demo` itself: what it prints, that it leads to a call, and that Ctrl-C ends it and leaves nothing."""

import asyncio
import os
import re
import signal
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from tests.browser.call import meet
from tests.browser.conftest import Arrive
from tests.browser.person import Person
from tests.browser.server import read_ready
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BUILD_S = 600.0
READ_S = 20.0
PHONE, LAPTOP = (360, 740), (1366, 650)
LINKS = 9
"""Two of the open appointment, of the early and of the late one, and three of the group."""
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
"""Ours, without what an outer make left in it."""


async def start(port: int, media_port: int, data: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *("make", "demo", f"PORT={port}", f"MEDIA_PORT={media_port}", f"DATA={data}"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        env=ENVIRONMENT,
    )


def members(session: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
        return True


@pytest.mark.timeout(BUILD_S + 120)
@pytest.mark.parametrize(
    "end", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)], ids=lambda end: end.name
)
async def test_make_demo(arrive: Arrive, tmp_path: Path, end: signal.Signals) -> None:
    port, media_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    process = await start(port, media_port, tmp_path)
    try:
        lines = await read_ready(process, BUILD_S)
        assert lines["ready"] == f"http://localhost:{port}"
        for who, page in (("patient", "patient"), ("practitioner", "clinic")):
            assert re.fullmatch(rf"http://localhost:{port}/{page}/#lab=[A-Za-z0-9_-]{{16,}}", lines[who])
        call = await meet(await arrive(lines["practitioner"]), await arrive(lines["patient"]))
        for person in call.both:
            await person.sees_remote(frames=30)
        assert not is_free(media_port, socket.SOCK_DGRAM)
        told = time.monotonic()
        # A terminal's Ctrl-C reaches the whole group.
        os.killpg(process.pid, end)
        async with asyncio.timeout(2.0):
            await process.wait()
            while members(process.pid):  # noqa: ASYNC110, other processes set no event
                await asyncio.sleep(0.02)
        assert time.monotonic() - told <= 2.0
        assert is_free(port, socket.SOCK_STREAM)
        assert is_free(media_port, socket.SOCK_DGRAM)
    finally:
        for pid in members(process.pid):
            os.kill(pid, signal.SIGKILL)
        await process.wait()


async def read_links(process: asyncio.subprocess.Process) -> dict[tuple[str, str], list[str]]:
    """The addresses of the day, by what they show and whose they are."""
    assert process.stdout is not None
    links: dict[tuple[str, str], list[str]] = {}
    async with asyncio.timeout(READ_S):
        for _ in range(LINKS):
            word, shows, role, _, address = (await process.stdout.readline()).decode().split()
            assert word == "link"
            links.setdefault((shows, role), []).append(address)
    return links


async def told_before_joining(person: Person) -> dict[str, object]:
    """Which name is chosen for who joins as they are, whom to call first, and what of this is not to be seen."""
    await person.has("camera-select", 1)
    await person.has("shown-name", 1)
    found = await person.tab.evaluate(_TOLD)
    assert isinstance(found, dict)
    return found


_TOLD = """() => {
    const part = (selector) => document.querySelector(selector);
    const [names, call, join] = ['[data-testid=shown-name]', '[data-testid=contact] a', '[data-testid=join]'].map(part);
    const faults = [];
    const { left, top, width, height, bottom } = call.getBoundingClientRect();
    if (!names.contains(call)) faults.push('the number stands apart from the name');
    if (!call.contains(document.elementFromPoint(left + width / 2, top + height / 2))) faults.push('covered');
    if (bottom > join.getBoundingClientRect().top) faults.push('below the button');
    if (join.getBoundingClientRect().bottom > innerHeight) faults.push('the button is out of the window');
    return {
        choice: part('[name=shown-name]:checked')?.value ?? null,
        whom: call.innerText.replaceAll('\u00a0', ' '),
        number: call.getAttribute('href'),
        faults,
    };
}"""


async def refusal(person: Person) -> str:
    """The code of the fault that the page shows."""
    await person.is_in("error")
    return str(await person.tab.evaluate("() => document.querySelector('[data-code]').dataset.code"))


@pytest.mark.timeout(BUILD_S + 120)
async def test_the_days_links_open_in_their_window_and_are_refused_outside_it(arrive: Arrive, tmp_path: Path) -> None:
    port = free_port(socket.SOCK_STREAM)
    process = await start(port, free_port(socket.SOCK_DGRAM), tmp_path)
    try:
        await read_ready(process, BUILD_S)
        links = await read_links(process)
        [patient], [practitioner] = links["open", "patient"], links["open", "practitioner"]
        await meet(await arrive(practitioner), await arrive(patient))

        [early], [late] = links["early", "patient"], links["late", "patient"]
        hasty = await arrive(early)
        assert await refusal(hasty) == "join_too_early"
        await hasty.has("opens", 1)
        await hasty.has("contact", 1)
        tardy = await arrive(late)
        assert await refusal(tardy) == "join_too_late"
        await tardy.has("contact", 1)
        await tardy.has("opens", 0)

        kari, ola = [
            await arrive(address, viewport=viewport)
            for address, viewport in zip(links["group", "patient"], (PHONE, LAPTOP), strict=True)
        ]
        per = await arrive(links["group", "practitioner"][0])
        for person in (kari, ola):
            assert await told_before_joining(person) == {
                "choice": "initials",
                "whom": "Ring Demoklinikken, Resepsjonen: +47 22 00 00 00",
                "number": "tel:+4722000000",
                "faults": [],
            }
        await ola.page.locator("input[type=radio][value=whole]").check()
        for person, state in ((kari, "lobby"), (ola, "lobby"), (per, "call")):
            await person.join()
            await person.is_in(state)
        await per.has("admit", 2)
        assert set(await per.page.locator(".row-name").all_inner_texts()) == {"K. B.", "Ola Dahl"}

        async with aiohttp.ClientSession() as http:
            clock = f"http://localhost:{port}/api/v1/lab/clock"
            ahead = (datetime.now(UTC) + timedelta(hours=4)).isoformat()
            async with http.put(clock, json={"now": ahead}) as answer:
                assert answer.status == 200
        opened = await arrive(early)
        await opened.join()
        await opened.is_in("lobby")
    finally:
        for pid in members(process.pid):
            os.kill(pid, signal.SIGKILL)
        await process.wait()


async def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = await asyncio.create_subprocess_exec(
            *("make", "--silent", "demo", f"PORT={taken.getsockname()[1]}"),
            *(f"MEDIA_PORT={free_port(socket.SOCK_DGRAM)}", f"DATA={tmp_path}"),
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await asyncio.wait_for(process.communicate(), BUILD_S)
    assert process.returncode != 0
    assert b"ready" not in out
    assert b"venterom: address_in_use: " in errors
    assert b"Traceback" not in errors
