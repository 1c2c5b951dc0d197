"""The registry: who gets in, in which order things take effect, what a restart leaves, what clocks do."""

import asyncio
from dataclasses import replace

import pytest

from signalling import feed as feeds
from signalling import grant, messages
from signalling import seat as seats
from signalling.config import SignallingConfig
from signalling.errors import SignallingError
from signalling.feed import Feed
from signalling.inputs import Act, End, Enter, HostBack, HostLost, Move
from signalling.node import (
    OfferNeeded,
    PeerConnected,
    PeerDisconnected,
    PeerFailed,
    Slots,
    SlotsNeeded,
    SpeakersChanged,
    TracksChanged,
    TrackView,
)
from signalling.roles import Role
from signalling.room import Ended, Presence, Standing
from signalling.rooms import Rooms
from tests.signalling.doubles import KEY, KEYS, NODE_KEY, House, Person, RecordingLink

VIEW = TrackView("host-camera", "host", "video", "camera", False, "3")


@pytest.fixture
def house() -> House:
    return House()


async def pair(house: House, size: int = 2) -> tuple[Person, Person]:
    """A host and a patient that it has let in."""
    host = await house.enter("host", "practitioner", "open", size=size)
    patient = await house.enter("pat", size=size)
    host.do("admit", "pat")
    return host, patient


def refused(code: str) -> "pytest.RaisesExc[SignallingError]":
    return pytest.raises(SignallingError, check=lambda error: error.code == code)


# --- entering


async def test_from_the_lobby_into_the_room(house: House) -> None:
    host = await house.enter("host", "practitioner", "open")
    assert host.take() == ["joined", "admitted", "participants"]
    patient = await house.enter("pat")
    assert patient.last(messages.Joined).gate == "lobby"
    assert patient.last(messages.Lobby) == messages.Lobby(position=1, waiting=1, notice=None)
    assert patient.take() == ["joined", "lobby"]
    assert house.node.gates == {("r", "host"): True, ("r", "pat"): False}
    assert [(p.id, p.state) for p in host.last(messages.Participants).participants] == [
        ("host", "admitted"),
        ("pat", "lobby"),
    ]
    host.take()
    host.do("admit", "pat")
    assert house.node.gate("pat") is True
    assert patient.take() == ["admitted", "participants"]
    assert host.take() == ["participants"]


async def test_the_welcome_says_all_that_a_client_needs() -> None:
    config = SignallingConfig.model_validate(
        {"ice_servers": [{"urls": ["turn:t.example.org"], "username": "u", "credential": "c"}]}
    )
    house = House(config)
    house.node.slots = Slots(3, 4)
    person = await house.join(id=7, grant=house.grant("pat", "interpreter", name="  Tolk\u202e\n2 ", size=5))
    joined = person.last(messages.Joined)
    assert (joined.re, joined.participant, joined.room, joined.role, joined.name) == (
        7,
        "pat",
        "r",
        "interpreter",
        "Tolk 2",
    )
    assert joined.slots == messages.SlotCounts(audio=3, video=4)
    assert joined.ice_servers == [messages.IceServer(urls=["turn:t.example.org"], username="u", credential="c")]
    assert ("open_peer", "r", "pat", 5) in house.node.calls
    assert "credential" not in repr(joined.ice_servers)
    assert joined.seat not in repr(joined)


@pytest.mark.parametrize(("rename", "shown"), [(True, "K. N."), (False, "Pat")])
async def test_the_name_is_the_persons_choice_where_the_grant_says_so(house: House, rename: bool, shown: str) -> None:
    person = await house.join(grant=house.grant("pat", rename=rename), name="K. N.")
    assert person.last(messages.Joined).name == shown


async def test_a_grant_is_good_once(house: House) -> None:
    token = house.grant("pat")
    await house.join(grant=token)
    with refused("grant_replayed"):
        await house.join(grant=token)
    with refused("grant_replayed"):
        await house.restarted().join(grant=token)


async def test_a_spent_grant_stays_spent_after_the_clock_was_set_back(house: House) -> None:
    token = house.grant("pat")
    await house.join(grant=token)
    house.clock.advance(600)
    house.clock.offset -= 3600
    with refused("grant_invalid"):
        await house.join(grant=token)
    house.clock.offset += 3000
    with refused("grant_replayed"):
        await house.join(grant=token)


@pytest.mark.parametrize("what", ["grant", "seat"])
async def test_a_page_may_insist_on_its_room(house: House, what: str) -> None:
    token = house.grant("pat") if what == "grant" else (await house.enter("pat")).seat
    with refused("grant_wrong_room"):
        await house.join(room="other", **{what: token})
    assert (await house.join(room="r", **{what: token})).last(messages.Joined).room == "r"


