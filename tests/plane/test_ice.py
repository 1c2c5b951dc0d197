"""ICE-lite in the engine: who may speak, where media goes, and when it ends (RFC 8445, RFC 7675)."""

import itertools

import pytest

from benchmarks.link import LinkConfig
from sfu.commands import RestartIce
from sfu.events import ConsentLost, ConsentRegained, DtlsReceived, PathChanged, TrackStarted, Validated
from tests.bed import rtcp, stun
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.rtcp import PictureLoss
from tests.bed.stun import Address

STRANGER: Address = ("203.0.113.9", 9_999)
HELLO = bytes((22, 254, 253)) + bytes(60)


def request(bed: Bed, person: Person, *, pwd: str | None = None, use_candidate: bool = False) -> bytes:
    """A check with the person's credentials, or with a wrong password."""
    return stun.binding_request(
        bed.random.randbytes(12),
        f"{person.credentials.ufrag}:{person.client.ice.local.ufrag}",
        pwd or person.credentials.pwd,
        use_candidate=use_candidate,
    )


def events_of(bed: Bed, kind: type) -> list[int]:
    return [at for at, event in bed.events if isinstance(event, kind)]


def media_to(person: Person, address: Address, since: int) -> int:
    return sum(at >= since and to == address and 128 <= data[0] < 192 for at, to, data in person.sent_to)


@pytest.mark.parametrize("nominate", ["after", "at_once"])
def test_either_way_of_nomination_connects(nominate: str) -> None:
    bed = Bed()
    person = bed.open(nominate=nominate)  # type: ignore[arg-type]
    bed.connect()
    bed.run(SECOND)
    assert [event for _, event in bed.events] == [Validated(person.peer)]
    assert person.client.ice.mapped == person.client.ice.address
    assert person.client.ice.errors == []


def test_media_flows_before_any_nomination() -> None:
    bed = Bed()
    viewer, maker = bed.open(), bed.open()
    bed.mesh([viewer, maker])
    viewer.client.ice.checking = False
    bed.connect(maker)
    bed.inject(viewer.client.ice.address, request(bed, viewer))
    viewer.client.ice.selected = viewer.client.ice.address
    bed.start(maker)
    bed.run(SECOND)
    assert viewer.receiver("audio").received


def test_a_stranger_reaches_nothing_but_stun() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    before = len(bed.events)
    captured = [data for _, _, data in viewer.sent_to[-20:]]
    ours = maker.client.sealing
    assert ours is not None
    for data in (HELLO, b"", b"\x80", b"\x00" * 20, *captured, ours.rtcp(b"\x80\xc9\x00\x01" + bytes(4))):
        bed.inject(STRANGER, data)
    assert bed.stray == []
    assert len(bed.events) == before
    # Sealed by a participant, but from an address that was never checked.
    sender = maker.sender("audio")
    sent_before = viewer.rtp_since(0)
    sender.start(bed.now)
    for outgoing in sender.handle_timeout(bed.now):
        bed.inject(STRANGER, ours.rtp(outgoing.packet.write()))
    assert viewer.rtp_since(0) == sent_before


def test_dtls_before_validation_is_no_event_and_after_it_is() -> None:
    bed = Bed()
    person = bed.open(keys=False)
    bed.inject(person.client.ice.address, HELLO)
    assert events_of(bed, DtlsReceived) == []
    bed.connect()
    bed.inject(person.client.ice.address, HELLO)
    assert [event for _, event in bed.events][-1] == DtlsReceived(person.peer, HELLO)


def test_unauthenticated_checks_get_no_more_than_they_bring() -> None:
    bed = Bed()
    person = bed.open()
    bed.connect()
    wrong = request(bed, person, pwd="x" * 24)
    bed.inject(STRANGER, wrong)
    assert sum(len(data) for _, _, data in bed.stray) <= len(wrong)
    replies = [stun.parse(data) for _, _, data in bed.stray]
    assert all(reply is not None and reply.kind is stun.Class.ERROR for reply in replies)
    bed.stray.clear()
    unknown = stun.binding_request(bytes(12), "nobody:here", "x" * 24)
    bed.inject(STRANGER, unknown)
    assert bed.stray == []
    for cut in range(len(wrong)):
        bed.inject(STRANGER, wrong[:cut])
    assert bed.stray == []


