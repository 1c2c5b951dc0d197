"""Picture and sound proven by what is in them, both ways: a pattern, a tone, and a flash with its click."""

import asyncio
from collections.abc import Sequence
from math import inf
from pathlib import Path
from statistics import median

import pytest

from tests.browser import sources
from tests.browser.call import meet
from tests.browser.conftest import Arrive, Launch
from tests.browser.content import Rgb
from tests.browser.person import Person
from tests.browser.server import Server
from tests.browser.sources import BLACK, BLUE, CYAN, GREEN, MAGENTA, RED, WHITE, YELLOW, Colour

LIP_SYNC_MS = 80
OF_PRACTITIONER, OF_PATIENT = (RED, GREEN, BLUE, WHITE), (YELLOW, MAGENTA, CYAN, BLACK)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    folders = (tmp_path / "one", tmp_path / "two")
    for folder in folders:
        folder.mkdir()
    return folders


def is_near(field: Rgb, colour: Colour) -> bool:
    return all(abs(a - b) < 45 for a, b in zip(field, colour, strict=True))


async def shows_pattern(person: Person, colours: Sequence[Colour]) -> None:
    """The four colours stand in their quarters, the right way round."""
    fields = await person.grid(8, 8)
    quarters = [fields[row * 8 + column] for row, column in ((1, 1), (1, 6), (6, 1), (6, 6))]
    assert all(is_near(field, colour) for field, colour in zip(quarters, colours, strict=True)), quarters


async def test_pattern_and_tone_arrive_both_ways(
    server: Server, arrive: Arrive, launch: Launch, folders: tuple[Path, Path]
) -> None:
    one = await launch(*sources.quadrants(folders[0], OF_PRACTITIONER, 880.0).arguments())
    two = await launch(*sources.quadrants(folders[1], OF_PATIENT, 1320.0).arguments())
    call = await meet(await arrive(server.practitioner, browser=one), await arrive(server.patient, browser=two))
    await asyncio.sleep(1.0)
    await shows_pattern(call.practitioner, OF_PATIENT)
    await shows_pattern(call.patient, OF_PRACTITIONER)
    heard = await asyncio.gather(call.practitioner.hears_remote(3.0), call.patient.hears_remote(3.0))
    for (hertz, decibel), expected in zip(heard, (1320.0, 880.0), strict=True):
        assert hertz == pytest.approx(expected, abs=25)
        assert decibel > -50
    await one.close()
    await two.close()


async def test_flash_and_click_stay_together(
    server: Server, arrive: Arrive, launch: Launch, folders: tuple[Path, Path]
) -> None:
    """Between the source, measured in the sender's own page, and what the other page shows and plays."""
    one = await launch(*sources.flash_and_click(folders[0]).arguments())
    two = await launch(*sources.flash_and_click(folders[1]).arguments())
    call = await meet(await arrive(server.practitioner, browser=one), await arrive(server.patient, browser=two))
    await asyncio.sleep(5.0)
    for sender, receiver in (call.both, call.both[::-1]):
        shifts: list[float] = []
        while not shifts or abs(shifts[-1]) > LIP_SYNC_MS:
            # Players steer slowly after the first sender reports, and after every hiccup of a busy machine.
            assert len(shifts) < 8, f"flash and click are apart by {shifts} ms"
            shifts.append(await shift_between(sender, receiver))
    await one.close()
    await two.close()


async def shift_between(sender: Person, receiver: Person) -> float:
    """How much longer (ms) the flash is on its way than the click: the source may itself be as uneven as it likes.

    Infinity where a hiccup left fewer than three of either to compare.
    """
    source, sink = await asyncio.gather(sender.moments_of_self(6.0), receiver.moments_of_remote(6.0))
    picture, sound = delays(source.flashes, sink.flashes), delays(source.clicks, sink.clicks)
    if min(len(picture), len(sound)) < 3:
        return inf
    shift = median(picture) - median(sound)
    print(f"on their way, ms: flash {median(picture):.0f}, click {median(sound):.0f}, apart {shift:.0f}")
    return shift


def delays(source: list[float], sink: list[float]) -> list[float]:
    """From each event at the source to its arrival; they happen once a second, and arrive within half of one."""
    pairs = [(there, max((here for here in source if here <= there), default=None)) for there in sink]
    return [there - here for there, here in pairs if here is not None and there - here < 500]
