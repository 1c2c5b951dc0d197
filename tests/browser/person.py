"""A person at a stock browser: opens an address, presses what is marked with `data-testid`, and looks and listens."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Locator, Page

from tests.browser.content import NEAR, Quarters, Rgb, distance, until_quarters, until_tone
from tests.browser.tab import PlaywrightTab, Tab

PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Moments:
    """Wall times (ms) at which a picture turned white, and at which a sound rose out of silence."""

    flashes: list[float]
    clicks: list[float]


@dataclass(frozen=True, slots=True)
class Path:
    """The selected pair of candidates: the kind of the own one, by what it is reached, and the server's port."""

    kind: str
    protocol: str
    port: int


@dataclass(slots=True)
class Person:
    """One tab with the page open."""

    tab: Tab

    @property
    def page(self) -> Page:
        """Of tests that are for Chromium alone: all that Playwright can do."""
        assert isinstance(self.tab, PlaywrightTab)
        return self.tab.page

    def mark(self, name: str) -> Locator:
        """Likewise."""
        return self.page.get_by_test_id(name)

    async def is_in(self, state: str, within_s: float = PATIENCE_S) -> None:
        """Waits until the page says that it is in the state."""
        try:
            await self.tab.wait_for(f"(state) => {_STATE} === state", state, within_s=within_s)
        except TimeoutError:
            found = await self.tab.evaluate(f"() => {_STATE}")
            raise AssertionError(f"not {state} in {within_s} s, but {found}") from None

    async def has(self, name: str, count: int, within_s: float = PATIENCE_S) -> None:
        """Waits until there are so many elements of that mark."""
        await self.tab.wait_for(
            "([name, count]) => document.querySelectorAll(`[data-testid=${name}]`).length === count",
            [name, count],
            within_s=within_s,
        )

    async def press(self, name: str) -> float:
        """Presses the first button of that mark; gives the time at which it was pressed."""
        await self.tab.click(f"[data-testid={name}]", within_s=PATIENCE_S)
        return time.time()

    async def decides(self, name: str) -> None:
        """Presses a button that may ask back, and says yes."""
        await self.press(name)
        if await self.tab.evaluate("(yes) => document.querySelector(yes) !== null", _YES):
            await self.tab.click(_YES, within_s=PATIENCE_S)

    async def join(self) -> None:
        await self.is_in("preview")
        await self.press("join")

    async def admits(self) -> None:
        """Lets in whoever waits, or will."""
        await self.press("admit")

    async def says(self, type_: str, **fields: Any) -> float:
        """Sends a message of the protocol on the page's own socket, for what no button of the page does."""
        message = json.dumps({"type": type_, **fields})
        await self.tab.evaluate("m => venteromTest.sockets.at(-1).send(m)", message)
        return time.time()

    async def camera_in_use(self) -> str:
        """The id of the device whose picture is sent."""
        device = await self.tab.evaluate(
            """() => venteromTest.peers.at(-1).getSenders().map((s) => s.track)
                .find((t) => t?.kind === 'video').getSettings().deviceId"""
        )
        return str(device)

    async def changes_camera(self, unlike: str) -> str:
        """Picks another camera in the panel, and gives its id."""
        await self.press("more")
        # The panel opens at once; the browser names its devices a moment later.
        option = f'[data-testid=camera-select] option:not([value="{unlike}"])'
        await self.tab.wait_for("(option) => document.querySelector(option)", option, within_s=PATIENCE_S)
        other = await self.tab.evaluate(
            """(option) => {
                const { value, parentElement: select } = document.querySelector(option);
                select.value = value;
                select.dispatchEvent(new Event('change', { bubbles: true }));
                return value;
            }""",
            option,
        )
        await self.press("panel-close")
        return str(other)

    async def paints(self, colour: str) -> float:
        """Turns the painted camera to a colour; gives the time by which it is so."""
        await self.tab.evaluate("c => { venteromTest.colour = c }", colour)
        return time.time()

    async def frames_of_remote(self) -> int:
        """How many frames the remote picture has shown."""
        count = await self.tab.evaluate(
            "() => venteromTest.shown(document.querySelector('[data-testid=remote-video]'))"
        )
        return int(count)

    async def sees_remote(self, within_s: float = PATIENCE_S, frames: int = 5) -> None:
        """Waits until the remote picture moves on."""
        start = await self.frames_of_remote()
        try:
            await self.tab.wait_for(
                """([start, frames]) => {
                    const video = document.querySelector('[data-testid=remote-video]');
                    return video && video.videoWidth > 0 && venteromTest.shown(video) >= start + frames;
                }""",
                [start, frames],
                within_s=within_s,
            )
        except TimeoutError:
            raise AssertionError(f"no picture moves in {within_s} s: {await self.findings()}") from None

    async def findings(self) -> str:
        """What the browser itself knows of its media, for whoever has to find out."""
        return str(
            await self.tab.evaluate(
                """async () => {
                    const video = document.querySelector('[data-testid=remote-video]');
                    const shown = video && {width: video.videoWidth, paused: video.paused, tracks:
                        video.srcObject?.getTracks().map((t) => [t.kind, t.muted, t.readyState])};
                    const keep = ['type', 'kind', 'mid', 'ssrc', 'active', 'frameWidth', 'dtlsState', 'iceState',
                        'packetsSent', 'packetsReceived', 'packetsLost', 'framesEncoded', 'framesDecoded',
                        'framesReceived', 'framesDropped', 'keyFramesDecoded', 'keyFramesEncoded', 'pliCount',
                        'nackCount', 'freezeCount'];
                    const pick = (s) => Object.fromEntries(keep.filter((k) => k in s).map((k) => [k, s[k]]));
                    const peers = await Promise.all(venteromTest.peers.map(async (peer) => ({
                        state: [peer.signalingState, peer.iceConnectionState, peer.connectionState],
                        stats: [...(await peer.getStats()).values()]
                            .filter((s) => ['inbound-rtp', 'outbound-rtp', 'transport'].includes(s.type))
                            .map(pick),
                    })));
                    return JSON.stringify({ shown, peers });
                }"""
            )
        )

    async def grid(self, columns: int, rows: int, mark: str = "remote-video") -> list[Rgb]:
        """The decoded picture, shrunk to so many fields, row by row."""
        fields = await self.tab.evaluate(
            """([mark, columns, rows]) => {
                const video = document.querySelector(`[data-testid=${mark}]`);
                return venteromTest.grid(video, columns, rows);
            }""",
            [mark, columns, rows],
        )
        return [_rgb(field) for field in fields]

    async def sees_quarters(self, colours: Quarters, within_s: float = PATIENCE_S) -> None:
        """Waits until the remote picture is of these colours, the right way round."""
        await self.sees_remote(within_s)
        await until_quarters(colours, lambda: self.grid(8, 8), within_s)

    async def sees_colour(self, colour: str, within_s: float = 5.0) -> bool:
        """Whether the middle of the remote picture takes that colour."""
        end = time.monotonic() + within_s
        while distance((await self.grid(3, 3))[4], colour) > NEAR:
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    async def watch_remote(self) -> None:
        """From now on each decoded frame's colour is noted."""
        await self.tab.evaluate("() => venteromTest.watch('[data-testid=remote-video]')")

    async def watched(self) -> list[tuple[float, Rgb]]:
        """Wall time (s) and colour of each frame noted."""
        frames = await self.tab.evaluate("() => venteromTest.frames")
        return [(frame["wall"] / 1000, _rgb(frame["colour"])) for frame in frames]

    async def shows_frames_since(self, since: float, count: int, within_s: float = PATIENCE_S) -> None:
        """Waits until a watched remote picture has shown so many frames after a wall time (s)."""
        later = "([since, count]) => venteromTest.frames.filter((frame) => frame.wall > since).length >= count"
        await self.tab.wait_for(later, [since * 1000, count], within_s=within_s)

    async def hears_remote(self, seconds: float) -> tuple[float, float]:
        """The loudest frequency (Hz) in the decoded sound, and its level (dB)."""
        best = await self.tab.evaluate(_WITH_REMOTE % "venteromTest.listen(stream, milliseconds)", seconds * 1000)
        return float(best["hertz"] or 0), float(best["decibel"] if best["decibel"] is not None else "-inf")

    async def hears_tone(self, hertz: float, within_s: float = PATIENCE_S) -> None:
        """Waits until that is the loudest frequency in the decoded sound."""
        await self.sees_remote(within_s)  # the sound is of the same stream
        await until_tone(hertz, lambda: self.hears_remote(0.6), within_s)

    async def moments_of_remote(self, seconds: float) -> Moments:
        """When the decoded stream flashes and clicks."""
        return Moments(**await self.tab.evaluate(_WITH_REMOTE % _FLASHES, seconds * 1000))

    async def moments_of_self(self, seconds: float) -> Moments:
        """When the own camera and microphone do."""
        return Moments(**await self.tab.evaluate(_WITH_SELF % _FLASHES, seconds * 1000))

    async def path(self) -> Path:
        """The way on which the page's transport talks."""
        found = await self.page.evaluate(
            """async () => {
                const stats = [...(await venteromTest.peers.at(-1).getStats()).values()];
                const transport = stats.find((s) => s.type === 'transport');
                const pair = stats.find((s) => s.id === transport.selectedCandidatePairId);
                const [local, remote] = [pair.localCandidateId, pair.remoteCandidateId]
                    .map((id) => stats.find((s) => s.id === id));
                return [local.candidateType, local.relayProtocol ?? local.protocol, remote.port];
            }"""
        )
        return Path(*found)

    async def local_port(self) -> int:
        """The UDP port from which the page's transport talks."""
        port = await self.tab.evaluate(
            """async () => {
                const stats = [...(await venteromTest.peers.at(-1).getStats()).values()];
                const transport = stats.find((s) => s.type === 'transport');
                const pair = stats.find((s) => s.id === transport.selectedCandidatePairId);
                return stats.find((s) => s.id === pair.localCandidateId).port;
            }"""
        )
        return int(port)

    async def received_ssrc(self, kind: str) -> int:
        """The SSRC under which the server sends us that kind, of the slot that is in use."""
        # What a browser says of its receivers may be a second old.
        await self.tab.wait_for(_IN_USE, kind, within_s=PATIENCE_S)
        return int(await self.tab.evaluate(_IN_USE, kind))


