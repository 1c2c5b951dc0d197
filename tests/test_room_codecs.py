"""A room sends what everybody in it decodes, and changes when somebody comes who lacks it: in virtual time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.link import LinkConfig
from sfu import dtls
from sfu.sdp import VIDEO, CodecPolicy
from signalling import messages
from tests.bed.clock import MILLISECOND, SECOND
from tests.bed.dialect import CHROMIUM_FULL, FIREFOX, FIREFOX_FULL, Dialect
from tests.bed.meeting import Guest, Meeting
from tests.bed.receiver import Received, Receiver

MODEST = replace(FIREFOX, video=FIREFOX.video[:1])
"""VP8 and nothing else."""

Open = dict[str, Meeting]


@pytest.fixture(scope="module")
def certificate() -> dtls.Certificate:
    return dtls.Certificate.generate(lambda: 1_800_000_000.0)


@pytest.fixture
async def meeting(tmp_path: Path, certificate: dtls.Certificate) -> AsyncIterator[Meeting]:
    """One that prefers what few have."""
    policy = CodecPolicy(video=tuple(VIDEO[name] for name in ("AV1", "VP9", "H264", "VP8")))
    running = Meeting(7, tmp_path, size=3, certificate=certificate, codecs=policy)
    await running.open()
    yield running
    running.close()


async def come(meeting: Meeting, number: int, dialect: Dialect) -> Guest:
    guest = Guest(f"guest-{number}", number, "practitioner")
    assert await meeting.enter(guest, "open") is None
    await meeting.connect(guest, pairs=2, dialect=dialect)
    let_pass(meeting, guest)
    return guest


def let_pass(meeting: Meeting, guest: Guest) -> None:
    assert guest.page is not None
    meeting.watch.gate(guest.page.ident, True)


async def follow(meeting: Meeting, guests: list[Guest], duration: int) -> None:
    """Time in which everybody does what the server asks of it, as the SDK does."""
    done = {guest.name: 0 for guest in guests}
    for _ in range(duration // (100 * MILLISECOND)):
        await meeting.run(100 * MILLISECOND)
        for guest in guests:
            if guest.outdated > done[guest.name]:
                done[guest.name] = guest.outdated
                assert guest.page is not None
                guest.page.version += 1
                await meeting.offer(guest)


def receiver_of(viewer: Guest, maker: Guest, kind: str) -> Receiver:
    assert viewer.page is not None
    track = next(track for track in viewer.told if track.participant == maker.name and track.kind == kind)
    receivers = viewer.page.host.client.receivers.values()
    return next(receiver for receiver in receivers if receiver.section.mid == track.mid)


def codecs_since(viewer: Guest, maker: Guest, when: int) -> set[str]:
    """Of the pictures that the viewer got of the maker."""
    receiver = receiver_of(viewer, maker, "video")
    names = {codec.payload_type: codec.name for codec in receiver.section.codecs}
    return {names[one.packet.payload_type] for one in receiver.received if one.at >= when and not one.retransmitted}


async def test_who_lacks_the_codec_makes_the_others_switch(meeting: Meeting) -> None:
    first, second = await come(meeting, 1, CHROMIUM_FULL), await come(meeting, 2, FIREFOX_FULL)
    await follow(meeting, [first, second], 2 * SECOND)
    start = meeting.network.now - SECOND
    assert codecs_since(first, second, start) == codecs_since(second, first, start) == {"AV1"}
    assert first.outdated == second.outdated == 0

    came = meeting.network.now
    third = await come(meeting, 3, MODEST)
    everybody = [first, second, third]
    await follow(meeting, everybody, 2 * SECOND)
    assert [guest.outdated for guest in everybody] == [1, 1, 0]
    for viewer in everybody:
        for maker in everybody:
            if viewer is not maker:
                assert codecs_since(viewer, maker, meeting.network.now - SECOND) == {"VP8"}
                receiver = receiver_of(viewer, maker, "video")
                shown = [one for one in receiver.received if one.at >= came and one.packet.marker]
                # Frames are 180 ms apart here.
                gaps = [after.at - before.at for before, after in pairwise(shown)]
                assert max(gaps) <= 400 * MILLISECOND, f"{viewer.name} of {maker.name}"
                assert receiver.abandoned == 0

    # Who has left decides nothing: the next negotiation is free again, and nobody is asked for one.
    meeting.drop(third)
    await meeting.run(61 * SECOND)
    await follow(meeting, [first, second], SECOND)
    assert [guest.outdated for guest in everybody] == [1, 1, 0]


async def test_who_waits_in_the_lobby_changes_nothing_before_being_let_in(meeting: Meeting) -> None:
    host, second = await come(meeting, 1, CHROMIUM_FULL), await come(meeting, 2, FIREFOX_FULL)
    patient = Guest("patient", 4, "patient")
    assert await meeting.enter(patient, "lobby") is None
    await meeting.connect(patient, pairs=2, dialect=MODEST)
    await follow(meeting, [host, second, patient], 2 * SECOND)
    assert host.outdated == second.outdated == 0
    assert codecs_since(second, host, meeting.network.now - SECOND) == {"AV1"}
    let_pass(meeting, patient)
    assert await meeting.do(host, messages.Admit(participant=patient.name)) is None
    await follow(meeting, [host, second, patient], 2 * SECOND)
    assert (host.outdated, second.outdated, patient.outdated) == (1, 1, 0)
    for maker in (host, second):
        assert codecs_since(patient, maker, meeting.network.now - SECOND) == {"VP8"}


def heard(viewer: Guest, maker: Guest, when: int) -> list[Received]:
    return [one for one in receiver_of(viewer, maker, "audio").received if one.at >= when]


async def test_redundant_audio_goes_on_to_who_reads_it_and_is_plain_for_who_does_not(meeting: Meeting) -> None:
    speaker = await come(meeting, 1, CHROMIUM_FULL)
    same, other = await come(meeting, 3, CHROMIUM_FULL), await come(meeting, 2, FIREFOX_FULL)
    await follow(meeting, [speaker, same, other], 2 * SECOND)
    assert speaker.page is not None
    speaker.page.host.path.set(up=LinkConfig(delay=5 * MILLISECOND, loss=0.1))
    start = meeting.network.now
    await follow(meeting, [speaker, same, other], 60 * SECOND)
    speaker.page.host.path.set(up=LinkConfig(delay=5 * MILLISECOND))
    await follow(meeting, [speaker, same, other], SECOND)
    passed, plain = heard(same, speaker, start), heard(other, speaker, start)
    types = [one.packet.payload_type for one in passed]
    assert set(types) == {63, 111}, "what was lost on the way to us is plain here as well"
    assert types.count(63) > 8 * types.count(111)
    assert {one.packet.payload_type for one in plain} == {109}
    assert meeting.node.snapshot().counters["red_recovered"] > 30
    # With one copy each, only what is lost twice in a row is lost.
    said = {one.stamp.frame for one in passed if one.stamp} | {copy.frame for one in passed for copy in one.copies}
    frames = [one.stamp.frame for one in plain if one.stamp]
    assert sorted(set(frames)) == frames, "in order, none twice"
    assert set(frames) >= said - {min(said)}
    assert len(frames) > 0.97 * (frames[-1] - frames[0] + 1)
    assert len(frames) < frames[-1] - frames[0] + 1, "the link lost enough to tell"
