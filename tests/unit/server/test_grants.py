"""Grants: one call to STS per principal at a time, and credentials are reused for half their
life.
"""

import asyncio
import gc
import re
from typing import Any

import httpx
import pytest

from ossferry.errors import StsLostError
from ossferry.grants.cache import SealedGrantCache
from ossferry.grants.service import Grant, Grants, Outcome
from ossferry.identity.owner import Owner, owner_of
from ossferry.identity.principal import Principal
from ossferry.oss.sts import StsCredentials
from ossferry.settings.model import Settings
from ossferry.state.key_value import MemoryStorage
from support.server_fakes import ALICE, BOB, SECRET, FakeClock, FakeSts, HeldSts, MakeSettings

ALICE_2 = owner_of(Principal(id="alice2", name="Alice"), secret=SECRET)
OLD, NEW = (owner_of(Principal(id=each, name=each), secret=SECRET) for each in ("old", "new"))


@pytest.fixture
def grants(settings: Settings, sts: FakeSts, clock: FakeClock) -> Grants:
    return Grants(settings, sts, clock=clock)


@pytest.mark.parametrize(
    ("age_s", "outcome"), [(0, Outcome.REUSED), (449, Outcome.REUSED), (450, Outcome.NEW)]
)
async def test_a_grant_is_reused_while_more_than_half_of_its_life_is_left(
    grants: Grants, clock: FakeClock, age_s: int, outcome: Outcome
) -> None:
    clock.now = clock.now.replace(microsecond=0)
    await grants.grant(ALICE)
    clock.advance(age_s)

    assert (await grants.grant(ALICE)).outcome is outcome


def test_t22_a_thousand_questions_at_once_are_one_call(
    settings: Settings, sts: FakeSts, clock: FakeClock
) -> None:
    async def ask() -> list[Grant]:
        held = HeldSts(sts)
        grants = Grants(settings, held, clock=clock)
        waiting = [asyncio.create_task(grants.grant(ALICE)) for _ in range(1000)]
        await asyncio.sleep(0)
        held.release.set()
        return await asyncio.gather(*waiting)

    answers = asyncio.run(ask())

    assert len(sts.calls) == 1
    assert {issued.credentials.access_key_id for issued in answers} == {"STS.Fake0001"}


@pytest.mark.parametrize("other", [BOB, ALICE_2], ids=["another", "of the same name"])
async def test_principals_never_share_a_grant(grants: Grants, other: Owner) -> None:
    alice, theirs = await asyncio.gather(grants.grant(ALICE), grants.grant(other))

    assert alice.credentials != theirs.credentials
    assert alice.prefix != theirs.prefix


PUT = ("oss:PutObject",)
PUT_AND_ABORT = ("oss:PutObject", "oss:AbortMultipartUpload")


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({"actions": PUT}, {"actions": PUT_AND_ABORT}),
        ({"actions": PUT_AND_ABORT}, {"actions": PUT}),
        ({"actions": PUT}, {}),
        ({"address": "192.0.2.7"}, {"address": "192.0.2.8"}),
    ],
    ids=["more actions", "fewer actions", "the usual actions", "another address"],
)
@pytest.mark.parametrize("processes", [1, 2], ids=["one process", "two processes"])
async def test_t08_grants_for_other_rights_are_other_grants(
    make_settings: MakeSettings,
    sts: FakeSts,
    clock: FakeClock,
    first: dict[str, Any],
    other: dict[str, Any],
    processes: int,
) -> None:
    settings, storage = make_settings(bind_address=True), MemoryStorage()

    caches = [SealedGrantCache(storage, secret=SECRET) for _ in range(processes)]
    each = [Grants(settings, sts, clock=clock, cache=cache) for cache in caches]
    rights = [first, other, first, other]
    issued = [await each[at % processes].grant(ALICE, **rights[at]) for at in range(4)]

    ids = [each.credentials.access_key_id for each in issued]
    assert ids == ["STS.Fake0001", "STS.Fake0002"] * 2
    assert len({call["policy"] for call in sts.calls}) == 2


@pytest.mark.parametrize("given_up", [0, 1], ids=["the first", "the second"])
def test_one_who_gives_up_does_not_stop_the_others(
    settings: Settings, sts: FakeSts, clock: FakeClock, given_up: int
) -> None:
    async def give_up() -> Grant:
        held = HeldSts(sts)
        grants = Grants(settings, held, clock=clock)
        asking = [asyncio.create_task(grants.grant(ALICE)) for _ in range(2)]
        await asyncio.sleep(0)
        asking.pop(given_up).cancel()
        held.release.set()
        return await asking[0]

    assert asyncio.run(give_up()).credentials.access_key_id == "STS.Fake0001"


async def test_credentials_that_are_not_fresh_any_more_are_not_kept(
    grants: Grants, clock: FakeClock
) -> None:
    for owner in (OLD, NEW):
        await grants.grant(owner)
        clock.advance(450)
    gc.collect()

    kept = [each for each in gc.get_objects() if isinstance(each, StsCredentials)]
    names = {each.session_name.partition("-")[0] for each in kept}
    assert names & {OLD.hash, NEW.hash} == {NEW.hash}


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(grants: Grants, sts: FakeSts) -> None:
    sts.error = StsLostError("no-answer")
    failed = await asyncio.gather(grants.grant(ALICE), grants.grant(ALICE), return_exceptions=True)
    sts.error = None
    first, second, third = [*failed, await grants.grant(ALICE)]

    assert isinstance(first, StsLostError)
    assert first is second
    assert isinstance(third, Grant)


async def test_closing_stops_calls_that_are_under_way(
    settings: Settings, sts: FakeSts, clock: FakeClock
) -> None:
    grants = Grants(settings, HeldSts(sts), clock=clock)
    asking = asyncio.create_task(grants.grant(ALICE))
    await asyncio.sleep(0)
    await grants.close()
    await asyncio.wait([asking])

    assert asking.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_t25_the_session_name_ends_in_the_id_of_the_request(
    client: httpx.Client, sts: FakeSts, audit_lines: list[dict[str, str]]
) -> None:
    client.post("/api/grant")

    (line,) = audit_lines
    assert sts.calls[0]["session_name"] == f"{line['principal']}-{line['request_id']}"
    assert re.fullmatch(r"[a-zA-Z0-9.@_-]{2,32}", sts.calls[0]["session_name"])
