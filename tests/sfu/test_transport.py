"""A transport's handshake: real DTLS on both sides, real threads where they matter, and time by hand."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from sfu import dtls
from sfu.commands import Command, SendDtls, SetKeys
from sfu.dtls import Certificate, Closed, Connected, Failed, Handshake
from sfu.errors import DTLS_CODES, DtlsError
from sfu.plane import Snapshot
from sfu.stats import WireStatistics
from sfu.transport import Outcome, Transport
from tests.sfu.inline import Inline

CERTIFICATE = Certificate.generate(lambda: 1_767_268_800.0)
OTHER = Certificate.generate(lambda: 1_767_268_800.0)


def fingerprints(certificate: Certificate) -> list[tuple[str, str]]:
    algorithm, value = certificate.fingerprint.split(" ")
    return [(algorithm, value)]


@dataclass
class Commands:
    """A plane that only remembers."""

    port: int = 7882
    tcp_ports: tuple[int, ...] = ()
    applied: list[Command] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def apply(self, command: Command) -> None:
        self.applied.append(command)
        self.changed.set()

    def snapshot(self) -> Snapshot:
        raise NotImplementedError

    def statistics(self) -> WireStatistics:
        raise NotImplementedError

    def sent(self) -> list[bytes]:
        """Drained."""
        sent = [datagram for item in self.applied if isinstance(item, SendDtls) for datagram in item.datagrams]
        self.applied = [item for item in self.applied if not isinstance(item, SendDtls)]
        return sent


@dataclass
class Alarm:
    at: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """Time by hand, and timers on it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.alarms: list[Alarm] = []

    def __call__(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Alarm:
        self.alarms.append(Alarm(self.now + delay, callback))
        return self.alarms[-1]

    def due(self) -> list[Alarm]:
        return sorted((alarm for alarm in self.alarms if not alarm.cancelled), key=lambda alarm: alarm.at)

    async def advance_to_next(self) -> float:
        """To the next alarm; how long that took."""
        alarm = self.due()[0]
        self.alarms.remove(alarm)
        passed, self.now = alarm.at - self.now, alarm.at
        alarm.callback()
        await settled()
        return passed


async def settled() -> None:
    """Until what an inline executor has done came back to the loop."""
    for _ in range(5):
        await asyncio.sleep(0)


class Bench:
    """A transport, its plane and clock, and a client."""

    def __init__(self, executor: Executor, *, expects: Certificate = OTHER) -> None:
        self.plane = Commands()
        self.clock = FakeClock()
        self.outcomes: list[Outcome] = []
        self.heard = asyncio.Event()
        self.handshake = Handshake(CERTIFICATE, fingerprints(expects), now=self.clock())
        self.transport = Transport(
            7, self.plane, self.handshake, self._tell, executor, self.clock, self.clock.call_later
        )
        self.client = Handshake(OTHER, fingerprints(CERTIFICATE), server=False, now=self.clock())
        self.thread: int | None = None

    def _tell(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.thread = threading.get_ident()
        self.heard.set()

    async def up(self, keep: Callable[[bytes], bool] = lambda _: True) -> None:
        """Carry what the client has to say."""
        for datagram in self.client.transmits():
            if keep(datagram):
                self.transport.receive(datagram)
        await settled()

    def down(self) -> int:
        """Carry what the transport has to say."""
        sent = self.plane.sent()
        for datagram in sent:
            self.client.receive(self.clock(), datagram)
        return len(sent)

    async def connect(self) -> None:
        while not isinstance(self.client.state, Connected):
            await self.up()
            self.down()
        await settled()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench(Inline())
    yield bench
    bench.transport.close()


def keys_of(client: Handshake) -> dtls.SrtpKeys:
    assert isinstance(client.state, Connected)
    return client.state.keys


async def test_the_wire_has_the_keys_before_anybody_hears_of_it(bench: Bench) -> None:
    wired: list[list[Command]] = []
    bench.transport.tell = lambda outcome: wired.append(list(bench.plane.applied))
    await bench.connect()
    keys = keys_of(bench.client)
    (at_that_time,) = wired
    assert [item for item in at_that_time if isinstance(item, SetKeys)] == [
        SetKeys(7, keys.profile, local=keys.remote, remote=keys.local)
    ]


async def test_one_outcome_and_no_timer_once_it_stands(bench: Bench) -> None:
    await bench.up()
    bench.down()
    last_flight = bench.client.transmits()
    for _ in range(3):
        bench.clock.now += 1
        for datagram in last_flight:
            bench.transport.receive(datagram)
            await settled()
    assert sum(isinstance(command, SetKeys) for command in bench.plane.applied) == 1
    assert [type(outcome) for outcome in bench.outcomes] == [Connected]
    assert bench.clock.due() == []


@pytest.mark.parametrize("lost", range(4))
async def test_a_lost_flight_comes_again_by_our_timer(bench: Bench, lost: int) -> None:
    """The server's first flight is lost that many times; the client never repeats its own."""
    await bench.up()
    waits = []
    for _ in range(lost):
        assert bench.plane.sent()
        waits.append(await bench.clock.advance_to_next())
    assert waits == pytest.approx([0.25, 0.5, 1.0][:lost])
    assert bench.down()
    await bench.connect()
    assert [type(outcome) for outcome in bench.outcomes] == [Connected]


async def test_a_lost_answer_of_the_client_is_waited_for(bench: Bench) -> None:
    await bench.up()
    bench.down()
    bench.client.transmits()
    await bench.clock.advance_to_next()
    assert bench.down(), "our flight once more"
    bench.clock.now += 1
    bench.client.handle_timeout(bench.clock())
    await bench.connect()
    assert [type(outcome) for outcome in bench.outcomes] == [Connected]


async def test_a_silent_client_is_out_of_time(bench: Bench) -> None:
    await bench.up()
    while bench.clock.due():
        await bench.clock.advance_to_next()
    assert bench.outcomes == [Failed("dtls_timeout")]
    assert bench.clock.now == pytest.approx(100.0 + dtls.HANDSHAKE_TIMEOUT)


async def test_another_certificate_fails_by_its_code_and_the_client_hears_it() -> None:
    bench = Bench(Inline(), expects=CERTIFICATE)
    with pytest.raises(DtlsError):
        await bench.connect()
    assert bench.outcomes == [Failed("dtls_fingerprint")]
    assert isinstance(bench.client.state, Failed)
    assert not any(isinstance(command, SetKeys) for command in bench.plane.applied)


async def test_a_flood_fails_by_its_code(bench: Bench) -> None:
    await bench.up()
    hello = Handshake(OTHER, fingerprints(CERTIFICATE), server=False, now=0.0).transmits()[0]
    for _ in range(dtls.MAX_DATAGRAMS):
        bench.transport.receive(hello)
        await settled()
    assert bench.outcomes == [Failed("dtls_flood")]


async def test_the_browsers_close_is_told_once(bench: Bench) -> None:
    await bench.connect()
    bench.client.close()
    await bench.up()
    bench.transport.receive(b"\x16\xfe\xfd" + bytes(10))
    await settled()
    assert [type(outcome) for outcome in bench.outcomes] == [Connected, Closed]
    assert bench.clock.due() == []


async def test_a_closed_transport_says_and_does_nothing_more(bench: Bench) -> None:
    await bench.up()
    bench.plane.sent()
    bench.transport.close()
    bench.transport.receive(b"\x16\xfe\xfd" + bytes(10))
    await settled()
    assert bench.plane.applied == []
    assert bench.outcomes == []
    assert bench.clock.due() == []


async def test_closing_from_within_the_news_is_safe(bench: Bench) -> None:
    bench.transport.tell = lambda _: bench.transport.close()
    await bench.connect()
    assert bench.clock.due() == []


# What is not the peer's fault


@pytest.fixture
async def complaints() -> AsyncIterator[list[dict[str, Any]]]:
    """What reached the loop's handler of exceptions."""
    found: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: found.append(context))
    yield found
    loop.set_exception_handler(None)


class Broken:
    """OpenSSL in a state that nobody thought of."""

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake

    def receive(self, now: float, datagram: bytes) -> None:
        raise ZeroDivisionError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handshake, name)


