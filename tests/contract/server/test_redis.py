"""Several processes and a real Redis: shared state, and behaviour without Redis."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import limits
import pytest
from limits.aio.storage.redis import redispy
from redis import Redis

from contract.server.test_oidc import BASE, grant, openid_options, sign_in
from ossferry.access.rate_limits import Rates
from ossferry.app import create_app
from ossferry.authentication.sign_outs import SignOuts
from ossferry.errors import StorageLostError
from ossferry.grants.cache import SealedGrantCache
from ossferry.grants.service import Grant, Grants
from ossferry.identity.owner import owner_of
from ossferry.identity.principal import Principal
from ossferry.oss.sts import StsCredentials
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from ossferry.state.counter import Counter
from ossferry.state.redis_storage import RedisStorage
from support.app_client import app_client
from support.fake_issuer import FakeIssuer
from support.programs import free_port
from support.rate_windows import EVENTS, LIMIT, Events, Seconds, counted
from support.replicas import redis
from support.server_fakes import OBJECTS, OPTIONS, FakeClock, FakeStore, FakeSts

BUSY_S = 10.0  # time to answer on a machine that runs other tests
SECRET = b"a-text-of-more-than-32-characters"
ALICE = owner_of(Principal(id="alice", name="Alice"), secret=SECRET)


class SlowSts(FakeSts):
    """An STS that answers slowly."""

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        await asyncio.sleep(0.05)
        return await super().__call__(session_name=session_name, policy=policy)


@pytest.fixture
def url(redis_port: int) -> str:
    """The URL of an empty database."""
    url = f"redis://127.0.0.1:{redis_port}/0"
    with Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def make_settings(web_dir: Path, url: str) -> Callable[..., Settings]:
    def make(**changes: object) -> Settings:
        options = {**OPTIONS, "web_dir": web_dir, "redis_url": url, **changes}
        return load_settings(ExplicitSettings, **options)

    return make


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def in_processes(
    count: int, url: str, use: Callable[[int, RedisStorage], Awaitable[Grant]]
) -> list[Grant]:
    """Simulate several processes in one event loop: each has connections of its own."""

    async def play() -> list[Grant]:
        storages = [RedisStorage(url) for _ in range(count)]
        try:
            return await asyncio.gather(*(use(n, s) for n, s in enumerate(storages)))
        finally:
            for storage in storages:
                await storage.close()

    return asyncio.run(play())


def test_t22_processes_together_ask_sts_once(
    make_settings: Callable[..., Settings], url: str, clock: FakeClock
) -> None:
    sts = SlowSts(clock)

    async def use(_number: int, storage: RedisStorage) -> Grant:
        cache = SealedGrantCache(storage, secret=SECRET)
        return await Grants(make_settings(), sts, clock=clock, cache=cache).grant(ALICE)

    issued = in_processes(8, url, use)

    assert len(sts.calls) == 1
    assert len({each.credentials.access_key_id for each in issued}) == 1
    assert len({each.credentials.session_name for each in issued}) == 1
    assert sorted(each.outcome for each in issued) == ["issued"] + ["reused"] * 7


def test_credentials_that_oss_refused_are_replaced_for_all(
    make_settings: Callable[..., Settings], url: str, clock: FakeClock
) -> None:
    sts = FakeSts(clock)

    async def use(_number: int, storage: RedisStorage) -> Grant:
        cache = SealedGrantCache(storage, secret=SECRET)
        first = Grants(make_settings(), sts, clock=clock, cache=cache)
        second = Grants(make_settings(), sts, clock=clock, cache=cache)
        refused = (await first.grant(ALICE)).credentials.access_key_id
        await first.grant(ALICE, refused_key_id=refused)
        return await second.grant(ALICE, refused_key_id=refused)

    (issued,) = in_processes(1, url, use)

    assert len(sts.calls) == 2
    assert issued.credentials.access_key_id == "STS.Fake0002"


def test_t18_a_redis_that_has_lost_its_data_brings_no_session_back(
    url: str, clock: FakeClock
) -> None:
    async def ask() -> list[bool]:
        storages = [RedisStorage(url) for _ in range(2)]
        one, another = (SignOuts(each, None, clock=clock) for each in storages)
        for session in ("ended", "used"):
            await one.begin(session, lasts_s=100)
        await one.add("ended", lasts_s=100)
        before = [await another.has(session) for session in ("ended", "used")]
        with Redis.from_url(url) as client:
            client.flushall()
        after = [await another.has(session) for session in ("ended", "used")]
        for each in storages:
            await each.close()
        return before + after

    assert asyncio.run(ask()) == [True, False, True, True]


def test_who_reads_redis_finds_no_credentials(
    make_settings: Callable[..., Settings], url: str, clock: FakeClock
) -> None:
    async def use(_number: int, storage: RedisStorage) -> Grant:
        cache = SealedGrantCache(storage, secret=SECRET)
        grants = Grants(make_settings(), FakeSts(clock), clock=clock, cache=cache)
        return await grants.grant(ALICE)

    in_processes(1, url, use)

    with Redis.from_url(url) as client:
        kept = {key: client.get(key) for key in client.keys("ossferry:grant:*")}
        ends = [client.ttl(key) for key in kept]
    assert len(kept) == 1
    assert b"fake" not in repr(kept).encode()
    assert all(0 < left <= 450 for left in ends)


def test_a_value_that_others_wrote_is_not_believed(
    make_settings: Callable[..., Settings], url: str, clock: FakeClock
) -> None:
    sts = FakeSts(clock)

    async def use(_number: int, storage: RedisStorage) -> Grant:
        forger = SealedGrantCache(storage, secret=b"another secret of more than 32 characters")
        victim = SealedGrantCache(storage, secret=SECRET)
        await Grants(make_settings(), sts, clock=clock, cache=forger).grant(ALICE)
        return await Grants(make_settings(), sts, clock=clock, cache=victim).grant(ALICE)

    (issued,) = in_processes(1, url, use)

    assert issued.credentials.access_key_id == "STS.Fake0002"


def test_a_grant_put_in_the_place_of_anothers_is_not_believed(
    make_settings: Callable[..., Settings], url: str, clock: FakeClock
) -> None:
    sts = FakeSts(clock)
    bob = owner_of(Principal(id="bob", name="Bob"), secret=SECRET)

    async def use(_number: int, storage: RedisStorage) -> Grant:
        cache = SealedGrantCache(storage, secret=SECRET)
        for owner in (ALICE, bob):
            await Grants(make_settings(), sts, clock=clock, cache=cache).grant(owner)
        with Redis.from_url(url) as client:
            alices, bobs = sorted(client.keys("ossferry:grant:*"))
            client.copy(alices, bobs, replace=True)
        return await Grants(make_settings(), sts, clock=clock, cache=cache).grant(bob)

    (issued,) = in_processes(1, url, use)

    assert issued.credentials.access_key_id == "STS.Fake0003"


def test_t23_limits_count_over_all_processes(
    make_settings: Callable[..., Settings], clock: FakeClock
) -> None:
    settings = make_settings(rate_per_principal="3/minute")
    statuses = []
    for _ in range(4):
        app = create_app(settings, assume_role=FakeSts(clock), clock=clock)
        with app_client(app) as client:
            statuses.append(client.post("/api/grant").status_code)

    assert statuses == [200, 200, 200, 429]


def test_t23_a_limit_that_others_have_reached_is_reached_without_counting(
    make_settings: Callable[..., Settings],
) -> None:
    limit = limits.parse("3/minute")

    async def ask() -> list[bool]:
        here, there = (Counter(make_settings(), timeout_s=BUSY_S) for _ in range(2))
        answers = []
        try:
            for _ in range(3):
                answers.append(await there.test(limit, "k"))
                await here.hit(limit, "k")
            answers.append(await there.test(limit, "k"))
        finally:
            await here.close()
            await there.close()
        return answers

    assert asyncio.run(ask()) == [True, True, True, False]


@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS)
def test_t22_no_window_lets_through_more_than_the_limit_in_redis(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    seconds = Seconds()
    monkeypatch.setattr(redispy, "time", SimpleNamespace(time=seconds))  # the clock of `limits`

    async def flood() -> tuple[Events, list[bool]]:
        here, there = (Counter(make_settings(), timeout_s=BUSY_S) for _ in range(2))
        try:
            found = await counted(here, seconds, events, "k")
            return found, [await there.hit(LIMIT, "k"), await there.hit(LIMIT, "another")]
        finally:
            await here.close()
            await there.close()

    assert asyncio.run(flood()) == (events, [False, True])


def test_t62_several_events_at_once_count_in_redis(make_settings: Callable[..., Settings]) -> None:
    limit = limits.parse("5/minute")

    async def ask() -> tuple[list[bool], list[bool]]:
        counter = Counter(make_settings(), timeout_s=BUSY_S)
        try:
            some = [await counter.hit(limit, "batches", cost=cost) for cost in (2, 2, 2, 1, 1)]
            return some, [await counter.hit(limit, "large", cost=cost) for cost in (9, 1)]
        finally:
            await counter.close()

    assert asyncio.run(ask()) == ([True, True, False, True, False], [True, False])


def test_t23_without_redis_limits_are_stricter_and_local(
    make_settings: Callable[..., Settings], clock: FakeClock
) -> None:
    settings = make_settings(
        redis_url=f"redis://127.0.0.1:{free_port()}/0", rate_per_principal="8/minute"
    )
    app = create_app(settings, assume_role=FakeSts(clock), clock=clock)
    with app_client(app) as client:
        statuses = [client.post("/api/grant").status_code for _ in range(4)]

    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize(("limit", "hits"), [("9 per 3 minute", 2), ("2 per 3 minute", 1)])
def test_t23_without_redis_a_limit_keeps_its_window(
    make_settings: Callable[..., Settings], limit: str, hits: int
) -> None:
    seconds = Seconds()
    settings = make_settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")

    async def flood() -> list[int]:
        counter = Counter(settings, monotonic=seconds)
        counted = []
        try:
            for seconds.now in (0, 179, 180):
                counted.append(sum([await counter.hit(limits.parse(limit), "k") for _ in range(9)]))
        finally:
            await counter.close()
        return counted

    assert asyncio.run(flood()) == [hits, 0, hits]


@pytest.mark.parametrize("has_ledger", [True, False], ids=["ledger", "no ledger"])
def test_t23_without_redis_sessions_of_openid_need_a_ledger(
    make_settings: Callable[..., Settings],
    issuer: FakeIssuer,
    clock: FakeClock,
    tmp_path: Path,
    has_ledger: bool,
) -> None:
    port = free_port()
    options = {"redis_url": f"redis://127.0.0.1:{port}/0", **openid_options(issuer)}
    if has_ledger:
        options |= {**OBJECTS, "database_url": f"sqlite:///{tmp_path}/ledger.db"}
    clock.catch_up()

    async def sts_date() -> datetime:
        return clock()

    app = create_app(
        make_settings(**options),
        assume_role=FakeSts(clock),
        clock=clock,
        sts_date=sts_date,
        store=FakeStore() if has_ledger else None,
    )
    with app_client(app, BASE) as person:
        with redis(tmp_path, port):
            sign_in(person)
            assert grant(person).status_code == 200
        granted, ready = grant(person), person.get("/readyz")

    assert granted.status_code == ready.status_code == (200 if has_ledger else 503)
    assert ready.json() == (
        {"status": "ok", "degraded": ["storage"]} if has_ledger else {"status": "not-ready"}
    )


def test_t23_a_redis_that_hangs_is_left_alone_after_the_first_request(
    make_settings: Callable[..., Settings], clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = make_settings(redis_url=f"redis://127.0.0.1:{port}/0")
        app = create_app(settings, assume_role=FakeSts(clock), clock=clock, monotonic=lambda: 0.0)
        with app_client(app) as client:
            first = client.post("/api/grant").status_code
            asked = _connections(silent)
            others = [client.post("/api/grant").status_code for _ in range(4)]
            asked_again = _connections(silent)

    assert (first, others) == (200, [200] * 4)
    assert asked > 0
    assert asked_again == 0
    lines = [json.loads(r.message) for r in caplog.records if r.name == "ossferry.rates"]
    assert [(line["event"], line["error"]) for line in lines] == [("redis-lost", "StorageError")]


def _connections(server: socket.socket) -> int:
    """Accept and close all waiting connections; return their number."""
    server.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


def test_t23_counters_keep_their_names_so_that_versions_share_them(
    make_settings: Callable[..., Settings], url: str
) -> None:
    counter = Counter(make_settings(), timeout_s=BUSY_S)
    rates = Rates(make_settings(), counter)

    async def use_all() -> None:
        await rates.admit("192.0.2.7")
        await rates.admit_stranger("192.0.2.8")
        await rates.admit_principal("alice")
        await rates.admit_renewal("alice")
        await rates.admit_objects("alice")
        await rates.failed("192.0.2.7", "key-id")
        await counter.close()

    asyncio.run(use_all())
    with Redis.from_url(url) as client:
        names = {name.decode().rsplit("/", 3)[0] for name in client.scan_iter()}

    assert names == {
        f"ossferry:LIMITER/{each}"
        for each in (
            "address/192.0.2.7",
            "address/192.0.2.8",
            "global",
            "principal/alice",
            "renewal/alice",
            "objects/alice",
            "failed/192.0.2.7",
            "key/key-id",
        )
    }


def test_t23_redis_may_die_and_come_back_in_the_middle(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    port = free_port()
    settings = make_settings(redis_url=f"redis://127.0.0.1:{port}/0", rate_per_address="12/minute")
    seconds = [1000.0]

    async def play() -> tuple[int, int, int]:
        counter = Counter(settings, monotonic=lambda: seconds[0])
        rates = Rates(settings, counter)

        async def admitted(count: int) -> int:
            results = [rates.admit("192.0.2.7") for _ in range(count)]
            ended = [await asyncio.gather(each, return_exceptions=True) for each in results]
            return sum(1 for (each,) in ended if each is None)

        with redis(tmp_path, port):
            before = await admitted(6)
        during = await admitted(6)
        seconds[0] += 10
        with redis(tmp_path, port):
            after = await admitted(20)
        await counter.close()
        return before, during, after

    assert asyncio.run(play()) == (6, 3, 12)


def test_t23_a_redis_that_was_restarted_is_no_loss(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    settings = make_settings(redis_url=url)

    async def play() -> list[bool]:
        counter, storage = Counter(settings), RedisStorage(url)
        item = limits.parse("4/minute")
        with redis(tmp_path, port):
            found = [await counter.hit(item, "global"), await storage.has("a")]
        with redis(tmp_path, port):
            found += [await counter.hit(item, "global") for _ in range(2)]
            found.append(await storage.has("a"))
        await counter.close()
        await storage.close()
        return found

    assert asyncio.run(play()) == [True, False, True, True, False]


def test_t23_a_crowd_is_no_loss_of_redis(make_settings: Callable[..., Settings], url: str) -> None:
    settings = make_settings()
    crowd = 500

    async def play() -> tuple[list[object], list[object]]:
        counter = Counter(settings, timeout_s=BUSY_S)
        storage = RedisStorage(url, timeout_s=BUSY_S)
        item = limits.parse("1000/minute")
        try:
            hits = await asyncio.gather(*(counter.hit(item, "global") for _ in range(crowd)))
            found = await asyncio.gather(
                *(storage.has("a") for _ in range(crowd)), return_exceptions=True
            )
            return list(hits), list(found)
        finally:
            await counter.close()
            await storage.close()

    hits, found = asyncio.run(play())

    assert hits == [True] * crowd  # a single process would allow half of them
    assert found == [False] * crowd


def test_a_storage_that_is_gone_says_so_and_rests(url: str) -> None:
    seconds = [1000.0]

    async def play() -> list[str]:
        storage = RedisStorage(f"redis://127.0.0.1:{free_port()}/0", lambda: seconds[0])
        reasons = []
        for _ in range(3):
            try:
                await storage.ping()
            except StorageLostError as error:
                reasons.append(error.reason)
            seconds[0] += 1.5
        return reasons

    assert asyncio.run(play()) == ["no-answer", "left-alone", "no-answer"]


def test_marks_and_values_end(url: str) -> None:
    async def play() -> list[object]:
        storage = RedisStorage(url)
        try:
            found: list[object] = [await storage.add("a", 60), await storage.add("a", 60)]
            await storage.put("b", b"value", 0.02)
            found.append(await storage.get("b"))
            await asyncio.sleep(0.05)
            found += [await storage.get("b"), await storage.has("a")]
            await storage.drop("a")
            return [*found, await storage.has("a")]
        finally:
            await storage.close()

    assert asyncio.run(play()) == [True, False, b"value", None, True, False]
