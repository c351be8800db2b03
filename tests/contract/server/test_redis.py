"""Several processes and a real Redis: shared state, and behaviour without Redis."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import limits
import pytest
from limits.aio.storage.redis import redispy
from redis import Redis

from contract.server.test_oidc import BASE, grant, openid_options, sign_in
from ossferry.access.rate_limits import Rates
from ossferry.app import create_app
from ossferry.authentication.sessions import SignOuts
from ossferry.errors import StorageLostError
from ossferry.grants.cache import SealedGrantCache
from ossferry.grants.service import Grants
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


MakeSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(web_dir: Path, url: str) -> MakeSettings:
    def make(**changes: object) -> Settings:
        options = {**OPTIONS, "web_dir": web_dir, "redis_url": url, **changes}
        return load_settings(ExplicitSettings, **options)

    return make


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@asynccontextmanager
async def storages(url: str, count: int = 1, **options: Any) -> AsyncIterator[list[RedisStorage]]:
    """Yield the storages of several processes: each has connections of its own."""
    made = [RedisStorage(url, **options) for _ in range(count)]
    yield made
    for each in made:
        await each.close()


@asynccontextmanager
async def counters(settings: Settings, count: int = 1) -> AsyncIterator[list[Counter]]:
    """Yield the counters of several processes."""
    made = [Counter(settings, timeout_s=BUSY_S) for _ in range(count)]
    yield made
    for each in made:
        await each.close()


MakeGrants = Callable[..., Grants]


@pytest.fixture
def grants(make_settings: MakeSettings, clock: FakeClock) -> MakeGrants:
    """Return a function that creates the grants of a process."""

    def make(storage: RedisStorage, sts: FakeSts, secret: bytes = SECRET) -> Grants:
        cache = SealedGrantCache(storage, secret=secret)
        return Grants(make_settings(), sts, clock=clock, cache=cache)

    return make


async def test_t22_processes_together_ask_sts_once(
    grants: MakeGrants, url: str, clock: FakeClock
) -> None:
    sts = SlowSts(clock)
    async with storages(url, 8) as processes:
        issued = await asyncio.gather(*(grants(each, sts).grant(ALICE) for each in processes))

    assert len(sts.calls) == 1
    assert len({each.credentials.access_key_id for each in issued}) == 1
    assert len({each.credentials.session_name for each in issued}) == 1
    assert sorted(each.outcome for each in issued) == ["issued"] + ["reused"] * 7


async def test_credentials_that_oss_refused_are_replaced_for_all(
    grants: MakeGrants, url: str, clock: FakeClock
) -> None:
    sts = FakeSts(clock)
    async with storages(url) as [storage]:
        first, second = grants(storage, sts), grants(storage, sts)
        refused = (await first.grant(ALICE)).credentials.access_key_id
        await first.grant(ALICE, refused_key_id=refused)
        issued = await second.grant(ALICE, refused_key_id=refused)

    assert len(sts.calls) == 2
    assert issued.credentials.access_key_id == "STS.Fake0002"


async def test_t18_a_redis_that_has_lost_its_data_brings_no_session_back(
    url: str, clock: FakeClock
) -> None:
    async with storages(url, 2) as processes:
        one, another = (SignOuts(each, None, clock=clock) for each in processes)
        for session in ("ended", "used"):
            await one.begin(session, lasts_s=100)
        await one.add("ended", lasts_s=100)
        before = [await another.has(session) for session in ("ended", "used")]
        with Redis.from_url(url) as client:
            client.flushall()
        after = [await another.has(session) for session in ("ended", "used")]

    assert before + after == [True, False, True, True]


async def test_who_reads_redis_finds_no_credentials(
    grants: MakeGrants, url: str, clock: FakeClock
) -> None:
    async with storages(url) as [storage]:
        await grants(storage, FakeSts(clock)).grant(ALICE)

    with Redis.from_url(url) as client:
        kept = {key: client.get(key) for key in client.keys("ossferry:grant:*")}
        ends = [client.ttl(key) for key in kept]
    assert len(kept) == 1
    assert b"fake" not in repr(kept).encode()
    assert all(0 < left <= 450 for left in ends)


async def test_a_value_that_others_wrote_is_not_believed(
    grants: MakeGrants, url: str, clock: FakeClock
) -> None:
    sts, another = FakeSts(clock), b"another secret of more than 32 characters"
    async with storages(url) as [storage]:
        await grants(storage, sts, another).grant(ALICE)
        issued = await grants(storage, sts).grant(ALICE)

    assert issued.credentials.access_key_id == "STS.Fake0002"


async def test_a_grant_put_in_the_place_of_anothers_is_not_believed(
    grants: MakeGrants, url: str, clock: FakeClock
) -> None:
    sts = FakeSts(clock)
    bob = owner_of(Principal(id="bob", name="Bob"), secret=SECRET)
    async with storages(url) as [storage]:
        for owner in (ALICE, bob):
            await grants(storage, sts).grant(owner)
        with Redis.from_url(url) as client:
            alices, bobs = sorted(client.keys("ossferry:grant:*"))
            client.copy(alices, bobs, replace=True)
        issued = await grants(storage, sts).grant(bob)

    assert issued.credentials.access_key_id == "STS.Fake0003"


def test_t23_limits_count_over_all_processes(make_settings: MakeSettings, clock: FakeClock) -> None:
    settings = make_settings(rate_per_principal="3/minute")
    statuses = []
    for _ in range(4):
        app = create_app(settings, assume_role=FakeSts(clock), clock=clock)
        with app_client(app) as client:
            statuses.append(client.post("/api/grant").status_code)

    assert statuses == [200, 200, 200, 429]


async def test_t23_a_limit_that_others_have_reached_is_reached_without_counting(
    make_settings: MakeSettings,
) -> None:
    limit, answers = limits.parse("3/minute"), []
    async with counters(make_settings(), 2) as [here, there]:
        for _ in range(3):
            answers.append(await there.test(limit, "k"))
            await here.hit(limit, "k")
        answers.append(await there.test(limit, "k"))

    assert answers == [True, True, True, False]


@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS)
async def test_t22_no_window_lets_through_more_than_the_limit_in_redis(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    seconds = Seconds()
    monkeypatch.setattr(redispy, "time", SimpleNamespace(time=seconds))  # the clock of `limits`

    async with counters(make_settings(), 2) as [here, there]:
        found = await counted(here, seconds, events, "k")
        others = [await there.hit(LIMIT, "k"), await there.hit(LIMIT, "another")]

    assert (found, others) == (events, [False, True])


async def test_t62_several_events_at_once_count_in_redis(make_settings: MakeSettings) -> None:
    limit = limits.parse("5/minute")
    async with counters(make_settings()) as [counter]:
        some = [await counter.hit(limit, "batches", cost=cost) for cost in (2, 2, 2, 1, 1)]
        large = [await counter.hit(limit, "large", cost=cost) for cost in (9, 1)]

    assert (some, large) == ([True, True, False, True, False], [True, False])


@pytest.mark.parametrize(("limit", "hits"), [("9 per 3 minute", 2), ("2 per 3 minute", 1)])
async def test_t23_without_redis_a_limit_keeps_its_window(
    make_settings: MakeSettings, limit: str, hits: int
) -> None:
    seconds, found = Seconds(), []
    settings = make_settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    counter = Counter(settings, monotonic=seconds)

    for seconds.now in (0, 179, 180):
        found.append(sum([await counter.hit(limits.parse(limit), "k") for _ in range(9)]))
    await counter.close()

    assert found == [hits, 0, hits]


@pytest.mark.parametrize("has_ledger", [True, False], ids=["ledger", "no ledger"])
def test_t23_without_redis_sessions_of_openid_need_a_ledger(
    make_settings: MakeSettings,
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


def test_t23_r55_a_redis_that_hangs_is_left_alone_after_the_first_request(
    make_settings: MakeSettings, clock: FakeClock, caplog: pytest.LogCaptureFixture
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


async def test_t23_counters_keep_their_names_so_that_versions_share_them(
    make_settings: MakeSettings, url: str
) -> None:
    async with counters(make_settings()) as [counter]:
        rates = Rates(make_settings(), counter)
        await rates.admit("192.0.2.7")
        await rates.admit_stranger("192.0.2.8")
        await rates.count("principal", "alice")
        await rates.count("renewal", "alice")
        await rates.count("objects", "alice")
        await rates.failed("192.0.2.7", "key-id")

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


async def test_t23_r55_redis_may_die_and_come_back_in_the_middle(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    port, seconds = free_port(), Seconds()
    settings = make_settings(redis_url=f"redis://127.0.0.1:{port}/0", rate_per_address="12/minute")
    counter = Counter(settings, monotonic=seconds)
    rates = Rates(settings, counter)

    async def admitted(count: int) -> int:
        results = [rates.admit("192.0.2.7") for _ in range(count)]
        ended = [await asyncio.gather(each, return_exceptions=True) for each in results]
        return sum(1 for (each,) in ended if each is None)

    with redis(tmp_path, port):
        before = await admitted(6)
    during = await admitted(6)
    seconds.now += 10
    with redis(tmp_path, port):
        after = await admitted(20)
    await counter.close()

    assert (before, during, after) == (6, 3, 12)


async def test_t23_a_redis_that_was_restarted_is_no_loss(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    port, item = free_port(), limits.parse("4/minute")
    url = f"redis://127.0.0.1:{port}/0"
    async with storages(url) as [storage], counters(make_settings(redis_url=url)) as [counter]:
        with redis(tmp_path, port):
            found = [await counter.hit(item, "global"), await storage.has("a")]
        with redis(tmp_path, port):
            found += [await counter.hit(item, "global") for _ in range(2)]
            found.append(await storage.has("a"))

    assert found == [True, False, True, True, False]


async def test_t23_a_crowd_is_no_loss_of_redis(make_settings: MakeSettings, url: str) -> None:
    crowd, item = 500, limits.parse("1000/minute")
    async with storages(url, timeout_s=BUSY_S) as [storage], counters(make_settings()) as [counter]:
        hits = await asyncio.gather(*(counter.hit(item, "global") for _ in range(crowd)))
        found = await asyncio.gather(
            *(storage.has("a") for _ in range(crowd)), return_exceptions=True
        )

    assert hits == [True] * crowd  # a single process would allow half of them
    assert found == [False] * crowd


async def test_a_storage_that_is_gone_says_so_and_rests() -> None:
    seconds, reasons = Seconds(), []
    storage = RedisStorage(f"redis://127.0.0.1:{free_port()}/0", seconds)
    for _ in range(3):
        with pytest.raises(StorageLostError) as lost:
            await storage.ping()
        reasons.append(lost.value.reason)
        seconds.now += 1.5

    assert reasons == ["no-answer", "left-alone", "no-answer"]


async def test_marks_and_values_end(url: str) -> None:
    async with storages(url) as [storage]:
        found: list[object] = [await storage.add("a", 60), await storage.add("a", 60)]
        await storage.put("b", b"value", 0.02)
        found.append(await storage.get("b"))
        await asyncio.sleep(0.05)
        found += [await storage.get("b"), await storage.has("a")]
        await storage.drop("a")
        found.append(await storage.has("a"))

    assert found == [True, False, b"value", None, True, False]
