"""Anything in any order, with a slow or full disk and restarts: what must hold after every step."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signalling import messages, seat
from signalling.errors import SignallingError
from signalling.inputs import HostLost
from signalling.node import PeerConnected, PeerDisconnected
from signalling.recovery import replay
from signalling.roles import Role
from signalling.room import Phase, Presence, Room, Running, Standing
from signalling.views import Inside, view
from tests.signalling.doubles import NODE_KEY, House, MemoryJournal, Person, RecordingLink, RecordingNode

HOSTS = ("host", "colleague")
OTHERS = ("pat", "guardian", "guest")
PEOPLE = HOSTS + OTHERS
COMMANDS = ("admit", "deny", "to-lobby", "remove", "hold", "release")

SELDOM = st.integers(0, 7).map(lambda number: number == 7)


class WitnessNode(RecordingNode):
    """Sees to it that no gate opens that the journal does not have."""

    def __init__(self, journal: MemoryJournal) -> None:
        super().__init__()
        self._journal = journal

    def set_gate(self, room: str, participant: str, open: bool) -> None:
        super().set_gate(room, participant, open)
        if open:
            on_disk = replay(self._journal.records).rooms[room]
            assert on_disk.standing(participant) is Standing.ADMITTED
            assert isinstance(on_disk.life, Running)


class AnyOrder(RuleBasedStateMachine):
    """One room, five people."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.people: dict[str, Person] = {}
        self.seats: dict[str, str] = {}
        self.given: dict[str, set[seat.Seat]] = {}
        self.joining: list[tuple[str, asyncio.Task[Person | None]]] = []
        self.orders: set[asyncio.Task[None]] = set()
        self.house = House()

    @initialize(size=st.sampled_from((2, 5)))
    def begin(self, size: int) -> None:
        self.size = size  # of the room: three and more are a group
        self.witness(self.house)
        self.enters("host", "open")
        self.enters("pat", "open")

    def teardown(self) -> None:
        for task in (*self.orders, *(joining for _, joining in self.joining)):
            task.cancel()
        self.turn()
        self.loop.close()

    # --- what happens

    @rule(who=st.sampled_from(PEOPLE), gate=st.sampled_from(("lobby", "open")))
    def enters(self, who: str, gate: Literal["lobby", "open"]) -> None:
        role = "practitioner" if who in HOSTS else "patient"
        self.join(who, grant=self.house.grant(who, role, gate, size=self.size))

    @precondition(lambda self: self.seats)
    @rule(data=st.data())
    def returns(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.seats)))
        self.join(who, seat=self.seats[who])

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def an_old_seat_returns(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.given)))
        newest = self.newest_seat(who)
        live = self.house.rooms._live.get("r")
        for old in self.given[who]:
            if old != newest or live is None or not live.state.people[who].seated:
                joins = self.house.rooms.join(messages.Join(seat=issued(old, self.house)), RecordingLink())
                with pytest.raises(SignallingError):
                    self.loop.run_until_complete(joins)

    @precondition(lambda self: self.people)
    @rule(data=st.data())
    def drops(self, data: st.DataObject) -> None:
        self.someone(data).drop()

    @precondition(lambda self: self.people)
    @rule(data=st.data(), command=st.sampled_from(COMMANDS), whom=st.sampled_from(PEOPLE))
    def commands(self, data: st.DataObject, command: str, whom: str) -> None:
        self.do(self.someone(data), command, whom)

    @precondition(lambda self: self.people)
    @rule(data=st.data(), command=st.sampled_from(("pause", "resume", "leave", "resume")))
    def says(self, data: st.DataObject, command: str) -> None:
        self.do(self.someone(data), command)

    @precondition(lambda self: "host" in self.people)
    @rule(really=SELDOM)
    def ends(self, really: bool) -> None:
        if really:
            self.do(self.people["host"], "end")

    @rule(who=st.sampled_from(PEOPLE), role=st.sampled_from((Role.PRACTITIONER, Role.PATIENT)))
    def control_gives_a_role(self, who: str, role: Role) -> None:
        self.order(self.house.rooms.set_rights("r", who, role))

    @rule(who=st.sampled_from(PEOPLE), ago=st.sampled_from((0.0, 5.0)), really=SELDOM)
    def control_revokes(self, who: str, ago: float, really: bool) -> None:
        if really:
            self.order(self.house.rooms.revoke("r", who, before=self.house.clock.wall() - ago))

    @rule(ago=st.sampled_from((0.0, 5.0)), really=SELDOM)
    def control_ends(self, ago: float, really: bool) -> None:
        if really:
            self.order(self.house.rooms.end("r", before=self.house.clock.wall() - ago))

    @rule(who=st.sampled_from(PEOPLE), alive=st.booleans())
    def media(self, who: str, alive: bool) -> None:
        if self.house.node.gate(who) is not None or not alive:
            self.house.node.events((PeerConnected if alive else PeerDisconnected)("r", who))

    @rule(seconds=st.sampled_from((0.01, 1.0, 31.0, 61.0)))
    def time_passes(self, seconds: float) -> None:
        self.house.clock.advance(seconds)

    @rule(at_once=st.booleans())
    def disk_turns(self, at_once: bool) -> None:
        self.house.journal.at_once = at_once
        if at_once and self.house.journal.healthy:
            self.house.journal.flush()

    @precondition(lambda self: self.house.journal.healthy)
    @rule(count=st.integers(1, 3))
    def disk_takes_some(self, count: int) -> None:
        self.house.journal.flush(count)

    @precondition(lambda self: self.house.journal.healthy)
    @rule(really=SELDOM)
    def disk_is_full(self, really: bool) -> None:
        if really:
            self.house.journal.fail()

    @precondition(lambda self: not self.house.journal.healthy)
    @rule()
    def disk_recovers(self) -> None:
        self.house.journal.recover()

    @rule(really=SELDOM)
    def is_killed(self, really: bool) -> None:
        if not really:
            return
        for task in (*self.orders, *(joining for _, joining in self.joining)):
            task.cancel()
        self.joining.clear()
        self.orders.clear()
        self.people.clear()
        self.house = self.house.restarted()
        self.witness(self.house)

    # --- what must hold

    @invariant()
    def a_loop_runs_between(self) -> None:
        self.turn()

    @invariant()
    def no_gate_is_open_against_the_rules(self) -> None:
        live = self.house.rooms._live.get("r")
        for (_, who), is_open in self.house.node.gates.items():
            assert live is not None, "no peers without a room"
            if is_open:
                assert live.shown.gate(who)
                assert all(step.after.gate(who) for step in live._steps)

    @invariant()
    def every_gate_is_open_that_may_be(self) -> None:
        live = self.house.rooms._live.get("r")
        if live is None or live._steps:
            return
        for (_, who), is_open in self.house.node.gates.items():
            assert is_open is live.shown.gate(who)
            assert live.shown.people[who].seated

    @invariant()
    def a_restart_would_find_the_same_room(self) -> None:
        room = self.house.rooms.roster("r")
        if room is None or self.house.journal.waiting:
            return
        assert without_presence(replay(self.house.journal.records).rooms["r"]) == without_presence(room)

    @invariant()
    def everybody_knows_what_it_may_know_and_no_more(self) -> None:
        live = self.house.rooms._live.get("r")
        for who, person in self.people.items():
            if person.link.closed or live is None or not live.is_current(who, person.link):
                continue
            now = view(live.shown, who)
            if isinstance(now, Inside):
                told = person.last(messages.Participants).participants
                assert [(each.id, each.state) for each in told] == [(each.id, each.state) for each in now.people]
                shown = {each.id for each in now.people}
                assert {p.id for p in live.shown.people.values() if p.inside and p.there} <= shown, "nobody is hidden"
            else:
                newest = person.link.received[-1]
                assert isinstance(newest, messages.Lobby)

    @invariant()
    def patients_are_never_alone_for_long(self) -> None:
        live = self.house.rooms._live.get("r")
        if live is not None and live.state.left_alone():
            assert HostLost in live._timers._timers
            assert live.state.size < 3

    # --- how

    def witness(self, house: House) -> None:
        house.rooms.stop()
        house.node = WitnessNode(house.journal)
        house.open()

    def turn(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))
        for who, task in list(self.joining):
            if task.done():
                self.joining.remove((who, task))
                person = None if task.cancelled() else task.result()
                if person is not None:
                    self.arrived(who, person)

    def arrived(self, who: str, person: Person) -> None:
        self.people[who] = person
        if any(isinstance(message, messages.Joined) for message in person.link.received):
            self.seats[who] = person.seat
            verified = seat.verify(person.seat, NODE_KEY, now=self.house.clock.wall())
            self.given.setdefault(who, set()).add(verified)

    def join(self, who: str, **join: str) -> None:
        async def joins() -> Person | None:
            try:
                return await self.house.join(**join)
            except SignallingError:
                return None

        self.joining.append((who, self.loop.create_task(joins())))
        self.turn()

    def order(self, command: Coroutine[None, None, None]) -> None:
        async def ordered() -> None:
            with contextlib.suppress(SignallingError):
                await command

        task = self.loop.create_task(ordered())
        self.orders.add(task)
        task.add_done_callback(self.orders.discard)
        self.turn()

    def someone(self, data: st.DataObject) -> Person:
        return self.people[data.draw(st.sampled_from(sorted(self.people)))]

    def newest_seat(self, who: str) -> seat.Seat | None:
        """The one that is good, if any is."""
        live = self.house.rooms._live.get("r")
        person = live.state.people.get(who) if live is not None else None
        return seat.Seat("r", live.state.epoch, who, person.seat) if live is not None and person is not None else None

    def do(self, person: Person, command: str, target: str | None = None) -> None:
        try:
            person.do(command, target)
        except SignallingError:
            return


def issued(place: seat.Seat, house: House) -> str:
    return seat.issue(place, NODE_KEY, now=house.clock.wall(), life=100)


def without_presence(room: Room) -> Room:
    """What a restart may not change. Of an ended room only the end is kept."""
    people = {name: replace(person, presence=Presence.CONNECTED, consent=False) for name, person in room.people.items()}
    return replace(room, people={} if room.phase is Phase.ENDED else people, host_lost=False)


AnyOrder.TestCase.settings = settings(
    max_examples=100, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyOrder = AnyOrder.TestCase
