"""The node over the real engine in virtual time, with offers as browsers write them."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from sfu.commands import (
    ClosePeer,
    Command,
    OpenPeer,
    RestartIce,
    Route,
    SendDtls,
    SetGate,
    SetKeys,
    SetMute,
    SetRoutes,
    SetSections,
)
from sfu.config import MediaConfig
from sfu.dtls import Certificate, Connected, Handshake
from sfu.errors import SfuError
from sfu.events import ConsentLost, ConsentRegained, DtlsReceived, Levels, PathChanged, TrackStarted, Validated
from sfu.node import Node
from sfu.plane import Snapshot, VirtualPlane
from sfu.room_events import (
    NodeEvent,
    OfferNeeded,
    PeerConnected,
    PeerDisconnected,
    PeerFailed,
    Slots,
    SlotsNeeded,
    SpeakersChanged,
    TracksChanged,
)
from sfu.sdp import CodecPolicy, OfferedTrack
from sfu.stats import WireStatistics
from tests.sfu.inline import Inline

DATA = Path(__file__).with_name("data")
SERVER = Certificate.generate(lambda: 1_767_268_800.0)
BROWSER = Certificate.generate(lambda: 1_767_268_800.0)
MICROPHONE = OfferedTrack("0", "audio", "microphone")
CAMERA = OfferedTrack("1", "video", "camera")
BOTH = (MICROPHONE, CAMERA)


def browser_offer(
    name: str = "chromium-1",
    *,
    session: int | None = None,
    ufrag: str | None = None,
    certificate: Certificate = BROWSER,
) -> str:
    """A captured offer, of a browser that has our certificate."""
    sdp = (DATA / f"{name}.sdp").read_text()
    sdp = re.sub(r"a=fingerprint:.*", f"a=fingerprint:{certificate.fingerprint}", sdp)
    if session is not None:
        sdp = re.sub(r"^o=(\S+) \d+ ", rf"o=\1 {session} ", sdp, flags=re.M)
    if ufrag is not None:
        sdp = re.sub(r"a=ice-ufrag:\S+", f"a=ice-ufrag:{ufrag}", sdp)
    return sdp


def value(sdp: str, name: str) -> list[str]:
    return re.findall(rf"^a={name}:(.*?)\r?$", sdp, flags=re.M)


class Watched:
    """The engine in virtual time, and what it was asked for."""

    def __init__(self) -> None:
        self.plane = VirtualPlane(MediaConfig(announce=("192.0.2.7",)))
        self.applied: list[Command] = []
        self.routes: dict[int, frozenset[Route]] = {}

    @property
    def port(self) -> int:
        return self.plane.port

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        return self.plane.tcp_ports

    def apply(self, command: Command) -> None:
        self.applied.append(command)
        if isinstance(command, SetRoutes):
            self.routes[command.room] = frozenset(command.routes)
        self.plane.apply(command)

    def snapshot(self) -> Snapshot:
        return self.plane.snapshot()

    def statistics(self) -> WireStatistics:
        return self.plane.statistics()

    def take(self) -> list[Command]:
        applied, self.applied = self.applied, []
        return applied


class House:
    """A node and all it told."""

    def __init__(self, codecs: CodecPolicy | None = None) -> None:
        self.plane = Watched()
        self.executor = Inline()
        bits = Random(7).getrandbits
        self.node = Node(
            self.plane,
            (("192.0.2.7", self.plane.port),),
            certificate=SERVER,
            executor=self.executor,
            random_bits=bits,
            codecs=codecs,
        )
        self.told: list[NodeEvent] = []
        self.node.events = self.told.append

    def take(self) -> list[NodeEvent]:
        told, self.told = self.told, []
        self.node.events = self.told.append
        return told

    async def enter(
        self,
        participant: str,
        sdp: str | None = None,
        tracks: tuple[OfferedTrack, ...] = BOTH,
        *,
        size: int = 2,
        open: bool = True,
    ) -> str:
        self.node.open_peer("r", participant, size=size)
        answer = await self.node.offer("r", participant, sdp or browser_offer(), tracks)
        self.node.set_gate("r", participant, open)
        return answer

    def number(self, participant: str) -> int:
        number = self.node.number("r", participant)
        assert number is not None
        return number

    def view(self, participant: str) -> dict[str, str | None]:
        """Mid by track, as last told."""
        views = [e for e in self.told if isinstance(e, TracksChanged) and e.participant == participant]
        return {track.id: track.mid for track in views[-1].tracks}

    async def connect(self, participant: str) -> Handshake:
        """DTLS as the participant's browser does it."""
        number = self.number(participant)
        algorithm, digest = SERVER.fingerprint.split(" ")
        client = Handshake(BROWSER, [(algorithm, digest)], server=False, now=0.0)
        while not isinstance(client.state, Connected):
            await self.say(number, client)
            for command in self.plane.take():
                for datagram in command.datagrams if isinstance(command, SendDtls) else ():
                    client.receive(0.0, datagram)
        await self.say(number, client)
        return client

    async def say(self, number: int, client: Handshake) -> None:
        for datagram in client.transmits():
            self.node.receive(DtlsReceived(number, datagram))
            for _ in range(5):
                await asyncio.sleep(0)


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.node.stop()


