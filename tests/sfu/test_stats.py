"""Counting: durations by size, codes out of a known set, and the wire's datagrams by what they are."""

import math

import pytest

from sfu.config import MediaConfig
from sfu.plane import VirtualPlane
from sfu.stats import CONTENTS, OTHER, Histogram, Tally, Traffic, doubling

SERVER, CLIENT = ("127.0.0.1", 7882), ("127.0.0.1", 50_000)


def test_bounds_double() -> None:
    assert tuple(doubling(0.25, 2.0)) == (0.25, 0.5, 1.0, 2.0)
    assert tuple(doubling(1.0, 0.5)) == ()


def test_a_duration_counts_at_its_bound_and_in_all_above() -> None:
    histogram = Histogram((0.1, 0.2, 0.4))
    for seconds in (0.0, 0.1, 0.11, 0.4, 7.0):
        histogram.observe(seconds)
    read = histogram.read()
    assert read.buckets == ((0.1, 2), (0.2, 3), (0.4, 4), (math.inf, 5))
    assert read.count == 5
    assert read.total == pytest.approx(7.61)
    histogram.observe(0.0)
    assert read.count == 5  # what was read stays as it was


def test_codes_nobody_knows_count_as_the_last() -> None:
    tally = Tally(("one", "two", "rest"))
    for code in ("two", "two", "three", "Kari Nordmann"):
        tally.add(code)
    assert tally.read() == {"one": 0, "two": 2, "rest": 2}


def test_whatever_a_stranger_sends_is_other_save_what_looks_like_stun() -> None:
    plane = VirtualPlane(MediaConfig())
    stun_like = bytes.fromhex("0001 0000 2112a442") + bytes(12)
    for datagram in (b"", b"\xff", bytes([22, 254, 253]) + bytes(20), bytes([128, 96]) + bytes(30), stun_like):
        plane.receive(0, SERVER, CLIENT, datagram)
    statistics = plane.statistics()
    received = statistics.traffic("received")
    assert received == dict.fromkeys(CONTENTS, Traffic(0, 0)) | {
        "stun": Traffic(1, 20),
        OTHER: Traffic(4, 0 + 1 + 23 + 32),
    }
    assert statistics.traffic("sent") == dict.fromkeys((*CONTENTS, OTHER), Traffic(0, 0))
    drops = statistics.drops()
    assert {reason: count for reason, count in drops.items() if count} == {"unknown": 2, "unvalidated": 2, "stun": 1}
