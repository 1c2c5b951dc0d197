"""How tests see a closed gate: a packet socket counts what leaves the server, colours tell when a frame was taken."""

import asyncio
import time
from typing import Final

from tests.browser.capture import Capture, Packet
from tests.browser.content import NEAR, distance
from tests.browser.person import Person

GRACE_S: Final = 0.5
"""From so long after the command no RTP passes."""

WATCHED_S: Final = 2.5
"""How long a silence is watched."""
OPEN, SHUT, LATER = "#20d020", "#d02020", "#2020d0"
"""What cameras show before a gate closes, while it is closed, and just before it opens."""


async def nothing_from(capture: Capture, told: float, *, to_port: int | None = None, ssrc: int | None = None) -> None:
    """Fails where the server still sends RTP later than the grace after `told`."""
    await asyncio.sleep(max(0.0, told + GRACE_S + WATCHED_S - time.time()))
    capture.assert_complete()
    leaked = capture.rtp_after(told + GRACE_S, from_port=capture.port, to_port=to_port, ssrc=ssrc)
    assert leaked == [], f"{len(leaked)} packets, the first {leaked[0].time - told:.3f} s after the command"


def arriving(capture: Capture, since: float, port: int) -> list[Packet]:
    """RTP that the server got from a client's port."""
    return capture.rtp_after(since, to_port=capture.port, from_port=port)


async def never_shows(person: Person, colour: str) -> None:
    """Since `watch_remote`, no frame was of that colour."""
    await person.shows_frames_since(0, 21)
    seen = [shown for _, shown in await person.watched()]
    assert [shown for shown in seen if distance(shown, colour) < NEAR] == []


async def shows(person: Person, colour: str) -> None:
    """Since `watch_remote`, some frame was."""
    assert any(distance(shown, colour) < NEAR for _, shown in await person.watched())