def about(events: list[NodeEvent]) -> set[str]:
    """Whom they are about; what is about a whole room counts for nobody."""
    return {event.participant for event in events if not isinstance(event, SpeakersChanged)}


def kinds(commands: list[Command]) -> list[type[Command]]:
    return [type(command) for command in commands]


# Offers


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.sdp")))
async def test_browsers_offers_fill_the_wire(house: House, name: str) -> None:
    answer = await house.enter("anna", browser_offer(name))
    assert kinds(house.plane.applied) == [OpenPeer, SetSections, SetRoutes, SetGate, SetRoutes]
    opened, sections = house.plane.applied[:2]
    assert isinstance(opened, OpenPeer)
    assert isinstance(sections, SetSections)
    assert set(value(answer, "ice-ufrag")) == {opened.ufrag}
    assert set(value(answer, "ice-pwd")) == {opened.pwd}
    assert opened.remote_ufrag == value(browser_offer(name), "ice-ufrag")[0]
    assert set(value(answer, "fingerprint")) == {SERVER.fingerprint}
    assert "192.0.2.7 7882 typ host" in value(answer, "candidate")[0]
    ssrcs = [ssrc for slot in sections.slots for ssrc in (slot.ssrc, slot.rtx_ssrc) if ssrc is not None]
    assert {line.split()[0] for line in value(answer, "ssrc")} == {str(ssrc) for ssrc in ssrcs}
    assert len({*ssrcs, opened.ssrc}) == len(ssrcs) + 1
    assert [track.mid for track in sections.tracks] == ["0", "1"]
    assert len({track.track for track in sections.tracks} - {0}) == 2
    assert house.node.snapshot().peers == {opened.peer}


async def test_an_offer_needs_a_place(house: House) -> None:
    house.node.open_peer("r", "anna", size=2)
    for room, participant in [("r", "bo"), ("s", "anna")]:
        with pytest.raises(SfuError) as caught:
            await house.node.offer(room, participant, browser_offer(), BOTH)
        assert caught.value.code == "peer_unknown"


async def test_a_re_offer_changes_sections_and_nothing_else(house: House) -> None:
    first = await house.enter("anna", browser_offer("chromium-1"))
    before = house.plane.take()[1]
    second = await house.node.offer("r", "anna", browser_offer("chromium-1"), (MICROPHONE,))
    assert kinds(house.plane.applied) == [SetSections, SetRoutes]
    after = house.plane.applied[0]
    assert isinstance(before, SetSections)
    assert isinstance(after, SetSections)
    assert after.slots == before.slots
    assert after.tracks == before.tracks[:1]
    assert value(first, "ice-ufrag") == value(second, "ice-ufrag")
    assert value(first, "ssrc") == value(second, "ssrc")


async def test_an_ice_restart_keeps_the_transport(house: House) -> None:
    first = await house.enter("anna")
    await house.enter("bo")
    number, routes = house.number("anna"), house.node.snapshot().routes
    house.plane.take()
    second = await house.node.offer("r", "anna", browser_offer(ufrag="another"), BOTH)
    assert kinds(house.plane.applied) == [RestartIce, SetSections, SetRoutes]
    restart = house.plane.applied[0]
    assert isinstance(restart, RestartIce)
    assert (restart.peer, restart.remote_ufrag) == (number, "another")
    assert set(value(second, "ice-ufrag")) == {restart.ufrag} != set(value(first, "ice-ufrag"))
    assert set(value(second, "ice-pwd")) == {restart.pwd}
    assert house.number("anna") == number
    assert house.node.snapshot().routes == routes
    third = await house.node.offer("r", "anna", browser_offer(ufrag="another"), BOTH)
    assert value(third, "ice-ufrag") == value(second, "ice-ufrag"), "no restart, no other credentials"