async def test_a_refused_grant_is_not_spent(house: House) -> None:
    token = house.grant("pat")
    with refused("grant_wrong_room"):
        await house.join(room="other", grant=token)
    await house.join(grant=token)


async def test_rooms_know_nothing_of_each_other(house: House) -> None:
    host, _ = await pair(house)
    await house.enter("elsewhere", room="other")
    host.take()
    with refused("unknown_participant"):
        host.do("admit", "elsewhere")
    assert host.take() == []


# --- the lobby


async def test_the_lobby_learns_its_place_and_nothing_of_others(house: House) -> None:
    host = await house.enter("host", "practitioner", "open")
    first, second, third = [await house.enter(name) for name in ("anna", "berit", "cato")]
    house.node.events(TracksChanged("r", "berit", (VIEW,)))
    house.node.events(SlotsNeeded("r", "host", Slots(2, 2)))
    host.do("notice", minutes=10, text="Litt  forsinket")
    host.do("deny", "anna")
    assert first.link.ended == "denied"
    told = [message for message in second.link.received if not isinstance(message, messages.Joined)]
    assert told == [
        messages.Lobby(position=2, waiting=2, notice=None),
        messages.Lobby(position=2, waiting=3, notice=None),
        messages.Lobby(position=2, waiting=3, notice=messages.Notice(minutes=10, text="Litt forsinket")),
        messages.Lobby(position=1, waiting=2, notice=messages.Notice(minutes=10, text="Litt forsinket")),
    ]
    assert third.last(messages.Lobby).position == 2
    host.do("notice")
    assert third.last(messages.Lobby).notice is None


async def test_hosts_see_who_waits_longest_first_and_for_how_long(house: House) -> None:
    host = await house.enter("host", "practitioner", "open")
    await house.enter("zoe")
    house.clock.advance(30)
    await house.enter("adam")
    people = host.last(messages.Participants).participants
    assert [(p.id, p.waited) for p in people] == [("host", None), ("zoe", 30), ("adam", 0)]


async def test_only_hosts_see_the_lobby(house: House) -> None:
    _, patient = await pair(house)
    await house.enter("guest", "guest")
    people = patient.last(messages.Participants).participants
    assert [p.id for p in people] == ["host", "pat"]
    assert all(p.waited is None and p.removed_before is None for p in people)


async def test_who_is_gone_from_the_queue_keeps_its_place(house: House) -> None:
    await house.enter("host", "practitioner", "open")
    first, second = await house.enter("anna"), await house.enter("berit")
    seat = first.seat
    first.drop()
    assert second.last(messages.Lobby).position == 2
    house.clock.advance(60)
    assert second.last(messages.Lobby).position == 1
    back = await house.join(seat=seat)
    assert back.last(messages.Lobby).position == 1
    assert second.last(messages.Lobby).position == 2


# --- the gate


async def test_anyone_pauses_and_a_host_resumes(house: House) -> None:
    host, patient = await pair(house)
    host.take()
    patient.take()
    patient.do("pause", reason="not_alone")
    assert house.node.gates == {("r", "host"): False, ("r", "pat"): False}
    assert host.last(messages.Paused) == messages.Paused(by="pat", reason="not_alone")
    assert patient.take() == ["paused"]
    with refused("forbidden"):
        patient.do("resume")
    late = await house.enter("late", "companion")
    host.do("admit", "late")
    assert late.take() == ["joined", "lobby", "admitted", "paused", "participants"]
    assert house.node.gate("late") is False
    host.do("resume")
    assert all(house.node.gates.values())
    assert late.take() == ["resumed"]


@pytest.mark.parametrize(("role", "expected"), [("practitioner", "host"), ("patient", "not_alone")])
async def test_a_pause_has_a_reason(house: House, role: str, expected: str) -> None:
    person = await house.enter("someone", role, "open")
    await house.enter("host", "practitioner", "open")
    person.do("pause")
    assert person.last(messages.Paused).reason == expected
    with refused("bad_message"):
        person.do("pause", reason="no_host")


async def test_hold_and_release(house: House) -> None:
    host, patient = await pair(house)
    third = await house.enter("third", "interpreter", "open")
    patient.take()
    host.do("hold", "pat")
    assert house.node.gates == {("r", "host"): True, ("r", "pat"): False, ("r", "third"): True}
    assert patient.take() == ["held", "participants"]
    assert ("pat", "held") in [(p.id, p.state) for p in third.last(messages.Participants).participants]
    host.do("release", "pat")
    assert house.node.gate("pat") is True
    assert patient.take() == ["released", "participants"]


