"""A screen, or a picture, is shown large and sharp beside the faces, and is gone once it is over."""

from base64 import b64decode

import pytest
from playwright.async_api import Browser, FilePayload

from tests.browser.call import Call, meet
from tests.browser.conftest import Arrive, Launch
from tests.browser.firefox import Firefox
from tests.browser.person import PATIENCE_S
from tests.browser.screen import LEGIBLE, SCREEN, sees_screen, shares
from tests.browser.server import Server

PHONE = (360, 740)

_WITHOUT_SCREEN = "() => { delete MediaDevices.prototype.getDisplayMedia; }"


async def test_a_screen_is_shown_large_and_sharp_and_stops(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    for turn in range(2):
        await call.practitioner.tab.evaluate(SCREEN)
        await shares(call.practitioner)
        await sees_screen(call.patient, LEGIBLE)
        assert await call.practitioner.tab.evaluate(_WISHES) == [["detail", "maintain-resolution", 5]]
        assert await call.patient.tab.evaluate(
            "() => document.querySelector('[data-testid=remote-screen]').parentElement.matches('.large')"
        )
        await call.is_seen_by(call.patient)
        await call.practitioner.press("share-stop")
        await call.patient.has("remote-screen", 0)
        assert await call.practitioner.tab.evaluate(_SHARED_TRACKS) == 0, f"turn {turn}: the screen is let go"
        for person in call.both:
            await call.is_seen_by(person)


@pytest.mark.long
async def test_both_may_show_and_the_browsers_own_button_ends_it(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    for person in call.both:
        await person.tab.evaluate(SCREEN)
        await shares(person)
    for person in call.both:
        await sees_screen(person, LEGIBLE)
    # What the browser's bar does: the track ends by itself.
    await call.patient.tab.evaluate(
        """() => {
            const track = venteromTest.peers.at(-1).getSenders().map((one) => one.track).filter(Boolean).at(-1);
            track.stop();
            track.dispatchEvent(new Event('ended'));
        }"""
    )
    await call.practitioner.has("remote-screen", 0)
    await sees_screen(call.patient, LEGIBLE)


async def test_nothing_of_a_screen_passes_a_pause_or_comes_back_from_the_lobby(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient))
    await call.practitioner.tab.evaluate(SCREEN)
    await shares(call.practitioner)
    await sees_screen(call.patient, LEGIBLE)
    await call.patient.press("pause")
    await call.practitioner.is_in("paused")
    await call.patient.has("remote-screen", 0)
    assert await call.practitioner.tab.evaluate(_SHARED_TRACKS) == 0
    await call.practitioner.press("resume")
    await sees_screen(call.patient, LEGIBLE)
    await call.practitioner.press("share-stop")
    await call.patient.has("remote-screen", 0)

    await call.patient.tab.evaluate(SCREEN)
    await shares(call.patient)
    await sees_screen(call.practitioner, LEGIBLE)
    await call.practitioner.decides("to-lobby")
    await call.patient.is_in("lobby")
    await call.practitioner.admits()
    await call.patient.is_in("call")
    await call.is_seen_by(call.practitioner)
    await call.practitioner.has("remote-screen", 0)
    assert await call.patient.tab.evaluate(_SHARED_TRACKS) == 0
    await shares(call.patient)
    await sees_screen(call.practitioner, LEGIBLE)
    await call.patient.press("share-stop")
    await call.practitioner.has("remote-screen", 0)


async def test_a_phone_shows_a_picture_and_so_does_a_desk(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient, viewport=PHONE))
    await call.patient.tab.evaluate(_WITHOUT_SCREEN)
    picture = await call.patient.tab.evaluate(
        """() => {
            const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
            venteromTest.print(canvas.getContext('2d'), 1280, 720);
            return canvas.toDataURL('image/png').split(',')[1];
        }"""
    )
    file: FilePayload = {"name": "resept.png", "mimeType": "image/png", "buffer": b64decode(picture)}
    for person, screens in ((call.patient, 0), (call.practitioner, 1)):
        await person.press("more")
        await person.has("share-picture", 1)
        await person.has("share", screens)
        async with person.page.expect_file_chooser() as chooser:
            await person.press("share-picture")
        await (await chooser.value).set_files(file)
        await sees_screen(call.other(person), LEGIBLE)
        await person.press("share-stop")
        await call.other(person).has("remote-screen", 0)


async def test_a_picture_that_is_none_is_refused_in_words(server: Server, arrive: Arrive) -> None:
    call = await meet(await arrive(server.practitioner), await arrive(server.patient, viewport=PHONE))
    await call.patient.tab.evaluate(_WITHOUT_SCREEN)
    await call.patient.press("more")
    file: FilePayload = {"name": "brev.png", "mimeType": "image/png", "buffer": b"no picture"}
    await call.patient.mark("share-file").set_input_files(file)
    await call.patient.page.get_by_text("Vi fikk ikke delt").first.wait_for()
    await call.patient.is_in("call")


async def test_a_real_screen_of_the_browsers_own(server: Server, arrive: Arrive, launch: Launch) -> None:
    browser = await launch("--auto-select-tab-capture-source-by-title=Venterom")
    call: Call = await meet(await arrive(server.practitioner, browser=browser), await arrive(server.patient))
    await shares(call.practitioner)
    await call.patient.has("remote-screen", 1)
    await call.patient.tab.wait_for(
        "() => document.querySelector('[data-testid=remote-screen]').videoWidth > 200", within_s=PATIENCE_S
    )


@pytest.mark.long
async def test_firefox_and_chromium_read_each_others_screens(
    island_server: Server, arrive: Arrive, firefox: Firefox, island_chromium: Browser
) -> None:
    call = await meet(
        await arrive(island_server.practitioner, browser=firefox),
        await arrive(island_server.patient, browser=island_chromium),
    )
    for person in call.both:
        await person.tab.evaluate(SCREEN)
        await shares(person)
        await sees_screen(call.other(person), LEGIBLE)
        await person.press("share-stop")
        await call.other(person).has("remote-screen", 0)


_SHARED_TRACKS = (
    """() => venteromTest.peers.at(-1).getSenders().filter((one) => one.track?.contentHint === 'detail').length"""
)

_WISHES = """() => venteromTest.peers.at(-1).getSenders()
    .filter((one) => one.track?.contentHint)
    .map((one) => {
        const { degradationPreference, encodings } = one.getParameters();
        return [one.track.contentHint, degradationPreference, encodings[0].maxFramerate];
    })"""
"""What the browser is told of each track that has a hint: sharpness goes before frames."""
