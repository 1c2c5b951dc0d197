"""Who sees what, and in which slot: a room's whole wanted forwarding table, from who is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sfu.commands import Kind, Route
from sfu.room_events import TrackView
from sfu.sdp import Source

Group = Literal["person", "screen"]
"""What shares a slot pair: a person's voice and face; a screen stands for itself."""

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


@dataclass(frozen=True, slots=True)
class Plan:
    """The wanted table, and what each participant is to be told of it."""

    routes: tuple[Route, ...]
    views: Mapping[str, tuple[TrackView, ...]]


@dataclass(slots=True)
class Router:
    """Keeps each person in one slot pair of each viewer, as long as both are in the room and nobody else needs it."""

    _pairs: dict[str, dict[int, _Owner]] = field(default_factory=dict)
    """Per viewer: who fills which pair."""

    def plan(self, members: Sequence[Member]) -> Plan:
        """The table for these members. A pause keeps everybody's place, a departure frees it."""
        present = {member.participant for member in members}
        for gone in self._pairs.keys() - present:
            del self._pairs[gone]
        routes: list[Route] = []
        views: dict[str, tuple[TrackView, ...]] = {}
        for viewer in members:
            views[viewer.participant] = tuple(self._view(viewer, members, present, routes)) if viewer.open else ()
        return Plan(tuple(routes), views)

    def _view(
        self, viewer: Member, members: Sequence[Member], present: set[str], routes: list[Route]
    ) -> list[TrackView]:
        shown = [
            (publication, member.participant)
            for member in members
            if member.open and member.participant != viewer.participant
            for publication in member.publications
        ]
        pairs = self._seat(viewer, [(participant, _group(item)) for item, participant in shown], present)
        places = {(place.pair, place.kind): place for place in viewer.places}
        view: list[TrackView] = []
        filled: set[int] = set()
        for item, participant in shown:
            pair = pairs.get((participant, _group(item)))
            place = None if pair is None else places.get((pair, item.kind))
            if place is not None and place.slot in filled:
                place = None
            if place is not None and viewer.peer is not None:
                filled.add(place.slot)
                routes.append(Route(item.track, viewer.peer, place.slot))
            mid = place.mid if place else None
            view.append(TrackView(item.id, participant, item.kind, item.source, item.muted, mid))
        return view

    def _seat(self, viewer: Member, owners: Sequence[_Owner], present: set[str]) -> dict[_Owner, int]:
        """Which pair each owner has. Whoever has none gets the lowest free one, then one of somebody not shown."""
        available = sorted({place.pair for place in viewer.places})
        kept = {
            pair: owner
            for pair, owner in self._pairs.get(viewer.participant, {}).items()
            if pair in available and owner[0] in present
        }
        shown = dict.fromkeys(owners)
        seated = {owner: pair for pair, owner in kept.items() if owner in shown}
        for owner in shown:
            if owner in seated:
                continue
            pair = next((pair for pair in available if pair not in kept), None)
            if pair is None:
                pair = next((pair for pair in available if kept[pair] not in shown), None)
            if pair is not None:
                kept[pair] = owner
                seated[owner] = pair
        self._pairs[viewer.participant] = kept
        return seated


def _group(publication: Publication) -> Group:
    return "screen" if publication.source == "screen" else "person"
