"""A room as it really runs, in virtual time: signalling's registry and journal, the node, and the engine, closed around
simulated clients that do ICE, DTLS and SRTP. It can crash and start again from its journal.
"""

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path as FilePath
from random import Random
from typing import Any, Literal, TypeVar

from benchmarks.link import LinkConfig, Path
from sfu import dtls
from sfu.commands import Kind
from sfu.config import MediaConfig
from sfu.node import Node
from sfu.plane import VirtualPlane
from sfu.sdp import CodecPolicy
from signalling import grant, messages
from signalling.config import SignallingConfig
from signalling.journal import FileJournal, LogFile
from signalling.keys import SigningKey, StaticKeys
from signalling.recovery import compactor
from signalling.rooms import Member, Rooms
from tests.bed import offer
from tests.bed.client import SimClient
from tests.bed.clock import MILLISECOND, SECOND
from tests.bed.content import Stamp
from tests.bed.dialect import CHROMIUM, FIREFOX, KINDS, Dialect
from tests.bed.ice import Credentials
from tests.bed.network import SERVER, Emission, Host, Network
from tests.bed.sender import Media
from tests.bed.server import AtOnce, Inline, ServerClock, WatchedPlane
from tests.bed.srtp import Keys, Opening, Profile
from tests.bed.watch import GateWatch, PassedGateError

ROOM = "room-1"
_SOURCES: dict[Kind, Literal["microphone", "camera"]] = {"audio": "microphone", "video": "camera"}
_SLICE = 10 * MILLISECOND
_MEDIA = {
    "audio": Media(interval=120 * MILLISECOND, size=60),
    "video": Media(interval=180 * MILLISECOND, size=300, largest=200),
}

_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class Page:
    """One PeerConnection of a participant: a simulated client with its DTLS."""

    host: Host
    session: int
    pairs: int
    dialect: Dialect
    local: Credentials
    version: int = 1
    number: int | None = None
    """Its peer in the wire; none once that server is gone."""
    retired_at: int | None = None
    handshake: dtls.Handshake | None = None
    fingerprints: tuple[tuple[str, str], ...] = ()

    @property
    def ident(self) -> int:
        return self.host.client.ident


@dataclass(slots=True, eq=False)
class Guest:
    """A participant's browser tab: its WebSocket, and its PeerConnection."""

    name: str
    number: int
    role: Literal["practitioner", "patient"]
    seat: str | None = None
    member: Member | None = None
    page: Page | None = None
    told: tuple[messages.Track, ...] = ()
    people: frozenset[str] = frozenset()
    """Whom it was told of; nobody while it is in the lobby."""
    speakers: tuple[str, ...] = ()
    slots: int = 1
    """Pairs of receive sections that it was asked to offer."""
    errors: list[str] = field(default_factory=list)
    ended: str | None = None
    outdated: int = 0
    """How often the server asked for another offer."""

    @property
    def is_host(self) -> bool:
        return self.role == "practitioner"


@dataclass(slots=True, eq=False)
class _Link:
    """The server's end of a guest's WebSocket."""

    guest: Guest
    meeting: "Meeting"
    closed: bool = False

    def send(self, message: messages.ServerMessage) -> None:
        if self.closed:
            return
        match message:
            case messages.Joined(seat=seat, slots=slots):
                self.guest.seat = seat
                self.guest.told = ()
                self.guest.people = frozenset()
                self.guest.speakers = ()
                self.guest.slots = max(slots.audio, slots.video)
            case messages.Lobby():
                self.guest.people = frozenset()
                self.guest.speakers = ()
            case messages.Participants(participants=people):
                self.guest.people = frozenset(person.id for person in people)
            case messages.Tracks(tracks=tracks):
                self.guest.told = tuple(tracks)
            case messages.Error(code=code):
                self.guest.errors.append(code)
            case messages.Slots(audio=audio, video=video):
                self.guest.slots = max(audio, video)
            case messages.Held() | messages.Paused():
                self.guest.speakers = ()
            case messages.Speakers(participants=participants):
                self.meeting.judge_speakers(self.guest, participants)
                self.guest.speakers = tuple(participants)
            case messages.Renegotiate():
                self.guest.outdated += 1
            case _:
                pass

    def dismiss(self, reason: messages.EndReason) -> None:
        self.closed = True
        if self.guest.member is not None and self.guest.member.link is self:
            self.guest.member = None
            self.guest.told = ()
            self.guest.ended = reason


