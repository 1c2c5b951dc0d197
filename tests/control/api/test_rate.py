"""How much one may ask: the session's own share first, then the address's; bounded tables."""

from ipaddress import ip_address

import pytest

from control.api.config import ApiConfig
from control.api.errors import RateLimitedError
from control.api.rate import Buckets, RateLimits
from tests.control.api.toy import BEARER, Client, Toy, log_in, running

SLOW = ApiConfig(session_rate=0.5, session_burst=3, address_rate=0.5, address_burst=4)


async def statuses(client: Client, count: int, headers: dict[str, str]) -> list[int]:
    found = []
    for _ in range(count):
        async with client.get("/api/v1/things", headers=headers) as response:
            found.append(response.status)
            if response.status == 429:
                assert (await response.json())["code"] == "rate_limited"
                assert response.headers["Retry-After"] == "2"
    return found


async def test_one_session_that_asks_too_much_slows_nobody_else(toy: Toy) -> None:
    async with running(toy, SLOW) as client:
        one, other = await log_in(client), await log_in(client)
        assert await statuses(client, 5, one) == [200, 200, 200, 429, 429]
        assert await statuses(client, 3, other) == [200, 200, 200]
        assert await statuses(client, 3, BEARER) == [200, 200, 200]
        toy.ticks += 2
        assert await statuses(client, 2, one) == [200, 429]


async def test_an_address_that_floods_shuts_out_strangers_and_no_session(toy: Toy) -> None:
    async with running(toy, SLOW) as client:
        headers = await log_in(client)
        assert await statuses(client, 4, {}) == [401, 401, 401, 429]
        assert await statuses(client, 1, {"Authorization": "Bearer " + "x" * 40}) == [429]
        assert await statuses(client, 1, headers) == [200]
        # What a proxy of ours tells is another address; its own table entry is full.
        assert await statuses(client, 1, {"X-Forwarded-For": "192.0.2.1"}) == [401]


def test_a_bucket_fills_at_its_rate_up_to_its_burst() -> None:
    buckets = Buckets(rate=2.0, burst=3)
    assert [buckets.take(b"a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert [buckets.take(b"a", 0.5) for _ in range(2)] == [0, 0.5]
    assert [buckets.take(b"a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_the_table_is_bounded_and_forgets_who_was_longest_away() -> None:
    buckets = Buckets(rate=1.0, burst=1, size=10)
    for number in range(1000):
        buckets.take(str(number).encode(), 0.0)
    assert len(buckets) == 10
    assert buckets.take(b"999", 0.0) > 0


def test_one_network_of_ipv6_is_one_address() -> None:
    limits = RateLimits(ApiConfig(address_rate=1, address_burst=1), lambda: 0.0)
    limits.count_unknown(ip_address("2001:db8::1"))
    limits.count_unknown(ip_address("2001:db8:0:1::1"))
    limits.count_unknown(None)
    for address in (ip_address("2001:db8::2"), None):
        with pytest.raises(RateLimitedError):
            limits.count_unknown(address)
