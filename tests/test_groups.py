"""A group of up to 25 around the real engine in virtual time: no gap as it grows and shrinks; who speaks is told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sfu import dtls
from signalling import messages
from tests.bed.clock import MILLISECOND, SECOND
from tests.bed.dialect import KINDS
from tests.bed.meeting import ROOM, Guest, Meeting, Page
from tests.bed.sender import Media, Sender

GAP = 150 * MILLISECOND
QUIET = 80


@pytest.fixture(scope="module")
def certificate() -> dtls.Certificate:
    return dtls.Certificate.generate(lambda: 1_800_000_000.0)


@dataclass(slots=True)
class Group:
    """A meeting in which everybody sends, and answers when the room grows."""

    meeting: Meeting
    inside: list[Guest] = field(default_factory=list)

    async def join(self, name: str | None = None) -> Guest:
        number = len(self.meeting.pages) + 1
        guest = Guest(name or f"p{number}", number, "patient" if self.inside else "practitioner")
        assert await self.meeting.enter(guest, "open") is None
        await self.meeting.connect(guest, guest.slots)
        self.meeting.watch.gate(self.page(guest).ident, True)
        self.inside.append(guest)
        self.page(guest).host.client.start(self.meeting.network.now)
        for sender in self.voices(guest):
            sender.voice_level = QUIET
        return guest

    async def leave(self, guest: Guest) -> None:
        assert await self.meeting.do(guest, messages.Leave()) is None
        self.inside.remove(guest)
        self.meeting.watch.gate(self.page(guest).ident, False)
        client = self.page(guest).host.client
        client.stop()
        client.ice.checking = False

    async def hold(self, host: Guest, guest: Guest) -> None:
        assert await self.meeting.do(host, messages.Hold(participant=guest.name)) is None
        self.meeting.watch.gate(self.page(guest).ident, False)

    async def release(self, host: Guest, guest: Guest) -> None:
        self.meeting.watch.gate(self.page(guest).ident, True)
        assert await self.meeting.do(host, messages.Release(participant=guest.name)) is None

    async def run(self, duration: int) -> None:
        """Everybody offers again who was asked to, as the SDK does."""
        end = self.meeting.network.now + duration
        while self.meeting.network.now < end:
            for guest in self.inside:
                page = self.page(guest)
                if guest.slots > page.pairs:
                    page.pairs = guest.slots
                    page.version += 1
                    await self.meeting.offer(guest)
            await self.meeting.run(min(20 * MILLISECOND, end - self.meeting.network.now))

    def page(self, guest: Guest) -> Page:
        assert guest.page is not None
        return guest.page

    def voices(self, guest: Guest) -> list[Sender]:
        return [one for one in self.page(guest).host.client.senders.values() if one.section.kind == "audio"]

    def say(self, guest: Guest, level: int) -> None:
        for sender in self.voices(guest):
            sender.voice_level = level

    def table_is_right(self) -> None:
        """Everybody gets voice and face of everybody else, each in a slot of its own, and is told which."""
        routes = self.meeting.node.snapshot().routes
        numbers = {self.page(guest).number: guest.name for guest in self.inside}
        seen = {(numbers[route.viewer], numbers[self.meeting.plane.owners[route.track]]) for route in routes}
        names = list(numbers.values())
        assert seen == {(viewer, other) for viewer in names for other in names if viewer != other}
        assert len(routes) == len({(route.viewer, route.slot) for route in routes}) == 2 * len(names) * (len(names) - 1)
        for guest in self.inside:
            assert len({track.mid for track in guest.told} - {None}) == 2 * (len(names) - 1)

    def watch(self) -> "Playing":
        return Playing.of(self)


@dataclass(frozen=True, slots=True)
class Playing:
    """What each viewer is shown of whom, in which slot and on which SSRC, at one moment."""

    at: int
    shown: dict[tuple[str, str], tuple[int, int]]
    """Slot and SSRC, by viewer and track."""

    @classmethod
    def of(cls, group: Group) -> "Playing":
        shown = {}
        now = group.meeting.network.now
        for guest in group.inside:
            receivers = group.page(guest).host.client.receivers
            for track in guest.told:
                receiver = receivers[int(track.mid or -1)]
                # Whoever has just come waits for a picture: the keyframe that a track's viewers share.
                if receiver.received and receiver.received[-1].at > now - GAP:
                    shown[guest.name, track.id] = int(track.mid or -1), receiver.section.ssrc
        return cls(now, shown)

    def goes_on(self, group: Group) -> None:
        """Whatever played then and whose people are still here plays in the same place, without a gap."""
        now, after = group.meeting.network.now, self.of(group).shown
        people = {guest.name: group.page(guest) for guest in group.inside}
        for (viewer, track), place in self.shown.items():
            owner, source = track.rsplit("-", 1)
            if viewer not in people or owner not in people:
                continue
            assert after.get((viewer, track)) == place, f"{track} moved or stopped at {viewer}"
            received = people[viewer].host.client.receivers[place[0]].received
            times = [packet.at for packet in received if packet.at >= self.at - GAP]
            gaps = [later - earlier for earlier, later in zip(times, [*times[1:], now], strict=True)]
            assert max(gaps) <= GAP, f"{track} stood still for {max(gaps) / MILLISECOND} ms at {viewer}"
            owners = {packet.stamp.sender for packet in received if packet.at >= self.at and packet.stamp is not None}
            assert owners <= {people[owner].ident}, f"{source} of somebody else in the slot of {owner}"


@pytest.fixture
async def group(tmp_path: Path, certificate: dtls.Certificate) -> AsyncIterator[Group]:
    meeting = Meeting(1, tmp_path, size=2, certificate=certificate)
    # As few packets as show a gap.
    meeting.media = {kind: Media(interval=90 * MILLISECOND, size=60, keyframe_factor=1) for kind in KINDS}
    await meeting.open()
    yield Group(meeting)
    meeting.close()


async def test_a_room_grows_from_2_to_25_and_shrinks_again_without_a_gap(group: Group) -> None:
    for _ in range(2):
        await group.join()
    await group.run(500 * MILLISECOND)
    group.table_is_right()
    while len(group.inside) < 25:
        playing = group.watch()
        await group.join()
        await group.run(250 * MILLISECOND)
        group.table_is_right()
        playing.goes_on(group)
    await group.run(SECOND)
    assert len(group.watch().shown) == 2 * 25 * 24, "everybody plays at everybody"
    while len(group.inside) > 2:
        playing = group.watch()
        # From the middle: whoever came before and after stays.
        await group.leave(group.inside[len(group.inside) // 2])
        await group.run(200 * MILLISECOND)
        group.table_is_right()
        playing.goes_on(group)


async def test_whoever_speaks_is_known_to_all_within_a_second(group: Group) -> None:
    for _ in range(4):
        await group.join()
    await group.run(SECOND)
    assert [guest.speakers for guest in group.inside] == [()] * 4
    for speaker in group.inside[1:3]:
        group.say(speaker, 30)
        await group.run(SECOND)
        assert [guest.speakers for guest in group.inside] == [(speaker.name,)] * 4
        group.say(speaker, QUIET)
        await group.run(2 * SECOND)
        assert [guest.speakers for guest in group.inside] == [()] * 4


async def test_one_is_held_while_the_others_talk_on(group: Group) -> None:
    host, anna, bo, cai = [await group.join() for _ in range(4)]
    await group.run(500 * MILLISECOND)
    group.say(anna, 30)
    await group.run(SECOND)
    playing = group.watch()
    await group.hold(host, anna)
    others = [host, bo, cai]
    assert [guest.speakers for guest in others] == [()] * 3, "at once"
    held, began = group.page(anna).host, group.meeting.network.now
    came = len(held.client.receivers[2].received)
    await group.run(SECOND)
    assert anna.told == ()
    assert held.rtp_since(began + SECOND // 2) == 0
    assert len(held.client.receivers[2].received) <= came + 2, "what was on its way"
    assert {track.participant for guest in others for track in guest.told} == {guest.name for guest in others}
    assert [guest.speakers for guest in group.inside] == [()] * 4, "however loud"
    kept = {key: place for key, place in playing.shown.items() if anna.name not in (key[0], key[1].rsplit("-", 1)[0])}
    Playing(playing.at, kept).goes_on(group)
    await group.release(host, anna)
    await group.run(SECOND)
    group.table_is_right()
    assert [guest.speakers for guest in group.inside] == [(anna.name,)] * 4
    assert group.meeting.rooms.roster(ROOM) is not None
