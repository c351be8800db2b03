"""Credentials are shared, renewed in time, and judged by the server's clock."""

import asyncio

import pytest

from support.fakes import FakeClock, FakeGrants
from uploader.transfer.credentials import RENEW_BEFORE_S, GrantKeeper
from uploader.transfer.errors import GrantRefused


async def test_callers_at_the_same_time_share_one_fetch():
    grants = FakeGrants(FakeClock())
    keeper = GrantKeeper(grants, FakeClock())

    got = await asyncio.gather(keeper.get(), keeper.get(), keeper.get())

    assert grants.fetched == 1
    assert got[0] is got[1] is got[2]


@pytest.mark.parametrize(
    ("left_s", "fetched"), [(RENEW_BEFORE_S, 1), (RENEW_BEFORE_S - 1, 2), (-5, 2)]
)
async def test_a_grant_is_renewed_when_less_than_a_minute_is_left(left_s, fetched):
    clock = FakeClock()
    grants = FakeGrants(clock)
    keeper = GrantKeeper(grants, clock)
    await keeper.get()

    clock.advance(grants.life_s - left_s)
    await keeper.get()

    assert grants.fetched == fetched


@pytest.mark.parametrize("error_s", [-1200, 1200, 86400 * 365])
async def test_a_wrong_clock_changes_nothing(error_s):
    clock = FakeClock(error_s=error_s)
    grants = FakeGrants(clock)
    keeper = GrantKeeper(grants, clock)
    await keeper.get()

    clock.advance(grants.life_s - RENEW_BEFORE_S)
    await keeper.get()

    assert grants.fetched == 1
    assert keeper.server_now_s() == clock.true_s


async def test_an_error_reaches_every_caller_and_the_next_one_tries_again():
    grants = FakeGrants(FakeClock())
    grants.errors = [GrantRefused(503)]
    keeper = GrantKeeper(grants, FakeClock())

    for outcome in await asyncio.gather(attempt(keeper), attempt(keeper)):
        assert isinstance(outcome, GrantRefused)
    assert (await keeper.get()).principal == "Alice"
    assert grants.fetched == 2


async def attempt(keeper):
    try:
        return await keeper.get()
    except GrantRefused as error:
        return error


async def test_the_view_is_told_of_every_fetch():
    grants, told = FakeGrants(FakeClock()), []
    grants.errors = [GrantRefused(503)]
    keeper = GrantKeeper(
        grants, FakeClock(), on_fetched=lambda grant, error: told.append((grant, error))
    )

    refused = await attempt(keeper)
    grant = await keeper.get()

    assert told == [(None, refused), (grant, None)]


async def test_a_cancelled_caller_does_not_take_the_fetch_with_it():
    grants = FakeGrants(FakeClock())
    keeper = GrantKeeper(grants, FakeClock())

    async def caller():
        return await keeper.get()

    first, second = asyncio.create_task(caller()), asyncio.create_task(caller())
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).principal == "Alice"
    assert grants.fetched == 1


async def test_only_the_grant_that_was_refused_is_discarded():
    grants = FakeGrants(FakeClock())
    keeper = GrantKeeper(grants, FakeClock())
    old = await keeper.get()
    keeper.discard(old)
    new = await keeper.get()

    keeper.discard(old)

    assert await keeper.get() is new
    assert grants.refused == ["", "STS.1"]
