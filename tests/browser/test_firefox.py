"""A consultation with Firefox at both ends: the gate as a packet socket sees it, mutes, devices, a reload."""

import asyncio
import time
from pathlib import Path

import pytest

from benchmarks.link import LinkConfig
from tests.browser.call import Call, meet, wait_in_lobby
from tests.browser.capture import Capture
from tests.browser.conftest import Arrive
from tests.browser.firefox import Firefox
from tests.browser.gate import (
    GRACE_S,
    LATER,
    OPEN,
    SHUT,
    WATCHED_S,
    arriving,
    never_shows,
    nothing_from,
    shows,
)  # fmt: skip
from tests.browser.island import Island
from tests.browser.server import Server
from tests.browser.strait import strait

LINGERING_S = 2.5
"""So long Firefox itself may go on with a camera that is off: it stops an inactive encoding only after 2 s."""

FAILS_WITHIN_S = 45.0
"""It takes 27 to 29 s."""

BACK_S = 40.0
"""Firefox holds back a WebSocket to a server that refused the ones before, longer each time."""


async def test_lobby_pause_and_removal_let_nothing_by(
    island_server: Server, island_capture: Capture, arrive: Arrive, firefox: Firefox
) -> None:
    """The pages are stubborn: they send on where ours would stop, and the server holds them back."""
    call = await wait_in_lobby(
        await arrive(island_server.practitioner, browser=firefox, colour=OPEN, stubborn=True),
        await arrive(island_server.patient, browser=firefox, colour=SHUT, stubborn=True),
    )
    await asyncio.sleep(WATCHED_S)
    island_capture.assert_complete()
    assert island_capture.sent_by_server(0) == []
    await opens(call, "admit")

    told = await call.patient.press("pause")
    await closed(call, island_capture, told)
    await opens(call, "resume")

    await call.practitioner.decides("to-lobby")
    await closed(call, island_capture, time.time())
    await opens(call, "admit")

    await call.practitioner.decides("remove")
    await nothing_from(island_capture, time.time())
    await call.patient.is_in("ended")
    await call.practitioner.is_in("call")


async def closed(call: Call, capture: Capture, told: float) -> None:
    """Nothing passes, though both send."""
    await asyncio.sleep(GRACE_S)
    for person in call.both:
        await person.paints(SHUT)
    await nothing_from(capture, told)
    for person in call.both:
        assert len(arriving(capture, told + GRACE_S, await person.local_port())) > 20


async def opens(call: Call, button: str) -> None:
    """Both see each other, and nothing of before."""
    for person in call.both:
        await person.paints(LATER)
        await person.watch_remote()
    await asyncio.sleep(0.3)
    await call.practitioner.press(button)
    for person in call.both:
        await person.is_in("call")
        await person.sees_remote(frames=30)
        await never_shows(person, SHUT)
        await shows(person, LATER)


async def test_mute_and_camera_off(
    island_server: Server, island_capture: Capture, arrive: Arrive, firefox: Firefox
) -> None:
    practitioner = await arrive(island_server.practitioner, browser=firefox)
    call = await meet(practitioner, await arrive(island_server.patient, browser=firefox, colour=OPEN, tone=880.0))
    audio, video = [await practitioner.received_ssrc(kind) for kind in ("audio", "video")]
    port = await call.patient.local_port()
    told = await call.patient.press("mute")
    await nothing_from(island_capture, told, ssrc=audio)
    await call.is_seen_by(practitioner, frames=30)
    told = await call.patient.press("camera")
    await nothing_from(island_capture, told, ssrc=video)
    # Firefox goes on with a frame a second unless its encoding is switched off too.
    await asyncio.sleep(max(0.0, told + LINGERING_S + 1.5 - time.time()))
    assert arriving(island_capture, told + LINGERING_S, port) == []
    await call.patient.press("camera")
    await call.is_seen_by(practitioner)
    await call.patient.press("mute")
    await practitioner.hears_tone(880.0)


async def test_another_camera(island_server: Server, arrive: Arrive, firefox: Firefox) -> None:
    practitioner = await arrive(island_server.practitioner, browser=firefox)
    patient = await arrive(island_server.patient, browser=firefox, colour="#20d020", second="#2020d0")
    await meet(practitioner, patient)
    assert await practitioner.sees_colour("#20d020")
    other = await patient.changes_camera(unlike=await patient.camera_in_use())
    assert await practitioner.sees_colour("#2020d0")
    assert await patient.camera_in_use() == other


async def test_the_page_loaded_anew_comes_back_to_the_call(
    island_server: Server, arrive: Arrive, firefox: Firefox
) -> None:
    practitioner = await arrive(island_server.practitioner, browser=firefox)
    call = await meet(practitioner, await arrive(island_server.patient, browser=firefox, colour=OPEN, tone=880.0))
    for person in call.both:
        await person.tab.reload()
        await person.is_in("call")
        await call.is_seen_by(call.patient)
        await call.is_seen_by(practitioner)
    await practitioner.hears_tone(880.0)


async def test_a_killed_server_comes_back_and_so_does_the_call(
    island_server: Server, arrive: Arrive, firefox: Firefox
) -> None:
    call = await meet(
        await arrive(island_server.practitioner, browser=firefox, colour=SHUT),
        await arrive(island_server.patient, browser=firefox, colour=SHUT),
    )
    running = await island_server.restart()
    try:
        for person in call.both:
            await person.paints(LATER)
            await person.is_in("call", within_s=BACK_S)
        for person in call.both:
            await person.sees_remote(within_s=BACK_S)
            assert await person.sees_colour(LATER)
    finally:
        await running.stop()


@pytest.mark.long
async def test_a_transport_that_failed_is_made_anew(
    tmp_path: Path, island: Island, arrive: Arrive, firefox: Firefox
) -> None:
    """Firefox says of a failed one that it connected again, and sends nothing."""
    async with strait(tmp_path, island, LinkConfig()) as place:
        call = await meet(
            await arrive(place.server.practitioner, browser=firefox, colour=SHUT),
            await arrive(place.server.patient, browser=firefox, colour=SHUT),
        )
        place.media.cut()
        for person in call.both:
            await person.is_in("reconnecting", within_s=FAILS_WITHIN_S)
            await person.tab.wait_for("() => venteromTest.peers.length > 1", within_s=FAILS_WITHIN_S)
            await person.paints(LATER)
        place.media.cut(False)
        for person in call.both:
            await person.is_in("call", within_s=BACK_S)
        for person in call.both:
            await person.sees_remote(within_s=BACK_S)
            assert await person.sees_colour(LATER)
