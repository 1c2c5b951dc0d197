"""Whether signalling's roster, the wire's table, and what people were told and get agree."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.bed.clock import SECOND
from tests.soak.person import Person

FRESH = 3 * SECOND
"""Microseconds within which media that passes has come."""


def strays(server: Mapping[str, Any]) -> list[int]:
    """Peers of the wire that nobody is."""
    known = {entry["peer"] for room in server["rooms"].values() for entry in room["people"].values()}
    return sorted(set(server["peers"]) - known)


def disagreements(server: Mapping[str, Any], name: str, people: Sequence[Person]) -> Iterator[str]:
    """Of one room, in words; none when all agree."""
    room: Mapping[str, Any] = server["rooms"].get(name, {"people": {}, "paused": False, "host_lost": False})
    roster: Mapping[str, Mapping[str, Any]] = room["people"]
    present = {person.name: person for person in people}
    for person in people:
        told, known = person.standing, roster.get(person.name, {"standing": "absent"})["standing"]
        if person.is_in and told != known:
            yield f"{person.name} was told {told} and is {known}"
        if person.is_in and told != "lobby" and person.paused != _is_paused(room, person):
            yield f"{person.name} was told paused={person.paused}"
    peers = {name: entry["peer"] for name, entry in roster.items() if entry["peer"] is not None}
    passing = {name for name, entry in roster.items() if entry["gate"] and name in peers}
    for name, entry in roster.items():
        wanted = 2 * len(passing - {name}) if name in passing else 0
        routes = [route for route in server["routes"] if route["viewer"] == entry["peer"]]
        person = present[name]
        # Who can't be told of newcomers gets nothing of them meanwhile.
        least = wanted if person.is_in else 0
        if entry["peer"] is not None and not least <= len(routes) <= wanted:
            yield f"{name} has {len(routes)} routes in the wire, not {wanted}"
        if person.is_in:
            yield from _told(person, passing if entry["gate"] else set(), present)
        else:
            yield from _strangers(person, present)


def _is_paused(room: Mapping[str, Any], person: Person) -> bool:
    return bool(room["paused"] or (room["host_lost"] and not person.is_host))


def _told(person: Person, passing: set[str], present: Mapping[str, Person]) -> Iterator[str]:
    makers = passing - {person.name}
    if {track["participant"] for track in person.tracks} != makers:
        yield f"{person.name} was told of tracks of {sorted(track['id'] for track in person.tracks)}, not of {makers}"
        return
    leg = person.leg
    if leg is None or not leg.is_connected:
        return
    now = time.monotonic_ns() // 1000
    for track in person.tracks:
        maker = present[track["participant"]].leg
        if track["muted"] or track["mid"] is None or maker is None or not maker.is_connected:
            continue
        received = leg.client.receivers[int(track["mid"])].received
        if not received or received[-1].at < now - FRESH:
            yield f"{person.name} gets nothing of {track['id']}"
        elif (stamp := received[-1].stamp) is not None and stamp.sender != maker.ident:
            yield f"{person.name} gets {stamp.sender} in the slot of {track['id']}"


def _strangers(person: Person, present: Mapping[str, Person]) -> Iterator[str]:
    """Who can't be told of anybody gets nobody new in a slot that was somebody's."""
    if person.leg is None:
        return
    now = time.monotonic_ns() // 1000
    for track in person.tracks:
        maker = present[track["participant"]].leg
        received = [] if track["mid"] is None else person.leg.client.receivers[int(track["mid"])].received
        if not received or received[-1].at < now - FRESH or (stamp := received[-1].stamp) is None:
            continue
        if maker is None or stamp.sender != maker.ident:
            yield f"{person.name} gets {stamp.sender} in the slot of {track['id']}, and can't be told"
