"""Each codec between two stock Chromiums, and the change when somebody comes who lacks the room's; redundant audio."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.aiortc_person import AiortcPerson
from tests.browser.call import meet, wait_in_lobby
from tests.browser.capture import Capture
from tests.browser.conftest import Arrive
from tests.browser.content import Quarters
from tests.browser.crowd import address, entry
from tests.browser.firefox import Firefox
from tests.browser.island import Island
from tests.browser.person import Person
from tests.browser.playing import plays
from tests.browser.server import Server

GREEN, RED = "#20d020", "#d02020"
QUARTERS: Quarters = ("#dc1e1e", "#1ec81e", "#1e1edc", "#ebebeb")
QUARTERS_OF_THIRD: Quarters = ("#dcdc1e", "#dc1edc", "#1edcdc", "#101010")
RED_TYPE, OPUS_TYPE = 63, 111
"""Chromium's payload types."""

_CODEC = """async ([direction, kind]) => {
    const stats = [...(await venteromTest.peers.at(-1).getStats()).values()];
    const streams = stats.filter((s) => s.type === `${direction}-rtp` && s.kind === kind);
    const used = streams.sort((a, b) => (b.packetsSent ?? b.packetsReceived) - (a.packetsSent ?? a.packetsReceived))[0];
    return stats.find((s) => s.id === used?.codecId)?.mimeType.split('/')[1] ?? null;
}"""

_BOTH_WAYS = """() => {
    const names = (end) => end.getCapabilities('video').codecs.map((codec) => codec.mimeType.split('/')[1]);
    const received = names(RTCRtpReceiver);
    return [...new Set(names(RTCRtpSender))].filter((name) => received.includes(name));
}"""


async def codec(person: Person, direction: str, kind: str = "video") -> str | None:
    found = await person.tab.evaluate(_CODEC, [direction, kind])
    return None if found is None else str(found)


async def comes_to_send(person: Person, name: str, within_s: float = 10.0) -> None:
    """Waits until the person sends that codec."""
    end = time.monotonic() + within_s
    while (now := await codec(person, "outbound")) != name:
        assert time.monotonic() < end, f"sends {now}"
        await asyncio.sleep(0.1)


def preferring(*names: str) -> dict[str, str]:
    return {"MEDIA__VIDEO_CODECS": json.dumps(names)}


@pytest.mark.parametrize("name", [pytest.param("VP8", marks=pytest.mark.long), "H264", "VP9", "AV1"])
async def test_each_codec_both_ways(name: str, tmp_path: Path, arrive: Arrive) -> None:
    server = await Server.start(tmp_path, settings=preferring(name))
    try:
        practitioner = await arrive(server.practitioner, colour=GREEN)
        call = await meet(practitioner, await arrive(server.patient, colour=RED))
        assert await call.practitioner.sees_colour(RED)
        assert await call.patient.sees_colour(GREEN)
        for person in call.both:
            assert await codec(person, "outbound") == await codec(person, "inbound") == name
        # Whoever loads anew starts in the middle, at a keyframe that was asked for.
        await call.patient.tab.reload()
        await call.patient.is_in("call")
        for person, colour in ((call.patient, GREEN), (call.practitioner, RED)):
            await call.is_seen_by(person, frames=30)
            assert await person.sees_colour(colour)
            assert await codec(person, "inbound") == name
    finally:
        await server.stop()


