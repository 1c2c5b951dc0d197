"""Stand-ins for what signalling is given: a clock turned by hand, a node that keeps a record, a journal in memory."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from sfu.errors import SfuError
from signalling import grant, messages
from signalling.clock import Timer
from signalling.config import SignallingConfig
from signalling.errors import SignallingError
from signalling.grant import GateAtEntry
from signalling.journal import Done
from signalling.keys import SigningKey, StaticKeys
from signalling.node import NodeEvent, OfferedTrack, Slots, TrackView
from signalling.records import Record
from signalling.rooms import Member, Rooms

Message = TypeVar("Message", bound=messages.ServerMessage)
START = 1_800_000_000.0


@dataclass(eq=False)
class _Call:
    callback: Callable[[], None] | None

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """Stands still until it is advanced."""

    def __init__(self) -> None:
        self.now = 100.0
        self.offset = START - 100.0
        self._calls: list[tuple[float, int, _Call]] = []
        self._count = itertools.count()

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.offset

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        call = _Call(callback)
        heapq.heappush(self._calls, (when, next(self._count), call))
        return call

    def advance(self, seconds: float) -> None:
        """Lets time pass, and calls back on the way."""
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            when, _, call = heapq.heappop(self._calls)
            self.now = max(self.now, when)
            callback, call.callback = call.callback, None
            if callback is not None:
                callback()
        self.now = end

    @property
    def pending(self) -> int:
        """How many calls are to come."""
        return sum(1 for _, _, call in self._calls if call.callback is not None)


class RecordingNode:
    """Does nothing but remember: gates by person, and every call in order."""

    def __init__(self) -> None:
        self.events: Callable[[NodeEvent], None] = lambda _: None
        self.gates: dict[tuple[str, str], bool] = {}
        self.listening: dict[tuple[str, str], bool] = {}
        self.calls: list[tuple[object, ...]] = []
        self.slots = Slots(1, 1)

    def open_peer(self, room: str, participant: str, *, size: int) -> Slots:
        self.calls.append(("open_peer", room, participant, size))
        self.gates.setdefault((room, participant), False)
        return self.slots

    async def offer(self, room: str, participant: str, sdp: str, tracks: Sequence[OfferedTrack]) -> str:
        self.calls.append(("offer", room, participant, sdp, tuple(tracks)))
        if sdp.startswith("bad"):
            raise SfuError("sdp_malformed", "not SDP")
        if sdp.startswith("crash"):
            raise ZeroDivisionError(sdp)
        return f"answer to {sdp}"

    def set_gate(self, room: str, participant: str, open: bool) -> None:
        assert (room, participant) in self.gates, "a gate is set only on a peer that is open"
        self.calls.append(("set_gate", room, participant, open))
        self.gates[room, participant] = open

    def set_listening(self, room: str, participant: str, listening: bool) -> None:
        self.listening[room, participant] = listening

    def set_mute(self, room: str, participant: str, track: str, muted: bool) -> None:
        if not track.startswith(f"{participant}-"):
            raise SfuError("track_unknown", "no such track")
        self.calls.append(("set_mute", room, participant, track, muted))

    def close_peer(self, room: str, participant: str) -> None:
        self.calls.append(("close_peer", room, participant))
        del self.gates[room, participant]

    def close_room(self, room: str) -> None:
        self.calls.append(("close_room", room))
        for key in [key for key in self.gates if key[0] == room]:
            del self.gates[key]

    def gate(self, participant: str, room: str = "r") -> bool | None:
        """Whether the gate is open; None without a peer."""
        return self.gates.get((room, participant))


class MemoryJournal:
    """Takes records at once, or when told; may refuse. What it has is what a restart finds."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.records = list(records)
        self.waiting: list[tuple[Record | None, bool, Done]] = []
        self.healthy = True
        self.at_once = True
        self.on_recovery: Callable[[], None] = lambda: None

    def submit(self, record: Record, *, opening: bool, done: Done) -> None:
        self.waiting.append((record, opening, done))
        if self.at_once and self.healthy:
            self.flush()

    def after(self, done: Callable[[], None]) -> None:
        if self.waiting:
            self.waiting.append((None, False, lambda _: done()))
        else:
            done()

    def flush(self, count: int | None = None) -> None:
        """The disk has it all, or so many records of it."""
        count = len(self.waiting) if count is None else count
        waiting, self.waiting = self.waiting[:count], self.waiting[count:]
        for record, _, _ in waiting:
            if record is None:
                continue
            before = sum(1 for each in self.records if (each.room, each.epoch) == (record.room, record.epoch))
            self.records.append(replace(record, sequence=before + 1))
        for _, _, done in waiting:
            done(True)

    def fail(self) -> None:
        """The disk is full: openings are refused, closings wait."""
        self.healthy = False
        waiting, self.waiting = self.waiting, []
        self.waiting = [item for item in waiting if not item[1]]
        for _, opening, done in waiting:
            if opening:
                done(False)

    def recover(self) -> None:
        """The disk has room again."""
        self.healthy = True
        self.flush()
        self.on_recovery()


