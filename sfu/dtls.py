"""DTLS-SRTP handshakes (RFC 5763, 5764) on OpenSSL's memory buffers: datagrams in, datagrams and keys out, no I/O.

ICE has validated the address before a datagram comes here, which stands for the cookies of RFC 6347 section 4.2.1.
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from OpenSSL.crypto import X509

from sfu import dtls_records
from sfu.errors import DtlsError

MTU: Final = 1200
"""Bytes of the largest datagram we send."""

HANDSHAKE_TIMEOUT: Final = 30.0
"""Seconds from the first datagram to the keys."""

FIRST_RETRANSMIT: Final = 0.25
"""Seconds until an unanswered flight is sent again; doubles each time. RFC 6347 section 4.2.4.1 advises 1 s and allows
less where latency matters: a browser's own timer starts at 50 ms."""

LAST_RETRANSMIT: Final = 4.0
"""Seconds, the longest wait between two copies of a flight."""

MAX_DATAGRAMS: Final = 256
MAX_BYTES: Final = 128 * 1024
"""What one handshake may take in, retransmissions included; a browser's needs some 5 datagrams and 4 kB."""

_DTLS_1_2: Final = 0xFEFD

_CIPHERS: Final = b":".join(
    [
        b"ECDHE-ECDSA-AES128-GCM-SHA256",
        b"ECDHE-ECDSA-AES256-GCM-SHA384",
        b"ECDHE-ECDSA-CHACHA20-POLY1305",
        b"ECDHE-RSA-AES128-GCM-SHA256",
        b"ECDHE-RSA-AES256-GCM-SHA384",
        b"ECDHE-RSA-CHACHA20-POLY1305",
    ]
)

HASHES: Final = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
"""Hash functions that we accept for a fingerprint (RFC 8122) by OpenSSL's name, weakest first."""


@dataclass(frozen=True, slots=True)
class _Profile:
    id: int
    name: bytes
    key: int
    salt: int


_PROFILES: Final = (
    _Profile(0x0007, b"SRTP_AEAD_AES_128_GCM", 16, 12),
    _Profile(0x0008, b"SRTP_AEAD_AES_256_GCM", 32, 12),
    _Profile(0x0001, b"SRTP_AES128_CM_SHA1_80", 16, 14),
)


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """`profile` by its number in RFC 5764 and 7714; `local` seals what we send, each is master key and then salt."""

    profile: int
    local: bytes = field(repr=False)
    remote: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class New:
    """A server that has received nothing."""


@dataclass(frozen=True, slots=True)
class Handshaking:
    """Under way; fails at `deadline`."""

    deadline: float


@dataclass(frozen=True, slots=True)
class Connected:
    """Done: the peer's certificate is the announced one."""

    keys: SrtpKeys


@dataclass(frozen=True, slots=True)
class Failed:
    """Over, by one of `DTLS_CODES`."""

    code: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Ended by either side after it was connected, or by us before."""


State = New | Handshaking | Connected | Failed | Closed


class Certificate:
    """A key and its self-signed certificate; one serves all transports of a node."""

    __slots__ = ("_certificate", "_context", "fingerprint")

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self.fingerprint: Final = f"sha-256 {certificate.fingerprint(hashes.SHA256()).hex(':').upper()}"
        """As the value of `a=fingerprint` (RFC 8122)."""
        self._context = _context(certificate, key)

    @classmethod
    def generate(cls, clock: Callable[[], float]) -> "Certificate":
        """A new one by ECDSA P-256, as RFC 8827 section 6.5 asks; `clock` gives seconds since 1970."""
        now = datetime.fromtimestamp(clock(), UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "venterom")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    def connection(self) -> SSL.Connection:
        """OpenSSL's side of one transport, on memory buffers."""
        connection = SSL.Connection(self._context, None)
        connection.set_ciphertext_mtu(MTU)
        return connection


