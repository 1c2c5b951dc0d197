"""Levels of login: one ladder, and nothing unknown on it."""

from itertools import product

import pytest

from control.identity.levels import Level, of_acr, of_security_level, satisfies


@pytest.mark.parametrize(
    ("acr", "level"),
    [
        ("selfregistered-email", Level.SELF_REGISTERED),
        ("idporten-loa-low", Level.LOW),
        ("idporten-loa-substantial", Level.SUBSTANTIAL),
        ("idporten-loa-high", Level.HIGH),
        ("Level3", Level.SUBSTANTIAL),
        ("Level4", Level.HIGH),
        ("eidas-loa-low", Level.LOW),
        ("eidas-loa-substantial", Level.SUBSTANTIAL),
        ("eidas-loa-high", Level.HIGH),
    ],
)
def test_every_known_acr_has_its_level(acr: str, level: Level) -> None:
    assert of_acr(acr) is level


@pytest.mark.parametrize(
    "acr",
    [
        None, "", "level4", "Level5", "LEVEL4", "4", 4, True, "idporten-loa-highest", " idporten-loa-high",
        "idporten-loa-high ", "IDPORTEN-LOA-HIGH", "loa-high", "eidas-loa-", "eidas-loa-HIGH", "xeidas-loa-high",
        "urn:eidas-loa-high", ["idporten-loa-high"], {"idporten-loa-high": 1}, b"Level4", "idporten-loa-high\n",
    ],
)  # fmt: skip
def test_an_unknown_acr_proves_nothing(acr: object) -> None:
    assert of_acr(acr) is None


@pytest.mark.parametrize(
    ("claim", "level"),
    [("2", Level.LOW), ("3", Level.SUBSTANTIAL), ("4", Level.HIGH)]
    + [(claim, None) for claim in (None, "", "1", "5", 4, 4.0, True, "04", " 4", ["4"], "Level4")],
)
def test_helseid_says_its_level_in_a_string(claim: object, level: Level | None) -> None:
    assert of_security_level(claim) is level


def test_the_order() -> None:
    order = ["selfregistered-email", "idporten-loa-low", "idporten-loa-substantial", "idporten-loa-high"]
    levels = [of_acr(name) for name in order]
    for (i, given), (j, required) in product(enumerate(levels), repeat=2):
        assert required is not None
        assert satisfies(given, required) is (i >= j)


@pytest.mark.parametrize("required", Level)
def test_an_unknown_level_satisfies_nothing(required: Level) -> None:
    assert not satisfies(None, required)


@pytest.mark.parametrize("level", Level)
def test_a_level_is_found_again_by_its_name(level: Level) -> None:
    assert of_acr(level.acr) is level
