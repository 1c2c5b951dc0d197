"""The registry and its disk: in which order things take effect, and what a restart leaves."""

import asyncio

import pytest

from signalling import messages
from signalling.room import Presence, Standing
from tests.signalling.doubles import House, RecordingLink, pair, refused


@pytest.fixture
def house() -> House:
    return House()


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


async def test_after_a_kill_a_group_waits_for_its_host(house: House) -> None:
    """Who is back first is told so, and sees nobody; all goes on by itself."""
    host, patient = await pair(house, size=3)
    other = await house.enter("other", gate="open")
    again = house.restarted()
    early = [await again.join(seat=person.seat) for person in (patient, other)]
    assert [person.last(messages.Paused).reason for person in early] == ["no_host"] * 2
    again.clock.advance(30)
    assert again.node.gates == {("r", "pat"): False, ("r", "other"): False}
    for person in early:
        person.take()
    await again.join(seat=host.seat)
    assert all(again.node.gates.values())
    assert [person.take() for person in early] == [["participants", "resumed", "tracks"]] * 2


async def test_a_stop_ends_nothing(house: House) -> None:
    await pair(house)
    before = list(house.journal.records)
    house.rooms.stop()
    assert house.journal.records == before
    assert house.clock.pending == 0
    assert ("close_room", "r") not in house.node.calls
