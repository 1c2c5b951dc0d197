"""What happens to real calls: lines that break, pages that are loaded anew, devices that sleep, people who go."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from playwright.async_api import Browser
from sqlalchemy import URL

from benchmarks.link import LinkConfig
from tests.browser.call import Call, meet
from tests.browser.capture import Capture
from tests.browser.conftest import Arrive, Launch, capture_of
from tests.browser.crowd import address, entry
from tests.browser.firefox import Firefox
from tests.browser.gate import arriving
from tests.browser.interrupted import (
    House,
    banner_says,
    came_back,
    credentials,
    curtain_says,
    house,
    longest_gap,
    note_sounds,
    note_states,
    now,
    peers,
    resumed_after,
    sound_after,
    states,
)
from tests.browser.island import Island
from tests.browser.person import PATIENCE_S, Person
from tests.browser.playing import PLAYING, plays
from tests.browser.screen import LEGIBLE, SCREEN, sees_screen, shares
from tests.browser.stopwatch import BUSY_S, Stopwatch

GAP_S = 0.5
"""A picture that goes on shows frames 33 ms apart, and now and then one is late; outages here are longer."""
HALF_OPEN_S = 10.0
SHOWN_S = 0.5
"""From a server's decision until a page shows it, and a test has looked."""
RESUME_S = 1.0
MEDIA_BACK_S = 3.0
CONSENT_S = 3.0
RTT_MS = 40
LINK = LinkConfig(delay=RTT_MS * 500)
MOMENT_S = 3.0
BROKEN = "Forbindelsen ble brutt. Vi kobler deg til igjen."
BROKEN_LONG = "Vi får ikke kontakt. Gå nærmere ruteren, eller bytt til mobilnett."
LONG_BREAK_S = 15.0
AWAY_S = 60
"""Who is out of reach for so long is shown no more."""
ENOUGH = 100
"""Packets of somebody who sends on: a second and a half of sound and picture."""
ON_HOLD = "Du er satt på vent"
NO_HOST = ("Behandleren er ikke her akkurat nå.", "Samtalen går videre når behandleren er tilbake.")

_RESTARTED = "(ice) => !venteromTest.peers.at(-1).localDescription.sdp.includes(`a=ice-ufrag:${ice}`)"
_BANNER_SHOWN = "document.querySelector('[data-testid=banner]').checkVisibility()"
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
_SAYS_LOST = "() => document.body.innerText.includes('Mistet forbindelsen')"


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


async def half_open(place: House, call: Call) -> None:
    """Signalling of the patient, not the practitioner's, is gone without a word."""
    practitioner, patient = call.both
    found = Stopwatch()
    place.signalling.freeze()
    # The patient's page finds it by its ping, the server by its silence.
    await asyncio.gather(
        banner_says(patient, BROKEN, HALF_OPEN_S + BUSY_S),
        practitioner.tab.wait_for(_SAYS_LOST, within_s=HALF_OPEN_S + BUSY_S),
    )
    found.within(HALF_OPEN_S + SHOWN_S)
    back = Stopwatch()
    place.signalling.thaw()
    await patient.is_in("call")
    back.within(RESUME_S)
    await both_see(call)
    for person in call.both:
        found.within(GAP_S, await longest_gap(person, found.began, now()))
        assert await peers(person) == 1
    assert await came_through(patient)
    assert await states(practitioner) == ["call"]


async def torn(place: House, call: Call) -> None:
    """Signalling of both is torn, and refused for a while."""
    broken = Stopwatch()
    await place.signalling.close()
    for person in call.both:
        await banner_says(person, BROKEN)
    broken.within(SHOWN_S)
    await asyncio.sleep(6)
    back = Stopwatch()
    await place.signalling.open()
    for person in call.both:
        await person.is_in("call")
        back.within(RESUME_S, await resumed_after(person, back.began))
    await both_see(call)
    for person in call.both:
        broken.within(GAP_S, await longest_gap(person, broken.began, now()))
        assert await came_through(person)
        assert await peers(person) == 1


