"""Handshakes between our two roles, with OpenSSL driven by hand, and from browsers' ClientHellos."""

import hmac
import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.x509 import load_der_x509_certificate
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate

from sfu import dtls, dtls_records
from sfu.dtls import Certificate, Closed, Connected, Failed, Handshake, Handshaking, New
from sfu.errors import DtlsError

DATA = Path(__file__).with_name("data")
NOON = 1_767_268_800.0

SERVER = Certificate.generate(lambda: NOON)
CLIENT = Certificate.generate(lambda: NOON)


def fingerprints(certificate: Certificate) -> list[tuple[str, str]]:
    algorithm, value = certificate.fingerprint.split(" ")
    return [(algorithm, value)]


def server(expects: Certificate = CLIENT, now: float = 0.0) -> Handshake:
    return Handshake(SERVER, fingerprints(expects), now=now)


def client(expects: Certificate = SERVER, now: float = 0.0, own: Certificate = CLIENT) -> Handshake:
    return Handshake(own, fingerprints(expects), server=False, now=now)


def talk(one: Handshake, other: Handshake, now: float = 0.0) -> None:
    """Until neither has anything to say."""
    while True:
        said = [(other, datagram) for datagram in one.transmits()] + [(one, datagram) for datagram in other.transmits()]
        if not said:
            return
        for hearer, datagram in said:
            hearer.receive(now, datagram)


def connected(handshake: Handshake) -> Connected:
    state = handshake.state
    assert isinstance(state, Connected)
    return state


def assert_agree(one: Handshake, other: Handshake) -> None:
    mine, theirs = connected(one).keys, connected(other).keys
    assert mine.profile == theirs.profile
    assert (mine.local, mine.remote) == (theirs.remote, theirs.local)
    assert mine.local != mine.remote


class Raw:
    """OpenSSL as a client, with what our own client never lacks."""

    def __init__(
        self, profiles: bytes | None = b"SRTP_AEAD_AES_128_GCM", certificate: Certificate | None = CLIENT
    ) -> None:
        if certificate is None:
            context = SSL.Context(SSL.DTLS_METHOD)
            context.set_options(SSL.OP_NO_QUERY_MTU)
            if profiles:
                context.set_tlsext_use_srtp(profiles)
            self.ssl = SSL.Connection(context, None)
            self.ssl.set_ciphertext_mtu(1200)
        else:
            self.ssl = certificate.connection()
        self.ssl.set_connect_state()
        self.step()

    def step(self) -> None:
        with suppress(SSL.WantReadError):
            self.ssl.do_handshake()

    def talk(self, handshake: Handshake) -> None:
        while True:
            try:
                handshake.receive(0.0, self.ssl.bio_read(65536))
            except SSL.WantReadError:
                return
            for datagram in handshake.transmits():
                self.ssl.bio_write(datagram)
                self.step()


def only(profile: bytes) -> Certificate:
    """A certificate whose transports know one SRTP profile."""
    certificate = Certificate.generate(lambda: NOON)
    certificate._context.set_tlsext_use_srtp(profile)
    return certificate


# The plain course


def test_both_roles_connect_and_agree_on_keys() -> None:
    ours, theirs = server(), client()
    assert ours.state == New()
    assert ours.next_timeout() is None
    talk(ours, theirs)
    assert_agree(ours, theirs)
    assert connected(ours).keys.profile == 0x0007
    assert ours.next_timeout() is None
    assert theirs.next_timeout() is None


@pytest.mark.parametrize(
    ("name", "number", "key", "salt"),
    [
        (b"SRTP_AEAD_AES_128_GCM", 0x0007, 16, 12),
        (b"SRTP_AEAD_AES_256_GCM", 0x0008, 32, 12),
        (b"SRTP_AES128_CM_SHA1_80", 0x0001, 16, 14),
    ],
)
def test_keys_are_split_as_rfc_5764_says(name: bytes, number: int, key: int, salt: int) -> None:
    certificate = only(name)
    ours, raw = server(certificate), Raw(certificate=certificate)
    raw.talk(ours)
    material = raw.ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
    keys = connected(ours).keys
    assert keys.profile == number
    assert keys.remote == material[:key] + material[2 * key : 2 * key + salt]
    assert keys.local == material[key : 2 * key] + material[2 * key + salt :]


