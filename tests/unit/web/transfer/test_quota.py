"""The quota: an upload that does not fit into the rest waits until it fits."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import GrantRefused
from ossferry_uploader.transfer.grants.quota import Left, Quota
from ossferry_uploader.transfer.queue import Queue
from ossferry_uploader.transfer.slots import AHEAD
from support.fakes import FakeFile, make_engine, make_ports, until
from support.pages import store, turns


@pytest.mark.parametrize(
    ("left", "sizes", "taken"),
    [
        (Left(None, None), [10, 10], [True, True]),
        (Left(None, 1), [10, 10], [True, False]),
        (Left(15, None), [10, 10, 5], [True, False, True]),
        (Left(20, 1), [30], [False]),
    ],
)
def test_no_more_is_taken_than_is_left(left, sizes, taken):
    quota = Quota()
    quota.told(left)

    assert [quota.take(number, size) for number, size in enumerate(sizes)] == taken


def test_what_has_arrived_counts_until_the_server_has_counted_it():
    quota = Quota()
    quota.told(Left(100, 10))
    for number in (1, 2, 3):
        quota.take(number, 10)
    quota.give_back(3)
    quota.arrived(1, 10)
    quota.arrived(2, 10)
    assert quota.left().facts() == (80, 8)

    quota.told(Left(90, 9))
    quota.counted(1)

    assert quota.left().facts() == (80, 8)
    assert [quota.take(4, 81), quota.take(5, 80)] == [False, True]


def test_a_grant_that_is_used_again_is_no_news():
    quota = Quota()
    first = Left(100, 10)
    quota.granted(first)
    quota.told(Left(50, 5))

    quota.granted(first)

    assert quota.left().facts() == (50, 5)


@pytest.mark.parametrize(
    ("limit", "left"), [("bytes_total", (0, 5)), ("objects_day", (50, 0))], ids=["bytes", "objects"]
)
def test_a_refusal_says_what_there_is_nothing_left_of_and_the_next_grant_what_there_is(limit, left):
    quota = Quota()
    first, next_ = Left(50, 5), Left(70, 7)
    quota.granted(first)

    quota.used_up({"limit": limit, "used": 50, "allowed": 50})
    quota.granted(first)
    assert quota.left().facts() == left

    quota.granted(next_)
    assert quota.left().facts() == (70, 7)


def make(*, objects, size=None, ahead=AHEAD):
    ports = make_ports()
    ports.grants.left = Left(size, objects)
    ports.network.hold()  # waiting uploads check again at `release`
    engine = make_engine(ports, 3)
    return Queue(engine, active=3, ahead=ahead), engine, ports


def count(queue, state):
    return len([upload for upload in queue.uploads if upload.state == state])


async def stop(queue):
    """End the waiting uploads, which would wait for ever if tests share an event loop."""
    queue.cancel_all()
    await until(lambda: all(upload.state in states.ENDED for upload in queue.uploads))


async def test_what_is_over_the_quota_is_not_sent_but_waits():
    queue, _, ports = make(objects=5)

    for number in range(30):
        queue.add(FakeFile(f"{number}.txt"))
    await until(lambda: count(queue, states.PAUSED))
    await until(lambda: count(queue, states.DONE) == 5)
    await turns(50)

    assert len(ports.http.objects) == 5
    reasons = {each.paused_for for each in queue.uploads if each.state == states.PAUSED}
    assert reasons == {states.FOR_QUOTA}
    assert ports.grants.fetched == 1
    await stop(queue)


async def test_it_goes_on_when_the_server_says_that_there_is_room():
    queue, _, ports = make(objects=1)
    for number in range(3):
        queue.add(FakeFile(f"{number}.txt"))
    await until(lambda: count(queue, states.PAUSED) == 2)

    ports.grants.left = Left(None, 3)
    ports.clock.advance(60)
    ports.network.release()

    await until(lambda: count(queue, states.DONE) == 3)


async def test_a_quota_that_is_used_up_leaves_those_on_their_way_alone():
    queue, engine, ports = make(objects=1)
    ports.http.hold()
    queue.add(FakeFile("first.txt"))
    await until(lambda: ports.http.requests)
    ports.clock.advance(60)
    ports.grants.errors = [GrantRefused(429, code="quota-exceeded")] * 3
    queue.add(FakeFile("second.txt"))
    await until(lambda: count(queue, states.PAUSED))

    ports.http.release()

    await until(lambda: count(queue, states.DONE) == 1)
    assert (await engine.keeper.get()).credentials.access_key_id == "STS.1"
    await stop(queue)


async def test_what_was_cancelled_gives_its_room_to_others():
    queue, _, ports = make(objects=1)
    ports.http.hold()
    first, second = queue.add(FakeFile("first.txt")), queue.add(FakeFile("second.txt"))
    await until(lambda: count(queue, states.PAUSED))

    queue.cancel(first)
    ports.http.release()
    await until(lambda: first.state == states.CANCELLED)
    ports.network.release()

    await until(lambda: second.state == states.DONE)


@pytest.mark.parametrize("already", [0, 3], ids=["added together", "added later"])
async def test_what_has_room_passes_what_waits_for_it(already):
    queue, _, _ = make(objects=None, size=50, ahead=0)
    for number in range(3):
        queue.add(FakeFile(f"large{number}.txt", 100))
    await until(lambda: count(queue, states.PAUSED) >= already)

    await store(queue, FakeFile("small.txt", 10))
    await stop(queue)


async def test_what_has_no_room_waits_a_few_at_a_time():
    queue, _, _ = make(objects=0, ahead=0)

    for number in range(30):
        queue.add(FakeFile(f"{number}.txt"))
    await until(lambda: count(queue, states.PAUSED) == 3)
    await turns(50)

    assert count(queue, states.PAUSED) == 3
    await stop(queue)