async def test_an_unforeseen_failure_is_told_and_logged(bench: Bench, complaints: list[dict[str, Any]]) -> None:
    bench.transport.handshake = Broken(bench.handshake)  # type: ignore[assignment]
    await bench.up()
    assert bench.outcomes == [Failed("dtls_internal")]
    assert "dtls_internal" in DTLS_CODES
    assert [type(item["exception"]) for item in complaints] == [ZeroDivisionError]


async def test_an_unforeseen_failure_does_not_end_a_call(bench: Bench, complaints: list[dict[str, Any]]) -> None:
    await bench.connect()
    bench.transport.handshake = Broken(bench.handshake)  # type: ignore[assignment]
    bench.transport.receive(b"\x15")
    await settled()
    assert [type(outcome) for outcome in bench.outcomes] == [Connected]
    assert len(complaints) == 1


async def test_an_executor_that_takes_no_more(complaints: list[dict[str, Any]]) -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    bench = Bench(executor)
    await bench.up()
    assert bench.outcomes == [Failed("dtls_internal")]
    assert len(complaints) == 1


async def test_an_executor_that_ends_with_a_step_in_its_queue(complaints: list[dict[str, Any]]) -> None:
    executor = ThreadPoolExecutor(1)
    gate = threading.Event()
    executor.submit(gate.wait)
    bench = Bench(executor)
    await bench.up()
    executor.shutdown(wait=False, cancel_futures=True)
    gate.set()
    await asyncio.wait_for(bench.heard.wait(), 10)
    assert bench.outcomes == [Failed("dtls_internal")]
    assert len(complaints) == 1


