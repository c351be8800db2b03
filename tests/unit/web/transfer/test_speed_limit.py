"""The speed limit: the header of each request, and the number of connections."""

import asyncio

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.pacing.connections import ConnectionPool
from ossferry_uploader.transfer.pacing.speed_limit import SpeedLimit
from ossferry_uploader.transfer.plan import KIB, MIB
from ossferry_uploader.transfer.queue import Queue
from support.fakes import FakeFile, make_engine, make_ports, until
from support.pages import store


@pytest.mark.parametrize(
    ("bytes_per_s", "connections", "traffic_limit"),
    [
        (0, 6, 0),
        (1, 1, 819_200),
        (102_400, 1, 819_200),
        (1_000_000, 2, 4_000_000),
        (5_000_000, 6, 6_666_666),
        (10**12, 6, 838_860_800),
    ],
)
def test_the_limit_is_shared_by_the_connections(bytes_per_s, connections, traffic_limit):
    pool = ConnectionPool(6)
    speed = SpeedLimit(pool)

    speed.set(bytes_per_s)

    assert (pool.most, speed.traffic_limit) == (connections, traffic_limit)


def test_a_lifted_limit_gives_all_connections_back():
    pool = ConnectionPool(6)
    speed = SpeedLimit(pool)
    speed.set(200_000)

    speed.set(0)

    assert (pool.most, pool.allowed, speed.traffic_limit) == (6, 6, 0)


def test_a_larger_limit_gives_nothing_back_that_trouble_has_taken():
    pool = ConnectionPool(6)
    pool.limit(3)
    pool.congestion(0)

    pool.limit(6)

    assert pool.allowed == 1


def test_a_limit_is_whole_bytes():
    speed = SpeedLimit(ConnectionPool(6))

    speed.set(1.5e6)

    assert str(speed.traffic_limit) == "4000000"


async def test_what_oss_holds_back_does_not_tell_the_speed_of_the_line():
    ports = make_ports()
    engine = make_engine(ports, 1)
    queue = Queue(engine)
    send = ports.http.send

    async def send_slowly(request, body, on_progress):
        ports.clock.advance(10)
        return await send(request, body, on_progress)

    ports.http.send = send_slowly
    queue.speed_limit = 102_400
    rate = engine.rate_bytes_per_s

    await store(queue, FakeFile("a.bin", MIB))

    assert engine.rate_bytes_per_s == rate


def test_a_negative_limit_is_refused():
    with pytest.raises(ValueError, match="0 or more"):
        SpeedLimit(ConnectionPool()).set(-1)


async def test_a_change_reaches_the_next_requests_of_an_upload_under_way():
    ports = make_ports()
    queue = Queue(make_engine(ports, 2), on_change=lambda _upload: None)
    ports.http.hold_after = 2
    upload = queue.add(FakeFile("a.bin", 64 * MIB))
    await until(lambda: ports.http.hold_after is None)
    before = len(ports.http.requests)

    queue.speed_limit = 200_000
    ports.http.release()
    await until(lambda: upload.state == states.DONE)

    limits = [dict(request.headers).get("x-oss-traffic-limit") for request in ports.http.requests]
    assert limits[:before] == [None] * before
    assert limits[before:-1] == ["1600000"] * (len(limits) - before - 1)
    assert limits[-1] is None  # the completion request has no data to limit
    assert queue.speed_limit == 200_000


async def test_a_small_file_keeps_to_the_limit():
    ports = make_ports()
    queue = Queue(make_engine(ports))
    queue.speed_limit = 200_000

    await store(queue, FakeFile())

    assert ports.http.header(0, "x-oss-traffic-limit") == "1600000"


async def test_parts_are_as_small_as_the_limit_of_a_connection_asks_for():
    queue = Queue(make_engine(make_ports()))
    queue.speed_limit = 100 * KIB

    upload = await store(queue, FakeFile("a.bin", 20 * MIB))

    assert upload.progress.part_size == 1000 * KIB


def unmeasured():
    """Return the ports, the engine and the queue of a page that knows no speed yet."""
    ports = make_ports()
    engine = make_engine(ports)
    engine.rate_bytes_per_s = 0.0
    return ports, engine, Queue(engine, on_change=lambda _upload: None)


async def test_r16_a_clock_that_is_set_while_bytes_leave_does_not_change_their_speed():
    ports, engine, queue = unmeasured()
    send = ports.http.send

    async def in_four_seconds(request, body, on_progress):
        ports.clock.advance(4)
        ports.clock.error_s += 3600
        return await send(request, body, on_progress)

    ports.http.send = in_four_seconds
    await store(queue, FakeFile("a.bin", 8 * MIB))

    assert engine.rate_bytes_per_s == 2 * MIB


@pytest.mark.parametrize(
    ("seconds", "rate"), [(0.1, 0.0), (10, 10 * KIB)], ids=["told by the way", "told by the line"]
)
async def test_a_smaller_body_tells_the_speed_of_a_slow_line_only(seconds, rate):
    ports, engine, queue = unmeasured()
    send = ports.http.send

    async def slowly(request, body, on_progress):
        ports.clock.advance(seconds)
        return await send(request, body, on_progress)

    ports.http.send = slowly
    await store(queue, FakeFile("a.bin", 100 * KIB))

    assert engine.rate_bytes_per_s == rate


async def test_parts_are_small_until_a_body_has_told_what_the_line_carries():
    ports = make_ports()
    engine = make_engine(ports, 1)
    engine.rate_bytes_per_s = 0.0
    queue = Queue(engine, on_change=lambda _upload: None)
    send = ports.http.send

    async def at_quarter_of_a_megabyte(request, body, on_progress):
        if isinstance(body, Piece):
            ports.clock.advance(4 * body.size / MIB)
        return await send(request, body, on_progress)

    ports.http.send = at_quarter_of_a_megabyte
    first = await store(queue, FakeFile("a.bin", 20 * MIB))
    second = await store(queue, FakeFile("b.bin", 20 * MIB))

    assert (first.progress.part_size, second.progress.part_size) == (MIB, 2.5 * MIB)


async def test_fewer_places_are_not_taken_from_who_has_them():
    pool = ConnectionPool(3)
    for _ in range(3):
        await pool.acquire(lambda: 0)

    pool.limit(1)
    waiting = asyncio.create_task(pool.acquire(lambda: 0))
    pool.release()
    pool.release()
    await asyncio.sleep(0)
    assert not waiting.done()
    pool.release()
    await waiting

    assert pool.used == 1
