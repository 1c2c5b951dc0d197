"""Joins, leaves, admissions, pauses, holds, mutes and removals in random order, with crashes, around the real engine.

Roster, forwarding table and the wire's own table agree after every step, and nothing crosses a closed gate.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from sfu import dtls
from sfu.commands import Kind, Route
from signalling import messages
from signalling.room import Ended, Room
from tests.bed.clock import MILLISECOND, SECOND
from tests.bed.dialect import KINDS
from tests.bed.meeting import ROOM, Guest, Meeting, Page

STEPS = 250
LIMIT_S = 600
"""Of one walk: seconds alone, minutes beside other work."""
Standing = Literal["absent", "lobby", "admitted", "held", "left", "denied", "removed"]
_ABOUT = {
    "admit": messages.Admit,
    "deny": messages.Deny,
    "to-lobby": messages.ToLobby,
    "remove": messages.Remove,
    "hold": messages.Hold,
    "release": messages.Release,
}
_BECOMES: dict[str, Standing] = {
    "admit": "admitted",
    "deny": "denied",
    "to-lobby": "lobby",
    "remove": "removed",
    "hold": "held",
    "release": "admitted",
}
_FITS: dict[str, tuple[str, ...]] = {
    "lobby": ("admit", "deny", "remove"),
    "admitted": ("to-lobby", "remove", "hold"),
    "held": ("to-lobby", "remove", "release"),
}
"""What a host may do to whom stands so."""
_WALKED = frozenset({*_ABOUT, "pause", "resume", "mute", "unmute", "join", "return", "leave", "crash"})
"""What every walk has seen succeed, or it proves less than it says."""
_SOURCE: dict[Kind, str] = {"audio": "microphone", "video": "camera"}


@pytest.fixture(scope="module")
def certificate() -> dtls.Certificate:
    return dtls.Certificate.generate(lambda: 1_800_000_000.0)


@dataclass(slots=True)
class Expected:
    """What should be, worked out from the commands that were not refused; small, and knows nothing of signalling."""

    standing: dict[str, Standing] = field(default_factory=dict)
    barred: set[str] = field(default_factory=set)
    muted: set[tuple[str, Kind]] = field(default_factory=set)
    paused: bool = False

    def of(self, guest: Guest) -> Standing:
        return self.standing.get(guest.name, "absent")

    def inside(self, guest: Guest) -> bool:
        return self.of(guest) in ("admitted", "held")

    def seated(self, guest: Guest) -> bool:
        return self.inside(guest) or self.of(guest) == "lobby"

    def enter(self, guest: Guest, gate: str) -> None:
        before = self.of(guest)
        if not self.seated(guest):
            trusted = gate == "open" and guest.name not in self.barred
            self.standing[guest.name] = "admitted" if trusted and before in ("absent", "left") else "lobby"
        self.forget_mutes(guest)

    def move(self, guest: Guest, act: str) -> None:
        self.standing[guest.name] = _BECOMES[act]
        if act in ("deny", "remove"):
            self.barred.add(guest.name)

    def forget_mutes(self, guest: Guest) -> None:
        self.muted = {(name, kind) for name, kind in self.muted if name != guest.name}


class Walk:
    """One random walk."""

    def __init__(self, meeting: Meeting) -> None:
        self.meeting = meeting
        self.random = meeting.random
        self.guests = [
            Guest("host-a", 1, "practitioner"),
            Guest("host-b", 2, "practitioner"),
            Guest("anna", 3, "patient"),
            Guest("bo", 4, "patient"),
            Guest("cai", 5, "patient"),
        ]
        self.expected = Expected()
        self.log: list[str] = []
        self.done: Counter[str] = Counter()
        self.spoke = 0
        """How often anybody was told of a speaker."""

    # Steps

    async def step(self) -> None:
        random = self.random
        guest = random.choice(self.guests)
        kind = random.choices(
            ("heal", "arrive", "act", "room", "mute", "media", "drop", "leave", "crash", "absence", "revoke", "end"),
            (45, 14, 20, 7, 8, 8, 6, 4, 2, 0.5, 1, 0.5),
        )[0]
        self.log.append(f"{kind} {guest.name}")
        match kind:
            case "heal":
                await self.heal()
            case "arrive":
                await self.arrive(guest)
            case "act" if random.random() < 0.5:
                await self.act(guest, random.choice(self.guests), random.choice(list(_ABOUT)))
            case "act":
                await self.act_fitly()
            case "room":
                await self.pause_or_resume(guest)
            case "mute":
                await self.mute(guest, random.choice(KINDS), random.random() < 0.5)
            case "media":
                await self.media(guest)
            case "drop":
                self.meeting.drop(guest)
            case "leave":
                if guest.member is not None and await self.meeting.do(guest, messages.Leave()) is None:
                    self.expected.standing[guest.name] = "left"
                    self.done["leave"] += 1
            case "crash":
                await self.crash()
            case "absence":
                await self.absence(guest)
            case "revoke":
                if self.room() is not None:
                    await self.meeting.finish(self.meeting.rooms.revoke(ROOM, guest.name))
                    self.expected.standing[guest.name] = "removed"
                    self.expected.barred.add(guest.name)
            case "end":
                await self.end(guest)
            case other:
                raise AssertionError(other)
        await self.meeting.pump()
        self.sync()
        self.agree()
        await self.meeting.run(random.randrange(5, 250) * MILLISECOND)
        self.sync()
        self.agree()

    async def heal(self) -> None:
        """One step towards a call in which everybody is inside: by chance alone it would hardly ever run."""
        expected = self.expected
        hosts = [guest for guest in self.guests if guest.is_host and guest.member is not None]
        host = next((guest for guest in hosts if expected.inside(guest)), None)
        away = [guest for guest in self.guests if guest.member is None or self.alive(guest) is None]
        waiting = [guest for guest in self.guests if expected.of(guest) in ("lobby", "held")]
        if host is None:
            await self.arrive(self.guests[self.random.randrange(2)])
        elif expected.paused:
            await self.command(host, messages.Resume())
        elif waiting:
            about = self.random.choice(waiting)
            # Else nobody would wait for long enough to be denied.
            answer = "admit" if self.random.random() < 0.85 else "deny"
            await self.act(host, about, answer if expected.of(about) == "lobby" else "release")
        elif away:
            await self.arrive(self.random.choice(away))

    async def arrive(self, guest: Guest) -> None:
        """By seat where there is one, mostly; then media, mostly."""
        if guest.seat is not None and self.random.random() < 0.6:
            code = await self.meeting.come_back(guest)
            if code is None:
                assert self.expected.seated(guest), "a seat outlived its end"
                self.done["return"] += 1
        else:
            if self.room() is None:
                self.expected = Expected()
            gate: Literal["lobby", "open"] = "open" if guest.is_host or self.random.random() < 0.1 else "lobby"
            code = await self.meeting.enter(guest, gate)
            if code is None:
                self.expected.enter(guest, gate)
                self.done["join"] += 1
                guest.page = None
        self.log.append(f"  {guest.name} {code}")
        if guest.member is not None and self.random.random() < 0.9:
            await self.connect(guest)

    async def connect(self, guest: Guest) -> None:
        if self.alive(guest) is None or self.random.random() < 0.3:
            await self.meeting.connect(guest, pairs=len(self.guests) - 1)

    async def act(self, by: Guest, about: Guest, act: str) -> None:
        if by.member is None:
            return
        allowed = by.is_host and self.expected.inside(by)
        code = await self.meeting.do(by, _ABOUT[act](participant=about.name))
        self.log.append(f"  {act} {about.name}: {code}")
        if code is None:
            assert allowed, f"{by.name} must not {act}"
            self.expected.move(about, act)
            self.done[act] += 1

    async def act_fitly(self) -> None:
        """What a host can do just now, to somebody to whom it can be done: chance alone seldom draws what fits."""
        hosts = [
            host for host in self.guests if host.is_host and host.member is not None and self.expected.inside(host)
        ]
        if not hosts:
            return
        by = self.random.choice(hosts)
        choices = [
            (about, act) for about in self.guests if about is not by for act in _FITS.get(self.expected.of(about), ())
        ]
        if choices:
            # Each act as likely as any other, however many stand so that it fits.
            act = self.random.choice(sorted({act for _, act in choices}))
            await self.act(by, self.random.choice([about for about, fits in choices if fits == act]), act)

    async def pause_or_resume(self, by: Guest) -> None:
        if by.member is None:
            return
        await self.command(by, messages.Pause() if self.random.random() < 0.5 else messages.Resume())

    async def command(self, by: Guest, command: messages.Pause | messages.Resume) -> None:
        code = await self.meeting.do(by, command)
        self.log.append(f"  {command.type}: {code}")
        if code is None:
            assert self.expected.inside(by)
            assert by.is_host or command.type == "pause"
            self.expected.paused = command.type == "pause"
            self.done[command.type] += 1

    async def mute(self, guest: Guest, kind: Kind, muted: bool) -> None:
        if guest.member is None:
            return
        track = f"{guest.name}-{_SOURCE[kind]}"
        code = await self.meeting.do(guest, messages.Mute(track=track, muted=muted))
        assert (code is None) == (self.alive(guest) is not None)
        if code is None:
            (self.expected.muted.add if muted else self.expected.muted.discard)((guest.name, kind))
            self.done["mute" if muted else "unmute"] += 1

    async def media(self, guest: Guest) -> None:
        """A new PeerConnection, an ICE restart, or an offer again."""
        if guest.member is None:
            return
        if self.alive(guest) is None or self.random.random() < 0.4:
            await self.meeting.connect(guest, pairs=len(self.guests) - 1)
        elif self.random.random() < 0.5:
            await self.meeting.restart_ice(guest)
        else:
            await self.meeting.offer(guest)

    async def crash(self) -> None:
        await self.meeting.crash()
        self.done["crash"] += 1
        for guest in self.guests:
            guest.member, guest.page, guest.told = None, None, ()
        self.expected.muted.clear()

    async def absence(self, guest: Guest) -> None:
        """A closed laptop: neither WebSocket nor media for longer than anybody waits."""
        self.meeting.drop(guest)
        page = guest.page
        if page is not None:
            page.host.client.ice.checking = False
            page.host.client.stop()
        for _ in range(7):
            await self.meeting.run(14 * SECOND)
            self.sync()
            self.agree()
        if page is not None:
            page.host.client.ice.checking = True
            page.host.client.start(self.meeting.network.now)
            self.meeting.network.touch(page.host)

    async def end(self, by: Guest) -> None:
        if by.member is not None and await self.meeting.do(by, messages.End()) is None:
            assert by.is_host
            self.expected = Expected()

    # What should be

    def room(self) -> Room | None:
        roster = self.meeting.rooms.roster(ROOM)
        return None if roster is None or isinstance(roster.life, Ended) else roster

    def alive(self, guest: Guest) -> Page | None:
        """The guest's page, while the server should have its transport."""
        room = self.room()
        if guest.page is None or room is None or not self.expected.seated(guest) or room.people[guest.name].gone:
            guest.page = None
            # Mutes last as long as the transport's place in the node; then they are the page's to say again.
            self.expected.forget_mutes(guest)
        return guest.page

    def may_pass(self, guest: Guest) -> bool:
        room = self.room()
        alone = room is not None and room.host_lost and not guest.is_host
        return self.expected.of(guest) == "admitted" and not self.expected.paused and not alone

    def sync(self) -> None:
        """Tell the watch what should be; silence pages that were given up some time ago."""
        meeting = self.meeting
        current = {page.ident: guest for guest in self.guests if (page := self.alive(guest)) is not None}
        for ident, page in list(meeting.pages.items()):
            guest = current.get(ident)
            meeting.watch.gate(ident, guest is not None and self.may_pass(guest))
            for section in page.host.client.senders.values():
                name = "" if guest is None else guest.name
                muted = (name, section.section.kind) in self.expected.muted
                meeting.watch.mute(section.section.track, muted)
            if guest is None and page.retired_at is None:
                page.retired_at = meeting.network.now
            elif page.retired_at is not None and meeting.network.now - page.retired_at > SECOND:
                page.host.client.stop()
                page.host.client.ice.checking = False

    def agree(self) -> None:
        meeting, room, expected = self.meeting, self.room(), self.expected
        snapshot = meeting.node.snapshot()
        for guest in self.guests:
            standing = "absent" if room is None else str(room.standing(guest.name))
            assert standing == ("absent" if room is None else expected.of(guest)), guest.name
            if room is not None:
                assert room.gate(guest.name) == self.may_pass(guest), guest.name
        if room is not None and room.size >= 3:
            assert not room.left_alone(), "a group goes on without a host"
        pages = {guest.name: page for guest in self.guests if (page := self.alive(guest)) is not None}
        assert snapshot.peers == {page.number for page in pages.values()}
        for guest in self.guests:
            page = pages.get(guest.name)
            if page is not None and page.number is not None:
                # The gate by itself, though without routes nothing would pass it either.
                assert meeting.plane.gates.get(page.number, False) == self.may_pass(guest), guest.name
        routes = self.wanted(pages)
        found = {(route.track, route.viewer) for route in snapshot.routes}
        # Who can't be told of newcomers gets nothing of them meanwhile.
        away = {pages[guest.name].number for guest in self.guests if guest.name in pages and guest.member is None}
        assert found <= set(routes)
        assert {viewer for _, viewer in set(routes) - found} <= away
        assert len({(route.viewer, route.slot) for route in snapshot.routes}) == len(snapshot.routes)
        assert {(viewer, slot): track for track, viewer, slot in map(_fields, snapshot.routes)} == meeting.plane.shown
        silent = {track for (track, _), maker in routes.items() if maker in expected.muted}
        assert snapshot.open_routes == {route for route in snapshot.routes if route.track not in silent}
        for guest in self.guests:
            if guest.member is not None:
                self.told(guest, pages, snapshot.routes)
                self.heard(guest)
            elif guest.name in pages:
                self.no_stranger(guest, pages[guest.name], snapshot.routes, routes)

    def no_stranger(
        self,
        guest: Guest,
        page: Page,
        routes: frozenset[Route],
        makers: Mapping[tuple[int, int], tuple[str, Kind]],
    ) -> None:
        """While the WebSocket is away, a slot has nobody but whom it had when the guest was told last."""
        told = {int(track.mid): track.participant for track in guest.told if track.mid is not None}
        for route in routes:
            if route.viewer == page.number and route.slot in told:
                maker, _ = makers[route.track, route.viewer]
                assert maker == told[route.slot], guest.name

    def wanted(self, pages: dict[str, Page]) -> dict[tuple[int, int], tuple[str, Kind]]:
        """Track and viewer of every route that should be, and whose track of what kind it is."""
        passing = [guest for guest in self.guests if guest.name in pages and self.may_pass(guest)]
        wanted: dict[tuple[int, int], tuple[str, Kind]] = {}
        for viewer in passing:
            number = pages[viewer.name].number
            assert number is not None
            for maker in passing:
                if maker is not viewer:
                    for kind, track in self.tracks_of(pages[maker.name]).items():
                        wanted[track, number] = maker.name, kind
        return wanted

    def tracks_of(self, page: Page) -> dict[Kind, int]:
        assert page.number is not None
        return {section.kind: section.track for section in self.meeting.plane.sections[page.number].tracks}

    def told(self, guest: Guest, pages: dict[str, Page], routes: frozenset[Route]) -> None:
        """The `participants` message says who is there, to hosts also who waits; `tracks`, what the wire does."""
        room = self.room()
        assert room is not None
        seen = {other.name for other in self.guests if self.expected.seated(other) and not room.people[other.name].gone}
        waiting = {other.name for other in self.guests if self.expected.of(other) == "lobby"}
        if not self.expected.inside(guest):
            seen = set()
        elif not guest.is_host:
            seen -= waiting
        assert guest.people == seen, guest.name
        makers = [
            other.name
            for other in self.guests
            if other is not guest and other.name in pages and self.may_pass(other) and self.may_pass(guest)
        ]
        shown = {(track.participant, track.kind): track for track in guest.told}
        assert shown.keys() == {(name, kind) for name in makers for kind in KINDS}, guest.name
        for (name, kind), track in shown.items():
            assert track.id == f"{name}-{_SOURCE[kind]}"
            assert track.muted == ((name, kind) in self.expected.muted)
            page = pages.get(guest.name)
            assert (track.mid is None) == (page is None)
            if track.mid is not None and page is not None and page.number is not None:
                assert Route(self.tracks_of(pages[name])[kind], page.number, int(track.mid)) in routes

    def heard(self, guest: Guest) -> None:
        """Nobody speaks who is held, paused, muted or in the lobby, and nobody hears of it who is."""
        may_speak = {
            other.name
            for other in self.guests
            if self.may_pass(other) and (other.name, "audio") not in self.expected.muted
        }
        assert set(guest.speakers) <= (may_speak if self.may_pass(guest) else set()), guest.name
        self.spoke += len(guest.speakers)

    async def flows(self) -> None:
        """What is open and not muted reaches the viewer's eyes, in the slot that the viewer was told."""
        # A page whose consent ran out comes back with its next check.
        await self.meeting.run(3 * SECOND)
        self.sync()
        self.agree()
        now = self.meeting.network.now
        pages = {guest.name: page for guest in self.guests if (page := self.alive(guest)) is not None}
        for guest in self.guests:
            for track in guest.told if guest.member is not None else ():
                if track.mid is not None and not track.muted:
                    received = pages[guest.name].host.client.receivers[int(track.mid)].received
                    assert received, f"{guest.name} sees nothing of {track.id}"
                    assert received[-1].at > now - SECOND, f"{guest.name} sees nothing more of {track.id}"
                    assert received[-1].stamp is not None
                    assert received[-1].stamp.sender == pages[track.participant].ident


def _fields(route: Route) -> tuple[int, int, int]:
    return route.track, route.viewer, route.slot


@pytest.mark.timeout(LIMIT_S)
@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 8))])
async def test_roster_table_and_wire_agree_and_no_gate_is_passed(
    seed: int, tmp_path: Path, certificate: dtls.Certificate
) -> None:
    meeting = Meeting(seed, tmp_path, size=2 if seed % 2 else 5, certificate=certificate)
    await meeting.open()
    walk = Walk(meeting)
    try:
        for number in range(STEPS):
            await walk.step()
            if number % 25 == 24:
                await walk.flows()
    except AssertionError as error:
        error.add_note("\n".join(walk.log[-20:]))
        raise
    assert walk.done.keys() >= _WALKED, _WALKED - walk.done.keys()
    assert meeting.watch.checked > 1_000
    assert walk.spoke > 100
    assert meeting.wire_watch.checked == meeting.watch.checked
    meeting.close()
