"""Limits: per principal, per address, for everybody, and for those who fail."""

import asyncio
from collections.abc import Callable

import httpx
import limits
import pytest
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from ossferry.app import create_app
from ossferry.errors import TooManyError
from ossferry.rate_memory import CounterMemory
from ossferry.rates import Counter, Rates, address_key
from ossferry.settings import Settings
from support.app_client import app_client
from support.server_fakes import FakeClock, FakeSts


class Seconds:
    """A monotonic clock that only a test moves."""

    def __init__(self) -> None:
        self.now = 6000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def make_client(
    make_settings: Callable[..., Settings], sts: FakeSts, clock: FakeClock, seconds: Seconds
) -> Callable[..., httpx.Client]:
    """Makes a client of a server with these limits."""

    def make(**changes: object) -> httpx.Client:
        app = create_app(make_settings(**changes), assume_role=sts, clock=clock, monotonic=seconds)
        return app_client(app)

    return make


@pytest.mark.parametrize(
    "limit", ["rate_per_principal", "rate_per_address", "rate_global"], ids=lambda name: name[5:]
)
def test_t22_who_asks_too_often_is_told_when_to_come_back(
    make_client: Callable[..., httpx.Client], seconds: Seconds, limit: str
) -> None:
    with make_client(**{limit: "3/minute"}) as client:
        answers = [client.post("/api/grant") for _ in range(5)]
        wait_s = int(answers[-1].headers["retry-after"])
        seconds.now += wait_s
        later = client.post("/api/grant")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json()["code"] == "too-many"
    assert 1 <= wait_s <= 60
    assert later.status_code in (200, 429)
    assert "cache-control" in answers[-1].headers


def test_t22_a_principals_limit_is_nobody_elses(
    make_client: Callable[..., httpx.Client],
) -> None:
    with make_client(rate_per_principal="1/minute") as client:
        alice = [client.post("/api/grant").status_code for _ in range(2)]
        client.post("/demo/user", json={"user": "bob"})
        bob = client.post("/api/grant").status_code

    assert (alice, bob) == ([200, 429], 200)


def test_t20_guessing_is_stopped_before_anything_is_computed(
    make_client: Callable[..., httpx.Client],
) -> None:
    with make_client(rate_failures="5/minute") as client:
        headers = {"cookie": "ossferry_demo_user=eve"}
        guesses = [client.post("/api/grant", headers=headers).status_code for _ in range(8)]
        good = client.post("/api/grant").status_code

    assert guesses == [401] * 5 + [429] * 3
    assert good == 429


def test_t20_ten_thousand_guesses_at_one_key_from_many_addresses_are_limited(
    make_settings: Callable[..., Settings], seconds: Seconds
) -> None:
    settings = make_settings(rate_failures="30/minute")
    rates = Rates(settings, Counter(settings, monotonic=seconds))

    async def guess() -> int:
        refused = 0
        for number in range(10_000):
            try:
                await rates.failed(f"10.0.{number // 250}.{number % 250}", "abcdefgh")
            except TooManyError:
                refused += 1
        return refused

    assert asyncio.run(guess()) == 10_000 - 30


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "unknown"),
        ("evil", "unknown"),
    ],
)
def test_t23_an_ipv6_host_counts_as_its_network(address: str, key: str) -> None:
    assert address_key(address) == key


def test_a_sliding_window_lets_through_no_more_than_its_limit(seconds: Seconds) -> None:
    storage = CounterMemory(seconds)

    async def flood() -> list[float]:
        hits = []
        for _ in range(4000):
            if await storage.acquire_sliding_window_entry("k", 60, 60):
                hits.append(seconds.now)
            seconds.now += 0.1
        return hits

    hits = asyncio.run(flood())

    busiest = max(sum(1 for each in hits if start <= each < start + 60) for start in hits)
    assert 45 <= busiest <= 75
    assert 60 * 5 <= len(hits) <= 60 * 8


def test_a_moving_window_is_exact(seconds: Seconds) -> None:
    storage = CounterMemory(seconds)

    async def flood() -> list[float]:
        hits = []
        for _ in range(2000):
            if await storage.acquire_entry("k", 75, 1):
                hits.append(seconds.now)
            seconds.now += 0.003
        return hits

    hits = asyncio.run(flood())

    assert max(sum(1 for each in hits if start <= each < start + 1) for start in hits) == 75


def test_counters_that_have_ended_are_forgotten(seconds: Seconds) -> None:
    storage = CounterMemory(seconds)

    async def visit() -> int:
        for number in range(1000):
            await storage.acquire_sliding_window_entry(f"k{number}", 5, 10)
        seconds.now += 100
        await storage.acquire_sliding_window_entry("last", 5, 10)
        return await storage.reset()

    assert asyncio.run(visit()) == 1


def test_the_limits_library_takes_our_storage(seconds: Seconds) -> None:
    item = limits.parse("2/second")

    async def count() -> list[object]:
        fixed = FixedWindowRateLimiter(CounterMemory(seconds))
        moving = MovingWindowRateLimiter(CounterMemory(seconds))
        hits: list[object] = [await fixed.hit(item, "k") for _ in range(3)]
        hits += [await moving.hit(item, "k") for _ in range(3)]
        await fixed.clear(item, "k")
        return [*hits, await fixed.hit(item, "k"), (await moving.get_window_stats(item, "k"))[1]]

    assert asyncio.run(count()) == [True, True, False, True, True, False, True, 0]
