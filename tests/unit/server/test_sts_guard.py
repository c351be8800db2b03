"""STS calls: limited in rate, retried once, and stopped for a while after several failures."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeAlias

import pytest

from ossferry.errors import StsLostError, StsRefusedError
from ossferry.observability.metrics import Metrics
from ossferry.oss.sts import StsCredentials
from ossferry.oss.sts_guard import LOSSES, OPEN_S, Breaker, GuardedSts, Pace
from ossferry.settings.model import Settings
from ossferry.state.counter import Counter
from support.rate_windows import Seconds
from support.server_fakes import FakeClock, FakeSts, HeldSts

Ask: TypeAlias = Callable[[], StsCredentials]
"""Calls STS through the guard."""


@pytest.fixture
def held(sts: FakeSts) -> HeldSts:
    """STS as the guard calls it; answers at once unless a test changes it."""
    held = HeldSts(sts)
    held.release.set()
    return held


@pytest.fixture
def guard(settings: Settings, held: HeldSts, clock: FakeClock, seconds: Seconds) -> GuardedSts:
    """The guard in front of STS."""
    return GuardedSts(
        held,
        pace=Pace(Counter(settings), calls_per_s=90),
        breaker=Breaker(monotonic=seconds),
        metrics=Metrics(),
        clock=clock,
    )


@pytest.fixture
def guarded(guard: GuardedSts) -> Ask:
    """Return a function that calls STS through the guard."""
    return lambda: asyncio.run(guard(session_name="session", policy="{}"))


def lose(guarded: Ask, times: int) -> None:
    for _ in range(times):
        with pytest.raises(StsLostError):
            guarded()


def test_a_lost_answer_is_asked_for_once_more(guarded: Ask, sts: FakeSts) -> None:
    sts.error = StsLostError("no-answer")

    lose(guarded, 1)

    assert len(sts.calls) == 2


def test_expired_credentials_are_asked_for_once_more(
    guarded: Ask, sts: FakeSts, clock: FakeClock
) -> None:
    clock.now = clock.now.replace(microsecond=0)  # the credentials expire now
    sts.lives_s = [0, 900]

    found = guarded()

    assert (found.access_key_id, len(sts.calls)) == ("STS.Fake0002", 2)


@pytest.mark.parametrize(("times", "calls"), [(1, 2), (LOSSES, LOSSES)], ids=["once", "breaker"])
def test_t22_expired_credentials_are_losses(
    guarded: Ask, sts: FakeSts, times: int, calls: int
) -> None:
    sts.lives_s = [-1]

    lose(guarded, times)

    assert len(sts.calls) == calls


@pytest.mark.parametrize(
    "error",
    [StsRefusedError("NoPermission", "ID"), StsLostError("throttled"), StsLostError("quota")],
    ids=["refused", "throttled", "quota"],
)
def test_what_does_not_help_is_not_tried_again(
    guarded: Ask, sts: FakeSts, error: Exception
) -> None:
    sts.error = error

    with pytest.raises(type(error)):
        guarded()

    assert len(sts.calls) == 1


def test_t22_after_some_losses_nobody_is_sent_to_sts(guarded: Ask, sts: FakeSts) -> None:
    sts.error = StsLostError("throttled")
    lose(guarded, LOSSES)

    with pytest.raises(StsLostError) as caught:
        guarded()

    assert len(sts.calls) == LOSSES
    assert caught.value.reason == "breaker-open"
    assert 1 <= (caught.value.retry_after_s or 0) <= OPEN_S + 1


@pytest.mark.parametrize(
    "error",
    [StsRefusedError("NoPermission", "ID"), StsLostError("throttled")],
    ids=["refused", "lost"],
)
def test_who_gave_credentials_once_is_checked_again_after_a_failure(
    guard: GuardedSts, guarded: Ask, sts: FakeSts, error: Exception
) -> None:
    guarded()
    asyncio.run(guard.check())
    sts.error = error

    for ask in (guarded, lambda: asyncio.run(guard.check())):
        with pytest.raises(type(error)):
            ask()

    assert len(sts.calls) == 3


def test_an_answer_ends_the_row_of_losses_even_if_it_is_a_refusal(
    guarded: Ask, sts: FakeSts
) -> None:
    for _ in range(3):
        sts.error = StsLostError("throttled")
        lose(guarded, LOSSES - 1)
        sts.error = StsRefusedError("NoPermission", "ID")
        with pytest.raises(StsRefusedError):
            guarded()

    assert len(sts.calls) == 3 * LOSSES


@pytest.mark.parametrize("is_well", [True, False], ids=["well again", "still lost"])
def test_t22_of_many_callers_after_the_pause_one_reaches_sts(
    guard: GuardedSts, guarded: Ask, sts: FakeSts, held: HeldSts, seconds: Seconds, is_well: bool
) -> None:
    sts.error = StsLostError("throttled")
    lose(guarded, LOSSES)
    sts.error = None if is_well else sts.error
    seconds.now += OPEN_S
    held.release.clear()

    async def crowd() -> tuple[int, list[object]]:
        calls = [asyncio.create_task(guard(session_name="s", policy="{}")) for _ in range(300)]
        for _ in range(10):
            await asyncio.sleep(0)
        reached = held.waiting
        held.release.set()
        return reached, list(await asyncio.gather(*calls, return_exceptions=True))

    reached, answers = asyncio.run(crowd())

    probe = [each for each in answers if getattr(each, "reason", "") != "breaker-open"]
    assert (reached, len(probe)) == (1, 1)
    assert isinstance(probe[0], StsCredentials) is is_well
    assert len(sts.calls) == LOSSES + 1


def test_t22_until_the_pause_is_over_no_call_reaches_sts_and_then_one(
    guarded: Ask, sts: FakeSts, seconds: Seconds
) -> None:
    sts.error = StsLostError("throttled")
    lose(guarded, LOSSES)
    calls = []
    for wait_s in (OPEN_S - 0.1, 0.1, OPEN_S - 0.1, 0.1):
        seconds.now += wait_s
        lose(guarded, 2)
        calls.append(len(sts.calls) - LOSSES)
    sts.error = None
    seconds.now += OPEN_S
    well = [guarded().access_key_id for _ in range(2)]

    assert calls == [0, 1, 1, 2]
    assert len(set(well)) == 2


async def test_t22_no_second_sees_more_calls_than_the_settings_allow(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, moments = Seconds(), []
    really_sleep, here = asyncio.sleep, threading.get_ident()

    async def sleep(seconds: float) -> None:
        if threading.get_ident() != here:  # a server that other tests share
            await really_sleep(seconds)
            return
        clock.now += seconds
        await really_sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    pace = Pace(Counter(settings, monotonic=clock), calls_per_s=40)

    async def one() -> None:
        await pace.turn()
        moments.append(clock.now)

    await asyncio.gather(*(one() for _ in range(100)))

    assert len(moments) == 100
    assert max(sum(start <= each < start + 1 for each in moments) for start in moments) == 40
    assert moments[-1] - moments[0] == pytest.approx(2, abs=0.1)


async def test_t22_a_queue_that_is_too_long_is_refused_at_once(settings: Settings) -> None:
    pace = Pace(Counter(settings), calls_per_s=2)
    waiting = [asyncio.create_task(pace.turn()) for _ in range(20)]
    done, pending = await asyncio.wait(waiting, timeout=0.1)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    ended = [task.exception() for task in done]

    refused = [error for error in ended if isinstance(error, StsLostError)]
    assert len(refused) == 12
    assert {(error.reason, error.retry_after_s) for error in refused} == {("quota", 4)}
