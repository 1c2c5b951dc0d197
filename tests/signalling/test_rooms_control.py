"""What control tells the registry, once or again, and what it learns."""

import asyncio
from dataclasses import replace

import pytest

from signalling import feed as feeds
from signalling import grant, messages
from signalling.feed import Feed
from signalling.inputs import Act, End, Enter, Move
from signalling.roles import Role
from signalling.room import Ended, Presence, Standing
from signalling.rooms import Rooms
from tests.signalling.doubles import KEY, KEYS, NODE_KEY, House, pair, refused


@pytest.fixture
def house() -> House:
    return House()


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
