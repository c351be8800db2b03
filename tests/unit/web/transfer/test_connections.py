"""The connection pool: its limit, the order of waiting requests, and cuts after congestion."""

import asyncio

import pytest

from ossferry_uploader.transfer.pacing.connections import PLAIN, SMALL, ConnectionPool
from support.pages import turns


def acquire(pool, count, kind=SMALL):
    """Return tasks that wait for a connection each."""
    return [asyncio.create_task(pool.acquire(lambda: 0, kind)) for _ in range(count)]


async def test_no_more_than_allowed():
    pool = ConnectionPool(2)
    got = []

    async def take(name):
        await pool.acquire(lambda: 0)
        got.append(name)

    tasks = [asyncio.create_task(take(name)) for name in "abc"]
    await turns(10)
    assert got == ["a", "b"]
    pool.release()
    await turns(10)

    assert got == ["a", "b", "c"]
    assert all(task.done() for task in tasks)


async def test_a_free_place_goes_to_the_first_in_rank_as_it_is_then():
    pool, got, ranks = ConnectionPool(1), [], {"slow": 1, "fast": 2}
    await pool.acquire(lambda: 0)

    async def take(name):
        await pool.acquire(lambda: ranks[name])
        got.append(name)

    tasks = [asyncio.create_task(take(name)) for name in ("slow", "fast")]
    await turns(10)
    ranks["fast"] = 0
    pool.release()
    await turns(10)

    assert got == ["fast"]
    tasks[0].cancel()


@pytest.mark.parametrize("has_place", [False, True], ids=["waiting", "with a place in hand"])
async def test_who_is_cancelled_takes_no_place(has_place):
    pool = ConnectionPool(1)
    await pool.acquire(lambda: 0)
    (waiting,) = acquire(pool, 1, PLAIN)
    await turns(10)

    if has_place:
        pool.release()
    waiting.cancel()
    await turns(10)
    if not has_place:
        pool.release()

    assert pool.used == 0


class Small:
    """The number of small requests, as a test sets it; notes what the pool reports."""

    def __init__(self, allowed):
        self.allowed = allowed
        self.completions = []
        self.resets = 0

    def completed(self, *, is_busy):
        self.completions.append(is_busy)

    def reset(self):
        self.resets += 1


async def test_more_small_requests_than_connections_are_sent():
    pool = ConnectionPool(2, small=Small(4))
    small = acquire(pool, 5)
    await turns(10)
    assert pool.used == 4

    pool.release()
    await turns(10)
    large = asyncio.create_task(pool.acquire(lambda: 1))
    pool.release()
    pool.release()
    await turns(10)
    assert not large.done()
    pool.release()
    await turns(10)

    assert large.done()
    assert all(task.done() for task in small)


@pytest.mark.parametrize(
    ("limit", "used"),
    [(lambda pool: pool.congestion(0), 2), (lambda pool: pool.limit(1), 1)],
    ids=["congestion", "speed limit"],
)
async def test_fewer_connections_limit_small_requests_too(limit, used):
    pool = ConnectionPool(4, small=Small(8))
    limit(pool)

    waiting = acquire(pool, 5)
    await turns(10)

    assert pool.used == used
    for task in waiting:
        task.cancel()


async def test_a_larger_number_of_small_requests_is_used_at_the_next_completion():
    small = Small(2)
    pool = ConnectionPool(2, small=small)
    waiting = acquire(pool, 6)
    await turns(10)
    small.allowed = 4
    pool.success(SMALL)
    pool.release()
    await turns(10)

    assert pool.used == 4
    for task in waiting:
        task.cancel()


async def test_only_small_requests_are_counted_and_whether_enough_are_under_way():
    small = Small(4)
    pool = ConnectionPool(2, small=small)
    waiting = acquire(pool, 5)
    await turns(10)
    pool.success()
    assert small.completions == []
    for _ in range(5):
        pool.success(SMALL)
        pool.release()
        await turns(10)

    assert small.completions == [True, True, True, False, False]
    assert all(task.done() for task in waiting)


def test_congestion_resets_the_number_of_small_requests_once():
    small = Small(8)
    pool = ConnectionPool(4, small=small)
    for _ in range(3):
        pool.congestion(0)

    assert small.resets == 1


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
