"""Rate limits: per principal, per address, for all together, and for failed attempts."""

import asyncio
from functools import partial
from pathlib import Path
from unittest.mock import patch

import httpx
import limits
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossferry.access import rate_limits
from ossferry.access.rate_limits import Rates, address_key
from ossferry.authentication.apikey import ApiKeyFile, new_key
from ossferry.errors import TooManyError
from ossferry.settings.model import Settings
from ossferry.state.counter import Counter, MovingWindows
from support.rate_windows import EVENTS, LIMIT, Events, Seconds, counted
from support.server_fakes import OBJECTS, SECRET, FakeClock, FakeSts, MakeClient, MakeSettings


@pytest.fixture
def make_client(
    make_client: MakeClient, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> MakeClient:
    """Return a function that creates a client of a server with these settings and constants."""

    def make(**changes: object) -> httpx.Client:
        for name in [*changes]:
            if name.isupper():
                monkeypatch.setattr(rate_limits, name, changes.pop(name))
        return make_client(**changes, monotonic=seconds)

    return make


@pytest.mark.parametrize("limit", ["rate_per_principal", "rate_per_address", "GLOBAL"])
def test_t22_who_asks_too_often_is_told_when_to_come_back(
    make_client: MakeClient, seconds: Seconds, limit: str
) -> None:
    with make_client(**{limit: "3/minute"}) as client:
        answers = [client.post("/api/grant") for _ in range(5)]
        wait_s = int(answers[-1].headers["retry-after"])
        seconds.now += wait_s
        later = client.post("/api/grant")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json()["code"] == "too-many"
    assert 1 <= wait_s <= 60
    assert later.status_code == 200
    assert "cache-control" in answers[-1].headers


def test_t20_guessing_shuts_nobody_else_out_who_has_the_same_address(
    make_client: MakeClient, keys_file: Path, clock: FakeClock
) -> None:
    key = new_key()
    ApiKeyFile(keys_file).add(key, secret=SECRET, user="carol", created=clock())
    guess = {"authorization": f"Bearer {new_key().text}"}
    with make_client(
        auth="apikey", api_keys_file=keys_file, FAILURES="5/minute", **OBJECTS
    ) as client:
        guesses = [client.post("/api/grant", headers=guess).status_code for _ in range(8)]
        frequent = [client.get("/api/objects", headers=guess).status_code for _ in range(8)]
        good = {"authorization": f"Bearer {key.text}"}
        granted = client.post("/api/grant", headers=good).status_code
        listed = client.get("/api/objects", headers=good).status_code

    assert guesses == [401] * 5 + [429] * 3
    assert frequent == [429] * 8
    assert (granted, listed) == (200, 200)


@pytest.fixture
def behind_proxy(make_client: MakeClient, keys_file: Path) -> MakeClient:
    """Return a function that creates a client of a server behind a proxy, for API keys only."""
    options = {"auth": "apikey", "api_keys_file": keys_file, "behind_tls": True}
    return partial(make_client, trusted_proxies=["192.0.2.0/24"], **options, **OBJECTS)


def sent_from(address: str) -> dict[str, str]:
    """Return the headers that a proxy adds to a request from this address."""
    return {"x-forwarded-for": address, "x-forwarded-proto": "https"}


@pytest.mark.parametrize(
    "route", [("GET", "/api/objects"), ("POST", "/api/grant")], ids=["objects", "grant"]
)
@pytest.mark.parametrize(
    ("limit", "headers"),
    [("FAILURES", {"authorization": "Bearer guess"}), ("rate_per_address", {})],
    ids=["guesses", "strangers"],
)
def test_t20_t22_an_address_that_exceeds_a_limit_is_held_against_no_other(
    behind_proxy: MakeClient, limit: str, headers: dict[str, str], route: tuple[str, str]
) -> None:
    def asked(client: httpx.Client, address: str) -> list[int]:
        sent = {**headers, **sent_from(address)}
        return [client.request(*route, headers=sent).status_code for _ in range(3)]

    with behind_proxy(**{limit: "2/minute"}) as client:
        first, second = asked(client, "203.0.113.1"), asked(client, "203.0.113.2")

    assert first == second == [401, 401, 429]


def test_t22_a_flood_from_one_address_leaves_the_rest_of_the_global_limit(
    behind_proxy: MakeClient,
) -> None:
    with behind_proxy(rate_per_address="5/minute", GLOBAL="20/minute") as client:
        flood = sent_from("203.0.113.1")
        statuses = [client.get("/api/objects", headers=flood).status_code for _ in range(40)]
        other = client.get("/api/objects", headers=sent_from("203.0.113.2")).status_code

    assert set(statuses[:5]) == {401}
    assert set(statuses[6:]) == {429}
    assert other == 401


def test_t20_guesses_at_one_key_from_many_addresses_are_refused(behind_proxy: MakeClient) -> None:
    def guess(client: httpx.Client, key: str, address: str) -> int:
        headers = {"authorization": f"Bearer {key}", **sent_from(address)}
        return client.post("/api/grant", headers=headers).status_code

    key, other_key, third = (new_key().text for _ in range(3))
    with behind_proxy(FAILURES="2/minute") as client:
        statuses = [guess(client, key, f"203.0.113.{number}") for number in range(3)]
        other = guess(client, other_key, "203.0.113.9")
        refused = [guess(client, each, "203.0.113.10") for each in (key, key, third, third)]
        late = guess(client, third, "203.0.113.11")

    assert (statuses, other) == ([401, 401, 429], 401)
    assert (refused[2:], late) == ([429, 429], 429)


def test_t22_one_person_cannot_use_up_the_quota_by_refusing_what_they_get(
    make_client: MakeClient, sts: FakeSts
) -> None:
    with make_client(RENEWALS="3/minute") as client:
        answer = client.post("/api/grant")
        for _ in range(8):
            refused = answer.json().get("access_key_id", "")
            answer = client.post("/api/grant", json={"refused_key_id": refused})
            if answer.is_error:
                break
        still = client.post("/api/grant")

    assert (answer.status_code, still.status_code) == (429, 200)
    assert len(sts.calls) == 4


REFUSED_KEY = {"refused_key_id": "STS.x"}


@pytest.mark.parametrize(
    ("limit", "method", "path", "body"),
    [
        ("rate_per_principal", "POST", "/api/grant", None),
        ("OBJECTS", "GET", "/api/objects", None),
        ("RENEWALS", "POST", "/api/grant", REFUSED_KEY),
        ("RENEWALS", "POST", "/api/form", REFUSED_KEY),
    ],
    ids=["grants", "stored uploads", "renewals", "renewals by a form"],
)
def test_t22_a_limit_of_one_person_is_nobody_elses(
    make_client: MakeClient, limit: str, method: str, path: str, body: object
) -> None:
    with make_client(**OBJECTS, **{limit: "1/minute"}) as client:
        alice = [client.request(method, path, json=body).status_code for _ in range(2)]
        client.post("/demo/user", json={"user": "bob"})
        bob = client.request(method, path, json=body).status_code

    assert (alice, bob) == ([200, 429], 200)


@patch("ossferry.access.rate_limits.GLOBAL", "2/minute")
async def test_t22_every_kind_of_request_counts_against_the_limit_of_all(
    settings: Settings, seconds: Seconds
) -> None:
    rates = Rates(settings, Counter(settings, monotonic=seconds))

    await rates.admit("192.0.2.1")
    await rates.admit_frequent("192.0.2.2")
    for admit in (rates.admit, rates.admit_frequent):
        with pytest.raises(TooManyError):
            await admit("192.0.2.3")


async def test_t22_a_visitor_who_is_known_does_not_count_against_the_address(
    make_settings: MakeSettings, seconds: Seconds
) -> None:
    settings = make_settings(rate_per_address="2/minute")
    rates = Rates(settings, Counter(settings, monotonic=seconds))

    for _ in range(10):
        await rates.admit_frequent("192.0.2.1")
    await rates.admit_stranger("192.0.2.1")
    seconds.now += 20
    await rates.admit_stranger("192.0.2.1")
    with pytest.raises(TooManyError) as stranger:
        await rates.admit_stranger("192.0.2.1")
    with pytest.raises(TooManyError) as frequent:
        await rates.admit_frequent("192.0.2.1")
    await rates.admit_frequent("192.0.2.2")

    assert [stranger.value.retry_after_s, frequent.value.retry_after_s] == [40, 40]


@patch("ossferry.access.rate_limits.FAILURES", "3/minute")
async def test_t20_guesses_at_one_key_are_not_held_against_another(
    settings: Settings, seconds: Seconds
) -> None:
    rates = Rates(settings, Counter(settings, monotonic=seconds))

    async def refused(address: str, key_id: str) -> bool:
        try:
            await rates.failed(address, key_id)
        except TooManyError:
            return True
        return False

    first = [await refused(f"10.0.0.{number}", "first-key") for number in range(4)]

    assert [
        *first,
        await refused("10.0.1.1", "second-key"),
        await refused("10.0.1.2", ""),
        await refused("10.0.0.3", "third-key"),
        *[await refused("10.0.1.4", "") for _ in range(3)],
        await refused("10.0.1.5", "10.0.1.4"),  # a key id equal to that address
    ] == [False] * 3 + [True] + [False] * 7


@pytest.mark.parametrize("key_id", ["", "abcdefgh"])
@patch("ossferry.access.rate_limits.FAILURES", "1/minute")
async def test_after_failures_the_wait_ends_with_the_oldest_one(
    settings: Settings, seconds: Seconds, key_id: str
) -> None:
    rates = Rates(settings, Counter(settings, monotonic=seconds))

    await rates.failed("192.0.2.1", key_id)
    seconds.now += 20
    with pytest.raises(TooManyError) as refused_after:
        await rates.failed("192.0.2.1", key_id)
    with pytest.raises(TooManyError) as refused_before:
        await rates.refuse_guessing("192.0.2.1")

    assert [refused_after.value.retry_after_s, refused_before.value.retry_after_s] == [40, 40]


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


@given(st.lists(st.floats(0, 70, allow_subnormal=False), min_size=1, max_size=300))
def test_t22_no_window_ever_lets_through_more_than_the_limit(gaps: list[float]) -> None:
    seconds = Seconds()
    windows = MovingWindows(seconds)

    async def flood() -> list[float]:
        hits = []
        for gap in gaps:
            seconds.now += gap
            for _ in range(4):
                if await windows.acquire_entry("k", 7, 60):
                    hits.append(seconds.now)
        return hits

    hits = asyncio.run(flood())

    assert max(sum(1 for each in hits if end - 60 < each <= end) for end in hits) <= 7
    assert len(hits) >= min(7, 4 * len(gaps))


@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS)
async def test_t22_a_window_counts_exactly_the_events_of_its_last_minute(
    settings: Settings, seconds: Seconds, events: Events
) -> None:
    counter = Counter(settings, monotonic=seconds)

    assert await counted(counter, seconds, events, "k") == events


