"""The wire's SRTP and libsrtp, both ways, in every profile (RFC 3711, RFC 7714)."""

import pytest

from tests.bed.bed import SECOND, Bed
from tests.bed.content import Stamp
from tests.bed.dialect import KINDS
from tests.bed.srtp import Profile

PROFILES = list(Profile)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_rtp_and_rtcp_both_ways(profile: Profile) -> None:
    bed = Bed()
    people = bed.call(2, profile=profile)
    bed.run(5 * SECOND)
    for person in people:
        assert person.client.refused == 0
        for kind in KINDS:
            assert person.receiver(kind).missing == []
            assert len(person.receiver(kind).received) > 200
            assert person.receiver(kind).reports
        # Reports came back: the engine opened ours.
        assert all(encoding.acknowledged for sender in person.client.senders.values() for encoding in sender.encodings)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_profile_meets_every_other(profile: Profile) -> None:
    bed = Bed()
    people = [bed.open(slots=2, profile=other) for other in (profile, *(p for p in PROFILES if p is not profile))]
    bed.connect()
    bed.mesh(people)
    for person in people:
        bed.start(person)
    bed.run(2 * SECOND)
    for person in people:
        assert person.client.refused == 0
        assert all(receiver.received for receiver in person.client.receivers.values())


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_flipped_bit_is_refused(profile: Profile) -> None:
    bed = Bed()
    viewer, maker = bed.call(2, profile=profile)
    bed.run(SECOND)
    bed.stop(maker)
    bed.run(SECOND)
    sender, sealing = maker.sender("audio"), maker.client.sealing
    assert sealing is not None
    before = viewer.rtp_since(0)
    sender.start(bed.now)
    (outgoing,) = sender.handle_timeout(bed.now)
    sealed = sealing.rtp(outgoing.packet.write())
    for bit in range(8 * len(sealed)):
        # The first octet says what the datagram is; the second, RTP or RTCP.
        forged = bytearray(sealed)
        forged[bit // 8] ^= 1 << bit % 8
        bed.inject(maker.client.ice.address, bytes(forged))
    assert viewer.rtp_since(0) == before
    assert outgoing.stamp is not None
    bed.watch.arrived(outgoing.stamp)
    bed.inject(maker.client.ice.address, sealed)
    assert viewer.rtp_since(0) == before + 1


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_the_roll_over_is_counted_by_both_sides(profile: Profile) -> None:
    bed = Bed()
    viewer, maker = bed.open(profile=profile), bed.open(profile=profile)
    bed.connect()
    bed.mesh([viewer, maker])
    sender, sealing = maker.sender("audio"), maker.client.sealing
    assert sealing is not None
    sender.encodings[0].sequence = 65_000
    # The bed decrypts what is sent; the viewer itself need not see it.
    viewer.path.down.down = True
    held: list[tuple[bytes, Stamp]] = []
    for number in range(66_000):
        sender.start(bed.now)
        for outgoing in sender.handle_timeout(bed.now):
            assert outgoing.stamp is not None
            held.append((sealing.rtp(outgoing.packet.write()), outgoing.stamp))
        # Of every ten, two change places and one is lost: at the roll-over too.
        if number % 10 == 9:
            held[3], held[7] = held[7], held[3]
            for data, stamp in held[1:]:
                bed.watch.arrived(stamp)
                bed.inject(maker.client.ice.address, data)
            held.clear()
            viewer.sent_to.clear()
    snapshot = bed.plane.snapshot()
    assert snapshot.counters["rtp_forwarded"] == 59_400
    assert snapshot.counters["dropped_auth"] == snapshot.counters["dropped_replay"] == 0


def test_wrong_keys_pass_nothing() -> None:
    bed = Bed()
    viewer, maker = bed.open(), bed.open(keys=False)
    bed.connect()
    bed.mesh([viewer, maker])
    other = bed.open()
    bed.connect()
    maker.client.set_keys(other.keys)
    bed.give_keys(maker)
    bed.start(maker)
    bed.run(SECOND)
    assert viewer.rtp_since(0) == 0
