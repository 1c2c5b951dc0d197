"""Who sees what, and in which slot: a room's whole wanted forwarding table, from who is there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sfu.commands import Kind, Route
from sfu.room_events import Slots, TrackView
from sfu.sdp import Source

MOST_SLOTS: Final = 60
"""Of each kind: with the participant's own tracks an offer then stays below the 128 sections that we take."""

Group = Literal["person", "screen"]
"""What shares a slot pair: a person's voice and face; a screen, with its sound, has another."""

_Owner = tuple[str, Group]


@dataclass(frozen=True, slots=True)
class Publication:
    """A track that somebody publishes; `track` is its number in the wire."""

    id: str
    track: int
    kind: Kind
    source: Source
    muted: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A slot of a viewer; slots of the same pair play in one stream."""

    slot: int
    mid: str
    kind: Kind
    pair: int


@dataclass(frozen=True, slots=True)
class Member:
    """A participant as the router sees it; `peer` is its number in the wire, none before its offer."""

    participant: str
    peer: int | None
    open: bool
    publications: tuple[Publication, ...] = ()
    places: tuple[Place, ...] = ()
    listening: bool = True
    """Whether it can be told now who is where."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The wanted table, and what each participant is to be told of it."""

    routes: tuple[Route, ...]
    views: Mapping[str, tuple[TrackView, ...]]


def wanted(size: int, others: Sequence[Member]) -> Slots:
    """Receive sections for who sees these others: for all who are expected, all who are inside, and their screens."""
    inside = [member for member in others if member.open]
    people = max(1, size - 1, len(inside))
    screens = [{item.kind for item in member.publications if _group(item) == "screen"} for member in inside]
    # Each has a pair, so that each counts among the video sections, of which there are the more.
    pairs = people + sum(bool(kinds) for kinds in screens)
    voices = people + sum("audio" in kinds for kinds in screens)
    return Slots(min(voices, MOST_SLOTS), min(pairs, MOST_SLOTS))


@dataclass(slots=True)
class Router:
    """Keeps each person in one slot pair of each viewer, as long as both are in the room and nobody else needs it."""

    _pairs: dict[str, dict[int, _Owner]] = field(default_factory=dict)
    """Per viewer: who fills which pair."""
    _told: dict[str, dict[int, _Owner]] = field(default_factory=dict)
    """The same, as the viewer was told last."""

    def plan(self, members: Sequence[Member]) -> Plan:
        """The table for these members. A pause or a reconnect keeps everybody's place, a departure frees it.

        Nobody gets a place of a viewer who can't be told so, save who had it when the viewer was told last: the picture
        would stand under another's name, there and then or, as a last frame, later.
        """
        present = {member.participant for member in members}
        for gone in self._pairs.keys() - present:
            del self._pairs[gone]
            self._told.pop(gone, None)
        routes: list[Route] = []
        views: dict[str, tuple[TrackView, ...]] = {}
        for viewer in members:
            shown = list(_shown_to(viewer, members))
            before = self._pairs.get(viewer.participant, {})
            kept = {pair: owner for pair, owner in before.items() if owner[0] in present}
            allowed = None if viewer.listening else self._told.get(viewer.participant, {})
            seats = self._pairs[viewer.participant] = _seat(viewer, shown, kept, allowed)
            if viewer.listening:
                self._told[viewer.participant] = seats
            views[viewer.participant] = tuple(self._view(viewer, shown, routes))
        return Plan(tuple(routes), views)

    def _view(
        self, viewer: Member, shown: Sequence[tuple[str, Publication]], routes: list[Route]
    ) -> Iterator[TrackView]:
        seats = {owner: pair for pair, owner in self._pairs[viewer.participant].items()}
        free = {(place.pair, place.kind): place for place in viewer.places}
        for participant, item in shown:
            pair = seats.get((participant, _group(item)))
            # A second camera of the same person finds the place filled.
            place = free.pop((pair, item.kind), None) if pair is not None and viewer.peer is not None else None
            if place is not None and viewer.peer is not None:
                routes.append(Route(item.track, viewer.peer, place.slot))
            mid = place.mid if place is not None else None
            yield TrackView(item.id, participant, item.kind, item.source, item.muted, mid)


def _shown_to(viewer: Member, members: Sequence[Member]) -> Iterator[tuple[str, Publication]]:
    """What a viewer may see: everything of the others, while its own gate and theirs are open."""
    if not viewer.open:
        return
    for member in members:
        if member.open and member.participant != viewer.participant:
            for publication in member.publications:
                yield member.participant, publication


def _seat(
    viewer: Member,
    shown: Sequence[tuple[str, Publication]],
    kept: Mapping[int, _Owner],
    allowed: Mapping[int, _Owner] | None,
) -> dict[int, _Owner]:
    """Which pair has whom. Who has places for all it sends keeps them; a screen makes room for a voice.

    `allowed` are the only ones that may be taken, each by its owner; None where anybody may take any.
    """
    kinds: dict[int, set[Kind]] = {}
    for place in viewer.places:
        kinds.setdefault(place.pair, set()).add(place.kind)
    needs: dict[_Owner, set[Kind]] = {}
    for participant, item in shown:
        needs.setdefault((participant, _group(item)), set()).add(item.kind)
    ranks = {owner: _rank(owner, sent) for owner, sent in needs.items()}
    seats = dict(kept)
    seated = set(kept.values())
    for owner in sorted(needs, key=lambda owner: (ranks[owner], owner not in seated)):
        old = next((pair for pair, holder in seats.items() if holder == owner), None)
        if old is not None and needs[owner] <= kinds.get(old, set()):
            continue
        choices: list[tuple[int, bool, int, int, int]] = []
        for pair, offered in kinds.items():
            if allowed is not None and allowed.get(pair) != owner:
                continue
            covered = needs[owner] & offered
            holder = seats.get(pair)
            disturbed = holder if holder in needs and holder != owner else None
            if covered and (disturbed is None or ("audio" in covered and ranks[disturbed] > ranks[owner])):
                # A screen leaves the places for voices to people as long as there are others.
                waste = len(offered - covered) if owner[1] == "screen" else 0
                cost = 2 if disturbed is not None else 0 if holder is None else 1
                choices.append((-len(covered), pair != old, waste, cost, pair))
        if choices:
            if old is not None:
                del seats[old]
            *_, pair = min(choices)
            seats[pair] = owner
    return seats


def _rank(owner: _Owner, needs: set[Kind]) -> int:
    """Who chooses first, and may take a place for a voice from those who follow."""
    return 0 if owner[1] == "person" else 1 if "audio" in needs else 2


def _group(publication: Publication) -> Group:
    return "screen" if publication.source == "screen" else "person"
