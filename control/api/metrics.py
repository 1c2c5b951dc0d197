"""`/metrics` for Prometheus: numbers of node, signalling and event loop, read when they are asked for.

No label holds a name, an identifier or an address; all come from closed sets. docs/operations.md explains every metric.
"""

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import IPv6Address, ip_address
from math import isinf
from typing import Final, TypeVar

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from control.errors import MetricsForbiddenError
from sfu.stats import Direction, Distribution, NodeStatistics
from signalling.stats import SignallingStatistics

_DIRECTIONS: Final[tuple[Direction, ...]] = ("received", "sent")
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_BEARER: Final = "Bearer "
_Label = TypeVar("_Label", bound=str)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Everything that is told, at one moment."""

    node: NodeStatistics
    signalling: SignallingStatistics
    lag: Distribution
    """By how much ticks of the event loop were late."""
    is_ready: bool


def add_metrics_route(
    app: web.Application, read: Callable[[], Numbers], *, token: str | None, behind_proxy: bool
) -> None:
    """Adds `/metrics`. Without a token only this host itself may read it, and nobody at all through a proxy."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Translation(read))

    async def metrics(request: web.Request) -> web.Response:
        if not may_read(
            request.headers,
            peer=None if request.transport is None else request.transport.get_extra_info("peername"),
            token=token,
            behind_proxy=behind_proxy,
        ):
            raise MetricsForbiddenError("metrics are for this host itself, or for who brings metrics.token as bearer")
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
        return web.Response(body=encode(registry), headers=headers)

    app.router.add_get("/metrics", metrics)


def may_read(headers: Mapping[str, str], *, peer: object, token: str | None, behind_proxy: bool) -> bool:
    """Whether who asks may know the numbers. A proxy's requests come from its own address, which proves nothing."""
    if token is not None:
        given = headers.get("Authorization", "")
        return given.startswith(_BEARER) and hmac.compare_digest(given.removeprefix(_BEARER).encode(), token.encode())
    if behind_proxy or any(name in headers for name in _FORWARDED):
        return False
    return _is_loopback(peer)


def _is_loopback(peer: object) -> bool:
    match peer:
        case (str(host), *_):
            address = ip_address(host.partition("%")[0])
            mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
            return (mapped or address).is_loopback
        case _:
            return False


class _Translation(Collector):
    """Reads the numbers anew at each scrape: nothing is counted twice, nothing is kept here."""

    def __init__(self, read: Callable[[], Numbers]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        """Nothing is read before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        numbers = self._read()
        yield InfoMetricFamily("venterom_build", "The version that runs.", {"version": version("venterom")})
        yield _gauge("ready", "1 while people are taken, as /readyz says.", numbers.is_ready)
        yield _histogram("event_loop_lag_seconds", "By how much ticks of the event loop come late.", numbers.lag)
        yield from _signalling(numbers.signalling)
        yield from _transports(numbers.node)
        yield from _media(numbers.node)


def _signalling(numbers: SignallingStatistics) -> Iterator[Metric]:
    people = numbers.people
    rooms = {"occupied": people.rooms, "empty": people.empty_rooms}
    yield _gauges("rooms", "Rooms that have not ended.", "state", rooms)
    yield _gauges("participants", "People in rooms and lobbies.", "state", people.participants)
    sockets = {"joined": numbers.joined, "waiting": numbers.waiting}
    yield _gauges("websockets", "Open WebSockets; those that wait have yet to join.", "state", sockets)
    yield _counter("websockets_opened", "WebSockets opened.", numbers.opened)
    yield _counter("websockets_gave_way", "WebSockets closed unjoined, for newer ones.", numbers.gave_way)
    yield _counters("websockets_refused", "WebSockets refused before they opened.", "code", numbers.turned_away)
    yield _histogram("join_seconds", "From a join to the answer that lets in.", numbers.joins)
    yield _counters("joins_refused", "Joins refused.", "code", numbers.refused_joins)
    yield _gauge("journal_healthy", "0 while the disk takes no journal, and nobody is let in.", numbers.journal_healthy)
    yield _histogram("journal_write_seconds", "How long journal records take to be on disk.", numbers.journal_writes)
    yield _gauge("events_untold", "Events of rooms that control has yet to take.", numbers.events_untold)


def _transports(numbers: NodeStatistics) -> Iterator[Metric]:
    states = {"connected": numbers.connected, "unconnected": numbers.transports - numbers.connected}
    yield _gauges("transports", "Media transports.", "state", states)
    yield _histogram("handshake_seconds", "DTLS handshakes, from the first datagram to the keys.", numbers.handshakes)
    yield _counters("handshakes_failed", "DTLS handshakes that failed.", "code", numbers.failed_handshakes)


def _media(numbers: NodeStatistics) -> Iterator[Metric]:
    wire = numbers.wire
    counted = wire.counters
    packets = CounterMetricFamily("venterom_media_packets", "Datagrams of media.", labels=("direction", "kind"))
    octets = CounterMetricFamily("venterom_media_bytes", "UDP payload of media.", labels=("direction", "kind"))
    for direction in _DIRECTIONS:
        for kind, traffic in wire.traffic(direction).items():
            packets.add_metric((direction, kind), traffic.datagrams)
            octets.add_metric((direction, kind), traffic.bytes)
    yield packets
    yield octets
    yield _counters("media_dropped_packets", "Packets received and not passed on.", "reason", wire.drops())
    yield _counter("media_withdrawn_packets", "Packets taken back when a gate closed.", counted["rtp_withdrawn"])
    yield _counter("media_send_errors", "Datagrams that the system did not take.", counted["send_errors"])
    yield _counter("retransmissions_sent", "Packets sent to viewers again.", counted["rtx_sent"])
    yield _counter("retransmissions_missed", "Packets asked for again and gone.", counted["rtx_missed"])
    yield _counter("retransmissions_recovered", "Lost packets that publishers repeated.", counted["rtx_recovered"])
    yield _counter("retransmissions_requested", "Packets asked again of publishers.", counted["nacks_sent"])
    streams = {event: counted[f"tcp_{event}"] for event in ("accepted", "refused", "closed")}
    yield _counters("media_tcp_connections", "TCP connections on media ports.", "event", streams)
    yield _counter("media_tcp_dropped_packets", "Packets that slow TCP connections lost.", counted["tcp_dropped"])
    keyframes = {direction: counted[f"keyframe_requests_{direction}"] for direction in _DIRECTIONS}
    yield _counters("keyframe_requests", "Requests for a keyframe.", "direction", keyframes)
    yield _counter("media_thread_wakeups", "Times the media thread woke.", counted["wakeups"])
    yield _counter("media_thread_cpu_seconds", "CPU time of the media thread.", wire.cpu)
    yield _gauge("media_thread_priority_raised", "1 where the system raised its priority.", numbers.raised_priority)
    yield _gauge("media_history_bytes", "Payload kept to repeat it.", wire.history_bytes)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"venterom_{name}", meaning, value)


def _gauges(name: str, meaning: str, label: str, values: Mapping[_Label, float]) -> Metric:
    family = GaugeMetricFamily(f"venterom_{name}", meaning, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(f"venterom_{name}", meaning, value)


def _counters(name: str, meaning: str, label: str, values: Mapping[_Label, float]) -> Metric:
    family = CounterMetricFamily(f"venterom_{name}", meaning, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _histogram(name: str, meaning: str, read: Distribution) -> Metric:
    buckets = [("+Inf" if isinf(bound) else repr(bound), count) for bound, count in read.buckets]
    return HistogramMetricFamily(f"venterom_{name}", meaning, buckets, read.total)
