"""The registry between the media node and whoever is connected."""

import pytest

from signalling import messages
from signalling import seat as seats
from signalling.node import (
    OfferNeeded,
    PeerConnected,
    PeerDisconnected,
    PeerFailed,
    Slots,
    SlotsNeeded,
    SpeakersChanged,
    TracksChanged,
)
from tests.signalling.doubles import NODE_KEY, VIEW, House, Person, pair


@pytest.fixture
def house() -> House:
    return House()


# --- the node


async def test_tracks_are_passed_on_and_come_again_with_the_seat(house: House) -> None:
    _, patient = await pair(house)
    patient.take()
    house.node.events(TracksChanged("r", "pat", (VIEW,)))
    track = messages.Track(id="host-camera", participant="host", kind="video", source="camera", muted=False, mid="3")
    assert patient.link.received == [messages.Tracks(tracks=[track])]
    seat = (await house.join(seat=seat_of(house, patient))).seat
    back = await house.join(seat=seat)
    assert back.take() == ["joined", "admitted", "participants", "tracks"]


async def test_the_node_knows_who_can_be_told(house: House) -> None:
    _, patient = await pair(house)
    assert house.node.listening["r", "pat"]
    again = await house.join(seat=patient.seat)
    patient.drop()
    assert house.node.listening["r", "pat"], "the connection that was taken over means nothing"
    again.drop()
    assert not house.node.listening["r", "pat"]
    await house.join(seat=patient.seat)
    assert house.node.listening["r", "pat"]


async def test_who_took_a_place_meanwhile_is_told_after_the_seat(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, patient = await pair(house)
    patient.drop()

    def seats_somebody(room: str, participant: str, listening: bool) -> None:
        assert listening
        house.node.events(TracksChanged(room, participant, (VIEW,)))

    monkeypatch.setattr(house.node, "set_listening", seats_somebody)
    back = await house.join(seat=patient.seat)
    assert back.take() == ["joined", "admitted", "participants", "tracks"]


async def test_who_returns_to_nothing_is_told_so(house: House) -> None:
    """The page has the list of before, which says otherwise."""
    host, patient = await pair(house, size=3)
    house.node.events(TracksChanged("r", "pat", (VIEW,)))
    patient.drop()
    house.node.events(TracksChanged("r", "pat", ()))
    back = await house.join(seat=patient.seat)
    assert back.last(messages.Tracks).tracks == []
    house.node.events(TracksChanged("r", "pat", (VIEW,)))
    back.drop()
    house.node.events(TracksChanged("r", "pat", ()))
    host.do("hold", "pat")
    held = await house.join(seat=patient.seat)
    assert "tracks" not in held.take()
    host.do("release", "pat")
    assert held.last(messages.Tracks).tracks == []
    fresh = await house.enter("third", gate="open", size=3)
    assert "tracks" not in fresh.take(), "who has no list from before needs none"


def seat_of(house: House, person: Person) -> str:
    state = person.member.room.state
    place = seats.Seat("r", state.epoch, person.member.participant, state.people[person.member.participant].seat)
    return seats.issue(place, NODE_KEY, now=house.clock.wall(), life=100)


async def test_what_the_node_told_before_a_closing_does_not_arrive_after_it(house: House) -> None:
    host, patient = await pair(house)
    house.node.events(TracksChanged("r", "pat", (VIEW,)))
    host.do("to-lobby", "pat")
    patient.take()
    house.node.events(TracksChanged("r", "pat", (VIEW,)))
    assert [m for m in patient.link.received if isinstance(m, messages.Tracks) and m.tracks] == []


def speakers(person: Person) -> list[list[str]]:
    return [message.participants for message in person.link.received if isinstance(message, messages.Speakers)]


async def test_who_speaks_is_told_to_whoever_is_inside(house: House) -> None:
    host, patient = await pair(house, size=3)
    waiting = await house.enter("late", size=3)
    for now in (("pat",), ("pat",), ("pat", "host"), ()):
        house.node.events(SpeakersChanged("r", now))
    for person in (host, patient):
        assert speakers(person) == [["pat"], ["pat", "host"], []]
    assert speakers(waiting) == []
    house.node.events(SpeakersChanged("r", ("pat",)))
    host.do("admit", "late")
    assert speakers(waiting) == [["pat"]], "who comes in hears who speaks now"


async def test_a_closed_gate_neither_tells_nor_is_told_who_speaks(house: House) -> None:
    host, patient = await pair(house, size=3)
    house.node.events(SpeakersChanged("r", ("pat", "host")))
    for person in (host, patient):
        person.take()
    host.do("hold", "pat")
    assert speakers(host) == [["host"]], "before the node says so"
    house.node.events(SpeakersChanged("r", ("host",)))
    house.node.events(SpeakersChanged("r", ("host", "pat")))
    assert speakers(host) == [["host"]], "what the node said before the hold may come after it"
    assert speakers(patient) == []
    house.node.events(SpeakersChanged("r", ("host",)))
    host.do("release", "pat")
    assert speakers(patient) == [["host"]]


async def test_a_new_connection_hears_who_speaks(house: House) -> None:
    _, patient = await pair(house)
    house.node.events(SpeakersChanged("r", ("host",)))
    again = await house.join(seat=patient.seat)
    assert speakers(again) == [["host"]]
    house.node.events(SpeakersChanged("nowhere", ("host",)))


async def test_other_events_of_the_node(house: House) -> None:
    _, patient = await pair(house)
    patient.take()
    house.node.events(SlotsNeeded("r", "pat", Slots(4, 5)))
    house.node.events(OfferNeeded("r", "pat"))
    house.node.events(PeerFailed("r", "pat", "dtls_timeout"))
    assert patient.link.received[:2] == [messages.Slots(audio=4, video=5), messages.Renegotiate(reason="codec")]
    assert patient.last(messages.Error).code == "dtls_timeout"
    for room, participant in (("r", "stranger"), ("nowhere", "pat")):
        house.node.events(PeerConnected(room, participant))
        house.node.events(PeerDisconnected(room, participant))


async def test_mute_reaches_the_node_for_ones_own_tracks_alone(house: House) -> None:
    _, patient = await pair(house)
    patient.do("mute", track="pat-camera", muted=True)
    assert house.node.calls[-1] == ("set_mute", "r", "pat", "pat-camera", True)
    with pytest.raises(Exception, match="no such track") as caught:
        patient.do("mute", track="host-camera", muted=True)
    assert getattr(caught.value, "code", None) == "track_unknown"