async def test_back_to_the_lobby(house: House) -> None:
    host, patient = await pair(house)
    host.do("pause")
    patient.take()
    host.do("to-lobby", "pat")
    assert house.node.gate("pat") is False, "the transport stays up"
    assert patient.take() == ["lobby"]
    host.do("resume")
    assert patient.take() == []
    host.do("admit", "pat")
    assert patient.take() == ["admitted", "participants"]


async def test_removal_kills_the_seat_and_earlier_grants(house: House) -> None:
    host, patient = await pair(house)
    seat, earlier = patient.seat, house.grant("pat")
    house.clock.advance(1)
    host.do("remove", "pat")
    assert patient.link.ended == "removed"
    assert house.node.gate("pat") is None
    with refused("seat_dead"):
        await house.join(seat=seat)
    with refused("grant_revoked"):
        await house.join(grant=earlier)
    house.clock.advance(0.01)
    again = await house.enter("pat", gate="open")
    assert again.take() == ["joined", "lobby"]
    assert [p.removed_before for p in host.last(messages.Participants).participants] == [None, True]
    with refused("seat_dead"):
        await house.join(seat=seat)


async def test_leaving_gives_the_seat_up(house: House) -> None:
    _, patient = await pair(house)
    seat = patient.seat
    patient.do("leave", reason="done")
    assert patient.link.ended == "left"
    with refused("seat_dead"):
        await house.join(seat=seat)
    assert (await house.enter("pat")).last(messages.Joined).gate == "lobby"


async def test_the_end_is_final_for_what_was_issued_before(house: House) -> None:
    host, patient = await pair(house)
    await house.enter("waits")
    seat, unused = patient.seat, house.grant("pat")
    house.clock.advance(1)
    host.do("end")
    assert (host.link.ended, patient.link.ended) == ("ended", "ended")
    assert house.node.calls[-1] == ("close_room", "r")
    assert house.node.gates == {}
    for place in (house, house.restarted()):
        with refused("room_ended"):
            await place.join(seat=seat)
        with refused("room_ended"):
            await place.join(grant=unused)
    house.clock.advance(1)
    again = await house.enter("pat", gate="open")
    assert again.last(messages.Joined).gate == "open"
    with refused("room_ended"):
        await house.join(seat=seat)
    with refused("room_ended"):
        await house.join(grant=unused)


async def test_what_comes_of_a_dead_connection_does_nothing(house: House) -> None:
    host, patient = await pair(house)
    host.do("remove", "pat")
    with refused("seat_dead"):
        patient.do("pause")
    with refused("seat_dead"):
        await house.rooms.offer(patient.member, "sdp", [])


# --- seats


async def test_a_returning_seat_gets_what_the_journal_says(house: House) -> None:
    host, patient = await pair(house)
    seat = patient.seat
    host.do("hold", "pat")
    patient.drop()
    assert [p.state for p in host.last(messages.Participants).participants] == ["admitted", "reconnecting"]
    back = await house.join(seat=seat)
    assert back.take() == ["joined", "admitted", "held", "participants"]
    assert [call for call in house.node.calls if call[0] == "close_peer"] == [], "the transport goes on"


async def test_who_comes_back_after_a_minute_was_shown_as_gone(house: House) -> None:
    host, patient = await pair(house)
    seat = patient.seat
    house.node.events(PeerConnected("r", "pat"))
    patient.drop()
    house.clock.advance(59.9)
    assert [p.id for p in host.last(messages.Participants).participants] == ["host", "pat"]
    house.clock.advance(0.1)
    assert [p.id for p in host.last(messages.Participants).participants] == ["host", "pat"], "media still lives"
    house.node.events(PeerDisconnected("r", "pat"))
    assert [p.id for p in host.last(messages.Participants).participants] == ["host"]
    assert house.node.gate("pat") is None
    house.clock.advance(3600)
    back = await house.join(seat=seat)
    assert back.last(messages.Joined).gate == "open"
    assert house.node.gate("pat") is True


async def test_the_newest_connection_of_a_seat_counts(house: House) -> None:
    _, patient = await pair(house)
    again = await house.join(seat=patient.seat)
    assert patient.link.ended == "taken_over"
    house.rooms.disconnect(patient.member)
    state = house.rooms.roster("r")
    assert state is not None
    assert state.people["pat"].presence is Presence.CONNECTED
    assert again.link.ended is None


async def test_a_fresh_grant_takes_the_seat_over(house: House) -> None:
    _, patient = await pair(house)
    seat = patient.seat
    other = await house.enter("pat", name="Pat again")
    assert patient.link.ended == "taken_over"
    assert other.last(messages.Joined).gate == "open", "no new admission"
    calls = house.node.calls
    assert calls[-3:] == [("close_peer", "r", "pat"), ("open_peer", "r", "pat", 2), ("set_gate", "r", "pat", True)]
    with refused("seat_dead"):
        await house.join(seat=seat)


