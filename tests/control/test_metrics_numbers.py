"""`/metrics` number by number: each field that is counted has a value of its own, and each sample must show its own."""

from collections.abc import Iterator
from importlib.metadata import version

from aiohttp import ClientSession, web
from prometheus_client.parser import text_string_to_metric_families

from control.api.metrics import Numbers, add_metrics_route
from sfu import _wire
from sfu.stats import Distribution, NodeStatistics, WireStatistics
from signalling.stats import People, SignallingStatistics

Samples = dict[tuple[str, ...], float]

_BUCKETS = ((0.001, 1), (0.25, 3), (float("inf"), 7))

# Far apart, so that the rest of the datagrams is still positive and no sum is another's number.
_COUNTERS = {name: 1_000 + 7 * place for place, name in enumerate(_wire.COUNTERS)} | {
    "datagrams_received": 1_000_003,
    "bytes_received": 2_000_003,
    "datagrams_sent": 3_000_017,
    "bytes_sent": 4_000_037,
}


def distribution(total: float, shift: int) -> Distribution:
    """One that no other is equal to."""
    return Distribution(tuple((bound, found + shift) for bound, found in _BUCKETS), total)


NUMBERS = Numbers(
    node=NodeStatistics(
        wire=WireStatistics(_COUNTERS, history_bytes=51, cpu=52.5),
        raised_priority=True,
        transports=60,
        connected=53,
        handshakes=distribution(54.5, 400),
        failed_handshakes={"dtls_timeout": 55, "dtls_fingerprint": 56},
    ),
    signalling=SignallingStatistics(
        people=People(61, 62, {"lobby": 63, "admitted": 64, "held": 65, "reconnecting": 66}),
        joined=67,
        waiting=68,
        opened=69,
        gave_way=79,
        turned_away={"origin_forbidden": 70, "shutting_down": 71},
        joins=distribution(72.5, 500),
        refused_joins={"grant_invalid": 73, "seat_dead": 74},
        journal_healthy=False,
        journal_writes=distribution(75.5, 600),
        events_untold=76,
    ),
    lag=distribution(77.5, 700),
    is_ready=False,
)


def _histogram(name: str, total: float, shift: int) -> Samples:
    bounds = {"0.001": 1, "0.25": 3, "+Inf": 7}
    found: Samples = {(f"{name}_bucket", bound): value + shift for bound, value in bounds.items()}
    return found | {(f"{name}_count",): 7 + shift, (f"{name}_sum",): total}


def _wire_samples() -> Iterator[tuple[tuple[str, ...], float]]:
    """By the wire's own names, as they are written."""
    kinds = ("stun", "dtls", "rtcp", "audio", "video", "repair")
    for direction in ("received", "sent"):
        for octets, name in (("", "packets"), ("bytes_", "bytes")):
            values = {kind: _COUNTERS[f"{kind}_{octets}{direction}"] for kind in kinds}
            total = _COUNTERS[f"{octets or 'datagrams_'}{direction}"]
            for kind, value in (values | {"other": total - sum(values.values())}).items():
                yield (f"media_{name}_total", direction, kind), value
    for reason in (
        "unknown", "stun", "unvalidated", "dtls", "no_keys", "malformed",
        "auth", "replay", "unknown_stream", "gate", "codec", "old",
    ):  # fmt: skip
        yield ("media_dropped_packets_total", reason), _COUNTERS[f"dropped_{reason}"]
    yield ("media_withdrawn_packets_total",), _COUNTERS["rtp_withdrawn"]
    yield ("media_send_errors_total",), _COUNTERS["send_errors"]
    yield ("retransmissions_sent_total",), _COUNTERS["rtx_sent"]
    yield ("retransmissions_missed_total",), _COUNTERS["rtx_missed"]
    yield ("retransmissions_recovered_total",), _COUNTERS["rtx_recovered"]
    yield ("retransmissions_requested_total",), _COUNTERS["nacks_sent"]
    yield ("keyframe_requests_total", "received"), _COUNTERS["keyframe_requests_received"]
    yield ("keyframe_requests_total", "sent"), _COUNTERS["keyframe_requests_sent"]
    for event in ("accepted", "refused", "closed"):
        yield ("media_tcp_connections_total", event), _COUNTERS[f"tcp_{event}"]
    yield ("media_tcp_dropped_packets_total",), _COUNTERS["tcp_dropped"]
    yield ("media_thread_wakeups_total",), _COUNTERS["wakeups"]


EXPECTED: Samples = {
    ("build_info", version("venterom")): 1,
    ("ready",): 0,
    **_histogram("event_loop_lag_seconds", 77.5, 700),
    ("rooms", "occupied"): 61,
    ("rooms", "empty"): 62,
    ("participants", "lobby"): 63,
    ("participants", "admitted"): 64,
    ("participants", "held"): 65,
    ("participants", "reconnecting"): 66,
    ("websockets", "joined"): 67,
    ("websockets", "waiting"): 68,
    ("websockets_opened_total",): 69,
    ("websockets_gave_way_total",): 79,
    ("websockets_refused_total", "origin_forbidden"): 70,
    ("websockets_refused_total", "shutting_down"): 71,
    **_histogram("join_seconds", 72.5, 500),
    ("joins_refused_total", "grant_invalid"): 73,
    ("joins_refused_total", "seat_dead"): 74,
    ("journal_healthy",): 0,
    **_histogram("journal_write_seconds", 75.5, 600),
    ("events_untold",): 76,
    ("transports", "connected"): 53,
    ("transports", "unconnected"): 7,
    **_histogram("handshake_seconds", 54.5, 400),
    ("handshakes_failed_total", "dtls_timeout"): 55,
    ("handshakes_failed_total", "dtls_fingerprint"): 56,
    **dict(_wire_samples()),
    ("media_thread_cpu_seconds_total",): 52.5,
    ("media_thread_priority_raised",): 1,
    ("media_history_bytes",): 51,
}


async def test_every_sample_shows_its_own_number() -> None:
    app = web.Application()
    add_metrics_route(app, lambda: NUMBERS, token=None, behind_proxy=False)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with ClientSession() as http, http.get(f"http://{host}:{port}/metrics") as response:
            text = await response.text()
    finally:
        await runner.cleanup()
    found: Samples = {
        (sample.name.removeprefix("venterom_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        if family.name.startswith("venterom_")
        for sample in family.samples
    }
    assert found == EXPECTED


def test_no_two_numbers_are_equal() -> None:
    """Else one could stand for the other; what is 0 or 1 apart."""
    values = sorted(value for value in EXPECTED.values() if value > 1)
    counts = [(f"{name}_bucket", "+Inf") for name in ("join_seconds", "journal_write_seconds")]
    counts += [(f"{name}_bucket", "+Inf") for name in ("event_loop_lag_seconds", "handshake_seconds")]
    for sample in counts:
        values.remove(EXPECTED[sample])  # equal to the histogram's count
    assert len(set(values)) == len(values)


def test_the_wire_counts_nothing_that_is_not_looked_at() -> None:
    """A drop's reason that is new needs its line above, and in docs/operations.md."""
    reasons = {name.removeprefix("dropped_") for name in _wire.COUNTERS if name.startswith("dropped_")}
    assert reasons == {
        reason for name, *labels in EXPECTED if name == "media_dropped_packets_total" for reason in labels
    }
