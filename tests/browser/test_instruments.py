"""What finds a picture and a sound by content: a judge that takes anything would pass every test of presence."""

import pytest

from tests.browser.content import Quarters, Rgb, until_quarters, until_tone

COLOURS: Quarters = ("#dc1e1e", "#1ec81e", "#1e1edc", "#ebebeb")
RED, GREEN, BLUE, WHITE = (204, 40, 44), (44, 190, 20), (20, 44, 204), (255, 255, 255)
"""As an encoder leaves them."""


def picture(top_left: Rgb, top_right: Rgb, bottom_left: Rgb, bottom_right: Rgb) -> list[Rgb]:
    return [*[*[top_left] * 4, *[top_right] * 4] * 4, *[*[bottom_left] * 4, *[bottom_right] * 4] * 4]


async def judge_picture(fields: list[Rgb]) -> None:
    async def see() -> list[Rgb]:
        return fields

    await until_quarters(COLOURS, see, 0)


async def judge_tone(hertz: float, decibel: float) -> None:
    async def hear() -> tuple[float, float]:
        return hertz, decibel

    await until_tone(880.0, hear, 0)


async def test_what_was_sent_is_found() -> None:
    await judge_picture(picture(RED, GREEN, BLUE, WHITE))
    await judge_tone(882.9, -20.0)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(picture(GREEN, RED, WHITE, BLUE), id="mirrored"),
        pytest.param(picture(BLUE, WHITE, RED, GREEN), id="upside-down"),
        pytest.param(picture(*[(128, 128, 128)] * 4), id="grey"),
        pytest.param(picture(RED, GREEN, BLUE, (16, 16, 16)), id="one-wrong"),
        pytest.param([], id="none"),
    ],
)
async def test_another_picture_is_not(fields: list[Rgb]) -> None:
    with pytest.raises(AssertionError):
        await judge_picture(fields)


@pytest.mark.parametrize(("hertz", "decibel"), [(1320.0, -20.0), (880.0, -70.0), (0.0, float("-inf"))])
async def test_another_sound_is_not(hertz: float, decibel: float) -> None:
    with pytest.raises(AssertionError):
        await judge_tone(hertz, decibel)