async def test_a_new_peer_connection_takes_the_olds_place(house: House) -> None:
    await house.enter("anna")
    await house.enter("bo")
    old = house.number("anna")
    house.plane.take()
    house.take()
    await house.node.offer("r", "anna", browser_offer(session=4711), BOTH)
    assert kinds(house.plane.applied) == [ClosePeer, OpenPeer, SetGate, SetSections, SetRoutes]
    assert house.plane.applied[0] == ClosePeer(old)
    assert house.plane.applied[2] == SetGate(house.number("anna"), True)
    snapshot = house.node.snapshot()
    assert snapshot.peers == {house.number("anna"), house.number("bo")}
    assert len(snapshot.open_routes) == 4
    assert house.told == [], "to the others nothing has changed"


async def test_another_certificate_in_the_same_session_is_a_new_transport(house: House) -> None:
    first = await house.enter("anna")
    old = house.number("anna")
    second = await house.node.offer("r", "anna", browser_offer(ufrag="another", certificate=SERVER), BOTH)
    assert house.node.snapshot().peers == {house.number("anna")} != {old}
    assert value(second, "ssrc") == value(first, "ssrc")
    assert re.findall(r"o=- \d+ (\d+)", first + second) == ["1", "2"]


SECOND_SESSION = browser_offer(session=4711)


@pytest.mark.parametrize(
    ("sdp", "tracks", "code"),
    [
        ("", BOTH, "sdp_malformed"),
        ("v=0\r\n" + "x" * 300_000, BOTH, "sdp_too_big"),
        (browser_offer().replace("a=group:BUNDLE", "a=group:LS"), BOTH, "sdp_no_bundle"),
        (browser_offer(ufrag="another"), (CAMERA, CAMERA), "sdp_unknown_track"),
        (SECOND_SESSION, (OfferedTrack("2", "audio", "microphone"),), "sdp_unknown_track"),
        (
            re.sub(r"(a=rtpmap:\d+ )(opus|VP8|VP9|H264|AV1)", r"\1unknown", SECOND_SESSION),
            (),
            "sdp_no_common_codec",
        ),
        (SECOND_SESSION.replace("a=setup:actpass", "a=setup:passive"), BOTH, "sdp_bad_setup"),
    ],
)
async def test_a_faulty_offer_leaves_everything_as_it_was(
    house: House, sdp: str, tracks: tuple[OfferedTrack, ...], code: str
) -> None:
    first = await house.enter("anna")
    await house.enter("bo")
    before, number = house.node.snapshot(), house.number("anna")
    house.plane.take()
    house.take()
    with pytest.raises(SfuError) as caught:
        await house.node.offer("r", "anna", sdp, tracks)
    assert caught.value.code == code
    assert (house.plane.applied, house.told, house.number("anna")) == ([], [], number)
    assert house.node.snapshot() == before
    again = await house.node.offer("r", "anna", browser_offer(), BOTH)
    for name in ("ssrc", "ice-ufrag", "ice-pwd", "msid"):
        assert value(again, name) == value(first, name)


async def test_offers_at_the_same_time_end_in_one_of_them(house: House) -> None:
    await house.enter("anna")
    await house.enter("bo")
    offers = [browser_offer(session=session) for session in range(5)] + [browser_offer(session=4, ufrag="another")]
    answers = await asyncio.gather(*(house.node.offer("r", "anna", sdp, BOTH) for sdp in offers))
    assert house.node.snapshot().peers == {house.number("anna"), house.number("bo")}
    assert len(house.node.snapshot().routes) == 4
    last = next(command for command in reversed(house.plane.applied) if isinstance(command, RestartIce))
    assert set(value(answers[-1], "ice-ufrag")) == {last.ufrag}


# Gates and views


async def test_gates_before_routes_both_ways(house: House) -> None:
    await house.enter("anna", open=False)
    await house.enter("bo")
    number = house.number("anna")
    house.plane.take()
    house.node.set_gate("r", "anna", True)
    assert house.plane.applied[0] == SetGate(number, True)
    assert kinds(house.plane.take()) == [SetGate, SetRoutes]
    assert len(house.node.snapshot().open_routes) == 4
    house.node.set_gate("r", "anna", True)
    assert house.plane.applied == [], "nothing to do"
    house.node.set_gate("r", "anna", False)
    assert house.plane.applied[0] == SetGate(number, False)
    assert house.node.snapshot().routes == frozenset()
    assert house.plane.routes == {min(house.plane.routes): frozenset()}


async def test_a_gate_that_opened_before_the_offer_holds_for_the_transport(house: House) -> None:
    house.node.open_peer("r", "anna", size=2)
    house.node.set_gate("r", "anna", True)
    await house.node.offer("r", "anna", browser_offer(), BOTH)
    assert SetGate(house.number("anna"), True) in house.plane.applied