def test_a_wrong_password_validates_nothing() -> None:
    bed = Bed()
    person = bed.open(keys=False)
    person.client.ice.checking = False
    bed.inject(person.client.ice.address, request(bed, person, pwd="y" * 24))
    bed.inject(person.client.ice.address, HELLO)
    assert bed.events == []


def test_media_follows_a_nomination_to_another_address_at_any_time() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    for turn in range(3):
        bed.run(2 * SECOND)
        old = viewer.client.ice.address
        new: Address = ("198.51.100.7", 50_000 + turn)
        moved = bed.now
        viewer.client.ice.move(bed.now, new)
        bed.touch(viewer)
        bed.run(2 * SECOND)
        assert events_of(bed, PathChanged)
        assert media_to(viewer, old, moved + 100 * MILLISECOND) == 0
        first = min(at for at, to, data in viewer.sent_to if to == new and data[0] >= 128)
        # One check to be validated, a second that nominates.
        assert first - moved <= 2 * 20 * MILLISECOND + 20 * MILLISECOND
    assert viewer.receiver("audio").received[-1].at > bed.now - 50 * MILLISECOND


def test_a_check_without_nomination_moves_nothing() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    bed.run(SECOND)
    bed.inject(STRANGER, request(bed, viewer))
    checked = bed.now
    bed.stray.clear()
    bed.run(SECOND)
    assert bed.stray == []
    assert media_to(viewer, viewer.client.ice.address, checked)


def test_media_from_a_second_validated_address_is_taken() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(SECOND)
    bed.stop(maker)
    bed.run(SECOND)
    bed.inject(STRANGER, request(bed, maker))
    sender = maker.sender("audio")
    sender.start(bed.now)
    sealing = maker.client.sealing
    assert sealing is not None
    before = viewer.rtp_since(0)
    for outgoing in sender.handle_timeout(bed.now):
        assert outgoing.stamp is not None
        bed.watch.arrived(outgoing.stamp)
        bed.inject(STRANGER, sealing.rtp(outgoing.packet.write()))
    assert viewer.rtp_since(0) == before + 1


def test_a_new_port_of_the_nat_is_followed_with_the_next_check() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    outer: Address = ("198.51.100.1", 61_000)
    viewer.nat[viewer.client.ice.address] = outer
    rebound = bed.now
    bed.run(5 * SECOND)
    first = min(at for at, to, data in viewer.sent_to if to == outer and data[0] >= 128)
    assert first - rebound <= 3_100 * MILLISECOND
    assert viewer.receiver("audio").received[-1].at > bed.now - 50 * MILLISECOND
    # Its own media from the new port was refused until the check, and comes again.
    assert maker.receiver("audio").received[-1].at > bed.now - 50 * MILLISECOND


def test_ice_restart_interrupts_nothing() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    for person in (viewer, maker):
        bed.restart_ice(person)
    bed.run(3 * SECOND)
    for person in (viewer, maker):
        times = [one.at for one in person.receiver("audio").received]
        assert max(b - a for a, b in itertools.pairwise(times)) <= 35 * MILLISECOND
        assert person.receiver("video").missing == []


def test_after_a_restart_the_old_credentials_are_dead() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    bed.run(SECOND)
    old = request(bed, viewer, use_candidate=True)
    bed.restart_ice(viewer)
    bed.run(3 * SECOND)
    bed.stray.clear()
    bed.inject(STRANGER, old)
    bed.run(SECOND)
    assert [data for _, _, data in bed.stray if data[0] >= 128] == []
    assert [m for _, _, data in bed.stray if (m := stun.parse(data)) and m.kind is stun.Class.SUCCESS] == []


