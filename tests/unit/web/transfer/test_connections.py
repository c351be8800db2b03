"""The connection pool: its limit, the order of waiting requests, and cuts after congestion."""

import asyncio

import pytest

from uploader.transfer.pacing.connections import ConnectionPool


async def test_no_more_than_allowed():
    pool = ConnectionPool(2)
    got = []

    async def take(name):
        await pool.acquire(lambda: 0)
        got.append(name)

    tasks = [asyncio.create_task(take(name)) for name in "abc"]
    await settle()
    assert got == ["a", "b"]
    pool.release()
    await settle()

    assert got == ["a", "b", "c"]
    assert all(task.done() for task in tasks)


async def test_a_free_place_goes_to_the_first_in_rank_as_it_is_then():
    pool, got, ranks = ConnectionPool(1), [], {"slow": 1, "fast": 2}
    await pool.acquire(lambda: 0)

    async def take(name):
        await pool.acquire(lambda: ranks[name])
        got.append(name)

    tasks = [asyncio.create_task(take(name)) for name in ("slow", "fast")]
    await settle()
    ranks["fast"] = 0
    pool.release()
    await settle()

    assert got == ["fast"]
    tasks[0].cancel()


async def test_who_gives_up_waiting_takes_no_place():
    pool = ConnectionPool(1)
    await pool.acquire(lambda: 0)

    async def take():
        await pool.acquire(lambda: 0)

    waiting = asyncio.create_task(take())
    await settle()
    waiting.cancel()
    await settle()
    pool.release()

    assert pool.used == 0


async def test_who_is_cancelled_with_a_place_in_hand_gives_it_back():
    pool = ConnectionPool(1)
    await pool.acquire(lambda: 0)

    async def take():
        await pool.acquire(lambda: 0)

    waiting = asyncio.create_task(take())
    await settle()
    pool.release()
    waiting.cancel()
    await settle()

    assert pool.used == 0


async def test_small_requests_queue_behind_the_connections():
    pool = ConnectionPool(2, queued=2)
    small = [asyncio.create_task(pool.acquire(lambda: 0, is_small=True)) for _ in range(5)]
    await settle()
    assert pool.used == 4

    pool.release()
    await settle()
    large = asyncio.create_task(pool.acquire(lambda: 1))
    pool.release()
    pool.release()
    await settle()
    assert not large.done()
    pool.release()
    await settle()

    assert large.done()
    assert all(task.done() for task in small)


async def test_in_trouble_small_requests_do_not_queue():
    pool = ConnectionPool(4, queued=2)
    pool.congestion(0)
    waiting = [asyncio.create_task(pool.acquire(lambda: 0, is_small=True)) for _ in range(5)]
    await settle()

    assert pool.used == 2
    for task in waiting:
        task.cancel()


async def test_within_a_speed_limit_small_requests_do_not_queue():
    pool = ConnectionPool(4, queued=2)
    pool.limit(1)
    waiting = [asyncio.create_task(pool.acquire(lambda: 0, is_small=True)) for _ in range(3)]
    await settle()

    assert pool.used == 1
    for task in waiting:
        task.cancel()


@pytest.mark.parametrize(("before", "after"), [(6, 3), (3, 1), (1, 1)])
def test_trouble_halves(before, after):
    pool = ConnectionPool(6)
    pool.allowed = before

    pool.congestion(0)

    assert pool.allowed == after


def test_requests_that_were_on_their_way_together_ask_for_one_cut():
    pool = ConnectionPool(6)
    cuts = pool.cuts

    for _ in range(6):
        pool.congestion(cuts)
    assert pool.allowed == 3
    pool.congestion(pool.cuts)

    assert pool.allowed == 1


def test_successes_give_back_one_place_at_a_time():
    pool = ConnectionPool(6)
    pool.congestion(0)
    counts = []
    for _ in range(20):
        pool.success()
        counts.append(pool.allowed)

    assert counts[:8] == [3, 3, 4, 4, 4, 4, 5, 5]
    assert counts[-1] == 6


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)
