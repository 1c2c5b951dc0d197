"""Virtual time, a plane, and simulated clients with their paths to it; each packet is looked at as it leaves."""

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.link import Path
from sfu.events import Event
from sfu.plane import VirtualPlane
from tests.bed import content, rtp
from tests.bed.client import SimClient, Transmit
from tests.bed.clock import SECOND, Clock
from tests.bed.content import Stamp
from tests.bed.receiver import Receiver
from tests.bed.srtp import Opening
from tests.bed.stun import Address

SERVER: Address = ("10.0.0.1", 7882)
_MOST_AT_ONCE = 10_000
"""Timer calls at one moment; more means that the engine asks for the same moment for ever."""


@dataclass(slots=True, eq=False)
class Host:
    """A client and its path to the server."""

    client: SimClient
    path: Path
    tap: Opening | None = None
    """Decrypts all that the server sends to it, lost on the way or not."""
    nat: dict[Address, Address] = field(default_factory=dict)
    """Its own addresses as the server sees them, where they differ."""
    sent_to: list[tuple[int, Address, bytes]] = field(default_factory=list)
    """Every datagram that the server sent to it: when, where to, what."""
    sound: dict[bytes, bytes] = field(default_factory=dict)
    """The datagrams of sound among them, and what they are in the clear: sent again they are the same."""
    arrivals: list[int] = field(default_factory=list)
    """When each of its media packets came to the server."""
    armed: int | None = None

    def rtp_since(self, when: int) -> int:
        """RTP datagrams that the server sent to it from that moment on."""
        return sum(at >= when and is_rtp(data) for at, _, data in self.sent_to)

    def inner(self, outer: Address) -> Address | None:
        """Its own address behind one that the server sees; nothing once it has left that."""
        address = self.client.ice.address
        return address if self.outer(address) == outer else None

    def outer(self, address: Address) -> Address:
        return self.nat.get(address, address)


@dataclass(frozen=True, slots=True)
class Emission:
    """A media packet that the server sent: into whose slot, with what content."""

    host: Host
    receiver: Receiver
    stamp: Stamp
    retransmitted: bool


