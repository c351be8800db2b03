"""The queue: order, concurrency and notifications."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileTooLarge, GrantRefused, ServerRefused
from ossferry_uploader.transfer.options import Options
from ossferry_uploader.transfer.plan import MAX_OBJECT_BYTES, MAX_SINGLE_BYTES
from support.fakes import FakeFile, refused, until
from support.pages import ended, listened, send, turns


def under_way(queue):
    states_shown = [upload.state for upload in queue.uploads]
    return states_shown.count(states.UPLOADING) + states_shown.count(states.VERIFYING)


@pytest.mark.parametrize(("count", "parallel"), [(10, 3), (200, 6)])
async def test_two_hundred_files_arrive_with_one_grant_and_a_few_at_a_time(count, parallel):
    queue, ports, _ = listened(parallel)

    for number in range(count):
        queue.add(FakeFile(f"{number}.txt"))
    await ended(*queue.uploads)

    assert [upload.state for upload in queue.uploads] == [states.DONE] * count
    assert len(ports.http.objects) == count
    assert ports.http.most_running == parallel
    assert ports.grants.fetched == 1


@pytest.mark.parametrize(("size", "under_way"), [(1, 3), (MAX_SINGLE_BYTES + 1, 1)])
async def test_small_files_make_ready_while_others_hold_the_connections(size, under_way):
    queue, ports, _ = listened(parallel=1, ahead=2)
    ports.http.hold()

    for number in range(5):
        queue.add(FakeFile(f"{number}.txt", size))
    await turns()

    states_shown = [upload.state for upload in queue.uploads]
    assert states_shown.count(states.UPLOADING) == under_way
    assert ports.http.most_running == 1
    ports.http.release()
    await ended(*queue.uploads)


async def test_a_file_says_what_it_waits_for_while_its_checksum_cannot_be_computed():
    queue, ports, _ = listened()
    queue.options = Options(sha256=True)
    ports.checksum.errors = [ServerRefused(0)]
    ports.network.hold()
    upload = queue.add(FakeFile())
    await until(lambda: upload.paused_for == states.FOR_SERVER)

    ports.network.release()
    await ended(*queue.uploads)

    assert upload.state == states.DONE


async def test_small_files_make_ready_some_at_a_time():
    queue, ports, _ = listened(parallel=1, ahead=8)
    counts = []
    queue.on_change(lambda _upload: counts.append(under_way(queue)))
    ports.http.hold()
    for number in range(20):
        queue.add(FakeFile(f"{number}.txt", 1))
    await turns()

    assert max(counts) == 6
    ports.http.release()
    await ended(*queue.uploads)
    assert max(counts) == 9


async def test_a_failure_leaves_the_others_alone():
    queue, ports, _ = listened(parallel=1)
    ports.http.plan = [None, refused("AccessDenied"), None]

    for number in range(3):
        queue.add(FakeFile(f"{number}.txt"))
    await ended(*queue.uploads)

    assert [upload.state for upload in queue.uploads] == ["done", "failed", "done"]
    assert queue.uploads[1].error.code == "AccessDenied"


async def test_without_a_grant_every_upload_says_so():
    queue, ports, _ = listened()
    ports.grants.errors = [GrantRefused(403, id="7")]

    for number in range(2):
        queue.add(FakeFile(f"{number}.txt"))
    await ended(*queue.uploads)

    assert [upload.error.id for upload in queue.uploads] == ["7", "7"]


async def test_every_change_is_told_in_order():
    queue, _, changes = listened()

    upload = await send(queue, FakeFile())

    told = [state for changed, state in changes if changed is upload]
    assert [state for index, state in enumerate(told) if state not in told[:index]] == [
        "waiting",
        "uploading",
        "verifying",
        "done",
    ]


async def test_small_files_go_first_and_urgent_ones_before_them():
    queue, ports, _ = listened(parallel=1)
    ports.http.hold()
    queue.add(FakeFile("first", 50))
    for name, size in (("large", 90), ("small", 10), ("medium", 40)):
        queue.add(FakeFile(name, size))
    await turns()

    queue.send_next(queue.uploads[1])
    ports.http.release()
    await ended(*queue.uploads)

    sent = [request.url.split("/")[-1] for request in ports.http.requests]
    assert sent == ["first", "large", "small", "medium"]


@pytest.mark.parametrize(
    ("size", "requests"),
    [(MAX_SINGLE_BYTES, ["PUT"]), (MAX_SINGLE_BYTES + 1, ["POST", "PUT", "PUT", "PUT", "POST"])],
)
async def test_large_files_go_in_parts(size, requests):
    queue, ports, _ = listened()

    upload = await send(queue, FakeFile("a", size))

    assert [request.method for request in ports.http.requests] == requests
    assert (upload.state, upload.sent) == (states.DONE, size)


@pytest.mark.parametrize(
    ("allowed", "limit"), [(100, 100), (10**15, MAX_OBJECT_BYTES)], ids=["grant", "OSS"]
)
async def test_a_file_too_large_is_not_sent(allowed, limit):
    queue, ports, _ = listened()
    ports.grants.max_file_size = allowed

    upload = await send(queue, FakeFile(size=limit + 1))

    assert isinstance(upload.error, FileTooLarge)
    assert upload.error.limit == limit
    assert ports.http.requests == []


async def test_keys_have_prefix_day_random_and_name():
    queue, _, _ = listened()

    upload = await send(queue, FakeFile("c.txt", path="a/b"))

    assert upload.key == f"uploads/alice-1/2026-03-14/{'0' * 31}2/a/b/c.txt"


async def test_files_that_a_person_has_moved_are_sent_in_the_order_of_the_list():
    queue, ports, _ = listened(parallel=1, ahead=0)
    ports.http.hold()
    running = queue.add(FakeFile("0.txt", 5))
    await turns()
    small, large, middle = (
        queue.add(FakeFile(name, size)) for name, size in (("s", 1), ("l", 9), ("m", 5))
    )

    queue.move(middle, small)
    queue.move(small, None)
    later = queue.add(FakeFile("z", 0))
    order = []
    queue.on_change(
        lambda it: order.append(it) if it.state == states.DONE and it not in order else None
    )
    ports.http.release()
    await ended(*queue.uploads)

    assert queue.uploads == [running, middle, large, small, later]
    assert order == queue.uploads
