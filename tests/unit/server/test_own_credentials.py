"""The server's own credentials: renewed at half their life, used until they expire if STS fails.

A long-term key in the environment works, but the log warns of it.
"""

import asyncio
import json
from datetime import timedelta

import pytest

from ossferry.app import create_app
from ossferry.errors import StsLostError
from ossferry.oss.sessions import MAX_KEPT, Sessions
from ossferry.oss.sts import StsCredentials
from support.server_fakes import FakeClock, MakeSettings


class ObjectsSts:
    """An STS that can fail; counts the calls."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.is_lost = False
        self.asked = 0

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_lost:
            raise StsLostError("no-answer")
        return StsCredentials(
            access_key_id=f"STS.Own{self.asked}",
            access_key_secret="secret",
            security_token="token",
            expires_at=self.clock() + timedelta(hours=1),
        )


@pytest.fixture
def sts_of_objects(clock: FakeClock) -> ObjectsSts:
    return ObjectsSts(clock)


@pytest.fixture
def sessions(sts_of_objects: ObjectsSts, clock: FakeClock) -> Sessions:
    return Sessions(sts_of_objects, clock=clock)


async def test_credentials_are_renewed_at_half_their_life(
    sessions: Sessions, sts_of_objects: ObjectsSts, clock: FakeClock
) -> None:
    for _ in range(3):
        await sessions.fresh("policy")
        clock.now += timedelta(minutes=16)

    assert sts_of_objects.asked == 2


async def test_while_sts_is_lost_credentials_are_used_to_their_end(
    sessions: Sessions, sts_of_objects: ObjectsSts, clock: FakeClock
) -> None:
    first = await sessions.fresh("policy")
    sts_of_objects.is_lost = True
    clock.now += timedelta(minutes=58)
    late = await sessions.fresh("policy")
    clock.now += timedelta(minutes=1, seconds=1)
    with pytest.raises(StsLostError):
        await sessions.fresh("policy")

    assert late.expires_at == first.expires_at


async def test_while_one_request_renews_credentials_the_others_use_the_old_ones(
    sessions: Sessions, clock: FakeClock
) -> None:
    first = await sessions.fresh("policy")
    clock.now += timedelta(minutes=31)

    renewed, meanwhile = await asyncio.gather(*(sessions.fresh("policy") for _ in range(2)))

    assert first.expires_at == meanwhile.expires_at < renewed.expires_at


async def test_of_very_many_sessions_the_one_used_least_recently_is_forgotten(
    sessions: Sessions, sts_of_objects: ObjectsSts
) -> None:
    asked = []

    for number in (*range(MAX_KEPT), 0, MAX_KEPT, MAX_KEPT, 0, 1):
        await sessions.fresh(f"{number}")
        asked.append(sts_of_objects.asked - MAX_KEPT)

    assert asked[-5:] == [0, 1, 1, 1, 2]


async def test_while_sts_is_lost_it_is_asked_once_for_all_who_wait(
    sessions: Sessions, sts_of_objects: ObjectsSts, clock: FakeClock
) -> None:
    sts_of_objects.is_lost = True
    found = await asyncio.gather(
        *(sessions.fresh("policy") for _ in range(20)), return_exceptions=True
    )
    asked = sts_of_objects.asked
    sts_of_objects.is_lost = False
    clock.now += timedelta(seconds=3)
    await sessions.fresh("policy")

    assert {type(each) for each in found} == {StsLostError}
    assert asked == 1


@pytest.mark.parametrize(
    ("token", "warnings"), [("", ["long-term-key-in-environment"]), ("CAIS-token", [])]
)
def test_an_application_with_a_long_term_key_in_its_environment_is_warned(
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    token: str,
    warnings: list[str],
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI-id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", token)

    create_app(make_settings())

    lines = [json.loads(line) for _, _, line in caplog.record_tuples]
    found = [line["event"] for line in lines if line["logger"] == "ossferry.sts"]
    assert found == warnings
