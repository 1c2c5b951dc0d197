"""Two simulated clients face to face, without a server: their STUN, SRTP and RTP hold before they judge the wire's."""

from random import Random

import pytest

from benchmarks.link import LinkConfig, Path
from sfu.commands import SendSlot
from tests.bed.client import SimClient
from tests.bed.clock import MILLISECOND, SECOND, Clock
from tests.bed.dialect import CHROMIUM, published
from tests.bed.ice import Credentials
from tests.bed.rtcp import PictureLoss, ReceiverReport, SourceDescription, microseconds_of
from tests.bed.srtp import Keys, Profile
from tests.bed.stun import Address
from tests.bed.transport_cc import TransportFeedback

_A: Address = ("192.0.2.1", 5000)
_B: Address = ("192.0.2.2", 6000)


class Pair:
    """`maker` publishes, `viewer` watches."""

    def __init__(
        self, seed: int = 0, link: LinkConfig | None = None, profile: Profile = Profile.AEAD_AES_128_GCM
    ) -> None:
        random = Random(seed)
        self.clock = Clock()
        self.path = Path.of(link or LinkConfig(), seed)
        keys = Keys.random(profile, random)
        one, two = Credentials.random(random), Credentials.random(random)
        self.maker = SimClient(1, address=_A, server=_B, local=one, remote=two, keys=keys, seed=seed)
        self.viewer = SimClient(2, address=_B, server=_A, local=two, remote=one, keys=keys.swapped(), seed=seed)
        self.maker.set_sections(tuple(published(CHROMIUM, ("audio", "video"), first_track=0)), ())
        self.viewer.set_sections((), tuple(self._slot(track) for track in (0, 1)))
        self.log: list[tuple[int, int, bytes]] = []
        for client in (self.maker, self.viewer):
            self._pump(client)

    def _slot(self, track: int) -> SendSlot:
        sender = self.maker.senders[track]
        section, encoding = sender.section, sender.encodings[0]
        return SendSlot(
            slot=track,
            mid=section.mid,
            kind=section.kind,
            ssrc=encoding.ssrc,
            rtx_ssrc=encoding.rtx_ssrc,
            cname="client-1",
            codecs=section.codecs,
            extensions=section.extensions,
        )

    def start(self) -> None:
        self.clock.run_until(self.clock.now + 300 * MILLISECOND)
        assert self.maker.ice.selected == _A
        assert self.viewer.ice.selected == _B
        self.maker.start(self.clock.now)
        self._pump(self.maker)

    def run(self, duration: int) -> None:
        self.clock.run_until(self.clock.now + duration)

    def _pump(self, client: SimClient) -> None:
        other, link = (self.viewer, self.path.up) if client is self.maker else (self.maker, self.path.down)
        for transmit in client.transmits():
            self.log.append((self.clock.now, client.ident, transmit.data))
            for when in link.carry(self.clock.now, len(transmit.data)):
                self.clock.at(when, lambda sent=transmit: self._arrive(other, sent.remote, sent.local, sent.data))  # type: ignore[misc]
        due = client.next_timeout()
        if due is not None:
            self.clock.at(due, lambda: self._fire(client))

    def _fire(self, client: SimClient) -> None:
        due = client.next_timeout()
        if due is not None and due <= self.clock.now:
            client.handle_timeout(self.clock.now)
            self._pump(client)

    def _arrive(self, client: SimClient, local: Address, remote: Address, data: bytes) -> None:
        client.receive(self.clock.now, local, remote, data)
        self._pump(client)


@pytest.mark.parametrize("profile", list(Profile))
def test_media_arrives_whole_in_every_profile(profile: Profile) -> None:
    pair = Pair(profile=profile)
    pair.start()
    pair.run(2 * SECOND)
    audio, video = pair.viewer.receivers[0], pair.viewer.receivers[1]
    assert len(audio.received) >= 99
    assert [stamp.frame for stamp in audio.stamps] == list(range(len(audio.received)))
    assert {stamp.frame for stamp in video.stamps} >= set(range(49))
    assert audio.missing == video.missing == []
    assert pair.viewer.refused == pair.maker.refused == 0
    assert pair.viewer.strays == []


def test_loss_is_repaired_by_retransmission() -> None:
    pair = Pair(link=LinkConfig(delay=20_000, loss=0.05, jitter=3_000, reorder=0.02, duplicate=0.02))
    pair.start()
    pair.run(10 * SECOND)
    pair.maker.stop()
    pair.run(1 * SECOND)
    video = pair.viewer.receivers[1]
    assert sum(received.retransmitted for received in video.received) > 10
    assert video.missing == []
    assert pair.viewer.receivers[0].missing  # audio has losses, and no repair is sent for it


def test_reports_say_what_was_sent_and_what_came() -> None:
    pair = Pair()
    pair.start()
    pair.run(5 * SECOND)
    video = pair.viewer.receivers[1]
    at, report = video.reports[-1]
    assert report.packets > 100
    # NTP and RTP name the same moment of the maker's clock.
    assert abs(microseconds_of(report.ntp) - (pair.maker.wall_clock + at - 10 * MILLISECOND)) < 2
    assert report.rtp == pair.maker.senders[1].timestamp(at - 10 * MILLISECOND, pair.maker.senders[1].encodings[0])
    kinds = {type(arrived.packet) for arrived in pair.maker.rtcp}
    assert {ReceiverReport, TransportFeedback, SourceDescription} <= kinds
    blocks = [
        block
        for arrived in pair.maker.rtcp
        if isinstance(arrived.packet, ReceiverReport)
        for block in arrived.packet.blocks
    ]
    assert {block.ssrc for block in blocks} == {sender.encodings[0].ssrc for sender in pair.maker.senders.values()}
    assert all(block.cumulative_lost == 0 for block in blocks)


def test_a_picture_loss_brings_a_keyframe() -> None:
    pair = Pair()
    pair.start()
    pair.run(1 * SECOND)
    pair.viewer.send_rtcp(PictureLoss(pair.viewer.ssrc, pair.viewer.receivers[1].section.ssrc))
    pair._pump(pair.viewer)
    pair.run(1 * SECOND)
    keyframes = {stamp.frame for stamp in pair.viewer.receivers[1].stamps if stamp.keyframe}
    assert len(keyframes) == 2
    assert len(pair.maker.senders[1].keyframe_requests) == 1


def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        pair = Pair(seed=7, link=LinkConfig(loss=0.1, jitter=5_000, reorder=0.1, duplicate=0.1))
        pair.start()
        pair.run(2 * SECOND)
        runs.append(pair.log)
    assert runs[0] == runs[1]
