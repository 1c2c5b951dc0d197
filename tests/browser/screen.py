"""A screen that is shared: small print, and whether the other can read it."""

from tests.browser.person import PATIENCE_S, Person

LEGIBLE = 0.9
"""Of print of 10 px at 1280 x 720: sent at three quarters of that size it would have 0.83, at half 0.69."""

# Text of 10 px on a page of its own is what the other shall be able to read.
SCREEN = """() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
    const context = canvas.getContext('2d');
    const draw = () => venteromTest.print(context, canvas.width, canvas.height);
    draw();
    setInterval(draw, 200);
    navigator.mediaDevices.getDisplayMedia = async (wishes) => {
        venteromTest.asked = wishes;
        return canvas.captureStream(5);
    };
}"""

_SHARPNESS = """() => {
    const video = document.querySelector('[data-testid=remote-screen]');
    return video && video.videoWidth > 0 ? venteromTest.sharpness(video) : 0;
}"""


async def shares(person: Person) -> None:
    await person.press("more")
    await person.press("share")


async def sees_screen(person: Person, least: float) -> None:
    """Waits until the strokes of the print are told apart."""
    await person.has("remote-screen", 1)
    try:
        await person.tab.wait_for(f"(least) => ({_SHARPNESS})() >= least", least, within_s=PATIENCE_S)
    except TimeoutError:
        sharpness = await person.tab.evaluate(_SHARPNESS)
        raise AssertionError(f"{sharpness}: {await person.findings()}") from None
