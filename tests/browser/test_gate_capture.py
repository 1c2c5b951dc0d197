"""The gate, seen from outside: a packet socket counts what leaves the server, and colours tell when a frame was taken.

The pages are made stubborn in these tests: they send on where ours would stop, and the server holds them back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.browser.call import Call, meet, wait_in_lobby
from tests.browser.capture import Capture
from tests.browser.conftest import Arrive
from tests.browser.gate import GRACE_S, LATER, OPEN, SHUT, WATCHED_S, arriving, never_shows, nothing_from, shows
from tests.browser.server import Server


async def met(server: Server, arrive: Arrive) -> Call:
    practitioner = await arrive(server.practitioner, colour=OPEN, stubborn=True)
    return await meet(practitioner, await arrive(server.patient, colour=OPEN, stubborn=True))


async def test_the_capture_sees_media_of_a_call(server: Server, capture: Capture, arrive: Arrive) -> None:
    """Without this, finding nothing would prove nothing."""
    call = await met(server, arrive)
    start = time.time()
    await asyncio.sleep(1.0)
    capture.assert_complete()
    for person in call.both:
        port = await person.local_port()
        assert len(capture.sent_by_server(start, to_port=port)) > 40
        assert len(arriving(capture, start, port)) > 40
    kinds = {packet.kind for packet in capture.packets()}
    assert {"stun", "dtls", "rtp", "rtcp"} <= kinds
    assert "unknown" not in kinds


async def test_nothing_passes_in_the_lobby(server: Server, capture: Capture, arrive: Arrive) -> None:
    """Neither to who waits nor from them, though they send, and though the practitioner sends."""
    call = await wait_in_lobby(
        await arrive(server.practitioner, colour=OPEN, stubborn=True),
        await arrive(server.patient, colour=SHUT, stubborn=True),
    )
    await asyncio.sleep(WATCHED_S)
    capture.assert_complete()
    assert capture.sent_by_server(0) == []
    for person in call.both:
        assert len(arriving(capture, 0, await person.local_port())) > 20
    await call.patient.paints(OPEN)
    await asyncio.sleep(0.3)
    await call.practitioner.watch_remote()
    await call.practitioner.press("admit")
    await call.practitioner.sees_remote(frames=30)
    await never_shows(call.practitioner, SHUT)


Step = Callable[[Call], Awaitable[float]]


async def _pause_by_practitioner(call: Call) -> float:
    return await call.practitioner.press("pause")


async def _pause_by_patient(call: Call) -> float:
    return await call.patient.press("pause")


async def _hold(call: Call) -> float:
    return await call.practitioner.press("hold")


async def _to_lobby(call: Call) -> float:
    await call.practitioner.decides("to-lobby")
    return time.time()


async def _resume(call: Call) -> float:
    return await call.practitioner.press("resume")


async def _release(call: Call) -> float:
    return await call.practitioner.press("release")


async def _admit(call: Call) -> float:
    return await call.practitioner.press("admit")


@pytest.mark.parametrize(
    ("shut", "reopen"),
    [
        pytest.param(_pause_by_practitioner, _resume, id="pause-by-practitioner"),
        pytest.param(_pause_by_patient, _resume, id="pause-by-patient"),
        pytest.param(_hold, _release, id="hold"),
        pytest.param(_to_lobby, _admit, id="to-lobby"),
    ],
)
async def test_a_closed_gate_lets_nothing_by_and_nothing_of_that_time_comes_later(
    server: Server, capture: Capture, arrive: Arrive, shut: Step, reopen: Step
) -> None:
    call = await met(server, arrive)
    for person in call.both:
        await person.watch_remote()
    told = await shut(call)
    await asyncio.sleep(GRACE_S)
    for person in call.both:
        await person.paints(SHUT)
    await nothing_from(capture, told)
    # The wire held back something: the stubborn pages sent on.
    assert len(arriving(capture, told + GRACE_S, await call.patient.local_port())) > 20
    for person in call.both:
        await person.paints(LATER)
    await asyncio.sleep(0.3)
    await reopen(call)
    for person in call.both:
        await person.is_in("call")
        await person.sees_remote(frames=30)
        await never_shows(person, SHUT)
        await shows(person, LATER)


async def test_who_is_removed_gets_nothing_and_gives_nothing(server: Server, capture: Capture, arrive: Arrive) -> None:
    call = await met(server, arrive)
    await call.practitioner.decides("remove")
    await nothing_from(capture, time.time())


async def test_the_end_is_the_end(server: Server, capture: Capture, arrive: Arrive) -> None:
    call = await met(server, arrive)
    await call.practitioner.decides("end")
    await nothing_from(capture, time.time())


@pytest.mark.parametrize(("button", "kind", "other"), [("mute", "audio", "video"), ("camera", "video", "audio")])
async def test_a_muted_track_stops_and_the_other_goes_on(
    server: Server, capture: Capture, arrive: Arrive, button: str, kind: str, other: str
) -> None:
    call = await met(server, arrive)
    ssrc = {name: await call.practitioner.received_ssrc(name) for name in (kind, other)}
    told = await call.patient.press(button)
    await nothing_from(capture, told, ssrc=ssrc[kind])
    if other == "video":
        await call.is_seen_by(call.practitioner, frames=30)
    else:
        assert len(capture.rtp_after(told + GRACE_S, from_port=capture.port, ssrc=ssrc[other])) > 20
    assert len(capture.sent_by_server(told + GRACE_S, to_port=await call.patient.local_port())) > 40


async def test_a_page_of_ours_stops_sending_by_itself(server: Server, capture: Capture, arrive: Arrive) -> None:
    """The server would hold it back, and still: nobody's camera is sent anywhere while they wait or pause."""
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    ports = [await person.local_port() for person in call.both]
    told = await call.patient.press("pause")
    for person in call.both:
        await person.is_in("paused")
    await asyncio.sleep(GRACE_S + 1.5)
    for port in ports:
        assert arriving(capture, told + GRACE_S, port) == []
