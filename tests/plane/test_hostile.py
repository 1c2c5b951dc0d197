"""Bad input: from strangers, from participants, and from the past. Nobody else's call may notice."""

from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from pylibsrtp import Error

from sfu.commands import ClosePeer, RestartIce, Route, SendDtls, SetGate, SetKeys, SetMute, SetRoutes, SetSections
from tests.bed import rtcp
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.dialect import KINDS
from tests.bed.rtcp import FullIntra, Goodbye, Nack, PictureLoss, Remb, ReportBlock, SenderReport, SourceDescription
from tests.bed.rtp import RtpPacket
from tests.bed.stun import Address

STRANGER: Address = ("203.0.113.9", 9_999)
FIRST_OCTETS = (0, 1, 3, 16, 20, 22, 25, 63, 64, 79, 128, 129, 144, 176, 191, 192, 255)


def assert_call_is_whole(bed: Bed, *people: Person) -> None:
    """Everybody got everything that was sent to them, up to now."""
    for person in people:
        bed.stop(person)
    bed.run(SECOND)
    for person in people:
        for kind in KINDS:
            receiver = person.receiver(kind)
            assert receiver.missing == []
            assert receiver.received[-1].at > bed.now - 1_100 * MILLISECOND
            frames = sorted({stamp.frame for stamp in receiver.stamps})
            assert frames == list(range(frames[0], frames[-1] + 1))
        assert person.client.refused == 0


def garbage(random: Random, most: int = 1_500) -> bytes:
    size = random.randrange(most)
    return bytes((random.choice(FIRST_OCTETS),)) + random.randbytes(size)


@pytest.mark.parametrize("seed", range(3))
def test_garbage_from_strangers_is_answered_by_silence(seed: int) -> None:
    bed = Bed(seed)
    people = bed.call(2)
    bed.run(SECOND)
    for _ in range(100):
        for _ in range(50):
            bed.inject((STRANGER[0], bed.random.randrange(1, 65_536)), garbage(bed.random))
        bed.run(20 * MILLISECOND)
    for size in range(64):
        for first in FIRST_OCTETS:
            bed.inject(STRANGER, bytes((first,)) * size)
    assert bed.stray == []
    assert_call_is_whole(bed, *people)


@pytest.mark.parametrize("seed", range(3))
def test_garbage_from_a_participant_hurts_nobody(seed: int) -> None:
    bed = Bed(seed)
    mallory, one, two = bed.call(3)
    bed.run(SECOND)
    for _ in range(100):
        for _ in range(50):
            bed.inject(mallory.client.ice.address, garbage(bed.random))
        bed.run(20 * MILLISECOND)
    assert_third_party_is_whole(bed, one, two, mallory)


def assert_third_party_is_whole(bed: Bed, one: Person, two: Person, mallory: Person) -> None:
    """What `one` and `two` see of each other has no hole; what they see of `mallory` is hers alone."""
    for person in (one, two):
        bed.stop(person)
    bed.run(SECOND)
    for viewer, maker in ((one, two), (two, one)):
        by_maker = {}
        for receiver in viewer.client.receivers.values():
            makers = {stamp.sender for stamp in receiver.stamps}
            assert len(makers) <= 1
            if makers == {maker.peer}:
                by_maker[receiver.section.kind] = receiver
        for kind in KINDS:
            stamps = by_maker[kind].stamps
            frames = sorted({stamp.frame for stamp in stamps})
            assert frames == list(range(frames[0], maker.sender(kind).frame))
        assert viewer.client.refused == 0


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


