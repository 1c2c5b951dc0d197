"""The link emulator: its figures hold, the same seed gives the same run, and the relay carries what it should."""

import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.link import Bursts, Link, LinkConfig, Steps, Trace
from benchmarks.link import Path as Way
from benchmarks.link.capacity import QUANTUM
from benchmarks.link.core import OVERHEAD
from benchmarks.link.relay import Relay
from tests.bed.bed import Bed
from tests.bed.clock import MILLISECOND, SECOND

FULL = QUANTUM - OVERHEAD
"""The payload of a packet that fills an opportunity."""


def flood(link: Link, duration: int, *, every: int, size: int = FULL) -> list[int]:
    """Arrivals of datagrams sent at that interval."""
    return [when for now in range(0, duration, every) for when in link.carry(now, size)]


def bits_per_second(arrivals: list[int], begin: int, end: int, size: int = FULL) -> float:
    return sum(begin <= when < end for when in arrivals) * (size + OVERHEAD) * 8 * SECOND / (end - begin)


@pytest.mark.parametrize("size", [FULL, 1_000, 150])
def test_a_constant_rate_holds_within_half_a_percent(size: int) -> None:
    link = Link(LinkConfig(capacity=Steps.constant(12_000_000), queue=60_000), 1)
    arrivals = flood(link, 10 * SECOND, every=90, size=size)
    assert bits_per_second(arrivals, SECOND, 10 * SECOND, size) == pytest.approx(12e6, rel=0.005)


def test_a_trace_of_one_opportunity_a_millisecond_is_twelve_megabits(tmp_path: Path) -> None:
    file = tmp_path / "12mbps.trace"
    file.write_text("\n".join(str(millisecond) for millisecond in range(1, 1001)))
    link = Link(LinkConfig(capacity=Trace.read(file), queue=60_000), 1)
    assert bits_per_second(flood(link, 10 * SECOND, every=500), SECOND, 10 * SECOND) == pytest.approx(12e6, rel=0.005)


def test_a_trace_begins_anew_and_several_opportunities_may_share_a_millisecond() -> None:
    trace = Trace((3, 3, 5, 10))
    moments, when = [], 0
    for _ in range(5):
        when, size = trace.after(when)
        moments.append((when, size))
    assert moments == [
        (3_000, 2 * QUANTUM),
        (5_000, QUANTUM),
        (10_000, QUANTUM),
        (13_000, 2 * QUANTUM),
        (15_000, QUANTUM),
    ]


@pytest.mark.parametrize("milliseconds", [(), (0,), (5, 3)])
def test_what_is_no_trace(milliseconds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="trace"):
        Trace(milliseconds)


@pytest.mark.parametrize("steps", [(), ((5, 1),), ((0, 1), (0, 2)), ((0, 1), (9, 0)), ((0, -1), (9, 1))])
def test_what_are_no_steps(steps: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match=r"steps|rates"):
        Steps(steps)


def test_steps_change_the_rate_at_their_moment() -> None:
    # RFC 8867 section 5.1, shortened; the third step is nothing at all.
    steps = ((0, 1_000_000), (10, 2_500_000), (20, 0), (25, 600_000))
    capacity = Steps(tuple((begin * SECOND, rate) for begin, rate in steps))
    arrivals = flood(Link(LinkConfig(delay=0, capacity=capacity, queue=20_000), 1), 40 * SECOND, every=4_000)
    for begin, end, rate in ((1, 10, 1e6), (11, 20, 2.5e6), (21, 25, 0), (26, 40, 0.6e6)):
        assert bits_per_second(arrivals, begin * SECOND, end * SECOND) == pytest.approx(rate, rel=0.005)


