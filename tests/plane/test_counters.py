"""What the wire counts, against what really happened: each with a number of its own."""

from tests.bed.bed import MILLISECOND, SECOND, SERVER, Bed, Person
from tests.bed.rtcp import Nack, PictureLoss
from tests.bed.rtp import RtpPacket
from tests.hostile.call import STRANGER

_MOST_DTLS_WAITING = 64
"""As the engine has it: what it keeps for the node of one peer."""


def counters(bed: Bed) -> dict[str, int]:
    return dict(bed.plane.statistics().counters)


def grown(bed: Bed, before: dict[str, int], *names: str) -> dict[str, int]:
    now = counters(bed)
    return {name: now[name] - before[name] for name in names}


def settled_call() -> tuple[Bed, Person, Person]:
    """One who watches and asks for nothing by itself, one who sends."""
    bed = Bed()
    viewer, maker = bed.call(2)
    bed.stop(viewer)
    viewer.receiver("video").nacks = False
    bed.run(2 * SECOND)
    return bed, viewer, maker


REPAIRS = (
    "rtx_sent",
    "rtx_missed",
    "rtx_recovered",
    "nacks_sent",
    "keyframe_requests_received",
    "keyframe_requests_sent",
)


def test_what_viewers_ask_for() -> None:
    bed, viewer, maker = settled_call()
    before, asked = counters(bed), len(maker.sender("video").keyframe_requests)
    section, client = viewer.receiver("video").section, viewer.client
    latest = viewer.receiver("video").received[-1].sequence
    there, never = [latest - back for back in range(3)], [latest + 5_000 + ahead for ahead in range(5)]
    client.send_rtcp(Nack(client.ssrc, section.ssrc, tuple(number & 0xFFFF for number in there + never)))
    for _ in range(7):
        client.send_rtcp(PictureLoss(client.ssrc, section.ssrc))
    bed.touch(viewer)
    bed.run(SECOND)
    again = [one for one in viewer.receiver("video").received if one.retransmitted]
    to_maker = len(maker.sender("video").keyframe_requests) - asked
    assert (len(again), to_maker) == (3, 1), "seven at once go on as one"
    assert grown(bed, before, *REPAIRS) == {
        "rtx_sent": 3,
        "rtx_missed": 5,
        "rtx_recovered": 0,
        "nacks_sent": 0,
        "keyframe_requests_received": 7,
        "keyframe_requests_sent": 1,
    }


def test_what_is_asked_of_publishers() -> None:
    bed, _, maker = settled_call()
    before = counters(bed)
    sender = maker.sender("video")
    encoding = sender.encodings[0]
    frame = sender.frame
    # One number goes without its packet ever being made: it is asked for again and again, the others come at once.
    lost, hole = encoding.sequence, 2
    path, up = maker.path, maker.path.up.config
    path.set(up=type(up)(delay=up.delay, loss=1.0))
    bed.run_while(lambda: sender.frame < frame + 2, SECOND)
    path.set(up=up)
    del encoding.history[(lost + hole) & 0xFFFF]
    bed.run(3 * SECOND)
    nacked = [sequence for _, ssrc, sequence in sender.nacked if ssrc == encoding.ssrc]
    repeated = encoding.rtx_packets
    assert repeated == len(set(nacked)) - 1 >= 4
    assert len(nacked) > repeated + 1
    found = grown(bed, before, *REPAIRS)
    assert (found["nacks_sent"], found["rtx_recovered"]) == (len(nacked), repeated)
    assert (found["rtx_sent"], found["rtx_missed"], found["keyframe_requests_received"]) == (0, 0, 0)


def test_drops_by_reason() -> None:
    bed, _, maker = settled_call()
    early = bed.open(keys=False, slots=0)
    bed.connect(early)
    bed.run(SECOND)
    before = bed.plane.statistics().drops()
    sender, sealing, home = maker.sender("video"), maker.client.sealing, maker.client.ice.address
    encoding = sender.encodings[0]
    assert sealing is not None

    def forged(payload_type: int, ssrc: int, ahead: int) -> bytes:
        return RtpPacket(payload_type, (encoding.sequence + ahead) & 0xFFFF, 0, ssrc, bytes(40)).write()

    def injected(count: int, data: bytes, remote: tuple[str, int] = home) -> None:
        for _ in range(count):
            bed.inject(remote, data)

    plain = forged(96, encoding.ssrc, 1)
    injected(2, b"\xff" * 20, STRANGER)  # unknown
    injected(3, bytes.fromhex("0001 0000 2112a442") + bytes(12), STRANGER)  # stun
    injected(4, plain + bytes(16), STRANGER)  # unvalidated
    injected(5, plain + bytes(16), early.client.ice.address)  # no_keys
    injected(6, bytes((0x8F, 96)) + bytes(10))  # malformed: more sources than octets
    injected(7, plain + bytes(16))  # auth
    stranger = sealing.rtp(forged(96, encoding.ssrc ^ 0x5555, 0))
    injected(1 + 8, stranger)  # unknown_stream once, replay
    for _ in range(9):
        injected(1, sealing.rtp(forged(33, encoding.ssrc, 0)))  # codec
        encoding.sequence = (encoding.sequence + 1) & 0xFFFF
    for _ in range(_MOST_DTLS_WAITING + 10):
        bed.plane.receive(bed.now, SERVER, home, bytes((22, 254, 253)) + bytes(20))  # dtls
    bed.drain()
    bed.stop(maker)
    bed.run(100 * MILLISECOND)
    # What came before those nine is repeated, unasked.
    lost = tuple((encoding.sequence - back) & 0xFFFF for back in range(10, 21))
    repeated = list(sender.retransmit(bed.now, encoding.ssrc, lost, 0))
    for outgoing in repeated:
        maker.client.send_media(bed.now, outgoing)
    bed.touch(maker)
    bed.run(100 * MILLISECOND)
    bed.set_gate(maker, False)
    arrived = len(maker.arrivals)
    bed.start(maker)
    bed.run(500 * MILLISECOND)
    behind_gate = len(maker.arrivals) - arrived
    assert len(repeated) == 11
    assert behind_gate > 20
    after = bed.plane.statistics().drops()
    assert {reason: after[reason] - before[reason] for reason in after} == {
        "unknown": 2,
        "stun": 3,
        "unvalidated": 4,
        "no_keys": 5,
        "malformed": 6,
        "auth": 7,
        "unknown_stream": 1,
        "replay": 8,
        "codec": 9,
        "dtls": 10,
        "old": 11,
        "gate": behind_gate,
    }