class Meeting:
    """Everything of one server and its guests. Used within a running event loop, which only serves its call-backs."""

    def __init__(
        self,
        seed: int,
        folder: FilePath,
        *,
        size: int,
        certificate: dtls.Certificate,
        codecs: CodecPolicy | None = None,
    ) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.size = size
        self.media = _MEDIA
        self.grant_key = SigningKey.generate()
        self.watch = GateWatch()
        """Told by the test what may pass; by number of the page."""
        self.wire_watch = GateWatch()
        """Told by the commands that the wire was given."""
        self._folder = folder
        self._certificate = certificate
        self._codecs = codecs
        self._node_key = SigningKey.generate()
        self._numbers = count(1)
        self.pages: dict[int, Page] = {}
        plane = VirtualPlane(MediaConfig(port=SERVER[1], announce=(SERVER[0],)), now=1_000 * SECOND, seed=seed)
        self.network = Network(plane, 1_000 * SECOND)
        self.network.on_arrival = self._arrived
        self.network.on_emission = self._judge
        self.network.on_delivery = self._delivered
        self._start(plane)

    # The server

    def _start(self, plane: VirtualPlane) -> None:
        self.clock = ServerClock(self.network.clock)
        self.plane = WatchedPlane(self.network, plane, self)
        random = Random(self.random.getrandbits(64))
        self.node = Node(
            self.plane,
            (SERVER,),
            certificate=self._certificate,
            executor=Inline(),
            clock=self.clock.monotonic,
            call_later=self.clock.call_later,
            random_bits=random.getrandbits,
            codecs=self._codecs,
        )
        self.network.on_event = self.node.receive
        self._log = LogFile(self._folder / "journal.log")
        config = SignallingConfig()
        compact = compactor(self.clock.wall, config.seat_life + 60)
        self._journal = FileJournal(self._log, self.clock, compact, AtOnce())
        keys = StaticKeys(grant.DEFAULT_ISSUER, (self.grant_key.verify_key,))
        self.rooms = Rooms(config, self.node, keys, self._node_key, self._journal, self.clock)

    async def open(self) -> None:
        """Takes up the journal; before anything else, and after each crash."""
        self.rooms.start(await self._journal.open())

    async def crash(self) -> None:
        """The process is gone and another starts from what is on disk; no WebSocket and no transport outlives it."""
        self.clock.stopped = True
        self.rooms.stop()
        self._log.close()
        for page in self.pages.values():
            page.number = None
            self.wire_watch.gate(page.ident, False)
        seed = self.random.getrandbits(32)
        plane = VirtualPlane(MediaConfig(port=SERVER[1], announce=(SERVER[0],)), now=self.network.now, seed=seed)
        self.network.replace_plane(plane)
        self._start(plane)
        await self.open()

    def close(self) -> None:
        """Gives the journal free, and stops what would still call back."""
        self.clock.stopped = True
        self.rooms.stop()
        self.node.stop()
        self._log.close()

    def wire_gate(self, peer: int, is_open: bool) -> None:
        """The wire was told of a gate."""
        for ident, page in self.pages.items():
            if page.number == peer:
                self.wire_watch.gate(ident, is_open)

    def wire_keys(self, peer: int, tap: Opening) -> None:
        """The wire was given keys: from here on it may send, whether the client is ready or not."""
        for page in self.pages.values():
            if page.number == peer:
                page.host.tap = tap

    # The guests

    async def enter(self, guest: Guest, gate: Literal["lobby", "open"]) -> str | None:
        """Joins by a fresh grant; the error code where that fails."""
        token = grant.issue(
            self.grant_key,
            room=ROOM,
            participant=guest.name,
            role=guest.role,
            name=guest.name.title(),
            gate=gate,
            size=self.size,
            now=self.clock.wall,
            new_id=lambda: f"{self.random.getrandbits(128):032x}",
        )
        return await self._join(guest, messages.Join(grant=token))

    async def come_back(self, guest: Guest) -> str | None:
        """Joins by the seat."""
        assert guest.seat is not None
        return await self._join(guest, messages.Join(seat=guest.seat))

    async def _join(self, guest: Guest, join: messages.Join) -> str | None:
        link = _Link(guest, self)
        before, guest.member = guest.member, None
        try:
            guest.member = await self.finish(self.rooms.join(join, link))
        except Exception as error:
            guest.member = before
            code = getattr(error, "code", None)
            if code is None:
                raise
            return str(code)
        guest.ended = None
        return None

    def drop(self, guest: Guest) -> None:
        """The WebSocket is gone."""
        if guest.member is not None:
            member, guest.member = guest.member, None
            guest.told = ()
            assert isinstance(member.link, _Link)
            member.link.closed = True
            self.rooms.disconnect(member)

    async def do(self, guest: Guest, command: messages.Command | messages.Mute) -> str | None:
        """A command over the guest's WebSocket; the error code where it is refused."""
        assert guest.member is not None
        before = len(guest.errors)
        try:
            self.rooms.do(guest.member, command)
        except Exception as error:
            code = getattr(error, "code", None)
            if code is None:
                raise
            return str(code)
        await self.pump()
        return guest.errors[-1] if len(guest.errors) > before else None

    async def connect(self, guest: Guest, pairs: int, dialect: Dialect | None = None) -> None:
        """A new PeerConnection in place of whatever there was; the old one goes on, unaware, as a hidden tab may."""
        number = next(self._numbers)
        ident = guest.number * 10_000 + number
        local = Credentials.random(self.random)
        client = SimClient(
            ident,
            address=(f"192.0.2.{guest.number}", 10_000 + number),
            server=SERVER,
            local=local,
            remote=Credentials("", ""),
            seed=self.seed,
            nominate="after" if guest.number % 2 else "at_once",
        )
        client.ice.checking = False
        host = Host(client, Path.of(LinkConfig(delay=5 * MILLISECOND), ident))
        dialect = dialect or (CHROMIUM if guest.number % 2 else FIREFOX)
        page = Page(host, self.random.getrandbits(60), pairs, dialect, local)
        guest.page = page
        self.pages[ident] = page
        await self.offer(guest)
        client.ice.checking = True
        client.start(self.network.now)
        self.network.add(host)

    async def restart_ice(self, guest: Guest) -> None:
        """New credentials on the same PeerConnection."""
        assert guest.page is not None
        guest.page.local = Credentials.random(self.random)
        guest.page.version += 1
        await self.offer(guest)

    async def offer(self, guest: Guest) -> None:
        """Offers the page's sections, and takes the answer."""
        page, member = guest.page, guest.member
        assert page is not None
        assert member is not None
        fingerprint = self._certificate.fingerprint
        sdp = offer.write(page.session, page.version, page.local, fingerprint, page.dialect, KINDS, page.pairs)
        tracks = [
            messages.OfferedTrack(mid=str(mid), kind=kind, source=_SOURCES[kind]) for mid, kind in enumerate(KINDS)
        ]
        answer = offer.read(await self.finish(self.rooms.offer(member, sdp, tracks)), first_track=page.ident * 10)
        client = page.host.client
        page.fingerprints = answer.fingerprints
        media = {section.track: self.media[section.kind] for section in answer.tracks}
        client.set_sections(answer.tracks, answer.slots, media)
        if (client.ice.local, client.ice.remote) != (page.local, answer.credentials):
            client.ice.restart(self.network.now, page.local, answer.credentials)
        page.number = self.node.number(ROOM, guest.name)
        assert page.number is not None
        # Set before the page's number was known here.
        self.wire_watch.gate(page.ident, self.plane.gates.get(page.number, False))
        self.network.touch(page.host)

    def judge_speakers(self, listener: Guest, speakers: Collection[str]) -> None:
        """Nobody hears of speakers, or is one, whose gate is closed."""
        room = self.rooms.roster(ROOM)
        assert room is not None
        for name in (listener.name, *speakers):
            if not room.gate(name):
                raise PassedGateError(f"{listener.name} was told that {', '.join(speakers)} speak: {name} is closed")

    # Time

    async def run(self, duration: int) -> None:
        """Virtual time, in slices between which the event loop does what was asked of it."""
        end = self.network.now + duration
        while self.network.now < end:
            self.network.run(min(_SLICE, end - self.network.now))
            await self.pump()

    async def pump(self) -> None:
        """Let call-backs run until they have nothing more to do."""
        for _ in range(8):
            await asyncio.sleep(0)
        self.network.drain()

    async def finish(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine of the server's to its end."""
        task = asyncio.get_running_loop().create_task(work)
        for _ in range(50):
            if task.done():
                break
            await asyncio.sleep(0)
        assert task.done(), "the server waits for something"
        return task.result()

    # What the network tells

    def _arrived(self, stamp: Stamp) -> None:
        self.watch.arrived(stamp)
        self.wire_watch.arrived(stamp)

    def _judge(self, emission: Emission) -> None:
        stamp, viewer = emission.stamp, emission.host.client.ident
        self.watch.left(viewer, stamp)
        self.wire_watch.left(viewer, stamp)
        if emission.retransmitted:
            return
        track = self.plane.shown.get((self.pages[viewer].number or 0, emission.receiver.section.slot))
        owner = None if track is None else self.plane.owners[track]
        if owner != self.pages[stamp.sender].number:
            raise PassedGateError(f"no route: {stamp} to {viewer}, whose slot shows track {track} of {owner}")

    def _delivered(self, host: Host) -> None:
        page = self.pages[host.client.ident]
        client = host.client
        now = self.clock.monotonic()
        if page.handshake is None:
            if client.ice.selected is None:
                return
            page.handshake = dtls.Handshake(self._certificate, page.fingerprints, server=False, now=now)
        for datagram in client.dtls:
            page.handshake.receive(now, datagram)
        client.dtls.clear()
        for datagram in page.handshake.transmits():
            client.send_raw(datagram)
        state = page.handshake.state
        if isinstance(state, dtls.Connected) and client.opening is None:
            client.set_keys(Keys(Profile(state.keys.profile), state.keys.local, state.keys.remote))