async def test_a_seat_lasts_twelve_hours(house: House) -> None:
    host, patient = await pair(house)
    seat = patient.seat
    patient.drop()
    house.clock.advance(12 * 3600)
    (await house.join(seat=seat)).drop()
    house.clock.advance(61)
    with refused("seat_invalid"):
        await house.join(seat=seat)
    assert host.link.ended is None


async def test_a_room_without_anybody_expires(house: House) -> None:
    host, patient = await pair(house)
    seat = patient.seat
    host.drop()
    house.clock.advance(30)
    patient.drop()
    house.clock.advance(12 * 3600 - 1)
    state = house.rooms.roster("r")
    assert state is not None
    assert not isinstance(state.life, Ended)
    house.clock.advance(1)
    assert house.journal.records[-1].event == End(None, "expired", expired=True)
    with refused("room_ended"):
        await house.join(seat=seat)
    house.clock.advance(12 * 3600 + 200)
    assert house.rooms.roster("r") is None, "an old ended room is forgotten"
    assert house.clock.pending == 1, "only the pruning goes on"


# --- the absent host


async def test_patients_are_not_left_alone_for_more_than_a_minute(house: House) -> None:
    host, patient = await pair(house)
    seat = host.seat
    house.node.events(PeerConnected("r", "host"))
    host.drop()
    house.clock.advance(300)
    assert house.node.gate("pat") is True, "its consent lives"
    house.node.events(PeerDisconnected("r", "host"))
    house.clock.advance(59.9)
    assert house.node.gate("pat") is True
    patient.take()
    house.clock.advance(0.1)
    assert house.node.gate("pat") is False
    assert patient.link.received == [messages.Paused(by=None, reason="no_host")]
    patient.take()
    back = await house.join(seat=seat)
    assert house.node.gate("pat") is True
    assert patient.take() == ["participants", "resumed"]
    assert "paused" not in back.take()
    assert [type(record.event) for record in house.journal.records[-2:]] == [HostLost, HostBack]


async def test_a_host_that_leaves_is_absent(house: House) -> None:
    host, patient = await pair(house)
    host.do("leave")
    house.clock.advance(60)
    assert house.node.gate("pat") is False
    await house.enter("other", "practitioner", "open")
    assert house.node.gate("pat") is True
    assert "resumed" in patient.take()


async def test_a_host_that_is_back_in_time_stops_the_clock(house: House) -> None:
    host, _ = await pair(house)
    seat = host.seat
    host.drop()
    house.clock.advance(59)
    await house.join(seat=seat)
    house.clock.advance(3600)
    assert house.node.gate("pat") is True


async def test_a_group_is_not_left_alone_at_all(house: House) -> None:
    host, patient = await pair(house, size=3)
    patient.take()
    host.drop()
    assert house.node.gate("pat") is False
    assert patient.take() == ["participants", "paused"]


async def test_a_pause_by_a_person_hides_and_outlives_the_missing_host(house: House) -> None:
    host, patient = await pair(house)
    seat = host.seat
    patient.do("pause")
    host.drop()
    house.clock.advance(60)
    assert patient.last(messages.Paused).reason == "not_alone"
    back = await house.join(seat=seat)
    assert house.node.gate("pat") is False
    back.do("resume")
    assert house.node.gate("pat") is True


# --- the journal


async def test_openings_wait_for_the_disk_and_closings_do_not(house: House) -> None:
    host = await house.enter("host", "practitioner", "open")
    patient = await house.enter("pat")
    patient.take()
    house.journal.at_once = False
    host.do("admit", "pat")
    assert house.node.gate("pat") is False
    assert patient.take() == []
    host.do("pause")
    assert house.node.gate("host") is False, "at once"
    house.journal.flush()
    assert house.node.gate("pat") is False
    assert patient.take() == ["admitted", "participants", "paused"], "in the order in which it happened"
    host.do("resume")
    assert house.node.gate("pat") is False
    host.do("hold", "pat")
    house.journal.flush()
    assert house.node.gates == {("r", "host"): True, ("r", "pat"): False}
    opened = [call for call in house.node.calls if call == ("set_gate", "r", "pat", True)]
    assert opened == [], "a gate that something later closes is not opened in between"