def test_keys_and_flights_are_not_shown() -> None:
    ours, theirs = server(), client()
    talk(ours, theirs)
    assert connected(ours).keys.local.hex() not in repr(ours.state)
    assert repr(ours.state) == "Connected(keys=SrtpKeys(profile=7))"


def test_no_cookie_and_no_ticket() -> None:
    ours, theirs = server(), client()
    seen: list[int] = []
    for _ in range(4):
        for datagram in theirs.transmits():
            ours.receive(0.0, datagram)
        for datagram in ours.transmits():
            seen += [datagram[r.body] for r in dtls_records.records(datagram) if r.kind == 22 and r.epoch == 0]
            theirs.receive(0.0, datagram)
    hello, certificate, key_exchange, request, done = 2, 11, 12, 13, 14
    assert seen == [hello, certificate, key_exchange, request, done]


def test_certificate_follows_the_clock_and_the_curve() -> None:
    raw = Raw()
    ours = server()
    raw.talk(ours)
    shown = raw.ssl.get_peer_certificate()
    assert shown is not None
    certificate = load_der_x509_certificate(dump_certificate(FILETYPE_ASN1, shown))
    assert certificate.not_valid_before_utc.timestamp() == NOON - 86400
    assert certificate.not_valid_after_utc.timestamp() > NOON + 300 * 86400
    assert certificate.signature_hash_algorithm is not None
    assert certificate.signature_hash_algorithm.name == "sha256"


# A ClientHello in pieces


def handshake_record(sequence: int, body: bytes) -> bytes:
    return b"\x16\xfe\xff" + bytes(2) + sequence.to_bytes(6) + len(body).to_bytes(2) + body


def fragments(datagram: bytes, count: int, first_sequence: int = 40) -> list[bytes]:
    """A one-record ClientHello in `count` records of their own."""
    body = datagram[13:]
    header, message = body[:6], body[12:]
    size = -(-len(message) // count)
    starts = range(0, len(message), size)
    return [
        handshake_record(first_sequence + index, header + at.to_bytes(3) + len(part).to_bytes(3) + part)
        for index, at in enumerate(starts)
        if (part := message[at : at + size])
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_hello_in_three_datagrams_in_any_order(order: tuple[int, ...]) -> None:
    ours, theirs = server(), client()
    pieces = fragments(theirs.transmits()[0], 3)
    for index in order:
        assert not ours.transmits()
        ours.receive(0.0, pieces[index])
    talk(ours, theirs)
    assert_agree(ours, theirs)


@pytest.mark.parametrize("order", [(0, 0, 1), (1, 1, 0), (0, 1, 0, 1), (1, 0, 1, 1)])
def test_hello_in_pieces_that_come_twice(order: tuple[int, ...]) -> None:
    ours, theirs = server(), client()
    pieces = fragments(theirs.transmits()[0], 2)
    for index in order:
        ours.receive(0.0, pieces[index])
    talk(ours, theirs)
    assert_agree(ours, theirs)


@pytest.mark.parametrize("lost", [0, 1])
def test_lost_piece_comes_by_retransmission(lost: int) -> None:
    ours, theirs = server(), client()
    hello = theirs.transmits()[0]
    ours.receive(0.0, fragments(hello, 2)[1 - lost])
    assert not ours.transmits()
    for piece in fragments(hello, 2, first_sequence=50):
        ours.receive(1.0, piece)
    talk(ours, theirs, 1.0)
    assert_agree(ours, theirs)


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 1, 0), (0, 0, 1)])
def test_hello_of_a_browser_is_answered(browser: str, order: tuple[int, ...]) -> None:
    pieces = [bytes.fromhex(line) for line in (DATA / f"{browser}-hello.hex").read_text().split()]
    ours = server()
    for index in order:
        assert not ours.transmits()
        ours.receive(0.0, pieces[index])
    answer = ours.transmits()
    assert answer
    assert answer[0][13] == 2  # ServerHello
    assert all(len(datagram) <= dtls.MTU for datagram in answer)