def test_a_thin_line_by_small_quanta_delays_small_packets_little() -> None:
    thin = Steps.constant(100_000, quantum=188)
    coarse = Steps.constant(100_000)
    waits = {}
    for capacity in (thin, coarse):
        link = Link(LinkConfig(delay=0, capacity=capacity), 1)
        waits[capacity] = statistics.mean(
            when - now for now in range(0, 10 * SECOND, 60 * MILLISECOND) for when in link.carry(now, 60)
        )
    assert waits[thin] < 20 * MILLISECOND
    assert waits[coarse] > 3 * waits[thin]


def test_packets_span_opportunities_and_share_them_and_what_is_unused_is_lost() -> None:
    link = Link(LinkConfig(delay=0, capacity=Steps.constant(12_032_000)), 1)  # one a millisecond
    half = QUANTUM // 2 - OVERHEAD
    assert [link.carry(100, size) for size in (half, FULL, half)] == [(1_000,), (2_000,), (2_000,)]
    # The one at 3,000 passed unused: it helps nobody at 3,500.
    assert link.carry(3_500, FULL) == (4_000,)
    assert link.carry(3_500, half) == (5_000,)


def test_the_queue_drops_at_its_tail_by_bytes() -> None:
    link = Link(LinkConfig(delay=0, capacity=Steps.constant(12_032_000), queue=3 * QUANTUM), 1)
    assert [len(link.carry(100, FULL)) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert link.queued(100) == 3 * QUANTUM
    assert link.carry(100, 1) == ()
    # One has left: there is room for one.
    assert link.carry(1_000, FULL) == (4_000,)
    assert link.carry(1_000, 1) == ()


def test_loss_one_by_one_and_in_bursts() -> None:
    count = 100_000
    bursts = Bursts(to_bad=0.01, to_good=0.2, lost_in_bad=0.9, lost_in_good=0.001)
    single = [not Link.carry(link, now, 100) for link in [Link(LinkConfig(loss=0.05), 3)] for now in range(count)]
    burst = [not Link.carry(link, now, 100) for link in [Link(LinkConfig(loss=bursts), 3)] for now in range(count)]
    in_bad = 0.01 / 0.21
    assert sum(single) / count == pytest.approx(0.05, rel=0.05)
    assert sum(burst) / count == pytest.approx(in_bad * 0.9 + (1 - in_bad) * 0.001, rel=0.05)
    assert _mean_run(single) == pytest.approx(1 / 0.95, rel=0.05)
    assert _mean_run(burst) > 2.5


def test_jitter_keeps_the_order_and_reordering_breaks_it_as_often_as_asked() -> None:
    steady = flood(Link(LinkConfig(jitter=30_000), 1), 10 * SECOND, every=1_000)
    assert steady == sorted(steady)
    delays = [when - now for now, when in zip(range(0, 10 * SECOND, 1_000), steady, strict=True)]
    assert 10_000 <= min(delays) < max(delays) <= 40_000
    held = flood(Link(LinkConfig(reorder=0.1, reorder_by=25_000), 1), 10 * SECOND, every=1_000)
    late = sum(when - now == 35_000 for now, when in zip(range(0, 10 * SECOND, 1_000), held, strict=True))
    assert late / len(held) == pytest.approx(0.1, rel=0.1)


def test_duplicates() -> None:
    arrivals = flood(Link(LinkConfig(duplicate=0.1), 1), 10 * SECOND, every=1_000)
    assert len(arrivals) / 10_000 == pytest.approx(1.1, rel=0.02)


def test_outages_by_plan_and_by_hand() -> None:
    link = Link(LinkConfig(delay=0, outages=((1_000, 2_000),)), 1)
    assert [link.carry(now, 100) for now in (999, 1_000, 1_999, 2_000)] == [(999,), (), (), (2_000,)]
    way = Way.of(LinkConfig(delay=0), 1)
    way.cut()
    assert (way.up.carry(5, 100), way.down.carry(5, 100)) == ((), ())
    way.cut(False)
    assert (way.up.carry(5, 100), way.down.carry(5, 100)) == ((5,), (5,))


def test_a_change_of_one_share_leaves_the_others_fates() -> None:
    without = Link(LinkConfig(reorder=0.2, duplicate=0.2), 5)
    also_lossy = Link(LinkConfig(reorder=0.2, duplicate=0.2, loss=Bursts(0.02, 0.2)), 5)
    for now in range(0, SECOND, 100):
        kept, perhaps = without.carry(now, 100), also_lossy.carry(now, 100)
        assert perhaps in (kept, ())


def test_the_same_seed_gives_the_same_run_of_the_whole_bed() -> None:
    """Two people through the real engine over a bad line, every datagram noted."""

    def run(seed: int) -> list[tuple[int, object, bytes]]:
        bed = Bed(seed)
        line = LinkConfig(
            capacity=Steps.constant(1_000_000),
            queue=30_000,
            loss=Bursts(0.02, 0.3),
            jitter=10_000,
            reorder=0.02,
            duplicate=0.02,
            outages=((1_001 * SECOND, 1_001 * SECOND + 200_000),),
        )
        people = bed.call(2, link=line)
        bed.run(3 * SECOND)
        return [sent for person in people for sent in person.sent_to]

    first = run(7)
    assert len(first) > 200
    assert first == run(7)
    assert first != run(8)


# The relay

_PATIENCE_S = 10.0


def _port(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def _open() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.settimeout(_PATIENCE_S)
    return opened


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with _open() as opened:
        yield opened


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with _open() as opened:
        yield opened


def test_the_relay_carries_both_ways_and_keeps_clients_apart(server: socket.socket, client: socket.socket) -> None:
    with Relay(server.getsockname(), LinkConfig(delay=1_000)) as relay, _open() as other:
        for index, one in enumerate((client, other)):
            one.sendto(b"from %d" % index, relay.address)
            data, source = server.recvfrom(100)
            assert data == b"from %d" % index
            assert source == ("127.0.0.1", relay.flow(_port(one)).ports[-1])
            server.sendto(b"to %d" % index, source)
            assert one.recvfrom(100) == (b"to %d" % index, relay.address)
        assert [flow.client[1] for flow in relay.flows()] == [_port(client), _port(other)]


def test_the_relay_delays_by_what_it_is_told(server: socket.socket, client: socket.socket) -> None:
    with Relay(server.getsockname(), LinkConfig(delay=30_000)) as relay:
        for count in range(1, 11):
            begun = time.monotonic()
            client.sendto(b"x", relay.address)
            server.recvfrom(100)
            assert time.monotonic() - begun >= 0.03
            assert len(relay.late) == count


def test_an_outage_in_the_relay_ends_and_holds_for_newcomers(server: socket.socket, client: socket.socket) -> None:
    with Relay(server.getsockname(), LinkConfig(delay=0)) as relay, _open() as late:
        client.sendto(b"before", relay.address)
        assert server.recvfrom(100)[0] == b"before"
        relay.cut()
        client.sendto(b"lost", relay.address)
        late.sendto(b"lost too", relay.address)
        while len(relay.flows()) < 2:
            pass
        relay.cut(False)
        client.sendto(b"after", relay.address)
        assert server.recvfrom(100)[0] == b"after"


def test_rebinding_changes_the_port_that_the_server_sees(server: socket.socket, client: socket.socket) -> None:
    with Relay(server.getsockname(), LinkConfig(delay=0)) as relay:
        client.sendto(b"one", relay.address)
        old = server.recvfrom(100)[1]
        flow = relay.flow(_port(client))
        relay.rebind(flow)
        server.sendto(b"to the old port", old)
        client.sendto(b"two", relay.address)
        data, new = server.recvfrom(100)
        assert data == b"two"
        assert new != old
        assert flow.ports == [old[1], new[1]]
        server.sendto(b"to the new port", new)
        assert client.recvfrom(100)[0] == b"to the new port"


def _mean_run(lost: list[bool]) -> float:
    runs, length = [], 0
    for item in [*lost, False]:
        if item:
            length += 1
        elif length:
            runs.append(length)
            length = 0
    return statistics.mean(runs)