async def gone_for_a_moment(place: House, call: Call) -> None:
    """The path of media; nobody is told."""
    before = [await credentials(person) for person in call.both]
    for person in call.both:
        await note_sounds(person)
    gone = Stopwatch()
    place.media.cut()
    await asyncio.sleep(MOMENT_S)
    # The page asks for new credentials by now, seconds before the browser says that anything is amiss.
    for person, ice in zip(call.both, before, strict=True):
        await person.tab.wait_for(_RESTARTED, ice, within_s=BUSY_S)
    gone.within(MOMENT_S + SHOWN_S)
    back = Stopwatch()
    place.media.cut(False)
    await both_see(call)
    for person in call.both:
        sound = await sound_after(person, back.began)
        print(f"sound after {sound:.3f} s, picture after {await came_back(person, back.began):.3f} s")
        back.within(RTT_MS / 1000 + 0.3, sound)
        assert await peers(person) == 1
        assert await states(person) == ["call"]


@pytest.mark.long
async def test_half_open_signalling_is_found_in_ten_seconds_and_media_runs_on(tmp_path: Path, arrive: Arrive) -> None:
    async with house(tmp_path) as place:
        await half_open(place, await call_in(place, arrive, direct=True))


async def test_signalling_torn_and_refused_for_a_while(tmp_path: Path, arrive: Arrive) -> None:
    async with house(tmp_path) as place:
        await torn(place, await call_in(place, arrive))


async def test_the_path_of_media_gone_for_a_moment(tmp_path: Path, arrive: Arrive) -> None:
    async with house(tmp_path, link=LINK) as place:
        await gone_for_a_moment(place, await call_in(place, arrive))


@pytest.mark.long
@pytest.mark.parametrize("happens", [half_open, torn, gone_for_a_moment])
async def test_what_breaks_for_a_patient_with_firefox(
    happens: Callable[[House, Call], Awaitable[None]],
    tmp_path: Path,
    island: Island,
    island_chromium: Browser,
    firefox: Firefox,
    arrive: Arrive,
) -> None:
    async with house(tmp_path, link=LINK, island=island) as place:
        both = island_chromium, firefox
        await happens(place, await call_in(place, arrive, both, direct=happens is half_open))


@pytest.mark.long
@pytest.mark.parametrize("seconds", [10, 30])
async def test_the_path_of_media_gone_and_back_from_a_new_address(seconds: int, tmp_path: Path, arrive: Arrive) -> None:
    async with house(tmp_path, link=LINK) as place:
        call = await call_in(place, arrive)
        before = [await credentials(person) for person in call.both]
        for person in call.both:
            await note_sounds(person)
        place.media.cut()
        await asyncio.sleep(seconds)
        for person in call.both:
            # The browser says so after 9 s at the latest; what is tried in vain meanwhile puts nothing off.
            long = seconds > LONG_BREAK_S
            await banner_says(person, BROKEN_LONG if long else BROKEN, SHOWN_S if long else PATIENCE_S)
        back = now()
        for flow in place.media.flows():
            place.media.rebind(flow)
        place.media.cut(False)
        await both_see(call)
        for person, ice in zip(call.both, before, strict=True):
            sound = await sound_after(person, back)
            print(f"{seconds} s: sound after {sound:.3f} s, picture after {await came_back(person, back):.3f} s")
            assert await came_through(person)
            if seconds == 10:  # ICE restarted
                assert await credentials(person) != ice
                assert await peers(person) == 1
            else:  # a new PeerConnection
                assert await peers(person) > 1


@pytest.mark.long
async def test_the_browser_says_online_and_signalling_is_back_at_once(tmp_path: Path, arrive: Arrive) -> None:
    async with house(tmp_path) as place:
        call = await call_in(place, arrive)
        context = call.patient.page.context
        await context.set_offline(True)
        place.signalling.tear()
        await call.patient.is_in("reconnecting", BUSY_S)
        await asyncio.sleep(3)
        back = Stopwatch()
        await context.set_offline(False)
        await call.patient.is_in("call")
        back.within(RESUME_S)


