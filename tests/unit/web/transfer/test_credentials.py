"""Credentials are shared, renewed in time, and checked with the server's clock."""

import asyncio

import pytest

from ossferry_uploader.transfer.errors import GrantRefused
from ossferry_uploader.transfer.grants.credentials import (
    OTHER_PERSON,
    OTHER_PLACE,
    RENEW_BEFORE_S,
    GrantKeeper,
)
from support.fakes import FakeClock, FakeGrants


def make(errors=(), *, life_s=900, error_s=0):
    """Return a keeper, the grants of the server and their clock."""
    clock = FakeClock(error_s=error_s)
    grants = FakeGrants(clock, life_s=life_s)
    grants.errors = list(errors)
    return GrantKeeper(grants, clock), grants, clock


async def nearly_over(left_s):
    """Return a keeper whose grant is valid for `left_s` seconds, the grants, and this grant."""
    keeper, grants, clock = make()
    grant = await keeper.get()
    clock.advance(grants.life_s - left_s)
    return keeper, grants, grant


async def test_callers_at_the_same_time_share_one_fetch():
    keeper, grants, _ = make()

    got = await asyncio.gather(keeper.get(), keeper.get(), keeper.get())

    assert grants.fetched == 1
    assert got[0] is got[1] is got[2]


@pytest.mark.parametrize(
    ("left_s", "fetched"), [(RENEW_BEFORE_S, 1), (RENEW_BEFORE_S - 1, 2), (-5, 2)]
)
async def test_a_grant_is_renewed_when_less_than_a_minute_is_left(left_s, fetched):
    keeper, grants, clock = make()
    await keeper.get()

    clock.advance(grants.life_s - left_s)
    await keeper.get()

    assert grants.fetched == fetched


@pytest.mark.parametrize("error_s", [-1200, 1200, 86400 * 365])
async def test_a_wrong_clock_changes_nothing(error_s):
    keeper, grants, clock = make(error_s=error_s)
    await keeper.get()

    clock.advance(grants.life_s - RENEW_BEFORE_S)
    await keeper.get()

    assert grants.fetched == 1
    assert keeper.server_now_s() == clock.true_s


async def test_an_error_reaches_every_caller_and_the_next_one_tries_again():
    keeper, grants, _ = make([GrantRefused(503)])

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
    keeper, grants, _ = make()

    async def caller():
        return await keeper.get()

    first, second = asyncio.create_task(caller()), asyncio.create_task(caller())
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).principal == "Alice"
    assert grants.fetched == 1


@pytest.mark.parametrize("error", [GrantRefused(0), GrantRefused(503), GrantRefused(429)])
async def test_r17_a_grant_that_lives_will_do_while_the_server_is_away(error):
    keeper, grants, grant = await nearly_over(50)
    grants.errors = [error]

    assert await keeper.get() is grant
    assert await keeper.get() is grant
    assert grants.fetched == 2


@pytest.mark.parametrize(
    ("left_s", "error"),
    [(50, GrantRefused(401)), (50, GrantRefused(403)), (4, GrantRefused(503))],
    ids=["signed out", "forbidden", "over"],
)
async def test_a_grant_that_is_taken_away_or_over_will_not_do(left_s, error):
    keeper, grants, _ = await nearly_over(left_s)
    grants.errors = [error]

    with pytest.raises(GrantRefused):
        await keeper.get()


async def test_a_grant_that_oss_refuses_meanwhile_will_not_do():
    keeper, grants, grant = await nearly_over(50)

    async def refuse_after_oss(*, refused_key_id):
        keeper.reject(grant)
        raise GrantRefused(503)

    grants.fetch = refuse_after_oss

    with pytest.raises(GrantRefused):
        await keeper.get()


async def test_grants_that_live_less_than_a_minute_are_not_fetched_for_each_request():
    keeper, grants, clock = make(life_s=20)

    for _ in range(20):
        await keeper.get()
        clock.advance(1)

    assert grants.fetched == 2


async def test_a_server_that_is_asked_too_often_is_left_alone_by_all():
    keeper, grants, clock = make()
    grants.errors = [GrantRefused(429, retry_after_s=60)]
    with pytest.raises(GrantRefused):
        await keeper.get()
    clock.advance(20)

    with pytest.raises(GrantRefused) as caught:
        await keeper.get()
    assert (caught.value.status, caught.value.retry_after_s, grants.fetched) == (429, 40, 1)
    clock.advance(40)

    assert await keeper.get()


