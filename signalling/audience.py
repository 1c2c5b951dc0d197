"""The connections of one room, and what each was told last: state, tracks and speakers, only what is new to it."""

from collections.abc import Iterator
from typing import Protocol

from signalling import messages
from signalling.node import TrackView
from signalling.room import Room
from signalling.views import View, changes, view


class Link(Protocol):
    """A participant's connection."""

    @property
    def closed(self) -> bool:
        """Whether nothing reaches the client any more."""
        ...

    def send(self, message: messages.ServerMessage) -> None:
        """Queues a message."""
        ...

    def dismiss(self, reason: messages.EndReason) -> None:
        """Tells that it is over, and closes."""
        ...


class Audience:
    """Whoever is connected. `shown` is the room that has taken effect, `newest` the one that is decided already."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._views: dict[str, View] = {}
        self._tracks: dict[str, tuple[TrackView, ...]] = {}
        self._told_tracks: dict[str, tuple[TrackView, ...] | None] = {}
        """None where a client has a list from before that may be wrong by now."""
        self._speakers: tuple[str, ...] = ()
        self._told_speakers: dict[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        """Whether anybody is."""
        return bool(self._links)

    def __iter__(self) -> Iterator[str]:
        """The participants who are, as they were when it began."""
        return iter(tuple(self._links))

    def is_current(self, participant: str, link: Link) -> bool:
        """Whether this connection speaks for the participant."""
        return self._links.get(participant) is link

    def attach(self, participant: str, link: Link, *, returns: bool) -> None:
        """This connection speaks for the participant from now on, and has been told nothing yet.

        A client that returns may remember what an earlier connection was told, by another server even.
        """
        old = self._links.get(participant)
        if old is not None and old is not link:
            old.dismiss("taken_over")
        for told in (self._views, self._told_tracks, self._told_speakers):
            told.pop(participant, None)
        if returns:
            self._told_tracks[participant] = None
        self._links[participant] = link

    def detach(self, participant: str) -> None:
        """The connection is gone; the participant may come back."""
        del self._links[participant]
        self._views.pop(participant, None)

    def dismiss(self, participant: str, reason: messages.EndReason) -> None:
        """The participant is to hear the reason, and nothing more."""
        link = self._links.pop(participant, None)
        for kept in (self._views, self._tracks, self._told_tracks, self._told_speakers):
            kept.pop(participant, None)
        if link is not None:
            link.dismiss(reason)

    def tell(self, participant: str, message: messages.ServerMessage) -> None:
        """Passes a message on, if the participant is connected."""
        link = self._links.get(participant)
        if link is not None:
            link.send(message)

    def tell_state(self, participant: str, shown: Room, now: float) -> None:
        """Tells of the room what is new to the participant. `now` is wall time."""
        link = self._links.get(participant)
        seen = view(shown, participant)
        if link is None or seen is None:
            return
        for message in changes(self._views.get(participant), seen, now):
            link.send(message)
        self._views[participant] = seen

    def set_tracks(self, participant: str, tracks: tuple[TrackView, ...]) -> None:
        """What the participant gets of others; `tell_tracks` tells it."""
        self._tracks[participant] = tracks

    def forget_tracks(self, participant: str) -> None:
        """The participant gets nothing any more."""
        self._tracks.pop(participant, None)

    def tell_tracks(self, participant: str, newest: Room) -> None:
        """Tells what the participant gets, if it was told otherwise."""
        # The node tells nothing while the gate is closed, but what it told before the closing may arrive after it.
        inside = newest.gate(participant)
        tracks = self._tracks.get(participant, ()) if inside else ()
        told = self._told_tracks.get(participant, ())
        link = self._links.get(participant)
        if link is None or tracks == told or (told is None and not inside):
            return
        self._told_tracks[participant] = tracks
        link.send(messages.Tracks(tracks=[_track(track) for track in tracks]))

    def set_speakers(self, speakers: tuple[str, ...]) -> None:
        """Who speaks now; `tell_speakers` tells it."""
        self._speakers = speakers

    def tell_speakers(self, participant: str, shown: Room, newest: Room) -> None:
        """Tells who speaks, if the participant was told otherwise."""
        # Who is not inside learns of nobody; and of those who are, whoever is just being closed is not named.
        inside = shown.gate(participant) and newest.gate(participant)
        speakers = tuple(each for each in self._speakers if inside and newest.gate(each))
        link = self._links.get(participant)
        if link is None or speakers == self._told_speakers.get(participant, ()):
            return
        self._told_speakers[participant] = speakers
        if inside:
            link.send(messages.Speakers(participants=list(speakers)))


def _track(track: TrackView) -> messages.Track:
    return messages.Track(
        id=track.id,
        participant=track.participant,
        kind=track.kind,
        source=track.source,
        muted=track.muted,
        mid=track.mid,
    )
