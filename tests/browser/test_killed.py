"""The server is killed with `kill -9` and started again: the same calls go on, and nothing that was closed opens."""

import asyncio
from pathlib import Path

from sqlalchemy import URL

from tests.browser.call import Call, meet
from tests.browser.capture import Capture
from tests.browser.conftest import Arrive, capture_of
from tests.browser.crowd import address, entry
from tests.browser.gate import arriving
from tests.browser.interrupted import (
    BROKEN,
    MEDIA_BACK_S,
    NO_HOST,
    RESUME_S,
    House,
    banner_goes,
    banner_says,
    both_see,
    call_in,
    came_back,
    came_through,
    curtain_says,
    house,
    note_states,
    now,
    peers,
    resumed_after,
    states,
)
from tests.browser.person import PATIENCE_S, Person
from tests.browser.playing import PLAYING, plays
from tests.browser.screen import LEGIBLE, SCREEN, sees_screen, shares
from tests.browser.stopwatch import Stopwatch

ENOUGH = 100
"""Packets of somebody who sends on: a second and a half of sound and picture."""
ON_HOLD = "Du er satt på vent"

_MOVING = f"""async (names) => {{
    const playing = await ({PLAYING})();
    return names.every((name) => playing[name]?.frames > 10);
}}"""
_SCREEN_IS_NEW = """() => {
    const track = document.querySelector('[data-testid=remote-screen]')?.srcObject?.getVideoTracks()[0];
    return venteromTest.peers.at(-1).getReceivers().some((receiver) => receiver.track === track);
}"""
_CONNECTED_ANEW = """(made) => {
    const { length, [length - 1]: newest } = venteromTest.peers;
    return length > made && newest.connectionState === 'connected';
}"""


async def nothing_passes(place: House, capture: Capture, call: Call, since: float, made: list[int]) -> None:
    """Both pages send, as stubborn ones do, and of it the server has passed nothing on: no picture and no sound.

    `made`: how many PeerConnections each had made by then.
    """
    ports = []
    for person, before in zip(call.both, made, strict=True):
        await person.tab.wait_for(_CONNECTED_ANEW, before, within_s=PATIENCE_S)
        ports.append((await place.flow(person)).ports[-1])
    end = now() + PATIENCE_S
    while min(len(arriving(capture, since, port)) for port in ports) < ENOUGH:
        assert now() < end, "somebody does not send"
        await asyncio.sleep(0.1)
    capture.assert_complete()
    assert capture.sent_by_server(since) == []


async def test_a_killed_server_reopens_nothing(tmp_path: Path, arrive: Arrive, demo_database: URL | None) -> None:
    """Killed with `kill -9` while the room is paused, while somebody is held, and while somebody was sent back."""
    async with house(tmp_path, database=demo_database) as place:
        practitioner = await arrive(place.practitioner, stubborn=True)
        call = await meet(practitioner, await arrive(place.patient, stubborn=True))
        patient = call.patient
        for person in call.both:
            await note_states(person)

        async def killed() -> tuple[float, list[int]]:
            made = [await peers(person) for person in call.both]
            await place.server.kill()
            dead = now()
            for person in call.both:
                await person.is_in("reconnecting")
            place.server = await place.server.start_again()
            return dead, made

        with capture_of(place.server.media_port) as capture:
            await practitioner.press("pause")
            await patient.is_in("paused")
            killed_at = await killed()
            for person in call.both:
                await person.is_in("paused")
            await nothing_passes(place, capture, call, *killed_at)
            await practitioner.press("resume")
            await both_see(call)

            held = {"participant": await patient.tab.evaluate("() => venteromTest.participant")}
            await practitioner.says("hold", **held)
            await patient.is_in("paused")
            killed_at = await killed()
            await practitioner.is_in("call")
            await patient.is_in("paused")
            await curtain_says(patient, ON_HOLD)
            await nothing_passes(place, capture, call, *killed_at)
            await practitioner.says("release", **held)
            await both_see(call)

            await practitioner.decides("to-lobby")
            await patient.is_in("lobby")
            killed_at = await killed()
            await practitioner.is_in("call")
            await patient.is_in("lobby")
            await practitioner.has("admit", 1)
            await nothing_passes(place, capture, call, *killed_at)
            await practitioner.press("admit")
            await both_see(call)
        assert "connecting" not in await states(patient)


async def test_a_killed_server_gives_the_call_back(tmp_path: Path, arrive: Arrive, demo_database: URL | None) -> None:
    """With the screen that one shares."""
    async with house(tmp_path, database=demo_database) as place:
        call = await call_in(place, arrive)
        await call.practitioner.tab.evaluate(SCREEN)
        await shares(call.practitioner)
        await sees_screen(call.patient, LEGIBLE)
        await place.server.kill()
        for person in call.both:
            await banner_says(person, BROKEN)
        place.server = await place.server.start_again()
        ready = Stopwatch()
        await both_see(call)
        for person in call.both:
            ready.within(MEDIA_BACK_S, await came_back(person, ready.began))
            assert await came_through(person)
            await banner_goes(person)
        await call.patient.tab.wait_for(_SCREEN_IS_NEW, within_s=PATIENCE_S)
        await sees_screen(call.patient, LEGIBLE)


async def test_a_killed_server_gives_a_group_back_once_its_host_is_there(tmp_path: Path, arrive: Arrive) -> None:
    """Patients who are back before the practitioner wait for them, unseen by each other, and are told why."""
    async with house(tmp_path) as place:

        async def come(who: str, role: str, name: str) -> Person:
            token = entry(place.server, who, role, name, size=3, gate="open" if role == "practitioner" else "lobby")
            link = address(place.server, "clinic" if role == "practitioner" else "patient", token)
            # The practitioner alone comes by a path that can be closed.
            person = await arrive(place.through(link) if role == "practitioner" else link)
            await person.join()
            return person

        practitioner = await come("ingrid", "practitioner", "Ingrid")
        await practitioner.is_in("call")
        patients = []
        for who in ("Arne", "Kari"):
            patients.append(await come(who.lower(), "patient", who))
            await practitioner.press("admit")
            await practitioner.has("admit", 0)
        everybody = {"Ingrid": practitioner, "Arne": patients[0], "Kari": patients[1]}
        for name, person in everybody.items():
            await person.is_in("call")
            await plays(person, everybody.keys() - {name})
            await note_states(person)
        with capture_of(place.server.media_port) as capture:
            await place.signalling.close()
            await place.server.kill()
            dead = now()
            for person in everybody.values():
                await person.is_in("reconnecting")
            place.server = await place.server.start_again()
            for patient in patients:
                await curtain_says(patient, *NO_HOST)
                await patient.tab.wait_for(_CONNECTED_ANEW, 1, within_s=PATIENCE_S)
            await asyncio.sleep(1)
            capture.assert_complete()
            assert capture.sent_by_server(dead) == []
        back = Stopwatch()
        await place.signalling.open()
        for name, person in everybody.items():
            await person.is_in("call")
            back.within(RESUME_S, await resumed_after(person, back.began))
            others = everybody.keys() - {name}
            await plays(person, others)
            await person.tab.wait_for(_MOVING, list(others), within_s=PATIENCE_S)
        assert set(await states(practitioner)) == {"call", "reconnecting"}
        for patient in patients:
            assert set(await states(patient)) == {"call", "reconnecting", "paused"}
        await practitioner.has("admit", 0)