def test_all_lengths_of_feedback() -> None:
    # Stacks have panicked on SRTCP of 20 to 27 octets, on symbol 0b11 and on REMB's count.
    bed = Bed()
    mallory, one, two = bed.call(3)
    bed.run(SECOND)
    sealing = mallory.client.sealing
    assert sealing is not None
    for packet_type in (200, 201, 202, 203, 204, 205, 206, 207):
        for count in (0, 1, 4, 15, 31):
            for size in (*range(8, 80, 4), 400):
                for fill in (0x00, 0xFF, 0x52):
                    header = bytes((0x80 | count, packet_type)) + (size // 4 - 1).to_bytes(2, "big")
                    mallory.client.send_raw(sealing.rtcp(header + bytes((fill,)) * (size - 4)))
    remb = bytearray(rtcp.write(Remb(1, 100_000, (2, 3))))
    remb[16] = 255
    mallory.client.send_raw(sealing.rtcp(bytes(remb)))
    bed.touch(mallory)
    for size in range(64):
        bed.inject(mallory.client.ice.address, bytes((0x80, 200)) + bytes(size))
        bed.inject(mallory.client.ice.address, bytes((0x80, 96)) + bytes(size))
    bed.run(SECOND)
    assert_third_party_is_whole(bed, one, two, mallory)


@pytest.mark.parametrize("with_mid", [False, True])
def test_another_ones_ssrc_or_mid_affects_nobody_else(with_mid: bool) -> None:
    bed = Bed()
    mallory, victim, viewer = bed.call(3)
    bed.run(SECOND)
    bed.stop(mallory)
    bed.run(100 * MILLISECOND)
    for kind in KINDS:
        theirs = victim.sender(kind).encodings[0]
        mine = mallory.sender(kind)
        if with_mid:
            mine.encodings[0].acknowledged = False
        mine.encodings[0].ssrc, mine.encodings[0].rtx_ssrc = theirs.ssrc, theirs.rtx_ssrc
        mine.encodings[0].sequence = theirs.sequence
    bed.start(mallory)
    bed.run(3 * SECOND)
    for receiver in viewer.client.receivers.values():
        assert len({stamp.sender for stamp in receiver.stamps}) == 1
    bed.stop(mallory)
    assert_third_party_is_whole(bed, victim, viewer, mallory)


def test_forged_control_packets_reach_nobody_else() -> None:
    bed = Bed()
    mallory, victim, viewer = bed.call(3)
    bed.run(3 * SECOND)
    begin = bed.now
    slots = [receiver.section.ssrc for receiver in viewer.client.receivers.values()]
    published = [sender.encodings[0].ssrc for sender in victim.client.senders.values()]
    for ssrc in slots + published:
        newest = tuple((n & 0xFFFF) for n in range(500))
        mallory.client.send_rtcp(
            SenderReport(ssrc, 1, 2, 3, 4, (ReportBlock(ssrc, 255, 1 << 20),)),
            SourceDescription(((ssrc, "mallory"),)),
            Goodbye((ssrc,)),
            Nack(ssrc, ssrc, newest),
            PictureLoss(ssrc, ssrc),
            FullIntra(ssrc, ((ssrc, 1),)),
            Remb(ssrc, 1, tuple(slots)),
        )
        bed.touch(mallory)
        bed.run(600 * MILLISECOND)
    assert [at for at, _ in victim.sender("video").keyframe_requests if at > begin] == []
    assert not [one for r in viewer.client.receivers.values() for one in r.received if one.retransmitted]
    assert not [a for a in viewer.client.rtcp if isinstance(a.packet, Goodbye)]
    assert_third_party_is_whole(bed, victim, viewer, mallory)


def test_bad_tags_leave_the_call_up() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    sealing = maker.client.sealing
    assert sealing is not None
    ssrc = maker.sender("video").encodings[0].ssrc
    forged = [
        RtpPacket(96, sequence, 0, ssrc, bed.random.randbytes(40)).write() + bytes(16) for sequence in range(1_000)
    ]
    for _ in range(100):
        for data in forged:
            bed.inject(maker.client.ice.address, data)
        bed.run(20 * MILLISECOND)
    assert_call_is_whole(bed, viewer, maker)


@pytest.mark.parametrize("start", [1_000, 65_000])
@pytest.mark.parametrize("age", [1, 63, 64, 127, 128, 1_023, 1_024, 1_025, 1_200])
def test_replayed_packets_are_refused_at_every_age(age: int, start: int) -> None:
    """From 65,000 on the replayed packet is of the round before."""
    bed = Bed()
    viewer, maker = bed.open(), bed.open()
    bed.connect()
    bed.mesh([viewer, maker])
    sealing = maker.client.sealing
    assert sealing is not None
    sender = maker.sender("audio")
    sender.encodings[0].sequence = start
    sent = []
    for _ in range(age + 1):
        sender.start(bed.now)
        for outgoing in sender.handle_timeout(bed.now):
            assert outgoing.stamp is not None
            bed.watch.arrived(outgoing.stamp)
            sent.append(sealing.rtp(outgoing.packet.write()))
            bed.inject(maker.client.ice.address, sent[-1])
        bed.run(1)
    sender.stop()
    forwarded = viewer.rtp_since(0)
    assert forwarded == age + 1
    for data in (sent[0], sent[0], sent[-1]):
        bed.inject(maker.client.ice.address, data)
    bed.run(SECOND)
    assert viewer.rtp_since(0) == forwarded


@pytest.mark.parametrize("age", [0, 1, 20, 60, 100, 300])
def test_a_retransmission_makes_no_number_be_used_twice(age: int) -> None:
    """The original number of a retransmission is under no replay check: a lie there must not reuse a nonce (RFC 7714).

    The bed decrypts all that the viewer is sent with libsrtp's replay check on.
    """
    bed = Bed()
    viewer, mallory = bed.call(2)
    bed.run(5 * SECOND)
    sender = mallory.sender("video")
    encoding = sender.encodings[0]
    assert sender.codec.rtx_payload_type is not None
    before = len(viewer.receiver("video").received)
    bed.stop(mallory, "video")
    bed.run(SECOND // 10)
    for back in (age, age, age + 1):
        number = (encoding.sequence - 1 - back) & 0xFFFF
        kept = encoding.history[number]
        forged = replace(kept.packet, payload=kept.packet.payload[:10] + bytes(200))
        mallory.client.send_media(bed.now, sender.rtx(encoding, replace(kept, packet=forged, stamp=None)))
        bed.touch(mallory)
        bed.run(SECOND // 10)
    assert len(viewer.receiver("video").received) <= before + 10


def test_replayed_control_packets_are_refused() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    sealing = viewer.client.sealing
    assert sealing is not None
    pli = sealing.rtcp(rtcp.write(PictureLoss(1, viewer.receiver("video").section.ssrc)))
    begin = bed.now
    for _ in range(5):
        bed.inject(viewer.client.ice.address, pli)
        bed.run(SECOND)
    assert len([at for at, _ in maker.sender("video").keyframe_requests if at > begin]) == 1


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


def test_a_jump_of_numbers_is_survived() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    for jump in (30_000, 20_000, 600, 32_000):
        bed.run(SECOND)
        encoding = maker.sender("audio").encodings[0]
        encoding.sequence = (encoding.sequence + jump) & 0xFFFF
        video = maker.sender("video").encodings[0]
        video.sequence = (video.sequence + jump) & 0xFFFF
    bed.run(3 * SECOND)
    assert viewer.receiver("audio").received[-1].at > bed.now - 100 * MILLISECOND
    assert viewer.receiver("video").received[-1].at > bed.now - 100 * MILLISECOND


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


def test_the_same_packet_under_two_mids_stays_where_it_was() -> None:
    """A known SSRC is not moved to another section by a MID."""
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    audio = maker.sender("audio")
    ids = audio.section.extensions
    assert ids.mid is not None
    bed.stop(maker, "audio")
    bed.run(SECOND)
    before = len(viewer.receiver("audio").received)
    audio.start(bed.now)
    for outgoing in audio.handle_timeout(bed.now):
        packet = replace(outgoing.packet, extensions=((ids.mid, b"1"),))
        maker.client.send_rtp(packet, outgoing.stamp)
    audio.stop()
    bed.touch(maker)
    bed.run(SECOND)
    assert viewer.client.strays == []
    assert len(viewer.receiver("audio").received) <= before + 1
    assert {stamp.track for stamp in viewer.receiver("video").stamps} == {maker.track("video")}
