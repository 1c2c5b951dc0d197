"""Whose picture stands under whose name, by the colours of the crowd."""

from collections.abc import Iterable, Mapping
from typing import Final

from tests.browser.content import Rgb
from tests.browser.crowd import Extra, painted
from tests.browser.person import Person

_FACES: Final = """() => {
    const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
    const faces = [];
    for (const tile of document.querySelectorAll('.tile:not([hidden], .covered)')) {
        const video = tile.querySelector('video');
        if (video.videoWidth === 0) continue;
        const row = venteromTest.grid(video, 8, 8).slice(32, 40);
        const colour = [0, 1, 2].map((part) => middle(row.map((pixel) => pixel[part])));
        faces.push([tile.querySelector('strong').textContent, colour]);
    }
    return faces;
}"""
"""Each name and the colour of its picture: the bar that wanders through it is less than half of it."""

_WATCH: Final = f"""() => {{
    const noted = (venteromTest.faces = []);
    const last = new Map();
    const far = (one, other) => !one || one.some((part, index) => Math.abs(part - other[index]) > 8);
    const look = () => {{
        for (const [name, colour] of ({_FACES})()) {{
            if (far(last.get(name), colour)) noted.push([name, colour]);
            last.set(name, colour);
        }}
        requestAnimationFrame(look);
    }};
    look();
}}"""


async def faces(person: Person) -> dict[str, Rgb]:
    """Who is shown now, and in which colour."""
    return {name: _rgb(colour) for name, colour in await person.tab.evaluate(_FACES)}


async def watch(person: Person) -> None:
    """From now on each turn of the page's display is looked at."""
    await person.tab.evaluate(_WATCH)


async def watched(person: Person) -> list[tuple[str, Rgb]]:
    """Every colour that stood under a name, in their order."""
    noted = await person.tab.evaluate("() => venteromTest.faces")
    return [(name, _rgb(colour)) for name, colour in noted]


def strangers(shown: Iterable[tuple[str, Rgb]], crowd: Iterable[Extra]) -> list[str]:
    """Who of these was shown with a picture that is more like another one's."""
    colours = {extra.name: painted(extra.number) for extra in crowd}
    return [
        f"{name} looked like {other}: {colour}"
        for name, colour in shown
        if name in colours and (other := _likest(colour, colours)) != name
    ]


def _likest(colour: Rgb, colours: Mapping[str, Rgb]) -> str:
    return min(colours, key=lambda name: max(abs(a - b) for a, b in zip(colour, colours[name], strict=True)))


def _rgb(colour: list[int]) -> Rgb:
    red, green, blue = colour
    return red, green, blue