async def test_people_hear_of_a_closing_when_a_crash_can_no_more_take_it_back(house: House) -> None:
    host, patient = await pair(house)
    patient.take()
    house.journal.at_once = False
    host.do("pause")
    assert house.node.gate("pat") is False
    assert patient.take() == [], "not on disk yet"
    house.journal.flush()
    assert patient.take() == ["paused"]
    host.do("remove", "pat")
    assert house.node.gate("pat") is None
    assert patient.link.ended is None
    house.clock.advance(0.25)
    assert patient.link.ended == "removed", "a slow disk keeps nobody in the dark"


async def test_a_gate_waits_for_the_newest_opening_not_for_an_older_one(house: House) -> None:
    host, _ = await pair(house)
    host.do("pause")
    house.journal.at_once = False
    host.do("resume")
    host.do("pause")
    host.do("resume")
    house.journal.flush(2)
    assert not any(house.node.gates.values()), "on disk: resumed, paused"
    house.journal.flush(1)
    assert all(house.node.gates.values())


async def test_a_full_disk_refuses_openings_and_keeps_closings(house: House) -> None:
    host, patient = await pair(house)
    waiting = await house.enter("waits")
    house.journal.at_once = False
    host.do("admit", "waits", id=9)
    host.do("hold", "pat")
    host.do("hold", "waits")
    house.journal.fail()
    told = host.last(messages.Error)
    assert (told.re, told.code) == (9, "storage_unavailable")
    assert "admitted" not in waiting.take()
    assert house.node.gates == {("r", "host"): True, ("r", "pat"): False, ("r", "waits"): False}
    state = house.rooms.roster("r")
    assert state is not None
    assert (state.standing("pat"), state.standing("waits")) == (Standing.HELD, Standing.LOBBY)
    token = house.grant("new")
    with refused("storage_unavailable"):
        await house.join(grant=token)
    with refused("storage_unavailable"):
        host.do("release", "pat")
    host.do("remove", "waits")
    assert waiting.link.ended == "removed"
    back = await house.join(seat=patient.seat)
    assert back.last(messages.Joined).gate == "open", "calls go on"
    house.journal.recover()
    house.journal.at_once = True
    await house.join(grant=token)
    host.do("release", "pat")
    assert house.node.gate("pat") is True
    again = house.restarted().rooms.roster("r")
    assert again is not None
    assert again.standing("waits") is Standing.REMOVED


async def test_an_entry_that_never_reached_the_disk_is_refused(house: House) -> None:
    house.journal.at_once = False
    token = house.grant("pat")
    joining = asyncio.ensure_future(house.join(grant=token))
    await asyncio.sleep(0)
    house.journal.fail()
    with refused("storage_unavailable"):
        await joining
    house.journal.recover()
    house.journal.at_once = True
    assert (await house.join(grant=token)).take() == ["joined", "lobby"], "and its grant is not spent"


async def test_the_host_that_returns_while_the_disk_is_full_opens_when_it_has_room(house: House) -> None:
    host, patient = await pair(house)
    seat = host.seat
    host.drop()
    house.clock.advance(60)
    house.journal.fail()
    await house.join(seat=seat)
    assert house.node.gate("pat") is False
    house.journal.recover()
    assert house.node.gate("pat") is True
    assert patient.take()[-1] == "resumed"


async def test_removed_on_the_way_in(house: House) -> None:
    host, patient = await pair(house)
    await house.enter("waits")
    seat = patient.seat
    patient.drop()
    house.journal.at_once = False
    host.do("admit", "waits")
    returning = asyncio.ensure_future(house.join(seat=seat))
    await asyncio.sleep(0)
    host.do("remove", "pat")
    house.journal.flush()
    person = await returning
    assert person.link.ended == "removed"
    assert person.take() == []
    assert house.node.gate("pat") is None


async def test_gone_before_it_was_in(house: House) -> None:
    house.journal.at_once = False
    link = RecordingLink()
    joining = asyncio.ensure_future(house.rooms.join(messages.Join(grant=house.grant("pat")), link))
    await asyncio.sleep(0)
    link.closed = True
    house.journal.flush()
    await joining
    state = house.rooms.roster("r")
    assert state is not None
    assert state.people["pat"].presence is Presence.AWAY


async def test_gone_in_the_moment_in_which_it_was_in(house: House) -> None:
    house.journal.at_once = False
    joining = asyncio.ensure_future(house.join(grant=house.grant("pat")))
    await asyncio.sleep(0)
    house.journal.flush()
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    state = house.rooms.roster("r")
    assert state is not None
    assert state.people["pat"].presence is Presence.AWAY


# --- a restart


