"""The connection budget: never exceeded, by rank, and smaller after errors."""

import asyncio

import pytest

from uploader.transfer.pacing.connections import Budget


async def test_no_more_than_allowed():
    budget = Budget(2)
    got = []

    async def take(name):
        await budget.acquire(lambda: 0)
        got.append(name)

    tasks = [asyncio.create_task(take(name)) for name in "abc"]
    await settle()
    assert got == ["a", "b"]
    budget.release()
    await settle()

    assert got == ["a", "b", "c"]
    assert all(task.done() for task in tasks)


async def test_a_free_place_goes_to_the_first_in_rank_as_it_is_then():
    budget, got, ranks = Budget(1), [], {"slow": 1, "fast": 2}
    await budget.acquire(lambda: 0)

    async def take(name):
        await budget.acquire(lambda: ranks[name])
        got.append(name)

    tasks = [asyncio.create_task(take(name)) for name in ("slow", "fast")]
    await settle()
    ranks["fast"] = 0
    budget.release()
    await settle()

    assert got == ["fast"]
    tasks[0].cancel()


async def test_who_gives_up_waiting_takes_no_place():
    budget = Budget(1)
    await budget.acquire(lambda: 0)

    async def take():
        await budget.acquire(lambda: 0)

    waiting = asyncio.create_task(take())
    await settle()
    waiting.cancel()
    await settle()
    budget.release()

    assert budget.used == 0


async def test_who_is_cancelled_with_a_place_in_hand_gives_it_back():
    budget = Budget(1)
    await budget.acquire(lambda: 0)

    async def take():
        await budget.acquire(lambda: 0)

    waiting = asyncio.create_task(take())
    await settle()
    budget.release()
    waiting.cancel()
    await settle()

    assert budget.used == 0


async def test_small_requests_queue_behind_the_connections():
    budget = Budget(2, queued=2)
    small = [asyncio.create_task(budget.acquire(lambda: 0, is_small=True)) for _ in range(5)]
    await settle()
    assert budget.used == 4

    budget.release()
    await settle()
    large = asyncio.create_task(budget.acquire(lambda: 1))
    budget.release()
    budget.release()
    await settle()
    assert not large.done()
    budget.release()
    await settle()

    assert large.done()
    assert all(task.done() for task in small)


async def test_in_trouble_small_requests_do_not_queue():
    budget = Budget(4, queued=2)
    budget.trouble(0)
    waiting = [asyncio.create_task(budget.acquire(lambda: 0, is_small=True)) for _ in range(5)]
    await settle()

    assert budget.used == 2
    for task in waiting:
        task.cancel()


async def test_within_a_speed_limit_small_requests_do_not_queue():
    budget = Budget(4, queued=2)
    budget.limit(1)
    waiting = [asyncio.create_task(budget.acquire(lambda: 0, is_small=True)) for _ in range(3)]
    await settle()

    assert budget.used == 1
    for task in waiting:
        task.cancel()


@pytest.mark.parametrize(("before", "after"), [(6, 3), (3, 1), (1, 1)])
def test_trouble_halves(before, after):
    budget = Budget(6)
    budget.allowed = before

    budget.trouble(0)

    assert budget.allowed == after


def test_requests_that_were_on_their_way_together_ask_for_one_cut():
    budget = Budget(6)
    cuts = budget.cuts

    for _ in range(6):
        budget.trouble(cuts)
    assert budget.allowed == 3
    budget.trouble(budget.cuts)

    assert budget.allowed == 1


def test_successes_give_back_one_place_at_a_time():
    budget = Budget(6)
    budget.trouble(0)
    counts = []
    for _ in range(20):
        budget.success()
        counts.append(budget.allowed)

    assert counts[:8] == [3, 3, 4, 4, 4, 4, 5, 5]
    assert counts[-1] == 6


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)
