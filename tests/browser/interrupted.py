"""A server that browsers reach over paths of ours, which can be broken: signalling over TCP, media over UDP."""

import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from socket import SOCK_DGRAM

from playwright.async_api import Browser
from sqlalchemy import URL

from benchmarks.link import LinkConfig
from benchmarks.link.relay import Flow, Relay
from tests.browser.call import Call, meet
from tests.browser.conftest import Arrive
from tests.browser.firefox import Firefox
from tests.browser.island import Island
from tests.browser.person import PATIENCE_S, Person
from tests.browser.server import Server
from tests.ports import free_port
from tests.tcp_relay import TcpRelay

RESUME_S = 1.0
MEDIA_BACK_S = 3.0
BROKEN = "Forbindelsen ble brutt. Vi kobler deg til igjen."
NO_HOST = ("Behandleren er ikke her akkurat nå.", "Samtalen går videre når behandleren er tilbake.")

_NOTE = """() => {
    const states = [];
    const root = document.querySelector('[data-testid=state]');
    const note = () => states.push([Date.now(), root.dataset.state]);
    new MutationObserver(note).observe(root, { attributes: true, attributeFilter: ['data-state'] });
    note();
    venteromTest.states = states;
}"""

_LISTEN = """() => {
    const sounds = venteromTest.sounds = [];
    let last = 0;
    setInterval(() => {
        const receivers = venteromTest.peers.flatMap((peer) => peer.getReceivers());
        const heard = receivers.filter((one) => one.track.kind === 'audio');
        const sources = heard.flatMap((one) => one.getSynchronizationSources());
        const latest = Math.max(0, ...sources.map((source) => source.timestamp));
        if (latest > last) sounds.push(Date.now());
        last = Math.max(last, latest);
    }, 10);
}"""


_BANNER = """(words) => {
    const banner = document.querySelector('[data-testid=banner]');
    return banner.checkVisibility() && banner.innerText === words;
}"""

_NO_BANNER = "() => !document.querySelector('[data-testid=banner]').checkVisibility()"

_CURTAIN = """(lines) => {
    const curtain = document.querySelector('.curtain');
    return curtain?.checkVisibility() && lines.every((line) => curtain.innerText.includes(line));
}"""


@dataclass(slots=True)
class House:
    """The server and the paths to it."""

    server: Server
    signalling: TcpRelay
    media: Relay

    @property
    def patient(self) -> str:
        return self.through(self.server.patient)

    @property
    def practitioner(self) -> str:
        return self.through(self.server.practitioner)

    def through(self, address: str) -> str:
        """The same page, by the path of signalling."""
        return address.replace(f":{self.server.port}/", f":{self.signalling.port}/")

    async def flow(self, person: Person) -> Flow:
        """The person's way through the media path."""
        return self.media.flow(await person.local_port())


@asynccontextmanager
async def house(
    data: Path,
    *,
    link: LinkConfig | None = None,
    settings: Mapping[str, str] | None = None,
    database: URL | None = None,
    island: Island | None = None,
) -> AsyncIterator[House]:
    """Signalling and media both pass through relays; `link` is the media's, each way. All may be on an island."""
    media_port = free_port(SOCK_DGRAM)
    within = nullcontext if island is None else island.entered
    host = "127.0.0.1" if island is None else island.address
    with ExitStack() as stack:
        with within():  # the relay's thread, too, which opens sockets of its own
            media = stack.enter_context(Relay((host, media_port), link or LinkConfig(delay=5_000), host=host))
        given = {"MEDIA__ANNOUNCE": f'["{media.announce}"]', **(settings or {})}
        server = await Server.start(data, media_port=media_port, settings=given, database=database, island=island)
        async with TcpRelay.to(server.port, within=within) as signalling:
            running = House(server, signalling, media)
            try:
                yield running
            finally:
                await running.server.stop()


async def note_states(person: Person) -> None:
    """From now on each change of the page's state is noted."""
    await person.tab.evaluate(_NOTE)


async def states(person: Person) -> list[str]:
    """The states since then, the one at that time first."""
    return [state for _, state in await person.tab.evaluate("() => venteromTest.states")]


async def peers(person: Person) -> int:
    """How many PeerConnections the page has made."""
    return int(await person.tab.evaluate("() => venteromTest.peers.length"))


async def credentials(person: Person) -> str:
    """The ICE user name of the page's newest PeerConnection."""
    sdp = await person.tab.evaluate("() => venteromTest.peers.at(-1).localDescription.sdp")
    found = re.search("^a=ice-ufrag:(.*)$", sdp, re.MULTILINE)
    assert found is not None
    return found[1]


async def banner_says(person: Person, words: str, within_s: float = PATIENCE_S) -> None:
    """Waits until the banner over the page can be seen, and says just that."""
    await person.tab.wait_for(_BANNER, words, within_s=within_s)


async def banner_goes(person: Person) -> None:
    """Waits until no banner can be seen."""
    await person.tab.wait_for(_NO_BANNER, within_s=PATIENCE_S)


async def curtain_says(person: Person, *lines: str) -> None:
    """Waits until the curtain over the pictures can be seen, and says that among else."""
    await person.tab.wait_for(_CURTAIN, list(lines), within_s=PATIENCE_S)


async def resumed_after(person: Person, since: float) -> float:
    """Seconds from a wall time until the page, which noted its states, was in the call again; 0 where it was before."""
    noted = await person.tab.evaluate("() => venteromTest.states")
    return max(0.0, float(next(at for at, state in reversed(noted) if state == "call")) / 1000 - since)


async def longest_gap(person: Person, begin: float, end: float) -> float:
    """Seconds between two frames that a watched remote picture showed, at the most, between two wall times."""
    shown = [begin, *(at for at, _ in await person.watched() if begin < at < end), end]
    return max(later - earlier for earlier, later in pairwise(shown))


async def came_back(person: Person, since: float) -> float:
    """Seconds from a wall time until the first frame of a watched remote picture after it."""
    later = [at for at, _ in await person.watched() if at > since]
    assert later, "no frame since"
    return later[0] - since


def now() -> float:
    """Wall time, as frames are noted by."""
    return time.time()


async def note_sounds(person: Person) -> None:
    """From now on the moments are noted at which packets of sound of others were played."""
    await person.tab.evaluate(_LISTEN)


async def sound_after(person: Person, since: float) -> float:
    """Seconds from a wall time until the first sound after it; waits for it."""
    first = "(since) => venteromTest.sounds.find((at) => at > since)"
    await person.tab.wait_for(first, since * 1000, within_s=PATIENCE_S)
    return float(await person.tab.evaluate(first, since * 1000)) / 1000 - since


async def call_in(
    place: House,
    arrive: Arrive,
    browsers: tuple[Browser | Firefox | None, Browser | Firefox | None] = (None, None),
    *,
    direct: bool = False,
) -> Call:
    """`direct`: the practitioner's signalling passes no path of ours."""
    practitioner = place.server.practitioner if direct else place.practitioner
    call = await meet(await arrive(practitioner, browser=browsers[0]), await arrive(place.patient, browser=browsers[1]))
    for person in call.both:
        await note_states(person)
        await person.watch_remote()
    return call


async def both_see(call: Call) -> None:
    for person in call.both:
        await person.is_in("call")
        await call.is_seen_by(person)


async def came_through(person: Person) -> bool:
    """Whether the page said that the connection was lost, and was back in the call without any other state."""
    said = await states(person)
    return said[-1] == "call" and set(said) == {"call", "reconnecting"}
