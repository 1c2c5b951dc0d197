"""Transport-wide feedback to publishers: often enough for a browser to ramp up, and true."""

import itertools

from benchmarks.link import LinkConfig
from tests.bed.bed import MILLISECOND, SECOND, Bed, Person
from tests.bed.transport_cc import TransportFeedback


def feedback(person: Person) -> list[tuple[int, TransportFeedback]]:
    return [(a.at, a.packet) for a in person.client.rtcp if isinstance(a.packet, TransportFeedback)]


def test_feedback_comes_every_50_to_100_ms() -> None:
    bed = Bed()
    _, maker = bed.call(2)
    bed.run(SECOND)
    begin = bed.now
    bed.run(5 * SECOND)
    times = sorted({at for at, _ in feedback(maker) if at > begin})
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert 49 <= len(times) <= 101
    assert max(gaps) <= 105 * MILLISECOND
    assert min(gaps) >= 40 * MILLISECOND


def test_every_packet_is_told_once_with_its_arrival() -> None:
    bed = Bed()
    _, maker = bed.call(2, link=LinkConfig(delay=30_000, jitter=20_000))
    bed.run(10 * SECOND)
    bed.stop(maker)
    bed.run(SECOND)
    told: dict[int, int] = {}
    expected: int | None = None
    for _, packet in feedback(maker):
        for number, arrival in packet.packets:
            if expected is not None:
                assert number == expected
            expected = (number + 1) & 0xFFFF
            assert arrival is not None
            assert number not in told
            told[number] = arrival
    sent = sum(encoding.packets for sender in maker.client.senders.values() for encoding in sender.encodings)
    assert len(told) == sent
    assert {packet.number for _, packet in feedback(maker)} == {n & 0xFF for n in range(min(256, len(feedback(maker))))}


def test_arrivals_are_the_times_at_the_server() -> None:
    bed = Bed()
    _, maker = bed.call(2, link=LinkConfig(delay=30_000, jitter=20_000))
    bed.run(5 * SECOND)
    told = [arrival for _, packet in feedback(maker) for _, arrival in packet.packets if arrival is not None]
    assert len(told) > 400
    # This path keeps the order, so the nth number is the nth arrival.
    for arrival, at in zip(told, maker.arrivals, strict=False):
        assert abs((arrival - told[0]) - (at - maker.arrivals[0])) <= 500


def test_losses_are_told() -> None:
    bed = Bed()
    _, maker = bed.call(2, repair=False)
    bed.run(SECOND)
    maker.path.set(up=LinkConfig(loss=0.1))
    begin = bed.now
    bed.run(10 * SECOND)
    statuses = [arrival for at, packet in feedback(maker) if at > begin + SECOND for _, arrival in packet.packets]
    share = statuses.count(None) / len(statuses)
    assert 0.07 < share < 0.13


def test_reordered_packets_are_told_too() -> None:
    bed = Bed()
    _, maker = bed.call(2, repair=False)
    maker.path.set(up=LinkConfig(reorder=0.2, reorder_by=30_000, duplicate=0.1))
    bed.run(10 * SECOND)
    bed.stop(maker)
    bed.run(SECOND)
    told = {number for _, packet in feedback(maker) for number, arrival in packet.packets if arrival is not None}
    sent = sum(encoding.packets for sender in maker.client.senders.values() for encoding in sender.encodings)
    assert len(told) >= sent * 0.99


def test_silence_brings_no_feedback() -> None:
    bed = Bed()
    _, maker = bed.call(2)
    bed.run(2 * SECOND)
    bed.stop(maker)
    bed.run(SECOND)
    quiet = bed.now
    bed.run(5 * SECOND)
    assert [at for at, _ in feedback(maker) if at > quiet] == []


def test_feedback_goes_on_while_the_gate_is_closed() -> None:
    # The estimate must not collapse in the lobby of a browser that still sends.
    bed = Bed()
    _, maker = bed.call(2)
    bed.set_gate(maker, False)
    begin = bed.now
    bed.run(2 * SECOND)
    assert len([at for at, _ in feedback(maker) if at > begin]) >= 15