async def test_who_is_closed_is_told_nothing_and_shown_to_nobody(house: House) -> None:
    await house.enter("anna")
    await house.enter("bo", open=False)
    assert house.told == []
    house.node.set_gate("r", "bo", True)
    assert about(house.told) == {"anna", "bo"}
    assert house.view("anna") == {"bo-microphone": "2", "bo-camera": "3"}
    assert house.view("bo") == {"anna-microphone": "2", "anna-camera": "3"}
    house.node.set_gate("r", "anna", False)
    assert house.view("anna") == house.view("bo") == {}


async def test_views_name_the_viewers_own_sections(house: House) -> None:
    screen = OfferedTrack("1", "video", "screen")
    await house.enter("anna", browser_offer("firefox-3"), size=4)
    await house.enter("bo", browser_offer("chromium-3"), size=4)
    await house.enter("carl", browser_offer("chromium-1"), (MICROPHONE, screen), size=4)
    assert house.view("anna") == {"bo-microphone": "2", "bo-camera": "3", "carl-microphone": "4", "carl-screen": "7"}
    assert house.view("carl") == {
        "anna-microphone": "2",
        "anna-camera": "3",
        "bo-microphone": None,
        "bo-camera": None,
    }


async def test_who_leaves_is_gone_for_all(house: House) -> None:
    await house.enter("anna")
    await house.enter("bo")
    gone = house.number("bo")
    house.node.close_peer("r", "bo")
    house.node.close_peer("r", "bo")
    assert house.view("anna") == {}
    assert house.node.number("r", "bo") is None
    assert house.node.snapshot().peers == {house.number("anna")}
    house.plane.take()
    house.node.receive(DtlsReceived(gone, b"\x16"))
    house.node.receive(ConsentLost(gone))
    assert house.plane.applied == []


async def test_who_cannot_be_told_sees_nobody_in_the_place_of_who_left(house: House) -> None:
    for name in ("anna", "bo"):
        await house.enter(name, size=2)
    house.node.set_listening("r", "anna", False)
    house.node.close_peer("r", "bo")
    await house.enter("carl", size=2)
    assert house.view("anna") == {"carl-microphone": None, "carl-camera": None}
    assert house.view("carl") == {"anna-microphone": "2", "anna-camera": "3"}
    number = house.number("anna")
    assert number not in {route.viewer for route in house.plane.routes[max(house.plane.routes)]}
    house.take()
    house.node.set_listening("r", "anna", True)
    assert house.view("anna") == {"carl-microphone": "2", "carl-camera": "3"}
    assert about(house.take()) == {"anna"}
    for room, name in (("r", "anna"), ("r", "stranger"), ("nowhere", "anna")):
        house.node.set_listening(room, name, True)
    assert house.take() == []


async def test_rooms_share_nothing(house: House) -> None:
    await house.enter("anna")
    house.node.open_peer("s", "anna", size=2)
    await house.node.offer("s", "anna", browser_offer(), BOTH)
    house.node.set_gate("s", "anna", True)
    assert (house.told, house.node.snapshot().routes) == ([], frozenset())
    house.node.close_room("r")
    house.node.close_room("r")
    assert house.node.snapshot().peers == {house.node.number("s", "anna")}
    house.node.stop()
    assert house.node.snapshot().peers == frozenset()


# Codecs


def only(sdp: str, *names: str) -> str:
    """The offer of a browser with those codecs of video alone."""
    return re.sub(rf"(a=rtpmap:\d+ )(?!opus|rtx|{'|'.join(names)})", r"\1un", sdp)


def video_of(answer: str) -> list[str]:
    """What the answer names for the camera."""
    section = re.split(r"^m=", answer, flags=re.M)[2]
    return [name for name in re.findall(r"^a=rtpmap:\d+ (\w+)", section, flags=re.M) if name != "rtx"]


async def test_a_publisher_is_asked_to_offer_again_when_somebody_inside_lacks_its_codec() -> None:
    house = House(CodecPolicy(video=("AV1/0", "VP9/0", "VP8")))
    chromium, modest = browser_offer(), only(browser_offer("firefox-1"), "VP8")
    assert video_of(await house.enter("anna", chromium)) == ["AV1", "VP9", "VP8"]
    assert video_of(await house.enter("bo", chromium)) == ["AV1", "VP9", "VP8"]
    assert video_of(await house.enter("carl", modest, open=False)) == ["VP8"]
    assert [event for event in house.take() if isinstance(event, OfferNeeded)] == [], "who waits changes nothing"
    house.node.set_gate("r", "carl", True)
    asked = [event for event in house.take() if isinstance(event, OfferNeeded)]
    assert asked == [OfferNeeded("r", "anna"), OfferNeeded("r", "bo")]
    house.node.set_mute("r", "carl", "carl-camera", True)
    assert OfferNeeded("r", "anna") not in house.take(), "once is enough"
    assert video_of(await house.node.offer("r", "anna", chromium, BOTH)) == ["VP8"]
    taken = next(command for command in reversed(house.plane.take()) if isinstance(command, SetSections))
    assert [codec.name for codec in taken.tracks[1].codecs] == ["AV1", "VP9", "VP8"], "what is on its way still passes"
    # When the one who lacks it has gone, an offer is answered as at first; nobody is asked for one.
    house.node.close_peer("r", "carl")
    assert OfferNeeded("r", "bo") not in house.take()
    assert video_of(await house.node.offer("r", "bo", chromium, BOTH)) == ["AV1", "VP9", "VP8"]


