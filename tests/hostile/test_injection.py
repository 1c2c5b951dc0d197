"""RTP and SSRC injection: by strangers at each state of ICE, and by participants in the name of others."""

from dataclasses import replace

import pytest

from sfu.commands import RestartIce
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.dialect import KINDS
from tests.bed.rtcp import FullIntra, Goodbye, Nack, PictureLoss, Remb, ReportBlock, SenderReport, SourceDescription
from tests.bed.srtp import Sealing
from tests.hostile.call import FIRST_OCTETS, STRANGER, assert_call_is_whole, assert_third_party_is_whole, garbage


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


STATES = ("new", "validated", "secured", "in a call", "restarting", "silent", "consent lost", "closed")


def in_state(bed: Bed, state: str) -> tuple[Person, Person]:
    """A viewer, and a publisher in that state of its transport."""
    viewer = bed.open()
    maker = bed.open(keys=state in STATES[2:])
    maker.client.ice.checking = state != "new"
    bed.connect(*([viewer] if state == "new" else [viewer, maker]))
    bed.mesh([viewer, maker])
    if state in STATES[3:]:
        bed.start(maker)
        bed.run(SECOND)
        bed.stop(maker)
        bed.run(SECOND)
    if state == "restarting":
        bed.apply(RestartIce(maker.peer, "new-ufrag", "p" * 24, "theirs"))
    elif state == "closed":
        bed.close(maker)
    elif state in ("silent", "consent lost"):
        maker.client.ice.checking = False
        bed.run((10 if state == "silent" else 40) * SECOND)
    return viewer, maker


@pytest.mark.parametrize("state", STATES)
def test_a_strangers_rtp_is_forwarded_at_no_state_of_ice(state: str) -> None:
    """CVE-2025-53399, CVE-2017-14099: with a participant's very keys, or none, from addresses near and far."""
    bed = Bed()
    viewer, maker = in_state(bed, state)
    keys = maker.keys
    sealing = maker.client.sealing or Sealing(keys.profile, keys.send)
    before = viewer.rtp_since(0), bed.plane.snapshot().counters["rtp_received"]
    bed.stray.clear()
    host, port = maker.client.ice.address
    strangers = [STRANGER, (host, port ^ 1), (STRANGER[0], port), ("127.0.0.1", port)]
    for kind in KINDS:
        sender = maker.sender(kind)
        sender.start(bed.now)
        # The publisher's own clock runs ahead, so that the packets are the stranger's alone.
        for step in range(50):
            for outgoing in sender.handle_timeout(bed.now + step * 20 * MILLISECOND):
                plain = outgoing.packet.write()
                bed.inject(STRANGER, sealing.rtp(plain))
                for stranger in strangers:
                    bed.inject(stranger, plain)
                    bed.inject(stranger, plain + bytes(16))
        sender.stop()
    assert (viewer.rtp_since(0), bed.plane.snapshot().counters["rtp_received"]) == before
    assert bed.stray == [], "and nobody answers"
