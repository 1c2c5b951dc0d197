"""One PeerConnection over a real socket: the bed's simulated client with DTLS, on the event loop."""

import asyncio
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random

from sfu import dtls
from sfu.commands import Kind
from sfu.errors import DtlsError
from tests.bed.client import SimClient
from tests.bed.clock import MILLISECOND
from tests.bed.dialect import CHROMIUM_REPAIRING, FIREFOX
from tests.bed.ice import Credentials
from tests.bed.offer import Answer, read, write
from tests.bed.sender import Media
from tests.bed.srtp import Keys, Profile
from tests.bed.stun import Address

KINDS: Sequence[Kind] = ("audio", "video")
_MEDIA = {
    "audio": Media(interval=120 * MILLISECOND, size=60),
    "video": Media(interval=180 * MILLISECOND, size=300, largest=200),
}
_LARGEST = 2_048
_LOST = 0.02
"""Of the datagrams each way, once it is connected: so that sound and pictures are asked for and sent again."""


class Leg:
    """It sends its tracks from the moment that it is connected; what it got is with the client's receivers."""

    def __init__(self, ident: int, server: Address, certificate: dtls.Certificate, pairs: int, seed: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._certificate = certificate
        self._random = Random(seed << 32 | ident)
        self._chance = Random(seed << 32 | ident)
        self._server = server
        self._pairs = pairs
        self._session = self._random.getrandbits(60)
        self._version = 0
        self._local = Credentials.random(self._random)
        self._dialect = CHROMIUM_REPAIRING if ident % 2 else FIREFOX
        self._handshake: dtls.Handshake | None = None
        self._fingerprints: tuple[tuple[str, str], ...] = ()
        self._timer: asyncio.TimerHandle | None = None
        self._socket = self._open()
        self.is_closed = False
        self.client = SimClient(
            ident,
            address=self._socket.getsockname(),
            server=server,
            local=self._local,
            remote=Credentials("", ""),
            seed=seed,
            nominate="after" if ident % 2 else "at_once",
        )
        self.client.ice.checking = False

    @property
    def ident(self) -> int:
        """What the stamps of its media say."""
        return self.client.ident

    @property
    def is_connected(self) -> bool:
        return self.client.opening is not None

    def offer(self, *, restart: bool = False) -> str:
        """An offer of its sections; `restart`: with new ICE credentials."""
        self._version += 1
        if restart:
            self._local = Credentials.random(self._random)
        fingerprint = self._certificate.fingerprint
        return write(self._session, self._version, self._local, fingerprint, self._dialect, KINDS, self._pairs)

    def take(self, sdp: str) -> None:
        """The answer to the last offer."""
        if self.is_closed:
            return
        answer: Answer = read(sdp, first_track=self.ident * 10)
        self._fingerprints = answer.fingerprints
        media = {section.track: _MEDIA[section.kind] for section in answer.tracks}
        self.client.set_sections(answer.tracks, answer.slots, media)
        if self._dialect.repairs_sound:
            self.client.repair_sound()
        ice = self.client.ice
        if (ice.local, ice.remote) != (self._local, answer.credentials):
            ice.restart(self._now(), self._local, answer.credentials)
        if not ice.checking:
            ice.checking = True
            self.client.start(self._now())
        self._turn()

    def rebind(self) -> None:
        """Another port, as a NAT that forgot us gives."""
        self._close_socket()
        self._socket = self._open()
        self._turn()

    def forget_what_came(self) -> None:
        """All but the last packet of each slot."""
        self.client.rtcp.clear()
        self.client.strays.clear()
        for receiver in self.client.receivers.values():
            del receiver.received[:-1]
            receiver.reports.clear()
        for sender in self.client.senders.values():
            sender.keyframe_requests.clear()

    def close(self) -> None:
        """Gone without a word."""
        if not self.is_closed:
            self.is_closed = True
            self._close_socket()
            if self._timer is not None:
                self._timer.cancel()

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.bind(("127.0.0.1", 0))
        opened.connect(self._server)
        self._loop.add_reader(opened.fileno(), self._read)
        return opened

    def _close_socket(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _is_lost(self) -> bool:
        return self.is_connected and self._chance.random() < _LOST

    def _now(self) -> int:
        return time.monotonic_ns() // 1000

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(_LARGEST)
            except (BlockingIOError, ConnectionRefusedError):
                break
            if not self._is_lost():
                self.client.receive(self._now(), self.client.ice.address, self._server, data)
        self._shake_hands()
        self._turn()

    def _shake_hands(self) -> None:
        client = self.client
        if self._handshake is None:
            if client.ice.selected is None:
                return
            now = self._loop.time()
            self._handshake = dtls.Handshake(self._certificate, self._fingerprints, server=False, now=now)
        handshake = self._handshake
        for datagram in client.dtls:
            with suppress(DtlsError):
                handshake.receive(self._loop.time(), datagram)
        client.dtls.clear()
        if client.opening is None:
            handshake.handle_timeout(self._loop.time())
        for flight in handshake.transmits():
            client.send_raw(flight)
        state = handshake.state
        if isinstance(state, dtls.Connected) and client.opening is None:
            client.set_keys(Keys(Profile(state.keys.profile), state.keys.local, state.keys.remote))

    def _turn(self) -> None:
        if self.is_closed:
            return
        now = self._now()
        self.client.handle_timeout(now)
        if self._handshake is not None and self.client.opening is None:
            self._shake_hands()
        for transmit in self.client.transmits():
            if not self._is_lost():
                with suppress(BlockingIOError, ConnectionRefusedError):
                    self._socket.send(transmit.data)
        due = self.client.next_timeout()
        times = [] if due is None else [due / 1e6 - time.monotonic()]
        again = None if self._handshake is None or self.is_connected else self._handshake.next_timeout()
        times += [] if again is None else [again - self._loop.time()]
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.002, min(times)), self._turn) if times else None