async def test_who_takes_no_video_decides_nothing() -> None:
    house = House(CodecPolicy(video=("AV1/0", "VP8")))
    await house.enter("anna")
    sound = only(browser_offer("firefox-1"), "nothing")
    await house.enter("bo", sound, (MICROPHONE,))
    assert [event for event in house.take() if isinstance(event, OfferNeeded)] == []
    assert video_of(await house.node.offer("r", "anna", browser_offer(), BOTH)) == ["AV1", "VP8"]


# Slots


def slots_told(house: House) -> list[tuple[str, Slots]]:
    return [(event.participant, event.slots) for event in house.told if isinstance(event, SlotsNeeded)]


async def test_slots_follow_the_size_and_then_the_room(house: House) -> None:
    assert house.node.open_peer("r", "anna", size=2) == Slots(1, 1)
    await house.enter("anna")
    await house.enter("bo")
    await house.enter("carl", open=False)
    assert slots_told(house) == []
    house.node.set_gate("r", "carl", True)
    assert slots_told(house) == [("anna", Slots(2, 2)), ("bo", Slots(2, 2)), ("carl", Slots(2, 2))]
    house.take()
    await house.node.offer("r", "anna", browser_offer("chromium-3"), BOTH)
    house.node.close_peer("r", "bo")
    await house.enter("bo")
    assert slots_told(house) == [("bo", Slots(2, 2))], "the others have them"
    assert house.node.open_peer("r", "carl", size=5) == Slots(4, 4)


async def test_a_screen_wants_a_section_more_while_it_is_there(house: House) -> None:
    screen = OfferedTrack("1", "video", "screen")
    await house.enter("anna", browser_offer("chromium-3"))
    await house.enter("bo", browser_offer(), (MICROPHONE, screen))
    assert slots_told(house) == [("anna", Slots(1, 2))]
    assert house.view("anna") == {"bo-microphone": "2", "bo-screen": "5"}


async def test_a_crowd_inside_does_not_show_in_the_lobby(house: House) -> None:
    for index in range(6):
        await house.enter(f"p{index}")
    house.take()
    assert house.node.open_peer("r", "late", size=2) == Slots(1, 1)
    await house.node.offer("r", "late", browser_offer(), BOTH)
    assert house.told == []
    house.node.set_gate("r", "late", True)
    assert ("late", Slots(6, 6)) in slots_told(house)


# Mute


async def test_a_mute_reaches_the_wire_and_the_others(house: House) -> None:
    await house.enter("anna")
    await house.enter("bo")
    house.take()
    house.node.set_mute("r", "anna", "anna-microphone", True)
    (event,) = house.told
    assert isinstance(event, TracksChanged)
    assert (event.participant, [track.muted for track in event.tracks]) == ("bo", [True, False])
    assert len(house.node.snapshot().open_routes) == 3
    house.node.set_mute("r", "anna", "anna-microphone", False)
    assert len(house.node.snapshot().open_routes) == 4


@pytest.mark.parametrize("between", ["re-offer", "restart", "reconnect", "close", "stopped"])
async def test_a_mute_lasts(house: House, between: str) -> None:
    await house.enter("anna")
    await house.enter("bo")
    client = await house.connect("anna")
    house.node.set_mute("r", "anna", "anna-camera", True)
    match between:
        case "restart":
            await house.node.offer("r", "anna", browser_offer(ufrag="another"), BOTH)
        case "reconnect":
            await house.node.offer("r", "anna", browser_offer(session=4711), BOTH)
        case "close":
            client.close()
            await house.say(house.number("anna"), client)
            await house.node.offer("r", "anna", browser_offer(session=4711), BOTH)
        case "stopped":
            await house.node.offer("r", "anna", browser_offer(), (MICROPHONE,))
        case _:
            pass
    await house.node.offer("r", "anna", browser_offer(session=None if between != "reconnect" else 4711), BOTH)
    snapshot = house.node.snapshot()
    assert len(snapshot.routes - snapshot.open_routes) == 1
    house.node.set_mute("r", "anna", "anna-camera", False)
    assert len(house.node.snapshot().open_routes) == 4