async def test_after_a_kill_everybody_returns_to_where_they_were(house: House) -> None:
    host, patient = await pair(house)
    held = await house.enter("held", gate="open")
    waits = await house.enter("waits")
    host.do("hold", "held")
    host.do("notice", minutes=5)
    seats = [person.seat for person in (host, patient, held, waits)]
    again = house.restarted()
    assert again.node.gates == {}, "peers are opened anew as people return"
    people = [await again.join(seat=seat) for seat in seats]
    assert [person.last(messages.Joined).gate for person in people] == ["open", "open", "open", "lobby"]
    assert again.node.gates == {("r", "host"): True, ("r", "pat"): True, ("r", "held"): False, ("r", "waits"): False}
    assert people[3].last(messages.Lobby).notice == messages.Notice(minutes=5)
    numbers = [record.sequence for record in again.journal.records]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_after_a_kill_the_pause_still_holds(house: House) -> None:
    host, patient = await pair(house)
    patient.do("pause")
    again = house.restarted()
    await again.join(seat=patient.seat)
    back = await again.join(seat=host.seat)
    assert not any(again.node.gates.values())
    back.do("resume")
    assert all(again.node.gates.values())


async def test_after_a_kill_the_absent_hosts_clock_starts_anew(house: House) -> None:
    host, patient = await pair(house)
    host.drop()
    house.clock.advance(60)
    assert house.node.gate("pat") is False
    again = house.restarted(pause=30)
    back = await again.join(seat=patient.seat)
    assert again.node.gate("pat") is True
    again.clock.advance(59.9)
    assert again.node.gate("pat") is True
    again.clock.advance(0.2)
    assert again.node.gate("pat") is False
    assert back.last(messages.Paused).reason == "no_host"


async def test_a_stop_ends_nothing(house: House) -> None:
    await pair(house)
    before = list(house.journal.records)
    house.rooms.stop()
    assert house.journal.records == before
    assert house.clock.pending == 0
    assert ("close_room", "r") not in house.node.calls


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


# --- control


async def test_control_opens_revokes_notices_and_ends(house: House) -> None:
    await house.rooms.open("r", size=4)
    house.clock.advance(1)
    await house.rooms.revoke("r", "bad")
    with refused("grant_revoked"):
        await house.join(grant=grant_of(house, "bad", issued=-1))
    person = await house.enter("pat")
    assert ("open_peer", "r", "pat", 4) in house.node.calls
    await house.rooms.notice("r", minutes=3)
    assert person.last(messages.Lobby).notice == messages.Notice(minutes=3)
    with refused("room_ended"):
        await house.rooms.notice("nowhere", minutes=3)
    await house.rooms.revoke("r", "pat")
    assert person.link.ended == "removed"
    assert house.journal.records[-1].event == Move("pat", Act.REVOKE, None)
    await house.rooms.end("r", reason="closed")
    state = house.rooms.roster("r")
    assert state is not None
    assert isinstance(state.life, Ended)


async def test_a_room_may_be_ended_before_anybody_came(house: House) -> None:
    token = house.grant("pat")
    house.clock.advance(1)
    await house.rooms.end("r")
    with refused("room_ended"):
        await house.join(grant=token)
    assert house.rooms.roster("other") is None


async def test_a_revocation_may_be_repeated(house: House) -> None:
    await house.enter("host", "practitioner", "open")
    person = await house.enter("pat")
    old = house.grant("pat")
    house.clock.advance(1)
    decided = house.clock.wall()
    house.clock.advance(1)
    await house.rooms.revoke("r", "pat", before=decided)
    assert person.link.ended == "removed"
    with refused("grant_revoked"):
        await house.join(grant=old)
    again = await house.enter("pat")
    written = len(house.journal.records)
    for place in (house, house.restarted()):
        await place.rooms.revoke("r", "pat", before=decided)
        assert len(place.journal.records) == written, "nothing happens"
        state = place.rooms.roster("r")
        assert state is not None
        assert state.standing("pat") is Standing.LOBBY
    assert again.link.ended is None
    await house.rooms.revoke("r", "pat")
    assert again.link.ended == "removed"


async def test_a_revocation_that_comes_late_leaves_who_came_by_a_later_grant(house: House) -> None:
    old = house.grant("pat")
    decided = house.clock.wall()
    house.clock.advance(1)
    person = await house.enter("pat")
    await house.rooms.revoke("r", "pat", before=decided)
    assert person.link.ended is None
    with refused("grant_revoked"):
        await house.join(grant=old)


