"""Malformed feedback and media, well sealed: from a participant, and nobody else notices."""

from contextlib import suppress
from random import Random

import pytest
from pylibsrtp import Error

from sfu.commands import ClosePeer, RestartIce, Route, SendDtls, SetGate, SetKeys, SetMute, SetRoutes, SetSections
from tests.bed import rtcp
from tests.bed.bed import MILLISECOND, SECOND, SERVER, Bed, Person
from tests.bed.dialect import KINDS
from tests.bed.rtcp import Remb
from tests.bed.rtp import RtpPacket
from tests.hostile.call import assert_call_is_whole, assert_third_party_is_whole


def hostile_rtp(random: Random, victim: Person) -> bytes:
    """Plain RTP with arbitrary contents, half of it as near to the victim's as can be."""
    sender = victim.sender(random.choice(KINDS))
    encoding = sender.encodings[0]
    ids = [1, 2, 3, 4, 5, 7, 10, 11, 14]
    extensions = tuple((ident, random.randbytes(random.randrange(1, 17))) for ident in random.sample(ids, 3))
    packet = RtpPacket(
        payload_type=random.choice((96, 97, 103, 109, 111, 120, 124, random.randrange(64), 127)),
        sequence=random.choice((encoding.sequence, random.randrange(1 << 16))),
        timestamp=random.getrandbits(32),
        ssrc=random.choice((encoding.ssrc, encoding.rtx_ssrc, random.getrandbits(32))),
        payload=random.randbytes(random.randrange(1_200)),
        marker=random.random() < 0.5,
        extensions=extensions,
    )
    plain = packet.write()
    if random.random() < 0.3:
        # Header fields that lie: CSRC count, extension length, padding.
        forged = bytearray(plain)
        forged[0] = 0x80 | random.randrange(64)
        forged[random.randrange(12, len(forged))] = random.randrange(256)
        plain = bytes(forged)
    return plain


@pytest.mark.parametrize("seed", range(4))
def test_well_sealed_nonsense_hurts_nobody(seed: int) -> None:
    bed = Bed(seed)
    mallory, one, two = bed.call(3)
    bed.run(SECOND)
    bed.stop(mallory)
    sealing = mallory.client.sealing
    assert sealing is not None
    for _ in range(100):
        for _ in range(20):
            with suppress(Error):  # libsrtp does not seal what it can't parse
                mallory.client.send_raw(sealing.rtp(hostile_rtp(bed.random, one)))
            body = bed.random.randbytes(bed.random.randrange(4, 300))
            first = bytes(
                (0x80 | bed.random.randrange(32), bed.random.choice((200, 201, 202, 203, 204, 205, 206, 207)))
            )
            length = bed.random.choice((len(body) // 4, bed.random.randrange(1 << 16))).to_bytes(2, "big")
            mallory.client.send_raw(sealing.rtcp(first + length + body))
        bed.touch(mallory)
        bed.run(20 * MILLISECOND)
    bed.run(SECOND)
    assert_third_party_is_whole(bed, one, two, mallory)


KINDS_OF_FEEDBACK = {
    "twcc": (205, 15),
    "nack": (205, 1),
    "remb": (206, 15),
    "pli": (206, 1),
    "rr": (201, 1),
    "sr": (200, 1),
}
FILLS = (b"\x00", b"\xff", b"\x52", b"REMB", b"\x00\x01\xff\xfe\x80")


@pytest.mark.parametrize("kind", KINDS_OF_FEEDBACK)
def test_feedback_of_all_lengths_to_1500(kind: str) -> None:
    """Stacks have panicked on SRTCP of 20 to 27 octets, on symbol 0b11 of TWCC and on REMB's count."""
    bed = Bed()
    mallory, one, two = bed.call(3)
    bed.run(SECOND)
    sealing = mallory.client.sealing
    assert sealing is not None
    packet_type, count = KINDS_OF_FEEDBACK[kind]
    ssrcs = (mallory.client.ssrc, mallory.receiver("video").section.ssrc)
    begin = b"".join(ssrc.to_bytes(4, "big") for ssrc in ssrcs)
    address = mallory.client.ice.address
    before = bed.plane.snapshot().counters["datagrams_received"]
    sent = 0
    for size in range(1501):
        # The length that the header claims is right, or one off; the sender and the media are real.
        words = max(size // 4 - 1, 0)
        for fill in FILLS:
            for claimed in (words, words + 1):
                head = bytes((0x80 | count, packet_type)) + claimed.to_bytes(2, "big")
                plain = (head + begin + fill * size)[:size]
                bed.plane.receive(bed.now, SERVER, address, plain)
                with suppress(Error, ValueError):  # libsrtp seals nothing shorter than a header, or too long
                    bed.plane.receive(bed.now, SERVER, address, sealing.rtcp(plain))
                    sent += 1
                sent += 1
        if size % 100 == 0:
            bed.run(10 * MILLISECOND)
    assert bed.plane.snapshot().counters["datagrams_received"] >= before + sent
    bed.touch(mallory)
    bed.run(SECOND)
    assert_third_party_is_whole(bed, one, two, mallory)


def test_counts_that_lie() -> None:
    bed = Bed()
    mallory, one, two = bed.call(3)
    bed.run(SECOND)
    sealing = mallory.client.sealing
    assert sealing is not None
    for packet_type in (200, 201, 202, 203, 204, 205, 206, 207):
        for count in (0, 1, 4, 15, 31):
            for size in (*range(8, 80, 4), 400):
                header = bytes((0x80 | count, packet_type)) + (size // 4 - 1).to_bytes(2, "big")
                mallory.client.send_raw(sealing.rtcp(header + bytes(size - 4)))
    remb = bytearray(rtcp.write(Remb(1, 100_000, (2, 3))))
    remb[16] = 255
    mallory.client.send_raw(sealing.rtcp(bytes(remb)))
    bed.touch(mallory)
    bed.run(SECOND)
    assert_third_party_is_whole(bed, one, two, mallory)


def test_streams_of_a_participant_are_bounded() -> None:
    bed = Bed()
    mallory, one, two = bed.call(3)
    bed.run(SECOND)
    for number in range(5_000):
        packet = RtpPacket(96, 1, 2, number, b"x", extensions=((4, b"1"),))
        mallory.client.send_rtp(packet)
        if number % 100 == 0:
            bed.touch(mallory)
            bed.run(10 * MILLISECOND)
    bed.run(SECOND)
    assert_third_party_is_whole(bed, one, two, mallory)


def test_commands_for_what_does_not_exist_do_nothing() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    ghost = 4_000_000
    for command in (
        ClosePeer(ghost),
        RestartIce(ghost, "abcdefgh", "p" * 24, "ijkl"),
        SendDtls(ghost, (b"x",)),
        SetGate(ghost, True),
        SetMute(ghost, True),
        SetKeys(ghost, 7, bytes(28), bytes(28)),
        SetSections(ghost, (), ()),
        SetRoutes(99, (Route(ghost, ghost, 0),)),
    ):
        bed.apply(command)
    table = bed.plane.routes()
    bed.apply_routes_unwatched(1, (*table, Route(ghost, viewer.peer, 500), Route(maker.track("audio"), ghost, 1)))
    assert bed.plane.routes() == table
    bed.run(SECOND)
    assert_call_is_whole(bed, viewer, maker)