async def test_a_mute_while_there_is_no_connection_counts_for_the_next(house: House) -> None:
    await house.enter("anna")
    await house.enter("bo")
    client = await house.connect("anna")
    client.close()
    await house.say(house.number("anna"), client)
    assert house.node.number("r", "anna") is None
    house.node.set_mute("r", "anna", "anna-camera", True)
    await house.node.offer("r", "anna", browser_offer(session=4711), BOTH)
    assert len(house.node.snapshot().open_routes) == 3


async def test_the_mute_of_one_camera_never_passes_to_another(house: House) -> None:
    offer = browser_offer("chromium-3").replace("a=recvonly", "a=sendonly")
    second = OfferedTrack("3", "video", "camera")
    await house.enter("anna", offer, (*BOTH, second))
    sections = next(item for item in house.plane.applied if isinstance(item, SetSections))
    numbers = {track.mid: track.track for track in sections.tracks}
    house.node.set_mute("r", "anna", "anna-camera-2", True)
    house.plane.take()
    await house.node.offer("r", "anna", offer, (MICROPHONE, second))
    assert not any(isinstance(item, SetMute) for item in house.plane.applied), "still muted, still the same number"
    house.node.set_mute("r", "anna", "anna-camera-2", False)
    assert SetMute(numbers["3"], False) in house.plane.applied


async def test_only_ones_own_tracks_can_be_muted(house: House) -> None:
    await house.enter("anna")
    await house.enter("bo")
    attempts = [
        ("r", "anna", "bo-camera"),
        ("r", "anna", ""),
        ("r", "eve", "anna-camera"),
        ("s", "anna", "anna-camera"),
    ]
    for room, participant, track in attempts:
        with pytest.raises(SfuError) as caught:
            house.node.set_mute(room, participant, track, True)
        assert caught.value.code == "track_unknown"


# Transports


async def test_connected_lost_and_back(house: House) -> None:
    await house.enter("anna")
    number = house.number("anna")
    house.node.receive(Validated(number))
    await house.connect("anna")
    assert house.told == [PeerConnected("r", "anna")]
    for event in (ConsentLost(number), ConsentLost(number), ConsentRegained(number), PathChanged(number)):
        house.node.receive(event)
    house.node.receive(TrackStarted(number))
    assert house.told[1:] == [PeerDisconnected("r", "anna"), PeerConnected("r", "anna")]


async def test_consent_lost_before_dtls_is_done_is_no_disconnect(house: House) -> None:
    await house.enter("anna")
    house.node.receive(ConsentLost(house.number("anna")))
    await house.connect("anna")
    assert house.told == []
    house.node.receive(ConsentRegained(house.number("anna")))
    assert house.told == [PeerConnected("r", "anna")]


async def test_a_browser_that_closes_is_gone_at_once(house: House) -> None:
    await house.enter("anna")
    await house.enter("bo")
    client = await house.connect("anna")
    number = house.number("anna")
    house.take()
    client.close()
    await house.say(number, client)
    assert PeerDisconnected("r", "anna") in house.told
    assert house.view("bo") == {}
    assert house.node.snapshot().peers == {house.number("bo")}
    house.take()
    house.node.receive(ConsentLost(number))
    assert house.told == []
    await house.node.offer("r", "anna", browser_offer(session=4711), BOTH)
    assert house.view("bo") == {"anna-microphone": "2", "anna-camera": "3"}


async def test_a_new_peer_connection_has_to_connect_anew(house: House) -> None:
    await house.enter("anna")
    await house.connect("anna")
    await house.node.offer("r", "anna", browser_offer(session=4711), BOTH)
    assert house.told == [PeerConnected("r", "anna"), PeerDisconnected("r", "anna")]
    await house.connect("anna")
    assert house.told[2:] == [PeerConnected("r", "anna")]


@pytest.mark.parametrize("by", ["offer", "removal", "end"])
async def test_a_handshake_that_ends_after_its_connection_is_nobodys(house: House, by: str) -> None:
    await house.enter("anna")
    number = house.number("anna")
    client = Handshake(BROWSER, [("sha-256", SERVER.fingerprint.split(" ")[1])], server=False, now=0.0)
    await house.say(number, client)
    for command in house.plane.take():
        for datagram in command.datagrams if isinstance(command, SendDtls) else ():
            client.receive(0.0, datagram)
    house.executor.busy = True
    await house.say(number, client)
    match by:
        case "offer":
            await house.node.offer("r", "anna", browser_offer(session=4711), BOTH)
        case "removal":
            house.node.close_peer("r", "anna")
        case _:
            house.node.close_room("r")
    house.plane.take()
    house.executor.release()
    for _ in range(5):
        await asyncio.sleep(0)
    assert (house.told, house.plane.applied) == ([], [])


