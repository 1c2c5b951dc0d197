"""Which of the others a page shows, and how it goes with each."""

from collections.abc import Collection, Iterable
from typing import Any

from tests.browser.person import Person

PATIENCE_S = 60.0

PLAYING = """async () => {
    const stats = [...(await venteromTest.peers.at(-1).getStats()).values()];
    const videos = stats.filter((s) => s.type === 'inbound-rtp' && s.kind === 'video');
    const inbound = new Map(videos.map((s) => [s.trackIdentifier, s]));
    const found = {};
    for (const video of document.querySelectorAll('[data-testid=remote-video]')) {
        const track = video.srcObject?.getVideoTracks()[0];
        const its = track && inbound.get(track.id);
        const name = video.parentElement.querySelector('strong').textContent;
        if (its) found[name] = { frames: its.framesReceived ?? 0, lost: its.packetsLost, freezes: its.freezeCount ?? 0,
            decoded: its.framesDecoded ?? 0, width: video.videoWidth, ssrc: its.ssrc, mid: its.mid };
    }
    return found;
}"""
"""Of each who is shown, by name, what was received."""

_ALL_PLAY = """([names]) => {
    const shown = new Map([...document.querySelectorAll('[data-testid=remote-video]')]
        .map((video) => [video.parentElement.querySelector('strong').textContent, video]));
    const plays = (video) => video && video.videoWidth > 0 && !video.parentElement.matches('.covered');
    return names.every((name) => plays(shown.get(name)));
}"""

_SHOWN = """() => JSON.stringify({
    tiles: [...document.querySelectorAll('.tile')].map((tile) => [tile.innerText,
        tile.querySelector('video').srcObject?.getTracks().map((track) => [track.kind, track.id, track.muted])]),
    sections: venteromTest.peers.at(-1).getTransceivers().map((one) =>
        [one.mid, one.currentDirection, one.receiver.track.id, one.receiver.track.muted]),
    peers: venteromTest.peers.map((peer) => [peer.signalingState, peer.connectionState]),
    sockets: venteromTest.sockets.map((socket) => socket.readyState),
})"""


async def plays(person: Person, names: Iterable[str], within_s: float = PATIENCE_S) -> None:
    """Waits until the page shows all of these people moving."""
    try:
        await person.tab.wait_for(_ALL_PLAY, [list(names)], within_s=within_s)
    except TimeoutError:
        found = await person.tab.evaluate(PLAYING)
        shown = await person.tab.evaluate(_SHOWN)
        raise AssertionError(f"not all of {names} play: {found}, {shown}") from None


async def figures(person: Person, names: Collection[str]) -> dict[str, dict[str, Any]]:
    """`PLAYING`, once it has all of these: what a browser says of its receivers may be a second old."""
    has_all = f"async (names) => {{ const all = await ({PLAYING})(); return names.every((name) => name in all); }}"
    await person.tab.wait_for(has_all, list(names), within_s=PATIENCE_S)
    found: dict[str, dict[str, Any]] = await person.tab.evaluate(PLAYING)
    return found