class Network:
    """The same plane, hosts and seeds give the same run."""

    def __init__(self, plane: VirtualPlane, now: int) -> None:
        self.clock = Clock(now)
        self.plane = plane
        self.hosts: list[Host] = []
        self.stray: list[tuple[int, Address, bytes]] = []
        """What the server sent to addresses that nobody has: when, where to, what."""
        self.on_event: Callable[[Event], None] = _ignore
        self.on_arrival: Callable[[Stamp], None] = _ignore
        """A media packet comes to the server, this moment."""
        self.on_emission: Callable[[Emission], None] = _ignore
        """A media packet leaves the server, this moment."""
        self.on_delivery: Callable[[Host], None] = _ignore
        """A client was handed a datagram."""
        self._armed: int | None = None
        self._fired = (0, 0)
        self._addresses: dict[Address, Host] = {}
        """Addresses that somebody has, or had."""

    @property
    def now(self) -> int:
        return self.clock.now

    def add(self, host: Host) -> None:
        self.hosts.append(host)
        self.touch(host)

    def replace_plane(self, plane: VirtualPlane) -> None:
        """The server is another one from now on, and knows nobody."""
        self.plane = plane
        self._armed = None

    def run(self, duration: int) -> None:
        self.clock.run_until(self.now + duration)

    def run_while(self, condition: Callable[[], bool], limit: int) -> None:
        """Until the condition ends; the limit is a failure."""
        end = self.now + limit
        while condition():
            upcoming = self.clock.next()
            if upcoming is None or upcoming > end:
                raise AssertionError(f"still waiting after {limit / SECOND} s of virtual time")
            self.clock.step()

    def touch(self, host: Host) -> None:
        """Carry what a client has to send, and see to its timer; call it after making a client do something."""
        for transmit in host.client.transmits():
            self._carry_up(host, transmit)
        self._arm(host)

    def inject(self, remote: Address, data: bytes, local: Address = SERVER) -> None:
        """A datagram from any address straight into the server, now."""
        self.plane.receive(self.now, local, remote, data)
        self.drain()

    def settle(self) -> None:
        """Let the plane do what is due."""
        self.plane.handle_timeout(self.now)
        self.drain()

    def drain(self) -> None:
        """Carry what the plane has to send, and see to its timer; call it after making the plane do something."""
        for local, remote, data in self.plane.transmits():
            self._carry_down(local, remote, data)
        for event in self.plane.events():
            self.on_event(event)
        self._arm_plane()

    def _carry_up(self, host: Host, transmit: Transmit) -> None:
        remote = host.outer(transmit.local)
        for when in host.path.up.carry(self.now, len(transmit.data)):
            self.clock.at(when, lambda: self._arrive(host, remote, transmit))

    def _arrive(self, host: Host, remote: Address, transmit: Transmit) -> None:
        if transmit.stamp is not None:
            host.arrivals.append(self.now)
            for stamp in (*transmit.copies, transmit.stamp):
                self.on_arrival(stamp)
        self.inject(remote, transmit.data, transmit.remote)

    def _carry_down(self, local: Address, remote: Address, data: bytes) -> None:
        host = self._host_at(remote)
        if host is None:
            self.stray.append((self.now, remote, data))
            return
        host.sent_to.append((self.now, remote, data))
        if is_rtp(data):
            self._tap(host, data)
        inner = host.inner(remote)
        if inner is not None:
            for when in host.path.down.carry(self.now, len(data)):
                self.clock.at(when, lambda: self._deliver(host, inner, local, data))

    def _host_at(self, outer: Address) -> Host | None:
        found = self._addresses.get(outer)
        if found is None:
            found = next((host for host in self.hosts if host.inner(outer) is not None), None)
            if found is not None:
                self._addresses[outer] = found
        return found

    def _deliver(self, host: Host, inner: Address, server: Address, data: bytes) -> None:
        if host.client.ice.address == inner:
            host.client.receive(self.now, inner, server, data)
            self.on_delivery(host)
            self.touch(host)

    def _tap(self, host: Host, data: bytes) -> None:
        ident = host.client.ident
        assert host.tap is not None, f"media without keys to {ident}"
        before = host.sound.get(data)
        plain = before or host.tap.rtp(data)
        # What libsrtp calls a replay here is a number used twice under one key, unless it is the same to the byte.
        assert plain is not None, f"libsrtp does not open what was sent to {ident}: {host.tap.refused}"
        packet = rtp.parse(plain)
        receiver = host.client.receiver_of(packet.ssrc)
        if receiver is None:
            assert content.read(packet.payload) is None, f"media on an SSRC of no slot: {packet.ssrc:#x}"
            return
        if receiver.section.kind == "audio":
            host.sound[data] = plain
        again = before is not None or packet.ssrc == receiver.section.rtx_ssrc
        for stamp in receiver.stamps_of(packet.payload_type, packet.payload) if packet.payload else ():
            if stamp is not None:
                self.on_emission(Emission(host, receiver, stamp, again))

    def _arm(self, host: Host) -> None:
        due = host.client.next_timeout()
        if due is not None and (host.armed is None or due < host.armed):
            host.armed = when = max(due, self.now)
            self.clock.at(when, lambda: self._fire(host, when))

    def _fire(self, host: Host, when: int) -> None:
        if host.armed == when:
            host.armed = None
            host.client.handle_timeout(self.now)
            self.touch(host)

    def _arm_plane(self) -> None:
        due = self.plane.next_timeout()
        if due is not None and (self._armed is None or due < self._armed):
            self._armed = when = max(due, self.now)
            self.clock.at(when, lambda: self._fire_plane(when))

    def _fire_plane(self, when: int) -> None:
        if self._armed != when:
            return
        self._armed = None
        moment, count = self._fired
        self._fired = (self.now, count + 1 if moment == self.now else 0)
        assert count < _MOST_AT_ONCE, "the engine's timer does not advance"
        self.settle()


def is_rtp(data: bytes) -> bool:
    """RFC 7983, RFC 5761."""
    return 128 <= data[0] < 192 and not 64 <= data[1] & 0x7F < 96


def _ignore(_: object) -> None:
    """Nobody listens."""