async def test_a_wrong_certificate_fails_and_a_new_offer_helps(house: House) -> None:
    await house.enter("anna", browser_offer(certificate=SERVER))
    with pytest.raises(SfuError):
        await house.connect("anna")
    assert house.told == [PeerFailed("r", "anna", "dtls_fingerprint")]
    failed = house.node.statistics().failed_handshakes
    assert {code: count for code, count in failed.items() if count} == {"dtls_fingerprint": 1}
    assert not any(isinstance(command, SetKeys) for command in house.plane.applied)
    await house.node.offer("r", "anna", browser_offer(session=4711), BOTH)
    await house.connect("anna")
    assert house.told[1:] == [PeerConnected("r", "anna")]


# Who listens may call back


async def test_a_listener_may_close_the_room(house: House) -> None:
    await house.enter("anna")

    def close(event: NodeEvent) -> None:
        house.told.append(event)
        house.node.close_room("r")

    house.node.events = close
    await house.enter("bo")
    assert len(house.told) == 1, "nobody is there to hear the rest"
    assert house.node.snapshot().peers == frozenset()


async def test_a_listener_may_remove_somebody(house: House) -> None:
    for name in ("anna", "bo"):
        await house.enter(name, size=3)

    def remove(event: NodeEvent) -> None:
        house.told.append(event)
        if about([event]) == {"anna"}:
            house.node.close_peer("r", "bo")

    house.take()
    house.node.events = remove
    await house.enter("carl", size=3)
    assert about(house.told) == {"anna", "carl"}
    assert house.view("anna") == {"carl-microphone": "2", "carl-camera": "3"}, "in the place of who was removed"
    assert house.view("carl") == {"anna-microphone": "2", "anna-camera": "3"}


async def test_what_is_no_longer_true_is_not_told(house: House) -> None:
    await house.enter("anna")

    inside: list[NodeEvent] = []

    def pause(event: NodeEvent) -> None:
        assert not inside, "one event at a time"
        inside.append(event)
        house.told.append(event)
        house.node.set_gate("r", "bo", False)
        inside.clear()

    house.node.events = pause
    await house.enter("bo")
    assert [about([event]) for event in house.told] == [{"anna"}, {"anna"}, {"bo"}]
    assert house.view("bo") == house.view("anna") == {}
    assert all(not event.tracks for event in house.told[1:] if isinstance(event, TracksChanged))


async def test_a_listener_that_fails_loses_nothing_else(house: House) -> None:
    await house.enter("anna")

    def fail(_: NodeEvent) -> None:
        house.node.events = house.told.append
        raise ZeroDivisionError

    await house.enter("bo", open=False)
    house.node.events = fail
    with pytest.raises(ZeroDivisionError):
        house.node.set_gate("r", "bo", True)
    assert len(house.node.snapshot().open_routes) == 4
    house.node.open_peer("r", "bo", size=2)
    house.node.receive(TrackStarted(1))
    assert about(house.told) == {"bo"}


# Who speaks


@dataclass
class Ear:
    """Lets people be heard by a node in a time of its own."""

    house: House
    now: float = 50.0
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def cancel(self) -> None:
        self.timers.clear()

    def call_later(self, delay: float, callback: Callable[[], None]) -> "Ear":
        self.timers.append((self.now + delay, callback))
        return self

    def hear(self, seconds: float, **levels: int) -> list[tuple[str, ...]]:
        """What was told of speakers, while microphones have these levels in -dBov."""
        self.house.take()
        tracks = tuple((self.track(name), level) for name, level in levels.items())
        for _ in range(round(seconds / 0.2)):
            self.now += 0.2
            for at, callback in list(self.timers):
                if at <= self.now:
                    callback()
            if tracks:
                self.house.node.receive(Levels(tracks))
        return told_speakers(self.house)

    def track(self, name: str) -> int:
        sections = [c for c in self.house.plane.applied if isinstance(c, SetSections)]
        of = [c for c in sections if c.peer == self.house.number(name)]
        return next(section.track for section in of[-1].tracks if section.kind == "audio")


def told_speakers(house: House) -> list[tuple[str, ...]]:
    return [event.participants for event in house.told if isinstance(event, SpeakersChanged)]


