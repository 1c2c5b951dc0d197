"""The registry: who gets in, what is told of whom, and what clocks do."""

import pytest

from signalling import messages
from signalling.config import SignallingConfig
from signalling.inputs import End, HostBack, HostLost
from signalling.node import (
    PeerConnected,
    PeerDisconnected,
    Slots,
    SlotsNeeded,
    TracksChanged,
)
from signalling.room import Ended, Presence
from tests.signalling.doubles import VIEW, House, pair, refused


@pytest.fixture
def house() -> House:
    return House()


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


# --- allowances


@pytest.mark.parametrize("way", ["by the seat", "by a grant that takes it over", "after leaving", "after removal"])
async def test_nobody_gets_more_by_coming_back(house: House, way: str) -> None:
    host, patient = await pair(house)
    now = house.clock.now
    while patient.member.allowance.offers.take(now):
        pass
    assert host.member.allowance.offers.take(now), "it is each person's own"
    match way:
        case "by the seat":
            patient.drop()
            back = await house.join(seat=patient.seat)
        case "by a grant that takes it over":
            back = await house.enter("pat")
        case "after leaving":
            patient.do("leave")
            back = await house.enter("pat")
        case _:
            host.do("remove", "pat")
            house.clock.offset += 0.01
            back = await house.enter("pat")
    assert not back.member.allowance.offers.take(now)
    assert back.member.allowance.offers.take(now + 1)


async def test_who_has_left_is_forgotten_once_there_is_nothing_to_hold_against_them(house: House) -> None:
    _, patient = await pair(house)
    allowance = patient.member.allowance
    while allowance.offers.take(house.clock.now):
        pass
    other = await house.enter("other")
    of_other = other.member.allowance
    patient.do("leave")
    house.clock.advance(house.config.offers_burst)
    other.do("leave")
    assert patient.member.allowance is not allowance
    assert other.member.allowance is not of_other


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