def test_until_the_new_credentials_are_used_the_old_ones_serve() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    bed.run(SECOND)
    # The answer is lost: the client goes on with what it knows.
    bed.apply(RestartIce(viewer.peer, "newufrag", "n" * 24, viewer.client.ice.local.ufrag))
    bed.run(20 * SECOND)
    assert viewer.receiver("audio").received[-1].at > bed.now - 50 * MILLISECOND
    assert events_of(bed, ConsentLost) == []


def test_consent_runs_out_after_30_s_and_comes_back() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(5 * SECOND)
    viewer.client.ice.checking = False
    stopped = bed.now
    bed.run(26 * SECOND)
    assert events_of(bed, ConsentLost) == []
    bed.run(6 * SECOND)
    (lost,) = events_of(bed, ConsentLost)
    assert 26 * SECOND < lost - stopped <= 31 * SECOND
    bed.run(SECOND)
    silent = bed.now
    bed.run(20 * SECOND)
    assert [data for at, _, data in viewer.sent_to if at > silent] == []
    viewer.client.ice.checking = True
    bed.touch(viewer)
    back = bed.now
    bed.run(2 * SECOND)
    assert len(events_of(bed, ConsentRegained)) == 1
    assert events_of(bed, ConsentRegained)[0] - back <= 50 * MILLISECOND
    assert [one for one in viewer.receiver("audio").received if one.at > back]
    keyframe = next(one for one in viewer.receiver("video").received if one.at > back)
    assert keyframe.stamp is not None
    assert not [event for _, event in bed.events if event == ConsentLost(maker.peer)]


def test_an_outage_of_ten_seconds_is_survived() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    bed.run(3 * SECOND)
    viewer.path.cut()
    bed.run(10 * SECOND)
    viewer.path.cut(False)
    back = bed.now
    bed.run(3 * SECOND)
    assert [one for one in viewer.receiver("audio").received if back < one.at < back + 100 * MILLISECOND]
    assert [one for one in viewer.receiver("video").received if one.at > back + 2 * SECOND]
    assert events_of(bed, ConsentLost) == []


def test_checks_on_many_addresses_are_bounded() -> None:
    bed = Bed()
    viewer, _ = bed.call(2)
    bed.run(SECOND)
    for number in range(1_000):
        bed.inject(("203.0.113.9", 1_000 + number), request(bed, viewer))
    checked = bed.now
    bed.stray.clear()
    bed.run(2 * SECOND)
    # The selected address outlives them all.
    assert bed.stray == []
    assert media_to(viewer, viewer.client.ice.address, checked) > 100


def test_the_reply_goes_back_the_way_it_came() -> None:
    bed = Bed()
    person = bed.open()
    person.client.ice.checking = False
    other: Address = ("10.0.0.2", 7_882)
    seen: list[Address] = []
    bed.plane.receive(bed.now, other, STRANGER, request(bed, person))
    seen += [local for local, _, _ in bed.plane.transmits()]
    assert seen == [other]


def test_a_first_packet_is_an_event_once() -> None:
    bed = Bed()
    viewer, maker = bed.call(2, link=LinkConfig(delay=1_000))
    bed.run(2 * SECOND)
    started = [event for _, event in bed.events if isinstance(event, TrackStarted)]
    assert sorted(event.track for event in started) == sorted(
        section.track for person in (viewer, maker) for section in person.tracks
    )


def test_rtcp_of_a_stranger_asks_for_nothing() -> None:
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.run(2 * SECOND)
    begin = bed.now
    sealing = viewer.client.sealing
    assert sealing is not None
    pli = PictureLoss(viewer.client.ssrc, viewer.receiver("video").section.ssrc)
    bed.inject(STRANGER, sealing.rtcp(rtcp.write(pli)))
    bed.run(SECOND)
    assert [at for at, _ in maker.sender("video").keyframe_requests if at > begin] == []