async def test_a_step_that_ends_after_the_close_is_nobodys(complaints: list[dict[str, Any]]) -> None:
    executor = Inline()
    executor.busy = True
    bench = Bench(executor)
    bench.transport.handshake = Broken(bench.handshake)  # type: ignore[assignment]
    await bench.up()
    bench.transport.close()
    executor.release()
    await settled()
    assert (bench.outcomes, complaints) == ([], [])


# Threads and bounds


async def test_steps_run_on_another_thread_and_come_back_on_the_loops() -> None:
    threads: set[int] = set()

    class Watched(Handshake):
        def receive(self, now: float, datagram: bytes) -> None:
            threads.add(threading.get_ident())
            super().receive(now, datagram)

    with ThreadPoolExecutor(2) as executor:
        bench = Bench(executor)
        bench.transport.handshake = Watched(CERTIFICATE, fingerprints(OTHER), now=bench.clock())
        while not bench.heard.is_set():
            bench.plane.changed.clear()
            await bench.up()
            await asyncio.wait_for(bench.plane.changed.wait(), 10)
            bench.down()
        bench.transport.close()
    assert threads
    assert threading.get_ident() not in threads
    assert bench.thread == threading.get_ident()


async def test_one_step_at_a_time_and_what_waits_is_bounded() -> None:
    batches: list[int] = []
    executor = Inline()
    bench = Bench(executor)
    executor.busy = True

    class Counting(Handshake):
        def receive(self, now: float, datagram: bytes) -> None:
            batches.append(len(datagram))

    bench.transport.handshake = Counting(CERTIFICATE, fingerprints(OTHER), now=bench.clock())
    for _ in range(1000):
        bench.transport.receive(b"x")
    executor.release()
    assert batches == [1], "the first alone: the others wait for it"
    executor.busy = False
    await settled()
    assert len(batches) == 1 + 64
    batches.clear()
    executor.busy = True
    for _ in range(60):
        bench.transport.receive(bytes(60_000))
    executor.release()
    executor.busy = False
    await settled()
    assert sum(batches) <= 60_000 + dtls.MAX_BYTES
    assert len(batches) == 3
