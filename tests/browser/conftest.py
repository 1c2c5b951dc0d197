"""Browsers and the server they meet; every test has a server of its own."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright
from pytest_asyncio import is_async_test
from sqlalchemy import URL

from control.store import migrate
from tests.browser.capture import Capture
from tests.browser.crowd import Crowd, crowd_at
from tests.browser.firefox import Firefox
from tests.browser.island import Island
from tests.browser.person import Person
from tests.browser.server import Server
from tests.browser.tab import PlaywrightTab, Tab
from tests.control.postgres import running

INSTRUMENTS = Path(__file__).with_name("instruments.js")

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--headless=new",
    "--use-fake-device-for-media-stream=device-count=2",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

Launch = Callable[..., Awaitable[Browser]]
Arrive = Callable[..., Awaitable[Person]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder shares one event loop, as it shares one browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            if is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def launch(playwright: Playwright) -> AsyncIterator[Launch]:
    """Starts a Chromium with further arguments; all are closed in the end."""
    async with AsyncExitStack() as stack:

        async def start(*arguments: str) -> Browser:
            browser = await playwright.chromium.launch(
                executable_path=_chromium(), args=[*CHROMIUM_ARGUMENTS, *arguments]
            )
            stack.push_async_callback(browser.close)
            return browser

        yield start


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(launch: Launch) -> Browser:
    """The browser most tests share; each person has a context."""
    return await launch()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def island() -> AsyncIterator[Island]:
    try:
        made = await Island.make()
    except PermissionError as error:
        pytest.skip(str(error))
    async with made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def firefox(island: Island, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox]:
    """The one that all share; each person has a container."""
    running = await Firefox.launch(tmp_path_factory.mktemp("firefox"), island)
    yield running
    await running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def island_chromium(
    island: Island, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    """A Chromium where Firefox is."""
    browser = await chromium_on(island, playwright, tmp_path_factory.mktemp("chromium"))
    yield browser
    await browser.close()


async def chromium_on(island: Island, playwright: Playwright, folder: Path, *arguments: str) -> Browser:
    """One that sees the island's network alone; `folder` is an empty one of its own."""
    ferry = folder / "chromium"
    ferry.write_text(f'#!/bin/sh\nexec {" ".join(island.command(_chromium()))} "$@"\n')
    ferry.chmod(0o700)
    return await playwright.chromium.launch(executable_path=ferry, args=[*CHROMIUM_ARGUMENTS, *arguments])


@pytest_asyncio.fixture(loop_scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
async def demo_database(request: pytest.FixtureRequest) -> AsyncIterator[URL | None]:
    """For a server's clinic: the file in its own data, and a database of PostgreSQL without rows.

    With browsers, PostgreSQL is for `make test-long`; `tests/control/rooms/test_kill.py` always kills on both.
    """
    if request.param == "sqlite":
        yield None
    else:
        with running() as postgres:
            url = postgres.create("demo")
            await migrate.upgrade(url)
            yield url
            # Fails by a division where nobody's admission was written down in it.
            postgres.run("psql", "--quiet", "--command", "SELECT 1 / count(*) FROM admission", "demo")


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    running = await Server.start(tmp_path)
    yield running
    await running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def island_server(tmp_path: Path, island: Island) -> AsyncIterator[Server]:
    running = await Server.start(tmp_path, island=island)
    yield running
    await running.stop()


def capture_of(port: int) -> Capture:
    """What crosses the loopback interface; the test is skipped where that may not be seen."""
    try:
        return Capture(port)
    except PermissionError:
        pytest.skip("a packet socket needs root, or CAP_NET_RAW")


@pytest.fixture
def capture(server: Server) -> Iterator[Capture]:
    with capture_of(server.media_port) as running:
        yield running


@pytest.fixture
def island_capture(island_server: Server, island: Island) -> Iterator[Capture]:
    with island.entered():
        running = Capture(island_server.media_port)
    with running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(chromium: Browser) -> AsyncIterator[Arrive]:
    """Opens an address as a person of its own: `await arrive(url, colour="#00ff00", stubborn=True)`.

    What else may be asked of the page stands in `instruments.js`.
    """
    async with AsyncExitStack() as stack:

        async def start(
            address: str,
            *,
            browser: Browser | Firefox | None = None,
            viewport: tuple[int, int] = (1280, 800),
            **asked: Any,
        ) -> Person:
            script = f"{INSTRUMENTS.read_text()}\nObject.assign(venteromTest, {json.dumps(asked)});"
            tab: Tab
            if isinstance(browser, Firefox):
                tab = await browser.open(script, viewport)
                stack.push_async_callback(tab.close)
            else:
                context = await (browser or chromium).new_context(
                    permissions=["camera", "microphone"],
                    locale="nb-NO",
                    viewport={"width": viewport[0], "height": viewport[1]},
                )
                stack.push_async_callback(context.close)
                await context.add_init_script(script)
                tab = PlaywrightTab.of(await context.new_page())
            await tab.goto(address)
            return Person(tab)

        yield start


@pytest_asyncio.fixture(loop_scope="session")
async def crowd(server: Server) -> AsyncIterator[Crowd]:
    async with crowd_at(server) as crowd:
        yield crowd


def _chromium() -> str:
    found = which("chromium") or which("google-chrome")
    assert found is not None, "Chromium is not installed: apt-get install chromium"
    return found
