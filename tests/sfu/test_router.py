"""The forwarding table of a room: who has which slot, and who keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.commands import Kind, Route
from sfu.room_events import Slots, TrackView
from sfu.router import MOST_SLOTS, Member, Place, Plan, Publication, Router, wanted
from sfu.sdp import Source

MICROPHONE: tuple[Kind, Source] = ("audio", "microphone")
CAMERA: tuple[Kind, Source] = ("video", "camera")
SCREEN: tuple[Kind, Source] = ("video", "screen")
SCREEN_SOUND: tuple[Kind, Source] = ("audio", "screen")

ANNA, BO, CARL = 1, 2, 3
ONE_PAIR = Slots(1, 1)


def places(audio: int, video: int) -> tuple[Place, ...]:
    """As negotiation numbers them: the n-th audio and the n-th video slot are pair n."""
    kinds: list[tuple[Kind, int]] = [("audio", audio), ("video", video)]
    made = sorted(((pair, kind) for kind, count in kinds for pair in range(1, count + 1)))
    return tuple(Place(slot, str(slot), kind, pair) for slot, (pair, kind) in enumerate(made, 2))


def member(
    number: int,
    *sources: tuple[Kind, Source],
    slots: Slots | None = ONE_PAIR,
    is_open: bool = True,
    muted: bool = False,
) -> Member:
    """Somebody whose tracks are numbered from ten times its own number on."""
    name = f"p{number}"
    publications = tuple(
        Publication(f"{name}-{source}-{kind}-{index}", 10 * number + index, kind, source, muted)
        for index, (kind, source) in enumerate(sources)
    )
    own = places(slots.audio, slots.video) if slots else ()
    return Member(name, number if slots else None, is_open, publications, own)


def pair_of(viewer: Member, plan: Plan, track: int) -> int | None:
    slots = {place.slot: place.pair for place in viewer.places}
    return next((slots[r.slot] for r in plan.routes if r.viewer == viewer.peer and r.track == track), None)


# Two people


def test_a_voice_and_a_face_share_a_pair_and_nobody_sees_himself() -> None:
    plan = Router().plan([member(ANNA, MICROPHONE, CAMERA), member(BO, MICROPHONE, CAMERA)])
    assert set(plan.routes) == {
        Route(10, BO, 2),
        Route(11, BO, 3),
        Route(20, ANNA, 2),
        Route(21, ANNA, 3),
    }
    assert plan.views["p1"] == (
        TrackView("p2-microphone-audio-0", "p2", "audio", "microphone", False, "2"),
        TrackView("p2-camera-video-1", "p2", "video", "camera", False, "3"),
    )


@pytest.mark.parametrize(("anna", "bo"), [(False, True), (True, False), (False, False)])
def test_closed_gates_neither_send_nor_receive(anna: bool, bo: bool) -> None:
    plan = Router().plan([member(ANNA, CAMERA, is_open=anna), member(BO, CAMERA, is_open=bo)])
    assert plan.routes == ()
    assert set(plan.views.values()) == {()}


def test_a_mute_shows_and_leaves_the_place() -> None:
    plan = Router().plan([member(ANNA, CAMERA, muted=True), member(BO)])
    assert [(track.muted, track.mid) for track in plan.views["p2"]] == [(True, "3")]
    assert plan.routes == (Route(10, BO, 3),)


def test_who_has_no_connection_yet_sees_without_places() -> None:
    plan = Router().plan([member(ANNA, CAMERA), member(BO, slots=None)])
    assert plan.routes == ()
    assert [track.mid for track in plan.views["p2"]] == [None]


def test_a_second_camera_has_no_place() -> None:
    plan = Router().plan([member(ANNA, CAMERA, CAMERA), member(BO, slots=Slots(2, 2))])
    assert [track.mid is None for track in plan.views["p2"]] == [False, True]


# More of them


def test_who_comes_too_late_for_the_slots_is_named_without_a_place() -> None:
    plan = Router().plan([member(ANNA), member(BO, MICROPHONE), member(CARL, MICROPHONE)])
    assert [(track.participant, track.mid) for track in plan.views["p1"]] == [("p2", "2"), ("p3", None)]


def test_a_place_is_kept_through_a_pause_and_given_away_only_where_it_is_needed() -> None:
    router = Router()
    two = Slots(2, 2)
    anna, bo, carl = (member(number, MICROPHONE, CAMERA, slots=two) for number in (ANNA, BO, CARL))
    assert pair_of(anna, router.plan([anna, bo, carl]), 20) == 1
    away = replace(bo, open=False)
    assert pair_of(anna, router.plan([anna, away, carl]), 30) == 2, "nobody moves up"
    assert pair_of(anna, router.plan([anna, bo, carl]), 20) == 1, "back where it was"
    router.plan([anna, away, carl])
    dora = member(4, MICROPHONE, CAMERA, slots=two)
    plan = router.plan([anna, away, carl, dora])
    assert (pair_of(anna, plan, 30), pair_of(anna, plan, 40)) == (2, 1)
    plan = router.plan([anna, bo, carl, dora])
    assert pair_of(anna, plan, 20) is None, "it was given away"


def test_who_comes_takes_a_free_place_before_that_of_somebody_away() -> None:
    router = Router()
    three = Slots(3, 3)
    anna, bo, carl = (member(number, MICROPHONE, CAMERA, slots=three) for number in (ANNA, BO, CARL))
    router.plan([anna, bo])
    assert pair_of(anna, router.plan([anna, replace(bo, open=False), carl]), 30) == 2


def test_a_departure_frees_the_place() -> None:
    router = Router()
    anna, bo, carl = (member(number, MICROPHONE) for number in (ANNA, BO, CARL))
    router.plan([anna, bo])
    assert pair_of(anna, router.plan([anna, carl]), 30) == 1
    assert pair_of(anna, router.plan([anna, bo, carl]), 30) == 1, "who comes back is new"
    router, anna = Router(), replace(anna, places=places(2, 2))
    router.plan([anna, bo])
    router.plan([anna])
    assert pair_of(anna, router.plan([anna, carl]), 30) == 1


def test_the_viewers_own_pause_and_reconnect_keep_places() -> None:
    router = Router()
    three = Slots(3, 3)
    anna, bo, carl = (member(number, MICROPHONE, CAMERA, slots=three) for number in (ANNA, BO, CARL))
    router.plan([anna, bo, carl])
    router.plan([replace(anna, open=False), carl])
    router.plan([replace(anna, peer=None, places=()), carl])
    again = replace(anna, peer=9)
    assert pair_of(again, router.plan([again, carl]), 30) == 2


# Who can't be told


def test_nobody_takes_the_place_of_somebody_else_before_a_viewer_who_cannot_be_told() -> None:
    """Its page shows the old name, and would show the new picture under it."""
    router = Router()
    anna, bo, carl = (member(number, MICROPHONE, CAMERA) for number in (ANNA, BO, CARL))
    router.plan([anna, bo])
    deaf = replace(anna, listening=False)
    router.plan([deaf])
    plan = router.plan([deaf, carl])
    assert [(track.participant, track.mid) for track in plan.views["p1"]] == [("p3", None), ("p3", None)]
    assert pair_of(deaf, plan, 30) is None
    assert pair_of(deaf, router.plan([deaf, carl, bo]), 20) == 1, "who had it gets it"
    router.plan([deaf, carl])
    assert pair_of(anna, router.plan([anna, carl]), 30) == 1


def test_not_even_a_place_that_nobody_had() -> None:
    """Who came and went in it unseen would leave a last frame there."""
    router = Router()
    anna, bo, carl = (member(number, MICROPHONE, CAMERA, slots=Slots(2, 2)) for number in (ANNA, BO, CARL))
    router.plan([anna, bo])
    deaf = replace(anna, listening=False)
    plan = router.plan([deaf, bo, carl])
    assert (pair_of(deaf, plan, 20), pair_of(deaf, plan, 30)) == (1, None)
    assert pair_of(anna, router.plan([anna, bo, carl]), 30) == 2


def test_who_was_never_told_anything_sees_nobody() -> None:
    router = Router()
    anna, bo = (member(number, MICROPHONE, CAMERA) for number in (ANNA, BO))
    assert pair_of(anna, router.plan([replace(anna, listening=False), bo]), 20) is None
    router.plan([bo])
    assert pair_of(anna, router.plan([anna, bo]), 20) == 1


def test_a_screen_keeps_its_place_until_the_viewer_can_be_told() -> None:
    router = Router()
    anna, bo, carl = member(ANNA, slots=Slots(2, 2)), member(BO, MICROPHONE, SCREEN), member(CARL, MICROPHONE)
    router.plan([anna, bo])
    deaf = replace(anna, listening=False)
    plan = router.plan([deaf, bo, carl])
    assert [pair_of(deaf, plan, track) for track in (20, 21, 30)] == [1, 2, None]
    plan = router.plan([anna, bo, carl])
    assert [pair_of(anna, plan, track) for track in (20, 21, 30)] == [1, None, 2]


# Screens


def test_a_screen_takes_the_place_without_a_voice() -> None:
    anna = member(ANNA, slots=Slots(2, 3))
    plan = Router().plan([anna, member(BO, MICROPHONE, CAMERA, SCREEN)])
    assert [pair_of(anna, plan, track) for track in (20, 21, 22)] == [1, 1, 3]


def test_a_screen_makes_room_for_a_voice() -> None:
    router = Router()
    anna, bo, carl = member(ANNA, slots=Slots(2, 2)), member(BO, MICROPHONE, SCREEN), member(CARL, MICROPHONE, CAMERA)
    assert pair_of(anna, router.plan([anna, bo]), 21) == 2
    anna = replace(anna, places=places(2, 3))
    assert pair_of(anna, router.plan([anna, bo]), 21) == 2, "no need to move"
    plan = router.plan([anna, bo, carl])
    assert [pair_of(anna, plan, track) for track in (20, 21, 30, 31)] == [1, 3, 2, 2]


def test_a_screen_stays_as_long_as_there_is_another_place_for_the_voice() -> None:
    router = Router()
    anna, bo, carl = member(ANNA, slots=Slots(3, 3)), member(BO, SCREEN), member(CARL, MICROPHONE)
    router.plan([anna, bo])
    plan = router.plan([anna, bo, carl])
    assert [pair_of(anna, plan, track) for track in (20, 30)] == [1, 2]


def test_a_voice_moves_where_it_is_heard() -> None:
    router = Router()
    anna, bo, carl = member(ANNA, slots=Slots(1, 3)), member(BO, MICROPHONE, SCREEN), member(CARL, MICROPHONE, CAMERA)
    plan = router.plan([anna, bo, carl])
    assert [pair_of(anna, plan, track) for track in (20, 21, 30, 31)] == [1, 3, None, 2]
    anna = replace(anna, places=places(2, 3))
    plan = router.plan([anna, bo, carl])
    assert pair_of(anna, plan, 30) == pair_of(anna, plan, 31) == 2


def test_a_screen_with_sound_goes_before_one_without() -> None:
    router = Router()
    anna, bo, carl = member(ANNA, slots=Slots(0, 1)), member(BO, SCREEN), member(CARL, SCREEN, SCREEN_SOUND)
    router.plan([anna, bo])
    anna = replace(anna, places=places(1, 2))
    plan = router.plan([anna, bo, carl])
    assert [pair_of(anna, plan, track) for track in (20, 30, 31)] == [2, 1, 1]


# How many


@pytest.mark.parametrize(
    ("size", "others", "slots"),
    [
        (0, (), Slots(1, 1)),
        (2, (), Slots(1, 1)),
        (5, (), Slots(4, 4)),
        (2, (member(2), member(3)), Slots(2, 2)),
        (2, (member(2), member(3, is_open=False)), Slots(1, 1)),
        (2, (member(2, CAMERA, SCREEN),), Slots(1, 2)),
        (2, (member(2, SCREEN, SCREEN, SCREEN),), Slots(1, 2)),
        (2, (member(2, SCREEN, SCREEN_SOUND),), Slots(2, 2)),
        (2, (member(2, SCREEN, is_open=False),), Slots(1, 1)),
        (2, (member(2, SCREEN), member(3, SCREEN_SOUND)), Slots(3, 4)),
        (500, (), Slots(MOST_SLOTS, MOST_SLOTS)),
    ],
)
def test_receive_sections_for_who_is_expected_who_is_there_and_their_screens(
    size: int, others: tuple[Member, ...], slots: Slots
) -> None:
    assert wanted(size, others) == slots


# Any history


@dataclass
class Story:
    """A room over time, each viewer with the sections that it was asked for, or with any."""

    enough: bool
    router: Router = field(default_factory=Router)
    members: dict[int, Member] = field(default_factory=dict)
    plan: Plan = field(default_factory=lambda: Plan((), {}))
    told: dict[str, dict[int, tuple[str, bool]]] = field(default_factory=dict)
    """Per viewer and pair: whom it showed when the viewer was last told of it, and whether that is a screen."""

    def step(self, act: str, number: int, sources: tuple[tuple[Kind, Source], ...], slots: Slots) -> None:
        before, last = dict(self.members), self.plan
        known = self.members.get(number)
        match act, known:
            case "join", None:
                self.members[number] = member(number, *sources, slots=slots)
            case "leave", Member():
                del self.members[number]
            case "gate", Member(open=is_open):
                self.members[number] = replace(known, open=not is_open)
            case "hear", Member(listening=listening):
                self.members[number] = replace(known, listening=not listening)
            case "offer", Member(open=is_open):
                self.members[number] = member(number, *sources, slots=slots, is_open=is_open)
            case _:
                return
        if self.enough:
            hearing = [(viewer, item) for viewer, item in self.members.items() if item.listening]
            for viewer, item in hearing:
                slots = wanted(2, [other for key, other in self.members.items() if key != viewer])
                had = {kind: sum(place.kind == kind for place in item.places) for kind in ("audio", "video")}
                grown = places(max(slots.audio, had["audio"]), max(slots.video, had["video"]))
                self.members[viewer] = replace(item, places=grown)
        self.plan = self.router.plan(list(self.members.values()))
        self.check()
        self.check_stability(before, last, number)
        self.check_names()
        if self.enough:
            self.check_complete()

    def check(self) -> None:
        owners = {item.track: (owner, item) for owner in self.members.values() for item in owner.publications}
        viewers = {viewer.peer: viewer for viewer in self.members.values()}
        filled = [(route.viewer, route.slot) for route in self.plan.routes]
        assert len(set(filled)) == len(filled), "no slot twice"
        for route in self.plan.routes:
            owner, item = owners[route.track]
            viewer = viewers[route.viewer]
            assert owner.participant != viewer.participant
            assert owner.open
            assert viewer.open
            assert {place.slot: place.kind for place in viewer.places}[route.slot] == item.kind
        for viewer in self.members.values():
            view = self.plan.views[viewer.participant]
            visible = [
                item.id
                for other in self.members.values()
                if other is not viewer and other.open
                for item in other.publications
            ]
            assert [track.id for track in view] == (visible if viewer.open else [])
            mids = {place.slot: place.mid for place in viewer.places}
            routed = {owners[r.track][1].id: mids[r.slot] for r in self.plan.routes if r.viewer == viewer.peer}
            assert {track.id: track.mid for track in view if track.mid is not None} == routed

    def check_stability(self, before: Mapping[int, Member], last: Plan, actor: int) -> None:
        """What somebody else does moves nobody who was seen and heard in full, and still is shown."""
        for viewer, item in before.items():
            if viewer == actor:
                continue
            for owner, other in before.items():
                people = [p for p in other.publications if p.source != "screen"]
                old = {p.track: pair_of(item, last, p.track) for p in people}
                if owner in (actor, viewer) or None in old.values() or not other.open:
                    continue
                new = {p.track: pair_of(self.members[viewer], self.plan, p.track) for p in people}
                assert new == old

    def check_names(self) -> None:
        """Who can't be told is shown nobody but whom a place showed when it last was told of it."""
        here = {item.participant for item in self.members.values()}
        self.told = {viewer: told for viewer, told in self.told.items() if viewer in here}
        for item in self.members.values():
            pairs = {place.mid: place.pair for place in item.places}
            view = self.plan.views[item.participant]
            shown = {pairs[track.mid]: (track.participant, track.source == "screen") for track in view if track.mid}
            told = self.told.setdefault(item.participant, {})
            if item.listening:
                told |= shown
            else:
                assert shown.items() <= told.items()

    def check_complete(self) -> None:
        for viewer, item in self.members.items():
            for owner, other in self.members.items():
                if item.open and item.listening and other.open and owner != viewer:
                    for kind, source in {(p.kind, p.source) for p in other.publications}:
                        tracks = [p.track for p in other.publications if (p.kind, p.source) == (kind, source)]
                        assert any(pair_of(item, self.plan, track) is not None for track in tracks), (kind, source)


ACTS = st.tuples(
    st.sampled_from(["join", "leave", "gate", "gate", "offer", "hear"]),
    st.integers(1, 5),
    st.lists(st.sampled_from([MICROPHONE, CAMERA, SCREEN, SCREEN_SOUND]), max_size=5).map(tuple),
    st.builds(Slots, st.integers(0, 4), st.integers(0, 4)),
)


@given(st.lists(ACTS, max_size=40), st.booleans())
def test_any_history(acts: list[tuple[str, int, tuple[tuple[Kind, Source], ...], Slots]], enough: bool) -> None:
    story = Story(enough)
    for act, number, sources, slots in acts:
        story.step(act, number, sources, slots)
