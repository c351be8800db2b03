"""The server's own credentials: renewed at half their life, used until they expire if STS fails.

A long-term key in the environment works, but the log warns of it.
"""

import asyncio
import json
from datetime import timedelta

import pytest

from ossferry.errors import StsLostError
from ossferry.oss.bucket import MAX_KEPT, Sessions
from support.server_fakes import FakeClock, FakeSts, HeldSts, MakeApp


@pytest.fixture
def held(sts: FakeSts) -> HeldSts:
    """STS; answers at once, with credentials for an hour, unless a test changes it."""
    sts.lives_s = [3600]
    held = HeldSts(sts)
    held.release.set()
    return held


@pytest.fixture
def sessions(held: HeldSts, clock: FakeClock) -> Sessions:
    return Sessions(held, clock=clock)


async def test_credentials_are_renewed_at_half_their_life(
    sessions: Sessions, sts: FakeSts, clock: FakeClock
) -> None:
    for _ in range(3):
        await sessions.fresh("policy")
        clock.now += timedelta(minutes=16)

    assert len(sts.calls) == 2


async def test_r54_while_sts_is_lost_credentials_are_used_to_their_end(
    sessions: Sessions, sts: FakeSts, clock: FakeClock
) -> None:
    first = await sessions.fresh("policy")
    sts.error = StsLostError("no-answer")
    clock.now += timedelta(minutes=58)
    late = await sessions.fresh("policy")
    clock.now += timedelta(minutes=1, seconds=1)
    with pytest.raises(StsLostError):
        await sessions.fresh("policy")

    assert late.expires_at == first.expires_at


async def test_while_one_request_renews_credentials_the_others_use_the_old_ones(
    sessions: Sessions, held: HeldSts, clock: FakeClock
) -> None:
    first = await sessions.fresh("policy")
    clock.now += timedelta(minutes=31)
    held.release.clear()
    renewing = asyncio.create_task(sessions.fresh("policy"))
    await asyncio.sleep(0)
    meanwhile = await sessions.fresh("policy")
    held.release.set()

    assert first.expires_at == meanwhile.expires_at < (await renewing).expires_at


async def test_of_very_many_sessions_the_one_used_least_recently_is_forgotten(
    sessions: Sessions, sts: FakeSts
) -> None:
    asked = []

    for number in (*range(MAX_KEPT), 0, MAX_KEPT, MAX_KEPT, 0, 1):
        await sessions.fresh(f"{number}")
        asked.append(len(sts.calls) - MAX_KEPT)

    assert asked[-5:] == [0, 1, 1, 1, 2]


async def test_while_sts_is_lost_it_is_asked_once_for_all_who_wait(
    sessions: Sessions, held: HeldSts, sts: FakeSts, clock: FakeClock
) -> None:
    sts.error = StsLostError("no-answer")
    held.release.clear()
    waiting = [asyncio.create_task(sessions.fresh("policy")) for _ in range(20)]
    await asyncio.sleep(0)
    held.release.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    asked = len(sts.calls)
    sts.error = None
    clock.now += timedelta(seconds=3)
    await sessions.fresh("policy")

    assert {type(each) for each in found} == {StsLostError}
    assert asked == 1


@pytest.mark.parametrize(
    ("token", "warnings"), [("", ["long-term-key-in-environment"]), ("CAIS-token", [])]
)
def test_an_application_with_a_long_term_key_in_its_environment_is_warned(
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    token: str,
    warnings: list[str],
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI-id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", token)

    make_app(assume_role=None)

    lines = [json.loads(line) for _, _, line in caplog.record_tuples]
    found = [line["event"] for line in lines if line["logger"] == "ossferry.sts"]
    assert found == warnings