async def test_an_end_may_be_repeated(house: House) -> None:
    host, _ = await pair(house)
    old = house.grant("pat")
    house.clock.advance(1)
    decided = house.clock.wall()
    house.clock.advance(1)
    later = house.grant("pat", gate="open")
    await house.rooms.end("r", before=decided)
    assert host.link.ended == "ended"
    written = len(house.journal.records)
    restarted = house.restarted()
    for place in (house, restarted):
        await place.rooms.end("r", before=decided)
        await place.rooms.revoke("r", "pat", before=decided)
        assert len(place.journal.records) == written, "it has ended for all grants of until then"
        with refused("room_ended"):
            await place.join(grant=old)
    person = await house.join(grant=later)
    assert person.last(messages.Joined).gate == "open", "a grant from after the decision is good"
    await house.rooms.end("r", before=decided)
    assert person.link.ended is None, "and so is the life of the room that it began"
    await restarted.rooms.end("r", before=decided + 0.5)
    assert restarted.journal.records[-1].event == End(None, before=decided + 0.5)
    with refused("room_ended"):
        await restarted.join(grant=grant_of(restarted, "pat", issued=decided + 0.5 - restarted.clock.wall()))


async def test_an_end_that_comes_late_ends_what_began_by_an_older_grant(house: House) -> None:
    old = house.grant("pat", gate="open")
    decided = house.clock.wall()
    house.clock.advance(1)
    person = await house.join(grant=old)
    await house.rooms.end("r", before=decided)
    assert person.link.ended == "ended"


async def test_commands_that_are_repeated_in_their_order_leave_what_they_left_before(house: House) -> None:
    opened = house.clock.wall()
    house.clock.advance(1)
    ended = house.clock.wall()
    for lost in (True, False):
        house.clock.advance(1)
        await house.rooms.open("r", size=4, at=opened)
        await house.rooms.open("r", size=4, at=opened)
        assert len(house.journal.records) == (1 if lost else 2), "the second time the room is over"
        await house.rooms.end("r", before=ended)
        state = house.rooms.roster("r")
        assert state is not None
        assert isinstance(state.life, Ended), "an opening of before the end keeps no room from it"
    await house.rooms.open("r", at=house.clock.wall())
    state = house.rooms.roster("r")
    assert state is not None
    assert not isinstance(state.life, Ended)


async def test_an_end_spares_what_control_opened_later(house: House) -> None:
    decided = house.clock.wall()
    house.clock.advance(1)
    await house.rooms.open("r")
    await house.rooms.end("r", before=decided)
    state = house.rooms.roster("r")
    assert state is not None
    assert not isinstance(state.life, Ended)


@pytest.mark.parametrize("command", ["revoke", "end", "role", "notice", "open"])
async def test_a_command_returns_once_it_is_on_disk(house: House, command: str) -> None:
    host, patient = await pair(house)
    house.journal.at_once = False
    decided = house.clock.wall()

    def repeat() -> asyncio.Future[None]:
        rooms = house.rooms
        return asyncio.ensure_future(
            {
                "revoke": lambda: rooms.revoke("r", "pat", before=decided),
                "end": lambda: rooms.end("r", before=decided),
                "role": lambda: rooms.set_rights("r", "pat", Role.GUEST),
                "notice": lambda: rooms.notice("r", minutes=5),
                "open": lambda: rooms.open("r", size=2),
            }[command]()
        )

    first = repeat()
    await asyncio.sleep(0)
    house.clock.advance(0.25)
    again = repeat()
    await asyncio.sleep(0)
    assert patient.link.ended == {"revoke": "removed", "end": "ended"}.get(command), "people hear of it before"
    assert not first.done()
    assert not again.done(), "what was done already is not on disk either"
    house.journal.flush()
    await asyncio.wait_for(asyncio.gather(first, again), 10)
    assert host.link.ended == ("ended" if command == "end" else None)


async def test_an_end_while_another_is_on_its_way_to_the_disk(house: House) -> None:
    host, _ = await pair(house)
    house.clock.advance(1)
    house.journal.at_once = False
    host.do("end")
    house.clock.advance(0.1)
    ending = asyncio.ensure_future(house.rooms.end("r", before=house.clock.wall()))
    await asyncio.sleep(0)
    house.journal.flush()
    await asyncio.sleep(0)
    house.journal.flush()
    await asyncio.wait_for(ending, 10)
    assert [each.event for each in house.journal.records[-2:]] == [
        End("host"),
        End(None, before=house.clock.wall()),
    ]


async def test_what_control_closes_is_never_refused_for_the_load(house: House) -> None:
    token = house.grant("pat")
    house.clock.advance(1)
    house.rooms.opens_rooms = lambda: False
    await house.rooms.revoke("r", "pat")
    await house.rooms.end("other")
    house.rooms.opens_rooms = lambda: True
    with refused("grant_revoked"):
        await house.join(grant=token)


# --- roles