@dataclass(eq=False)
class RecordingLink:
    """A connection that keeps what it was sent."""

    received: list[messages.ServerMessage] = field(default_factory=list)
    ended: str | None = None
    closed: bool = False

    def send(self, message: messages.ServerMessage) -> None:
        if not self.closed:
            self.received.append(message)

    def dismiss(self, reason: messages.EndReason) -> None:
        self.ended = reason
        self.closed = True

    def take(self) -> list[str]:
        """The types of what came since the last look."""
        types: list[str] = [message.type for message in self.received]
        self.received.clear()
        return types


KEY = SigningKey.generate()
NODE_KEY = SigningKey.generate()
KEYS = StaticKeys(grant.DEFAULT_ISSUER, (KEY.verify_key,))


@dataclass(eq=False)
class House:
    """The registry with everything around it in hand."""

    config: SignallingConfig = field(default_factory=SignallingConfig)
    clock: ManualClock = field(default_factory=ManualClock)
    node: RecordingNode = field(default_factory=RecordingNode)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    rooms: Rooms = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """The registry takes up what the journal has."""
        self.rooms = Rooms(self.config, self.node, KEYS, NODE_KEY, self.journal, self.clock)
        self.rooms.start(self.journal.records)

    def restarted(self, pause: float = 1.0) -> "House":
        """Another process on the same journal, after a kill; what was not on disk is lost."""
        self.rooms.stop()
        clock = ManualClock()
        clock.offset = self.clock.wall() + pause - clock.now
        return House(self.config, clock, RecordingNode(), MemoryJournal(self.journal.records))

    def grant(self, participant: str, role: str = "patient", gate: GateAtEntry = "lobby", **more: object) -> str:
        """A grant issued now."""
        given = {"room": "r", "name": participant.title(), **more}
        return grant.issue(
            KEY,
            participant=participant,
            role=role,
            gate=gate,
            now=self.clock.wall,
            **given,  # type: ignore[arg-type]
        )

    async def enter(
        self, participant: str, role: str = "patient", gate: GateAtEntry = "lobby", **more: object
    ) -> "Person":
        """Somebody comes in by a fresh grant."""
        return await self.join(grant=self.grant(participant, role, gate, **more))

    async def join(self, **join: object) -> "Person":
        """Somebody comes in by whatever it has."""
        link = RecordingLink()
        member = await self.rooms.join(messages.Join(**join), link)  # type: ignore[arg-type]
        return Person(self, member, link)


@dataclass(eq=False)
class Person:
    """Somebody who has joined."""

    house: House
    member: Member
    link: RecordingLink

    def do(self, command: str, participant: str | None = None, **more: object) -> None:
        """Sends a command."""
        given = {"type": command, **({} if participant is None else {"participant": participant}), **more}
        message = messages.CLIENT.validate_python(given)
        assert not isinstance(message, messages.Join | messages.Offer | messages.Ping)
        self.house.rooms.do(self.member, message)

    def take(self) -> list[str]:
        """The types of what came since the last look."""
        return self.link.take()

    def last(self, kind: type[Message]) -> Message:
        """The newest message of this type."""
        return next(message for message in reversed(self.link.received) if isinstance(message, kind))

    @property
    def seat(self) -> str:
        """The seat that was given at the last join."""
        joined = next(message for message in self.link.received if isinstance(message, messages.Joined))
        return joined.seat

    def drop(self) -> None:
        """The WebSocket is lost."""
        self.link.closed = True
        self.house.rooms.disconnect(self.member)


async def pair(house: House, size: int = 2) -> tuple[Person, Person]:
    """A host and a patient that it has let in."""
    host = await house.enter("host", "practitioner", "open", size=size)
    patient = await house.enter("pat", size=size)
    host.do("admit", "pat")
    return host, patient


def refused(code: str) -> "pytest.RaisesExc[SignallingError]":
    """An error with this code is raised."""
    return pytest.raises(SignallingError, check=lambda error: error.code == code)


VIEW = TrackView("host-camera", "host", "video", "camera", False, "3")
"""What the node may tell of the host's camera."""