def _context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(_DTLS_1_2)
    context.set_options(
        SSL.OP_NO_QUERY_MTU  # without it OpenSSL would take the buffer for a socket and shrink our MTU
        | SSL.OP_NO_TICKET
        | SSL.OP_NO_RENEGOTIATION
        | SSL.OP_NO_COMPRESSION
        | SSL.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # 15 KiB less for each transport that stands
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(_CIPHERS)
    context.set_tlsext_use_srtp(b":".join(profile.name for profile in _PROFILES))
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.check_privatekey()
    return context


class Handshake:
    """One transport's DTLS. Connected, it repeats its last flight for a peer that missed it, and sees the peer close.

    Errors are raised once, where they happen; the state keeps the code; `transmits` then holds the alert for the peer.
    """

    __slots__ = (
        "_bytes", "_certificate", "_connection", "_datagrams", "_expected", "_flight", "_interval", "_out",
        "_plain_records", "_refused",
        "_resend_at", "_server", "_state",
    )  # fmt: skip

    def __init__(
        self,
        certificate: Certificate,
        remote_fingerprints: Iterable[tuple[str, str]],
        *,
        server: bool = True,
        now: float,
    ) -> None:
        self._certificate = certificate
        self._expected = _strongest(remote_fingerprints)
        self._server = server
        self._connection: SSL.Connection | None = None  # a server's is made at the first datagram: it costs some 50 kB
        self._state: State = New()
        self._out: list[bytes] = []
        self._flight: list[bytes] = []
        self._resend_at = 0.0
        self._interval = FIRST_RETRANSMIT
        self._refused: str | None = None
        self._plain_records = 0
        self._datagrams = 0
        self._bytes = 0
        if not server:
            self._step(now, self._begin(now))

    @property
    def state(self) -> State:
        return self._state

    def receive(self, now: float, datagram: bytes) -> None:
        """One datagram of the peer. What is no DTLS 1.2 record is dropped; a closed or failed handshake drops all."""
        if isinstance(self._state, Failed | Closed) or not dtls_records.is_sane(datagram):
            return
        self._datagrams += 1
        self._bytes += len(datagram)
        if self._datagrams > MAX_DATAGRAMS or self._bytes > MAX_BYTES:
            if not isinstance(self._state, Connected):  # a call that stands is not ended by noise
                self._fail("dtls_flood")
            return
        connection = self._connection or self._begin(now)
        numbered, self._plain_records = dtls_records.renumbered(datagram, self._plain_records)
        connection.bio_write(numbered)
        if isinstance(self._state, Connected):
            self._read(connection)
            self._repeat(now, datagram)
        else:
            self._step(now, connection)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called, on the clock of `now`."""
        match self._state:
            case Handshaking(deadline):
                return min(deadline, self._resend_at) if self._flight else deadline
            case _:
                return None

    def handle_timeout(self, now: float) -> None:
        """Sends the last flight again, or gives up.

        OpenSSL's own timer reads the real clock and starts at 1 s. This one copies the flight as it was sent: whatever
        of it the peer has, its replay check drops (RFC 6347 section 4.1.2.6).
        """
        if not isinstance(self._state, Handshaking):
            return
        if now >= self._state.deadline:
            self._fail("dtls_timeout")
        if self._flight and now >= self._resend_at:
            self._out.extend(self._flight)
            self._interval = min(2 * self._interval, LAST_RETRANSMIT)
            self._resend_at = now + self._interval

    def transmits(self) -> list[bytes]:
        """Datagrams for the peer, in order; each is given once."""
        out, self._out = self._out, []
        return out

    def close(self) -> None:
        """Ends it; a connected peer is told (close_notify)."""
        if isinstance(self._state, Connected) and self._connection is not None:
            try:
                self._connection.shutdown()
            except SSL.Error:
                pass  # the peer will notice by itself
            else:
                self._out.extend(_drain(self._connection))
        if not isinstance(self._state, Failed):
            self._state = Closed()
        self._release()

    def _begin(self, now: float) -> SSL.Connection:
        connection = self._certificate.connection()
        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._verify)
        if self._server:
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        self._connection = connection
        self._state = Handshaking(now + HANDSHAKE_TIMEOUT)
        return connection

    def _verify(self, _connection: SSL.Connection, certificate: X509, _error: int, depth: int, _ok: int) -> bool:
        """Refuses early, so that the peer is told why. Only the fingerprint counts: no authority vouches for them."""
        if depth == 0 and not self._matches(certificate):
            self._refused = "dtls_fingerprint"
            return False
        return True

    def _matches(self, certificate: X509) -> bool:
        algorithm, values = self._expected
        actual = certificate.digest(HASHES[algorithm])  # OpenSSL's: a stricter parser could stumble over what it took
        matches = [hmac.compare_digest(actual, value) for value in values]  # all of them: no early way out
        return any(matches)

    def _step(self, now: float, connection: SSL.Connection) -> None:
        done = False
        error: SSL.Error | None = None
        try:
            connection.do_handshake()
            done = True
        except SSL.WantReadError:
            pass
        except SSL.Error as problem:
            error = problem
        flight = _drain(connection)
        self._out.extend(flight)
        if error is not None:
            self._fail(self._refused or _code(error))
        if flight:
            self._flight = flight
            self._interval = FIRST_RETRANSMIT
            self._resend_at = now + self._interval
        if done:
            self._state = Connected(self._keys(connection))
            if not self._server:
                self._flight = []  # the server's was the last one
            self._read(connection)

    def _keys(self, connection: SSL.Connection) -> SrtpKeys:
        certificate = connection.get_peer_certificate()
        if certificate is None:
            self._fail("dtls_no_certificate")
        if not self._matches(certificate):
            self._fail("dtls_fingerprint")
        name = connection.get_selected_srtp_profile()
        profile = next((profile for profile in _PROFILES if profile.name == name), None)
        if profile is None:
            self._fail("dtls_no_srtp_profile")
        # RFC 5764 section 4.2: client key, server key, client salt, server salt.
        key, salt = profile.key, profile.salt
        material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        local, remote = (server, client) if self._server else (client, server)
        return SrtpKeys(profile.id, local, remote)

    def _read(self, connection: SSL.Connection) -> None:
        """Lets OpenSSL see what comes after the handshake: a new Finished, answered by its own again, or the end."""
        try:
            while connection.recv(dtls_records.MAX_MESSAGE):
                pass  # application data: we offer no data channel
        except SSL.WantReadError:
            self._out.extend(_drain(connection))
        except SSL.Error:  # close_notify, or a fatal alert, which only the peer's keys can have made
            self._out.extend(_drain(connection))
            self._state = Closed()
            self._release()

    def _repeat(self, now: float, datagram: bytes) -> None:
        """A client whose timer sends copies, as ours does, still waits for our last flight (RFC 6347 section 4.2.4)."""
        if self._flight and now >= self._resend_at and dtls_records.has_handshake(datagram):
            self._out.extend(self._flight)
            self._resend_at = now + FIRST_RETRANSMIT / 2

    def _fail(self, code: str) -> NoReturn:
        self._state = Failed(code)
        self._release()
        raise DtlsError(code)

    def _release(self) -> None:
        self._connection = None
        self._flight = []


def _strongest(fingerprints: Iterable[tuple[str, str]]) -> tuple[str, tuple[bytes, ...]]:
    """The strongest hash function offered and all its values, any of which may match (RFC 8122 section 5.1)."""
    offered: dict[str, list[bytes]] = {}
    for algorithm, value in fingerprints:
        offered.setdefault(algorithm.lower(), []).append(value.upper().encode())
    for algorithm in reversed(HASHES):
        if algorithm in offered:
            return algorithm, tuple(offered[algorithm])
    return "sha-256", ()  # matches nothing


def _code(error: SSL.Error) -> str:
    if isinstance(error, SSL.ZeroReturnError):
        return "dtls_closed"
    reasons = [entry[-1] for entry in error.args[0]] if error.args and isinstance(error.args[0], list) else []
    if "peer did not return a certificate" in reasons:
        return "dtls_no_certificate"
    return "dtls_handshake"


def _drain(connection: SSL.Connection) -> list[bytes]:
    """What OpenSSL wants sent: it gives a flight of records in one piece."""
    flight = bytearray()
    while True:
        try:
            flight += connection.bio_read(64 * 1024)
        except SSL.WantReadError:
            return dtls_records.cut(bytes(flight), MTU)