@pytest.mark.long
@pytest.mark.parametrize("name", ["VP9", "AV1", "H264"])
async def test_each_codec_between_firefox_and_chromium(
    name: str, tmp_path: Path, island: Island, island_chromium: Browser, firefox: Firefox, arrive: Arrive
) -> None:
    """Of those that this Firefox has. H.264 it has of a plugin, which it fetches from the internet."""
    server = await Server.start(tmp_path, settings=preferring(name), island=island)
    try:
        practitioner = await arrive(server.practitioner, browser=firefox, quarters=QUARTERS)
        both_ways = await practitioner.tab.evaluate(_BOTH_WAYS)
        print(f"Firefox sends and receives {both_ways}")
        if name not in both_ways:
            pytest.skip(f"this Firefox has {both_ways}")
        patient = await arrive(server.patient, browser=island_chromium, quarters=QUARTERS_OF_THIRD)
        call = await meet(practitioner, patient)
        await practitioner.sees_quarters(QUARTERS_OF_THIRD)
        await patient.sees_quarters(QUARTERS)
        for person in call.both:
            assert await codec(person, "outbound") == await codec(person, "inbound") == name
        # Whoever loads anew starts in the middle, at a keyframe that was asked for.
        for person in call.both:
            await person.tab.reload()
            await person.is_in("call")
            await call.is_seen_by(call.other(person), frames=30)
            await practitioner.sees_quarters(QUARTERS_OF_THIRD)
            await patient.sees_quarters(QUARTERS)
        for person in call.both:
            assert await codec(person, "inbound") == name
    finally:
        await server.stop()


async def test_who_lacks_the_codec_makes_the_room_switch(tmp_path: Path, arrive: Arrive) -> None:
    server = await Server.start(tmp_path, settings=preferring("AV1", "VP8"))
    try:
        practitioner = await arrive(server.practitioner, colour=GREEN)
        patient = await arrive(server.patient, colour=RED, decodes=["video/vp8"])
        call = await wait_in_lobby(practitioner, patient)
        await comes_to_send(practitioner, "AV1")
        await practitioner.press("admit")
        await practitioner.is_in("call")
        await patient.is_in("call")
        assert await patient.sees_colour(GREEN)
        assert await practitioner.sees_colour(RED)
        await comes_to_send(practitioner, "VP8")
        for person in call.both:
            await call.is_seen_by(person, frames=30)
        assert await codec(patient, "inbound") == "VP8"
    finally:
        await server.stop()


@pytest.mark.parametrize("name", ["AV1", pytest.param("VP9", marks=pytest.mark.long)])
async def test_a_room_of_two_switches_when_aiortc_comes(
    name: str, tmp_path: Path, island: Island, island_chromium: Browser, arrive: Arrive
) -> None:
    """It decodes VP8 and H.264 alone."""
    server = await Server.start(tmp_path, settings=preferring(name, "VP8"), island=island)
    try:
        people = []
        for who, role in (("Ingrid", "practitioner"), ("Arne", "patient")):
            link = address(server, "patient", entry(server, who.lower(), role, who, size=3))
            person = await arrive(link, browser=island_chromium, quarters=QUARTERS)
            await person.join()
            await person.is_in("call")
            people.append(person)
        for person in people:
            await comes_to_send(person, name)
        link = address(server, "patient", entry(server, "kari", "interpreter", "Kari", size=3))
        third = await AiortcPerson.start(island, link, QUARTERS_OF_THIRD, 880.0)
        async with third.process:
            await third.join()
            await third.is_in("call")
            await third.sees_quarters(QUARTERS)
            for person, other in zip(people, ("Arne", "Ingrid"), strict=True):
                await comes_to_send(person, "VP8")
                await plays(person, [other, "Kari"])
    finally:
        await server.stop()


async def test_redundant_audio_passes_between_chromiums(server: Server, capture: Capture, arrive: Arrive) -> None:
    """`getStats` names the codec inside; what is on the wire, the packets say."""
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    start = time.time()
    for person in call.both:
        assert (await person.hears_remote(2.0))[1] > -60
    capture.assert_complete()
    for person in call.both:
        port = await person.local_port()
        for packets in (
            capture.rtp_after(start, from_port=port),
            capture.sent_by_server(start, to_port=port),
        ):
            audio = [packet for packet in packets if packet.payload_type in (RED_TYPE, OPUS_TYPE)]
            redundant = [packet for packet in audio if packet.payload_type == RED_TYPE]
            assert len(redundant) > 0.9 * len(audio) > 50
