"""Names and numbers of published tracks, from offer to offer."""

import itertools

import pytest

from sfu.commands import Extensions, Kind, ReceiveTrack
from sfu.publishing import publications
from sfu.router import Publication
from sfu.sdp import Published, Source

Sections = list[tuple[str, Source]]
Named = dict[str, tuple[str, int]]


def published(mid: str, source: Source) -> Published:
    kind: Kind = "audio" if source == "microphone" else "video"
    return Published(mid, kind, source, ReceiveTrack(0, mid, kind, (), Extensions(), (), False, False, False), ())


def run(*offers: Sections, muted: tuple[str, ...] = ()) -> dict[str, Publication]:
    numbers = itertools.count(1)
    found: dict[str, Publication] = {}
    for sections in offers:
        tracks = [published(mid, source) for mid, source in sections]
        found = publications("p", tracks, found, muted=muted, new_number=lambda: next(numbers))
    return found


TWO: Sections = [("0", "microphone"), ("1", "camera")]


@pytest.mark.parametrize(
    ("offers", "named"),
    [
        ([TWO], {"0": ("p-microphone", 1), "1": ("p-camera", 2)}),
        ([TWO, TWO], {"0": ("p-microphone", 1), "1": ("p-camera", 2)}),
        ([[("1", "camera"), ("4", "camera")]], {"1": ("p-camera", 1), "4": ("p-camera-2", 2)}),
        # The first of two cameras stops: the other stays what it is, and the name is free for the next.
        ([[("1", "camera"), ("4", "camera")], [("4", "camera")]], {"4": ("p-camera-2", 2)}),
        (
            [[("1", "camera"), ("4", "camera")], [("4", "camera")], [("4", "camera"), ("5", "camera")]],
            {"4": ("p-camera-2", 2), "5": ("p-camera", 3)},
        ),
        # One that comes in an earlier section takes no name that is in use.
        (
            [[("4", "camera")], [("1", "camera"), ("4", "camera")]],
            {"1": ("p-camera-2", 2), "4": ("p-camera", 1)},
        ),
        # The same section with another source: the wire's number stays, the name does not.
        ([TWO, [("0", "microphone"), ("1", "screen")]], {"0": ("p-microphone", 1), "1": ("p-screen", 2)}),
        # Stopped and started again.
        ([TWO, [("0", "microphone")], TWO], {"0": ("p-microphone", 1), "1": ("p-camera", 3)}),
        # A section of another kind is another track.
        ([[("0", "camera")], [("0", "microphone")]], {"0": ("p-microphone", 2)}),
        ([TWO, []], {}),
    ],
)
def test_names_and_numbers(offers: list[Sections], named: Named) -> None:
    assert {mid: (item.id, item.track) for mid, item in run(*offers).items()} == named


def test_sections_keep_their_order() -> None:
    assert list(run([("7", "camera"), ("3", "microphone")])) == ["7", "3"]


def test_a_mute_follows_the_name() -> None:
    found = run([("1", "camera"), ("4", "camera")], [("4", "camera"), ("5", "camera")], muted=("p-camera-2",))
    assert {item.id: item.muted for item in found.values()} == {"p-camera-2": True, "p-camera": False}