async def test_t22_counters_with_other_names_or_limits_are_other_counters(
    settings: Settings, seconds: Seconds
) -> None:
    counter = Counter(settings, monotonic=seconds)
    ten = limits.parse("10/minute")

    used = [(LIMIT, "a"), (LIMIT, "b"), (ten, "a")]
    hits = [[await counter.hit(item, name) for item, name in used] for _ in range(100)]

    assert [column.count(True) for column in zip(*hits, strict=True)] == [60, 60, 10]


async def test_t22_a_test_counts_nothing_and_refuses_when_the_limit_is_reached(
    settings: Settings, seconds: Seconds
) -> None:
    counter = Counter(settings, monotonic=seconds)

    found = []
    for _ in range(61):
        found += [await counter.test(LIMIT, "k"), await counter.test(LIMIT, "k")]
        await counter.hit(LIMIT, "k")
    seconds.now += 60

    assert [*found, await counter.test(LIMIT, "k")] == [True] * 120 + [False] * 2 + [True]


@pytest.mark.parametrize(
    ("events", "waited_s", "told_s"),
    [(60, 0, 60), (60, 0.5, 60), (60, 59, 1), (60, 59.5, 1), (59, 0, 30), (0, 0, 30)],
)
async def test_t22_the_wait_ends_with_the_oldest_event_or_is_half_of_the_window(
    settings: Settings, seconds: Seconds, events: int, waited_s: float, told_s: int
) -> None:
    counter = Counter(settings, monotonic=seconds)

    for _ in range(events):
        await counter.hit(LIMIT, "k")
    seconds.now += waited_s

    assert await counter.retry_after_s(LIMIT, "k") == told_s


async def test_counters_that_have_ended_are_forgotten(seconds: Seconds) -> None:
    windows = MovingWindows(seconds)

    for number in range(1000):
        await windows.acquire_entry(f"k{number}", 5, 10)
    seconds.now += 100
    await windows.acquire_entry("last", 5, 10)

    assert len(windows) == 1


async def test_counters_that_have_not_ended_are_kept(seconds: Seconds) -> None:
    windows = MovingWindows(seconds)

    await windows.acquire_entry("k", 1, 3600)
    seconds.now += 100
    await windows.acquire_entry("another", 1, 10)

    assert await windows.acquire_entry("k", 1, 3600) is False