async def test_only_the_grant_that_was_refused_is_discarded():
    keeper, grants, _ = make()
    old = await keeper.get()
    keeper.reject(old)
    new = await keeper.get()

    keeper.reject(old)

    assert await keeper.get() is new
    assert grants.refused == ["", "STS.1"]


async def test_a_server_that_was_away_is_told_all_the_same_what_oss_refused():
    keeper, grants, _ = make()
    keeper.reject(await keeper.get())
    grants.errors = [GrantRefused(503)]
    with pytest.raises(GrantRefused):
        await keeper.get()

    await keeper.get()

    assert grants.refused == ["", "STS.1", "STS.1"]


@pytest.mark.parametrize(
    ("name", "other", "code"),
    [
        ("bucket", "another", OTHER_PLACE),
        ("region", "cn-beijing", OTHER_PLACE),
        ("form", [("policy", "x")], OTHER_PLACE),
        ("prefix", "uploads/bob-2/", OTHER_PERSON),
    ],
)
async def test_a_grant_for_another_place_or_person_is_refused_and_not_kept(name, other, code):
    keeper, grants, _ = await nearly_over(0)
    usual = getattr(grants, name)
    setattr(grants, name, other)

    with pytest.raises(GrantRefused) as caught:
        await keeper.get()
    setattr(grants, name, usual)

    assert caught.value.code == code
    kept = await keeper.get()
    assert (kept.bucket.name, kept.prefix) == ("bucket", "uploads/alice-1/")


async def test_a_refusal_that_names_somebody_else_gives_no_prefix():
    keeper, grants, _ = await nearly_over(0)
    grants.errors = [GrantRefused(429, code="quota-exceeded", prefix="uploads/bob-1/")]

    with pytest.raises(GrantRefused):
        await keeper.prefix()


async def test_a_grant_may_name_other_hosts_of_the_same_bucket():
    keeper, grants, _ = await nearly_over(0)
    grants.origins = ["https://files.example.com"]

    grant = await keeper.get()

    assert grant.bucket.origin == "https://files.example.com"


async def test_a_grant_is_for_whom_a_refusal_for_want_of_room_has_named():
    keeper, _, _ = make([GrantRefused(429, code="quota-exceeded", prefix="uploads/bob-1/")])

    prefix = await keeper.prefix()
    with pytest.raises(GrantRefused) as refused:
        await keeper.get()

    assert (prefix, refused.value.code) == ("uploads/bob-1/", OTHER_PERSON)


async def test_who_has_made_room_is_heard_at_once_however_lately_the_server_was_asked():
    keeper, _grants, _ = make([GrantRefused(429, code="quota-exceeded")])
    await attempt(keeper)

    first = await keeper.anew()
    second = await keeper.anew()

    assert [grant.credentials.access_key_id for grant in (first, second)] == ["STS.2", "STS.3"]
    assert await keeper.get() is second


async def test_who_has_no_room_is_asked_about_it_once_for_many():
    keeper, grants, clock = make([GrantRefused(429, code="quota-exceeded")])

    for _ in range(20):
        assert await keeper.is_used_up()
    asked = grants.fetched
    clock.advance(60)

    assert asked == 1
    assert not await keeper.is_used_up()


async def test_dropped_credentials_are_gone_and_the_next_upload_gets_new_ones():
    keeper, grants, _ = make()
    dropped = (await keeper.get()).credentials

    keeper.drop()

    assert (dropped.access_key_secret, dropped.security_token) == ("", None)
    assert (await keeper.get()).credentials.access_key_secret
    assert grants.fetched == 2


async def test_after_a_sign_out_nobody_holds_credentials_any_more():
    keeper, grants, _ = make()
    grant = await keeper.get()

    keeper.forget()

    credentials = grant.credentials
    found = (credentials.access_key_id, credentials.access_key_secret)
    assert (found, credentials.security_token) == (("", ""), None)
    grants.errors = [GrantRefused(401)]
    assert isinstance(await attempt(keeper), GrantRefused)


async def test_a_grant_that_arrives_after_a_sign_out_is_not_kept():
    keeper, grants, _ = make()
    fetch, late = grants.fetch, []

    async def fetch_late(*, refused_key_id):
        grant = await fetch(refused_key_id=refused_key_id)
        late.append(grant.credentials)
        keeper.forget()
        return grant

    grants.fetch = fetch_late

    refused = await attempt(keeper)

    assert (type(refused), refused.status) == (GrantRefused, 401)
    assert (late[0].access_key_secret, late[0].security_token) == ("", None)
    grants.errors = [GrantRefused(401)]
    assert isinstance(await attempt(keeper), GrantRefused)