@pytest.fixture
def ear() -> Iterator[Ear]:
    house = House()
    ear = Ear(house)
    house.node = Node(
        house.plane,
        (("192.0.2.7", 7882),),
        certificate=SERVER,
        executor=house.executor,
        clock=lambda: ear.now,
        call_later=ear.call_later,
    )
    yield ear
    house.node.stop()
    assert ear.timers == [], "nothing wakes a node that has stopped"


async def test_who_speaks_is_told_once(ear: Ear) -> None:
    for name in ("anna", "bo"):
        await ear.house.enter(name)
    assert ear.hear(2, anna=30, bo=70) == [("anna",)]
    assert ear.hear(2) == [()], "by the clock, when nothing more is heard"


@pytest.mark.parametrize("way", ["hold", "mute", "leave", "close"])
async def test_who_is_closed_or_muted_stops_speaking_at_once(ear: Ear, way: str) -> None:
    house = ear.house
    for name in ("anna", "bo"):
        await house.enter(name)
    track = ear.track("anna")
    assert ear.hear(1, anna=30, bo=30) == [("anna", "bo")]
    house.take()
    match way:
        case "hold":
            house.node.set_gate("r", "anna", False)
        case "mute":
            house.node.set_mute("r", "anna", "anna-microphone", True)
        case "leave":
            house.node.close_peer("r", "anna")
        case _:
            house.node.close_room("r")
    assert told_speakers(house) == ([("bo",)] if way != "close" else [])
    for _ in range(10):
        ear.now += 0.2
        house.node.receive(Levels(((track, 20),)))
    assert all("anna" not in speakers for speakers in told_speakers(house)), "what was heard before is told late"


async def test_a_muted_camera_does_not_silence(ear: Ear) -> None:
    for name in ("anna", "bo"):
        await ear.house.enter(name)
    ear.house.node.set_mute("r", "anna", "anna-camera", True)
    assert ear.hear(1, anna=30) == [("anna",)]


async def test_a_new_connection_speaks_on(ear: Ear) -> None:
    for name in ("anna", "bo"):
        await ear.house.enter(name)
    old = ear.track("anna")
    await ear.house.enter("anna", browser_offer(session=2))
    assert ear.track("anna") != old
    ear.house.node.receive(Levels(((old, 10),)))
    assert ear.hear(1, anna=30) == [("anna",)]


# Any history


@pytest.mark.parametrize("seed", range(20))
async def test_the_wires_table_is_the_plan_at_every_step(house: House, seed: int) -> None:
    random = Random(seed)
    names = ["anna", "bo", "carl", "dora"]
    inside: dict[str, int] = {}
    session = 0
    views: dict[str, TracksChanged] = {}

    def listen(event: NodeEvent) -> None:
        if isinstance(event, TracksChanged):
            views[event.participant] = event

    house.node.events = listen
    for _ in range(80):
        name = random.choice(names)
        offer = random.choice(["chromium-1", "chromium-3", "firefox-1", "firefox-3-simulcast"])
        tracks = tuple(track for track in BOTH if random.random() < 0.8)
        act = random.choice(
            ["offer", "offer", "again", "leave", "open", "open", "close", "mute", "bad", "lost", "hear"]
        )
        if act == "offer":
            session += 1
            inside[name] = session
            house.node.open_peer("r", name, size=2)
            await house.node.offer("r", name, browser_offer(offer, session=session), tracks)
        elif act == "leave":
            inside.pop(name, None)
            views.pop(name, None)
            house.node.close_peer("r", name)
        elif act in ("open", "close"):
            house.node.set_gate("r", name, act == "open")
        elif act == "hear":
            house.node.set_listening("r", name, random.random() < 0.5)
        elif name not in inside:
            continue
        elif act == "again":
            ufrag = random.choice([None, "another"])
            await house.node.offer("r", name, browser_offer(offer, session=inside[name], ufrag=ufrag), tracks)
        elif act == "bad":
            with pytest.raises(SfuError):
                await house.node.offer("r", name, browser_offer(session=inside[name])[:-9], (CAMERA, CAMERA))
        elif act == "lost":
            number = house.number(name)
            house.node.receive(ConsentLost(number) if random.random() < 0.5 else ConsentRegained(number))
        else:
            with suppress(SfuError):  # it may have no camera
                house.node.set_mute("r", name, f"{name}-camera", random.random() < 0.5)
        snapshot = house.node.snapshot()
        assert snapshot.peers == {house.number(name) for name in inside}
        last = house.plane.routes[max(house.plane.routes)] if inside else frozenset()
        assert snapshot.routes == last
        told = sum(track.mid is not None for view in views.values() for track in view.tracks)
        assert told == len(last)
        muted = sum(track.mid is not None and track.muted for view in views.values() for track in view.tracks)
        assert len(snapshot.open_routes) == told - muted
