"""The least that a browser needs to connect: ICE-lite answers and our DTLS on one UDP port, without the wire."""

import asyncio
from contextlib import suppress
from typing import Self, cast

from sfu.dtls import Certificate, Handshake
from sfu.errors import DtlsError
from sfu.sdp import Candidate, LocalTransport
from tests.bed import stun

Address = tuple[str, int]


class LiteServer(asyncio.DatagramProtocol):
    """One transport. `received` keeps the browser's DTLS datagrams."""

    def __init__(self, certificate: Certificate) -> None:
        self.certificate = certificate
        self.ufrag, self.pwd = "lite", "p" * 24
        self.handshake: Handshake | None = None
        self.received: list[bytes] = []
        self.done = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._socket: asyncio.DatagramTransport | None = None

    @classmethod
    async def start(cls, certificate: Certificate, host: str = "127.0.0.1") -> Self:
        loop = asyncio.get_running_loop()
        _, server = await loop.create_datagram_endpoint(lambda: cls(certificate), (host, 0))
        return server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.DatagramTransport, transport)

    @property
    def local(self) -> LocalTransport:
        assert self._socket is not None
        host, port = self._socket.get_extra_info("sockname")
        return LocalTransport(self.ufrag, self.pwd, self.certificate.fingerprint, (Candidate(host, port),))

    def expect(self, fingerprints: tuple[tuple[str, str], ...]) -> None:
        self.handshake = Handshake(self.certificate, fingerprints, now=self._now())

    def datagram_received(self, data: bytes, addr: Address) -> None:
        assert self._socket is not None
        message = stun.parse(data)
        if message is not None and message.integrity_valid(self.pwd):
            self._socket.sendto(stun.binding_success(message.transaction, addr, self.pwd), addr)
        elif 20 <= data[0] < 64 and self.handshake is not None:
            self.received.append(data)
            with suppress(DtlsError):
                self.handshake.receive(self._now(), data)
            self._flush(addr)

    def close(self) -> None:
        assert self._socket is not None
        if self._timer:
            self._timer.cancel()
        self._socket.close()

    def _flush(self, addr: Address) -> None:
        assert self._socket is not None
        assert self.handshake is not None
        for datagram in self.handshake.transmits():
            self._socket.sendto(datagram, addr)
        if self._timer:
            self._timer.cancel()
        due = self.handshake.next_timeout()
        if due is None:
            self.done.set()
        else:
            self._timer = asyncio.get_running_loop().call_at(due, self._timeout, addr)

    def _timeout(self, addr: Address) -> None:
        assert self.handshake is not None
        with suppress(DtlsError):
            self.handshake.handle_timeout(self._now())
        self._flush(addr)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
