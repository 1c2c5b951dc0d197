"""DTLS: forged Hellos around each handshake, floods of fragments, and people who are not who their offer says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

import psutil
import pytest

from sfu import dtls_records
from sfu.dtls import Certificate, Connected, Handshake
from sfu.room_events import PeerConnected, PeerDisconnected, PeerFailed
from tests.sfu.test_thread_plane import Caller, Server, Stranger, connect, hellos, media_both_ways

HOST = "127.0.0.1"
CALLS = 1000
OTHER = Certificate.generate(lambda: 1_767_268_800.0)
Enter = Callable[[int], Awaitable[Caller]]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server(HOST)
    yield server
    server.node.stop()


@pytest.fixture
async def enter(server: Server) -> AsyncIterator[Enter]:
    entered: list[Caller] = []

    async def enter(ident: int) -> Caller:
        entered.append(await Caller.enter(server, ident, HOST))
        return entered[-1]

    yield enter
    for caller in entered:
        caller.close()


async def test_forged_hellos_fail_none_of_a_thousand_handshakes(server: Server) -> None:
    """What broke other servers' handshakes: CVE-2023-49786, -51443 and -51275."""
    stranger = Stranger(server, HOST)
    forged = hellos(1000)
    for ident in range(1, CALLS + 1):
        portion = [forged[(ident * 7 + index) % len(forged)] for index in range(6)]
        stranger.send(portion[:3])
        caller = await Caller.enter(server, ident, HOST)
        caller.run()
        caller.paused = True
        stranger.send(portion[3:])
        await connect(server, caller)
        server.node.close_peer("r", caller.name)
        caller.close()
    assert len(server.told) == CALLS
    assert all(isinstance(event, PeerConnected) for event in server.told)
    stranger.close()


def fragment(sequence: int, *, length: int, at: int, size: int) -> bytes:
    """A piece of a ClientHello (RFC 6347 section 4.2.3)."""
    body = (
        b"\x01" + length.to_bytes(3, "big") + bytes(2) + at.to_bytes(3, "big") + size.to_bytes(3, "big") + bytes(size)
    )
    return b"\x16\xfe\xff" + bytes(2) + sequence.to_bytes(6, "big") + len(body).to_bytes(2, "big") + body


async def failed(server: Server, caller: Caller) -> str:
    """The code with which a participant's transport fails."""
    await server.changes.until(
        lambda: any(isinstance(event, PeerFailed) and event.participant == caller.name for event in server.told)
    )
    return next(event.code for event in server.told if isinstance(event, PeerFailed))


async def validated(server: Server, caller: Caller) -> None:
    """ICE has come to an end, and DTLS not begun."""
    caller.paused = True
    caller.check()
    await server.changes.until(lambda: caller.client.ice.selected is not None)


@pytest.mark.parametrize("size", [0, 1, 1000])
async def test_a_flood_of_fragments_fails_at_most_its_sender(server: Server, enter: Enter, size: int) -> None:
    """CVE-2022-29189, -29190 (pieces of length zero), CVE-2026-26014."""
    anna, mallory = await enter(1), await enter(2)
    await connect(server, anna)
    await validated(server, mallory)
    before = psutil.Process().memory_info().rss
    random = Random(1)
    for burst in range(500):
        for index in range(20):
            mallory.poke(fragment(burst * 20 + index, length=16_000, at=random.randrange(15_000), size=size))
        server.node.snapshot()  # the media thread has its turn, and then the handshake
        await asyncio.sleep(0)
        if any(isinstance(event, PeerFailed) for event in server.told):
            break
    if size:
        assert await failed(server, mallory) == "dtls_flood"
    else:
        await connect(server, mallory)  # nothing was kept of them
    server.node.close_peer("r", mallory.name)
    assert psutil.Process().memory_info().rss - before < 32 << 20
    bo = await enter(3)
    await connect(server, bo)
    await media_both_ways(server, anna, bo)
    assert PeerDisconnected("r", anna.name) not in server.told


async def test_who_shows_another_certificate_than_the_offer_named_gets_no_keys(server: Server, enter: Enter) -> None:
    mallory = await enter(1)
    await validated(server, mallory)
    mallory.handshake = Handshake(OTHER, mallory.fingerprints, server=False, now=mallory._loop.time())
    mallory.run()
    assert await failed(server, mallory) == "dtls_fingerprint"
    assert PeerConnected("r", mallory.name) not in server.told


async def test_who_shows_a_certificate_and_no_proof_of_its_key_gets_no_keys(
    server: Server, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2022-29222: the right certificate is public; CertificateVerify is what its owner alone can write."""
    mallory, anna = await enter(1), await enter(2)
    certificate, verify = 11, 15
    seen: set[int] = set()
    send = mallory.client.send_raw

    def without_proof(datagram: bytes) -> None:
        kept = b""
        for record in dtls_records.records(datagram):
            plain = record.kind == 22 and record.epoch == 0
            kind = datagram[record.body] if plain else 0
            seen.add(kind)
            if kind != verify:
                kept += datagram[record.body - 13 : record.end]
        send(kept)

    monkeypatch.setattr(mallory.client, "send_raw", without_proof)
    mallory.run()
    await connect(server, anna)
    await server.changes.until(lambda: {certificate, verify} <= seen)
    await media_of_nobody(server, mallory)


async def test_whose_proof_of_the_certificates_key_is_wrong_gets_no_keys(
    server: Server, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2022-29222 again: every message comes, in order, but the signature in CertificateVerify is wrong.

    What would be sealed is held back, so that it is the signature which is refused, before anything later could be.
    """
    mallory = await enter(1)
    verify, decrypt_error = 15, b"\x02\x33"
    send = mallory.client.send_raw

    def wrongly_signed(datagram: bytes) -> None:
        kept = b""
        for record in dtls_records.records(datagram):
            if record.kind == 22 and record.epoch == 0:
                kept += datagram[record.body - 13 : record.end]
                if datagram[record.body] == verify:
                    kept = kept[:-1] + bytes([kept[-1] ^ 1])
                    mallory.paused = True  # to hear what is answered as it is
        send(kept)

    monkeypatch.setattr(mallory.client, "send_raw", wrongly_signed)
    mallory.run()
    assert await failed(server, mallory) == "dtls_handshake"
    await server.changes.until(lambda: any(datagram[13:] == decrypt_error for datagram in mallory.client.dtls))
    await media_of_nobody(server, mallory)


async def media_of_nobody(server: Server, caller: Caller) -> None:
    """Its keys are none: what it sends is dropped before it is opened."""
    before = server.counter("dropped_no_keys")
    caller.poke(b"\x80\x60" + bytes(60))
    await server.changes.until(lambda: server.counter("dropped_no_keys") > before)
    assert PeerConnected("r", caller.name) not in server.told
    assert not isinstance(caller.state, Connected)