# Loss


class Network:
    """Two handshakes in virtual time over a path that loses, repeats and delays."""

    def __init__(self, treat: Callable[[int], list[float]], delay: float = 0.02) -> None:
        self.now = 0.0
        self._treat = treat
        self._count = itertools.count()
        self._delay = delay
        self._order = itertools.count()
        self._under_way: list[tuple[float, int, Handshake, bytes]] = []
        self.client, self.server = client(), server()

    def run(self) -> None:
        while True:
            self._send(self.client, self.server)
            self._send(self.server, self.client)
            ends = (self.client, self.server)
            due = [end.next_timeout() for end in ends]
            arrival = min((entry[0] for entry in self._under_way), default=None)
            times = [time for time in (*due, arrival) if time is not None]
            if not times:
                return
            self.now = max(self.now, min(times))
            for entry in sorted(entry for entry in self._under_way if entry[0] <= self.now):
                self._under_way.remove(entry)
                entry[2].receive(self.now, entry[3])
            for end in ends:
                timeout = end.next_timeout()
                if timeout is not None and timeout <= self.now:
                    end.handle_timeout(self.now)

    def _send(self, source: Handshake, target: Handshake) -> None:
        for datagram in source.transmits():
            assert len(datagram) <= dtls.MTU
            for delay in self._treat(next(self._count)):
                self._under_way.append((self.now + self._delay + delay, next(self._order), target, datagram))


@pytest.mark.parametrize("lost", range(5))
def test_each_lost_datagram_is_made_up_for_by_the_first_timer(lost: int) -> None:
    network = Network(lambda index: [] if index == lost else [0.0])
    network.run()
    assert_agree(network.client, network.server)
    assert network.now <= 2 * dtls.FIRST_RETRANSMIT


@given(st.integers(0, 2**32), st.floats(0, 0.4), st.floats(0, 0.5))
@settings(max_examples=60, deadline=None)
def test_lossy_networks_end_in_agreement_or_a_stable_failure(seed: int, loss: float, repeat: float) -> None:
    source = random.Random(seed)

    def treat(_index: int) -> list[float]:
        copies = 0 if source.random() < loss else 2 if source.random() < repeat else 1
        return [source.uniform(0, 0.1) for _ in range(copies)]

    network = Network(treat)
    with suppress(DtlsError):
        network.run()
    assert network.now <= dtls.HANDSHAKE_TIMEOUT + 1
    if isinstance(network.client.state, Connected):
        assert_agree(network.client, network.server)
    else:
        assert not isinstance(network.client.state, New)


def test_a_flight_is_repeated_ever_more_slowly_until_time_is_up() -> None:
    theirs = client(now=100.0)
    (hello,) = theirs.transmits()
    at: list[float] = []
    while (due := theirs.next_timeout()) is not None and due < 130.0:
        theirs.handle_timeout(due - 0.01)
        assert not theirs.transmits()
        theirs.handle_timeout(due)
        assert theirs.transmits() == [hello]
        at.append(due - 100.0)
    assert at[:5] == [0.25, 0.75, 1.75, 3.75, 7.75]
    assert all(later - earlier <= dtls.LAST_RETRANSMIT for earlier, later in itertools.pairwise(at))
    with pytest.raises(DtlsError) as caught:
        theirs.handle_timeout(130.0)
    assert caught.value.code == "dtls_timeout"
    assert theirs.state == Failed("dtls_timeout")
    assert theirs.next_timeout() is None


