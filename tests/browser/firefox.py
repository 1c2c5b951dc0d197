"""Firefox by WebDriver BiDi, one process for many people."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from types import MappingProxyType
from typing import Any, Final, Self

import aiohttp

from tests.browser.bidi import Bidi, BidiError, Fields
from tests.browser.island import Island

_START_S: Final = 90.0
_STOP_S: Final = 20.0
_LISTENING: Final = b"WebDriver BiDi listening on "

_PREFERENCES: Final[Mapping[str, bool | int | str]] = {
    "intl.accept_languages": "nb-NO",
    # Where there is no loudspeaker an AudioContext never starts.
    "media.cubeb.force_mock_context": True,
    "media.autoplay.blocking_policy": 0,
    "media.autoplay.default": 0,
    "media.gmp-manager.updateEnabled": False,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "network.manage-offline-status": False,
    "privacy.reduceTimerPrecision": False,
}


class Firefox:
    """A running Firefox on an island."""

    def __init__(self, process: asyncio.subprocess.Process, output: asyncio.Task[None], bidi: Bidi) -> None:
        self._process = process
        self._output = output
        self._bidi = bidi

    @classmethod
    async def launch(
        cls, profile: Path, island: Island, preferences: Mapping[str, bool | int | str] = MappingProxyType({})
    ) -> Self:
        """`profile` is an empty folder of its own; `preferences` go before ours."""
        firefox = which("firefox-esr") or which("firefox")
        assert firefox is not None, "Firefox is not installed: apt-get install firefox-esr"
        chosen = {**_PREFERENCES, **preferences}
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in chosen.items())
        (profile / "user.js").write_text("".join(lines))
        process = await asyncio.create_subprocess_exec(
            *island.command(firefox, "--headless", "--no-remote", "--profile", str(profile)),
            *("--remote-debugging-port", "0"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            url = await asyncio.wait_for(_address(process), _START_S)
            connector = aiohttp.TCPConnector(socket_factory=island.socket)
            bidi = await Bidi.connect(aiohttp.ClientSession(connector=connector), url)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        await bidi.listen("log.entryAdded", _print)
        return cls(process, asyncio.create_task(_drain(process)), bidi)

    async def open(self, script: str, viewport: tuple[int, int]) -> "FirefoxTab":
        """A window of its own, for a tab in the background is throttled; the script runs before each page's own."""
        user = (await self._bidi.send("browser.createUserContext"))["userContext"]
        await self._bidi.send("script.addPreloadScript", functionDeclaration=f"() => {{{script}}}", userContexts=[user])
        context = (await self._bidi.send("browsingContext.create", type="window", userContext=user))["context"]
        size = {"width": viewport[0], "height": viewport[1]}
        await self._bidi.send("browsingContext.setViewport", context=context, viewport=size)
        return FirefoxTab(self._bidi, user, context)

    async def close(self) -> None:
        """Ends the process."""
        await self._bidi.send("browser.close")
        await self._bidi.close()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._output


@dataclass(frozen=True, slots=True)
class FirefoxTab:
    """A page in a container of its own."""

    bidi: Bidi
    user: str
    context: str

    async def goto(self, address: str) -> None:
        await self.bidi.send("browsingContext.navigate", context=self.context, url=address, wait="complete")

    async def reload(self) -> None:
        await self.bidi.send("browsingContext.reload", context=self.context, wait="complete")

    async def evaluate(self, function: str, argument: Any = None) -> Any:
        answer = await self.bidi.send(
            "script.callFunction",
            functionDeclaration=f"async (json) => JSON.stringify(await ({function})(JSON.parse(json)) ?? null)",
            arguments=[{"type": "string", "value": json.dumps(argument)}],
            target={"context": self.context},
            awaitPromise=True,
            userActivation=False,
        )
        if answer["type"] == "exception":
            raise AssertionError(f"the page threw: {answer['exceptionDetails']['text']}")
        return json.loads(answer["result"]["value"])

    async def wait_for(self, function: str, argument: Any = None, *, within_s: float) -> None:
        end = time.monotonic() + within_s
        truth = f"async (argument) => Boolean(await ({function})(argument))"
        while (left := end - time.monotonic()) > 0:
            try:
                if await self.evaluate(_UNTIL % truth, [argument, left * 1000]):
                    return
            except BidiError:
                # A page that is loaded anew takes with it what ran in it.
                await asyncio.sleep(0.05)
        raise TimeoutError(f"not in {within_s} s: {function}")

    async def click(self, selector: str, *, within_s: float) -> None:
        end = time.monotonic() + within_s
        while (left := end - time.monotonic()) > 0:
            point = await self.evaluate(_UNTIL % _AIM, [selector, left * 1000])
            if point is None:
                break
            await self._press(*point)
            # What moved away under the pointer was not pressed.
            if await self.evaluate("() => window.venteromAim?.pressed ?? true"):
                return
        raise TimeoutError(f"{selector} can't be pressed in {within_s} s")

    async def close(self) -> None:
        """And forgets what it stored."""
        await self.bidi.send("browser.removeUserContext", userContext=self.user)

    async def _press(self, x: float, y: float) -> None:
        steps = [
            {"type": "pointerMove", "x": round(x), "y": round(y), "origin": "viewport"},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        await self.bidi.send("input.performActions", context=self.context, actions=[mouse])


_UNTIL: Final = """async ([argument, milliseconds]) => {
    for (const end = performance.now() + milliseconds; performance.now() < end; ) {
        const found = await (%s)(argument);
        if (found) return found;
        await new Promise((done) => setTimeout(done, 30));
    }
}"""

_AIM: Final = """async (selector) => {
    const place = (element) => {
        const { left, top, width, height } = element.getBoundingClientRect();
        return [left + width / 2, top + height / 2];
    };
    const element = document.querySelector(selector);
    if (element === null || element.disabled) return;
    element.scrollIntoView({ block: "nearest" });
    const before = place(element);
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const [x, y] = place(element);
    if (x !== before[0] || y !== before[1] || !element.contains(document.elementFromPoint(x, y))) return;
    const aim = (window.venteromAim = { pressed: false });
    element.addEventListener("click", () => { aim.pressed = true; }, { once: true, capture: true });
    return [x, y];
}"""
"""Where to press: only what stands still, and lies under nothing else."""


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    while line := await process.stderr.readline():
        if line.startswith(_LISTENING):
            return line.removeprefix(_LISTENING).decode().strip()
    raise AssertionError(f"Firefox ended with {await process.wait()}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    """So that it never waits for a reader."""
    assert process.stderr is not None
    while await process.stderr.readline():
        pass


def _print(entry: Fields) -> None:
    print(f"firefox {entry['level']}: {entry['text']}")