async def test_a_new_role_is_told_to_all_and_brings_its_rights(house: House) -> None:
    host, patient = await pair(house)
    waits = await house.enter("waits")
    for person in (host, patient, waits):
        person.take()
    await house.rooms.set_rights("r", "pat", Role.PRACTITIONER)
    assert [(p.id, p.role) for p in patient.last(messages.Participants).participants] == [
        ("host", "practitioner"),
        ("pat", "practitioner"),
        ("waits", "patient"),
    ], "a host sees the lobby"
    assert [(p.id, p.role) for p in host.last(messages.Participants).participants][1] == ("pat", "practitioner")
    assert (host.take(), patient.take(), waits.take()) == (["participants"], ["participants"], [])
    patient.do("admit", "waits")
    assert house.node.gate("waits") is True
    await house.rooms.set_rights("r", "host", Role.INTERPRETER)
    with refused("forbidden"):
        host.do("hold", "waits")
    assert ("host", "interpreter") in [(p.id, p.role) for p in waits.last(messages.Participants).participants]
    written = len(house.journal.records)
    await house.rooms.set_rights("r", "host", Role.INTERPRETER)
    assert len(house.journal.records) == written
    await house.rooms.set_rights("r", "host", Role.GUEST, before=house.clock.wall() - 1)
    assert len(house.journal.records) == written, "who came by a grant from after the decision is what that says"
    again = house.restarted().rooms.roster("r")
    assert again is not None
    assert [again.people[name].role for name in ("host", "pat")] == ["interpreter", "practitioner"]
    with refused("unknown_participant"):
        await house.rooms.set_rights("r", "stranger", Role.GUEST)
    with refused("room_ended"):
        await house.rooms.set_rights("nowhere", "pat", Role.GUEST)


@pytest.mark.parametrize(("size", "wait"), [(2, 60), (3, 0)])
async def test_who_is_no_host_any_more_does_not_keep_the_others_company(house: House, size: int, wait: int) -> None:
    host, patient = await pair(house, size)
    await house.rooms.set_rights("r", "host", Role.GUEST)
    assert house.node.gate("pat") is (wait > 0)
    house.clock.advance(wait)
    assert (house.node.gate("host"), house.node.gate("pat")) == (False, False)
    assert host.last(messages.Paused) == patient.last(messages.Paused) == messages.Paused(by=None, reason="no_host")
    house.journal.at_once = False
    promoting = asyncio.ensure_future(house.rooms.set_rights("r", "host", Role.PRACTITIONER))
    await asyncio.sleep(0)
    assert house.node.gate("host") is False, "not before it is on disk"
    house.journal.flush()
    house.journal.flush()
    await promoting
    assert (house.node.gate("host"), house.node.gate("pat")) == (True, True)


# --- whoever owns the rooms


async def test_the_journal_tells_the_level_of_login(house: House) -> None:
    await house.enter("pat", acr="idporten-loa-high")
    await house.enter("guest")
    entries = [each.event for each in house.journal.records if isinstance(each.event, Enter)]
    assert [entry.acr for entry in entries] == ["idporten-loa-high", None]


async def test_a_consumer_that_is_far_behind_keeps_new_rooms_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "TOO_MANY", 3)
    feed = Feed()
    house.rooms = Rooms(house.config, house.node, KEYS, NODE_KEY, house.journal, house.clock, feed=feed)
    house.rooms.start([])
    await pair(house)
    feed.take(house.journal.records)
    with refused("overloaded"):
        await house.enter("new", room="new")
    await house.enter("other")
    feed.acknowledge("r", house.journal.records[0].epoch, 1)
    await house.enter("new", room="new")


async def test_the_roster_says_after_a_restart_what_it_said_before(house: House) -> None:
    host, patient = await pair(house)
    await house.rooms.set_rights("r", "pat", Role.GUARDIAN)
    host.do("hold", "pat")
    await house.enter("gone", room="over")
    await house.rooms.end("over")
    patient.do("pause")
    again = house.restarted()
    for name in ("r", "over", "nowhere"):
        before, after = house.rooms.roster(name), again.rooms.roster(name)
        if before is None or after is None:
            assert (before, after, name) == (None, None, "nowhere")
            continue
        people = {who: replace(person, presence=Presence.AWAY) for who, person in before.people.items()}
        assert after == replace(before, people=people)
    over = again.rooms.roster("over")
    assert over is not None
    assert isinstance(over.life, Ended)
    assert over.people == {}
    again.clock.advance(again.rooms.memory + 61)
    assert again.rooms.roster("over") is None


def grant_of(house: House, participant: str, issued: float) -> str:
    now = house.clock.wall() + issued
    return grant.issue(KEY, room="r", participant=participant, role="patient", name="X", now=lambda: now)