async def test_a_new_binding_of_the_nat_is_followed_and_nobody_is_told(tmp_path: Path, arrive: Arrive) -> None:
    """By the next question for consent, or by new credentials where the page found the silence first."""
    async with house(tmp_path) as place:
        call = await call_in(place, arrive)
        bound = Stopwatch()
        for flow in place.media.flows():
            place.media.rebind(flow)
        # Whatever is shown a second later came by a new port: what goes to an old one is lost.
        for person in call.both:
            await person.shows_frames_since(bound.began + 1, 30)
        for person in call.both:
            bound.within(CONSENT_S, await longest_gap(person, bound.began, now()))
            assert await states(person) == ["call"]
            assert await peers(person) == 1


async def test_the_practitioner_goes_and_comes_back(tmp_path: Path, arrive: Arrive) -> None:
    async with house(tmp_path, settings={"SIGNALLING__HOST_ABSENCE": "2"}) as place:
        call = await call_in(place, arrive)
        await call.practitioner.press("end")
        await call.practitioner.press("end-leave")
        await call.patient.is_in("paused")
        await curtain_says(call.patient, *NO_HOST)
        frames = await call.patient.frames_of_remote()
        practitioner = await arrive(place.practitioner)
        await practitioner.join()
        again = Call(practitioner, call.patient)
        await both_see(again)
        assert await states(call.patient) == ["call", "paused", "call"]
        assert await call.patient.frames_of_remote() != frames
        await practitioner.has("admit", 0)


@pytest.mark.parametrize("seconds", [5, pytest.param(70, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
async def test_a_laptop_that_was_asleep(seconds: int, tmp_path: Path, arrive: Arrive, launch: Launch) -> None:
    """Until the server has given the connection up, and past consent and all waiting."""
    name = f"--venterom-laptop={secrets.token_hex(8)}"
    async with house(tmp_path) as place:
        laptop = await launch(name)
        practitioner = await arrive(place.practitioner)
        patient = await arrive(place.patient, browser=laptop)
        call = await meet(practitioner, patient)
        await note_states(patient)
        browser = next(one for one in psutil.process_iter(["cmdline"]) if name in (one.info["cmdline"] or ()))
        processes = [browser, *browser.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            await practitioner.tab.wait_for(_SAYS_LOST, within_s=HALF_OPEN_S + BUSY_S)
            # By now the server has given the connection up, and the browser the path of media when it wakes.
            await asyncio.sleep(seconds)
            if seconds > AWAY_S:
                await practitioner.tab.wait_for(f"() => !({_SAYS_LOST})()", within_s=BUSY_S)
        finally:
            for process in reversed(processes):
                process.resume()
        await practitioner.tab.wait_for(f"() => !({_SAYS_LOST})()", within_s=10)
        await both_see(call)
        assert (await states(patient))[-1] == "call"
        assert "lobby" not in await states(patient)
        await practitioner.has("admit", 0)


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
            await person.tab.wait_for(f"() => !{_BANNER_SHOWN}", within_s=PATIENCE_S)
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


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_how_soon_all_is_back_at_the_95th_percentile(tmp_path: Path, arrive: Arrive) -> None:
    """The worst but one of twenty: two people, ten times each."""
    async with house(tmp_path) as place:
        call = await call_in(place, arrive)
        torn: list[float] = []
        for number in range(10):
            await place.signalling.close()
            for person in call.both:
                await person.is_in("reconnecting", BUSY_S)
            await asyncio.sleep(0.5 + number * 0.7)
            back = now()
            await place.signalling.open()
            for person in call.both:
                await person.is_in("call")
                torn.append(await resumed_after(person, back))
        killed, pictures = [], []
        for _ in range(10):
            await place.server.kill()
            for person in call.both:
                await person.is_in("reconnecting", BUSY_S)
            place.server = await place.server.start_again()
            ready = now()
            await both_see(call)
            for person in call.both:
                killed.append(await resumed_after(person, ready))
                pictures.append(await came_back(person, ready))
    figures = {"torn": torn, "killed": killed, "picture": pictures}
    print({name: (round(sorted(found)[9], 2), round(sorted(found)[-2], 2)) for name, found in figures.items()})
    assert sorted(torn)[-2] < RESUME_S
    assert sorted(killed)[-2] < RESUME_S
    assert sorted(pictures)[-2] < MEDIA_BACK_S