_IN_USE = """async (kind) => {
    const stats = [...(await venteromTest.peers.at(-1).getStats()).values()];
    const streams = stats.filter((s) => s.type === 'inbound-rtp' && s.kind === kind && s.packetsReceived > 0);
    return streams.sort((a, b) => b.packetsReceived - a.packetsReceived)[0]?.ssrc;
}"""

_STATE = "document.querySelector('[data-testid=state]')?.dataset.state"

_YES = "dialog[open] :is([data-testid*=confirm], [data-testid*=yes])"

_FLASHES = "venteromTest.flashesAndClicks(stream, milliseconds)"

_WITH_REMOTE = """async (milliseconds) => {
    const peer = venteromTest.peers.at(-1);
    const shown = document.querySelector('[data-testid=remote-video]').srcObject;
    const video = shown.getVideoTracks()[0];
    // The sound of the same person may play in an element of its own: it is the live audio in use.
    const stats = [...(await peer.getStats()).values()].filter((s) => s.type === 'inbound-rtp' && s.kind === 'audio');
    const used = stats.sort((a, b) => b.packetsReceived - a.packetsReceived)[0].trackIdentifier;
    const audio = peer.getReceivers().map((r) => r.track).find((t) => t.id === used);
    const stream = new MediaStream([video, audio]);
    return await %s;
}"""

_WITH_SELF = """async (milliseconds) => {
    const tracks = venteromTest.streams.flatMap((s) => s.getTracks()).filter((t) => t.readyState === 'live');
    const last = (kind) => tracks.filter((t) => t.kind === kind).at(-1);
    const stream = new MediaStream([last('video'), last('audio')]);
    return await %s;
}"""


def _rgb(field: list[float]) -> Rgb:
    red, green, blue = field
    return int(red), int(green), int(blue)