def test_the_last_flight_is_repeated_for_a_client_that_missed_it() -> None:
    ours, theirs = server(), client()
    ours.receive(0.0, theirs.transmits()[0])
    for datagram in ours.transmits():
        theirs.receive(0.0, datagram)
    flight = theirs.transmits()
    for datagram in flight:
        ours.receive(0.0, datagram)
    assert isinstance(ours.state, Connected)
    ours.transmits()  # lost
    for datagram in flight * 20:
        ours.receive(1.0, datagram)
    repeated = ours.transmits()
    assert len(repeated) == 1  # not one for each copy
    theirs.receive(1.0, repeated[0])
    assert_agree(ours, theirs)


# Who is refused


def refusal(ours: Handshake, theirs: Handshake) -> str:
    with pytest.raises(DtlsError) as caught:
        talk(ours, theirs)
    assert ours.state == Failed(caught.value.code)
    return caught.value.code


def test_another_certificate_is_refused_and_told() -> None:
    ours, theirs = server(expects=SERVER), client()
    assert refusal(ours, theirs) == "dtls_fingerprint"
    (alert,) = ours.transmits()
    assert alert[0] == 21
    with pytest.raises(DtlsError) as caught:
        theirs.receive(0.0, alert)
    assert caught.value.code == "dtls_handshake"
    for datagram in [alert, b"\x16"]:
        ours.receive(0.0, datagram)  # deaf by now
    assert not ours.transmits()


def test_a_client_too_refuses_another_certificate() -> None:
    ours, theirs = client(expects=CLIENT), server()
    assert refusal(ours, theirs) == "dtls_fingerprint"


def test_no_certificate_is_refused() -> None:
    ours = server()
    with pytest.raises(DtlsError) as caught:
        Raw(certificate=None).talk(ours)
    assert caught.value.code == "dtls_no_certificate"


@pytest.mark.parametrize("both", [False, True])
def test_an_srtp_profile_that_is_not_ours_is_refused(both: bool) -> None:
    odd = only(b"SRTP_AES128_CM_SHA1_32")
    ours = server(odd) if not both else Handshake(odd, fingerprints(odd), now=0.0)
    with pytest.raises(DtlsError) as caught:
        Raw(certificate=odd).talk(ours)
    assert caught.value.code == "dtls_no_srtp_profile"


def other(value: str) -> str:
    return ("00" if value[:2] != "00" else "01") + value[2:]


def test_fingerprints_of_all_kinds() -> None:
    raw = Raw()
    raw.talk(server())
    shown = CLIENT.connection().get_certificate()
    assert shown is not None
    value = {name: shown.digest(hash_).decode() for name, hash_ in dtls.HASHES.items()}
    good: list[list[tuple[str, str]]] = [
        [("sha-256", value["sha-256"])],
        [("SHA-384", value["sha-384"].lower())],
        [("sha-512", value["sha-512"])],
        [("sha-1", "AA"), ("sha-256", value["sha-256"])],
        [("sha-256", other(value["sha-256"])), ("sha-256", value["sha-256"])],
        [("sha-256", other(value["sha-256"])), ("sha-512", value["sha-512"])],  # the strongest counts
    ]
    bad: list[list[tuple[str, str]]] = [
        [],
        [("sha-1", shown.digest("sha1").decode())],
        [("sha-256", other(value["sha-256"]))],
        [("sha-256", value["sha-256"][:-3])],
        [("sha-256", "")],
        [("sha-256", value["sha-256"]), ("sha-384", other(value["sha-384"]))],
    ]
    for expected in good:
        ours, theirs = Handshake(SERVER, expected, now=0.0), client()
        talk(ours, theirs)
        assert_agree(ours, theirs)
    for expected in bad:
        ours, theirs = Handshake(SERVER, expected, now=0.0), client()
        assert refusal(ours, theirs) == "dtls_fingerprint"


def test_fingerprints_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that were announced, each by `compare_digest`, also after one has matched."""
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def noting(actual: bytes, value: bytes) -> bool:
        compared.append(value)
        return compare(actual, value)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    ((algorithm, right),) = fingerprints(CLIENT)
    announced = [right, other(right), other(right[::-1])[::-1]]  # another at its begin, and at its end
    ours = Handshake(SERVER, [(algorithm, value) for value in announced], now=0.0)
    talk(ours, client())
    assert isinstance(ours.state, Connected)
    first, *others = (compared.count(value.encode()) for value in announced)
    assert first >= 2, "as OpenSSL verifies, and once all is done"
    assert others == [first, first]


def proving(theirs: Handshake, ours: Handshake) -> bytes:
    """The client's second flight: its certificate, its share of the key, the proof that the certificate is its own."""
    ours.receive(0.0, theirs.transmits()[0])
    for datagram in ours.transmits():
        theirs.receive(0.0, datagram)
    (flight,) = theirs.transmits()
    return flight


VERIFY = 15
DECRYPT_ERROR = b"\x02\x33"


def plain(flight: bytes) -> dict[int, bytes]:
    """The records of handshake messages in the clear, by type; the end is sealed and not among them."""
    return {
        flight[record.body]: flight[record.body - 13 : record.end]
        for record in dtls_records.records(flight)
        if record.kind == 22 and record.epoch == 0
    }


def test_a_certificate_without_proof_of_its_key_gets_nowhere() -> None:
    ours, theirs = server(), client()
    flight = proving(theirs, ours)
    with suppress(DtlsError):
        ours.receive(0.0, flight.replace(plain(flight)[VERIFY], b""))
    assert not isinstance(ours.state, Connected)


@pytest.mark.parametrize("proof", ["damaged", "of another handshake"])
def test_a_certificate_with_a_wrong_proof_of_its_key_is_refused(proof: str) -> None:
    """What is sealed is held back: it is the signature that is refused, not the checksum over the whole handshake."""
    ours, theirs = server(), client()
    messages = plain(proving(theirs, ours))
    true = messages[VERIFY]
    messages[VERIFY] = (
        true[:-1] + bytes([true[-1] ^ 1]) if proof == "damaged" else plain(proving(client(), server()))[VERIFY]
    )
    with pytest.raises(DtlsError) as caught:
        ours.receive(0.0, b"".join(messages.values()))
    assert caught.value.code == "dtls_handshake"
    assert ours.state == Failed("dtls_handshake")
    (alert,) = ours.transmits()
    assert (alert[0], alert[13:]) == (21, DECRYPT_ERROR)


def test_a_certificate_with_its_proof_waits_for_what_is_sealed() -> None:
    ours, theirs = server(), client()
    ours.receive(0.0, b"".join(plain(proving(theirs, ours)).values()))
    assert isinstance(ours.state, Handshaking)
    assert not ours.transmits()


# Bounds


def client_hello(length: int, at: int, size: int, sequence: int = 1) -> bytes:
    body = b"\x01" + length.to_bytes(3) + bytes(2) + at.to_bytes(3) + size.to_bytes(3) + bytes(size)
    return handshake_record(sequence, body)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x16",
        b"\x16\xfe\xff" + bytes(10),
        bytes(100),
        b"GET / HTTP/1.1\r\n\r\n",
        client_hello(100_000, 0, 10),
        client_hello(500, 0, 0),
        client_hello(500, 495, 10),
        client_hello(500, 0, 100)[:-1],
        client_hello(500, 0, 100) + b"\x00",
        b"\x2f" + bytes(40),  # DTLS 1.3 unified header
    ],
)
def test_what_no_peer_sends_is_dropped(datagram: bytes) -> None:
    ours = server()
    ours.receive(0.0, datagram)
    assert ours.state == New()
    assert not ours.transmits()


@pytest.mark.parametrize("size", [1, 1000])
def test_a_flood_of_fragments_ends(size: int) -> None:
    ours = server()
    taken = 0
    with suppress(DtlsError):
        while taken < 10_000:
            ours.receive(0.0, client_hello(16_000, taken % 15_000, size, taken))
            taken += 1
    assert ours.state == Failed("dtls_flood")
    assert taken <= min(dtls.MAX_DATAGRAMS, dtls.MAX_BYTES // size)


def test_a_slow_peer_is_out_of_time() -> None:
    ours = server()
    ours.receive(5.0, client_hello(500, 0, 100))
    assert ours.state == Handshaking(5.0 + dtls.HANDSHAKE_TIMEOUT)
    assert ours.next_timeout() == 35.0
    ours.handle_timeout(34.9)
    assert not ours.transmits()
    with pytest.raises(DtlsError) as caught:
        ours.handle_timeout(35.0)
    assert caught.value.code == "dtls_timeout"


def test_noise_does_not_end_a_call() -> None:
    ours, theirs = server(), client()
    talk(ours, theirs)
    for index in range(2000):
        ours.receive(1.0, client_hello(500, 0, 100, index))
        ours.receive(1.0, b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")  # a plain fatal alert
    assert isinstance(ours.state, Connected)
    assert len(ours.transmits()) <= dtls.MAX_DATAGRAMS


def test_another_hello_in_the_middle_changes_nothing() -> None:
    ours, theirs, stranger = server(), client(), client()
    (hello,) = stranger.transmits()
    ours.receive(0.0, theirs.transmits()[0])
    for index in range(100):
        ours.receive(0.0, hello[:5] + (1 + 7 * index).to_bytes(6) + hello[11:])
    talk(ours, theirs)
    assert_agree(ours, theirs)


def mutations(source: random.Random, datagram: bytes) -> Iterator[bytes]:
    yield datagram
    flipped = bytearray(datagram)
    for _ in range(source.randint(0, 3)):
        flipped[source.randrange(len(flipped))] ^= 1 << source.randrange(8)
    yield bytes(flipped)
    yield datagram[: source.randrange(len(datagram) + 1)]


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_damaged_handshakes_fail_with_a_code_or_not_at_all(seed: int) -> None:
    source = random.Random(seed)
    ours, theirs = server(), client()
    for _ in range(8):
        for origin, target in ((theirs, ours), (ours, theirs)):
            for datagram in origin.transmits():
                with suppress(DtlsError):
                    target.receive(0.0, source.choice(list(mutations(source, datagram))))
    for end in (ours, theirs):
        assert isinstance(end.state, New | Handshaking | Connected | Failed | Closed)
    if isinstance(ours.state, Connected) and isinstance(theirs.state, Connected):
        assert_agree(ours, theirs)


@given(st.lists(st.binary(max_size=1500), max_size=5))
@settings(deadline=None)
def test_any_bytes_are_survived(datagrams: list[bytes]) -> None:
    ours = server()
    for datagram in datagrams:
        with suppress(DtlsError):
            ours.receive(0.0, datagram)


# The end


def test_close_is_told_and_final() -> None:
    ours, theirs = server(), client()
    talk(ours, theirs)
    theirs.close()
    assert theirs.state == Closed()
    (notify,) = theirs.transmits()
    ours.receive(1.0, notify)
    assert ours.state == Closed()
    ours.receive(1.0, notify)
    ours.handle_timeout(2.0)
    ours.close()
    assert ours.next_timeout() is None


def test_close_before_and_after_failure() -> None:
    fresh, failed = server(), server(expects=SERVER)
    fresh.close()
    assert fresh.state == Closed()
    refusal(failed, client())
    failed.close()
    assert failed.state == Failed("dtls_fingerprint")


# Framing


@given(st.lists(st.integers(1, 1500), max_size=20), st.integers(20, 1500))
@settings(deadline=None)
def test_flights_are_cut_between_records(sizes: list[int], mtu: int) -> None:
    parts = [b"\x16\xfe\xfd" + bytes(8) + size.to_bytes(2) + bytes(size) for size in sizes]
    datagrams = dtls_records.cut(b"".join(parts), mtu)
    assert b"".join(datagrams) == b"".join(parts)
    for datagram in datagrams:
        whole = list(dtls_records.records(datagram))
        assert whole[-1].end == len(datagram)
        assert len(datagram) <= mtu or len(whole) == 1
    for one, following in itertools.pairwise(datagrams):
        first = next(dtls_records.records(following)).end
        assert len(one) + first > mtu
