"""The queue: how many at a time, and what cancel, retry and remove do."""

import asyncio

import pytest

from support.fakes import FakeFile, lost, make_engine, make_ports, refused, until
from uploader.oss.errors import Lost
from uploader.transfer import states
from uploader.transfer.errors import FileTooLarge, GrantRefused, IllegalMove
from uploader.transfer.plan import MAX_OBJECT_BYTES, MIB
from uploader.transfer.queue import MAX_SINGLE_BYTES, Queue


def make(parallel=3):
    ports = make_ports()
    changes = []
    queue = Queue(
        make_engine(ports, parallel),
        on_change=lambda upload: changes.append((upload, upload.state)),
        active=parallel,
    )
    return queue, ports, changes


async def settle(queue):
    await until(lambda: all(upload.state in states.ENDED for upload in queue.uploads))


async def pause():
    for _ in range(40):
        await asyncio.sleep(0)


async def test_all_files_arrive_and_never_too_many_at_once():
    queue, ports, _ = make(parallel=3)

    for number in range(10):
        queue.add(FakeFile(f"{number}.txt"))
    await settle(queue)

    assert [upload.state for upload in queue.uploads] == [states.DONE] * 10
    assert ports.http.most_running == 3
    assert ports.grants.fetched == 1


async def test_two_files_of_one_name_are_two_objects():
    queue, _, _ = make()

    first, second = queue.add(FakeFile("a.txt")), queue.add(FakeFile("a.txt"))
    await settle(queue)

    assert first.key != second.key


async def test_a_failure_leaves_the_others_alone():
    queue, ports, _ = make(parallel=1)
    ports.http.plan = [None, refused("AccessDenied"), None]

    for number in range(3):
        queue.add(FakeFile(f"{number}.txt"))
    await settle(queue)

    assert [upload.state for upload in queue.uploads] == ["done", "failed", "done"]
    assert queue.uploads[1].error.code == "AccessDenied"


async def test_without_a_grant_every_upload_says_so():
    queue, ports, _ = make()
    ports.grants.errors = [GrantRefused(403, id="7")]

    for number in range(2):
        queue.add(FakeFile(f"{number}.txt"))
    await settle(queue)

    assert [upload.error.id for upload in queue.uploads] == ["7", "7"]


async def test_a_running_upload_stops_at_once_when_cancelled():
    queue, ports, _ = make(parallel=1)
    ports.http.hold()
    running, waiting = queue.add(FakeFile("a")), queue.add(FakeFile("b"))
    await pause()
    assert (running.state, waiting.state) == (states.UPLOADING, states.WAITING)

    queue.cancel(running)
    await pause()

    assert (running.state, waiting.state) == (states.CANCELLED, states.UPLOADING)
    assert ports.http.running == 1


async def test_an_upload_that_has_not_started_can_be_cancelled():
    queue, ports, _ = make(parallel=1)
    first, second = queue.add(FakeFile("a")), queue.add(FakeFile("b"))

    queue.cancel(first)
    queue.cancel(second)
    await pause()

    assert (first.state, second.state) == (states.CANCELLED, states.CANCELLED)
    assert ports.http.requests == []


async def test_cancelling_what_has_ended_changes_nothing():
    queue, _, _ = make()
    upload = queue.add(FakeFile())
    await settle(queue)

    queue.cancel(upload)
    await pause()

    assert upload.state == states.DONE


async def test_a_failed_upload_can_be_sent_again():
    queue, ports, _ = make()
    ports.http.plan = [lost(Lost.CORS)]
    upload = queue.add(FakeFile())
    await settle(queue)
    assert upload.state == states.FAILED

    queue.retry(upload)
    await settle(queue)

    assert upload.state == states.DONE
    assert upload.error is None


async def test_what_is_done_cannot_be_sent_again():
    queue, _, _ = make()
    upload = queue.add(FakeFile())
    await settle(queue)

    with pytest.raises(IllegalMove):
        queue.retry(upload)

    assert upload.state == states.DONE


async def test_what_is_running_cannot_be_removed():
    queue, ports, _ = make()
    ports.http.hold()
    upload = queue.add(FakeFile())
    await pause()

    with pytest.raises(IllegalMove):
        queue.remove(upload)
    queue.cancel(upload)
    await pause()
    queue.remove(upload)

    assert queue.uploads == []


async def test_every_change_is_told_in_order():
    queue, _, changes = make()

    upload = queue.add(FakeFile())
    await settle(queue)

    told = [state for changed, state in changes if changed is upload]
    assert [state for index, state in enumerate(told) if state not in told[:index]] == [
        "waiting",
        "uploading",
        "verifying",
        "done",
    ]


async def test_small_files_go_first_and_urgent_ones_before_them():
    queue, ports, _ = make(parallel=1)
    ports.http.hold()
    queue.add(FakeFile("first", 50))
    for name, size in (("large", 90), ("small", 10), ("medium", 40)):
        queue.add(FakeFile(name, size))
    await pause()

    queue.send_next(queue.uploads[1])
    ports.http.release()
    await settle(queue)

    sent = [request.url.split("/")[-1] for request in ports.http.requests]
    assert sent == ["first", "large", "small", "medium"]


@pytest.mark.parametrize(
    ("size", "requests"),
    [(MAX_SINGLE_BYTES, ["PUT"]), (MAX_SINGLE_BYTES + 1, ["POST", "PUT", "PUT", "PUT", "POST"])],
)
async def test_large_files_go_in_parts(size, requests):
    queue, ports, _ = make()

    upload = queue.add(FakeFile("a", size))
    await settle(queue)

    assert [request.method for request in ports.http.requests] == requests
    assert (upload.state, upload.sent) == (states.DONE, size)


async def test_a_paused_upload_stops_at_once_and_goes_on_where_it_was():
    queue, ports, _ = make(parallel=2)
    ports.http.hold_after = 4
    upload = queue.add(FakeFile("a", 64 * MIB))
    await pause()

    queue.pause(upload)
    await pause()
    assert (upload.state, upload.paused_for) == (states.PAUSED, states.BY_PERSON)
    assert ports.http.running == 0
    arrived = len(upload.parts)
    assert upload.sent == arrived * 8 * MIB
    ports.http.release()
    queue.resume(upload)
    await settle(queue)

    assert upload.state == states.DONE
    assert len(ports.http.parts_sent) == 8


async def test_a_paused_upload_makes_room_for_others():
    queue, ports, _ = make(parallel=1)
    ports.http.hold()
    first, second = queue.add(FakeFile("a")), queue.add(FakeFile("b"))
    await pause()

    queue.pause(first)
    ports.http.release()
    await pause()

    assert (first.state, second.state) == (states.PAUSED, states.DONE)


async def test_a_cancelled_upload_leaves_no_parts():
    queue, ports, _ = make(parallel=2)
    ports.http.hold_after = 3
    upload = queue.add(FakeFile("a", 64 * MIB))
    await pause()

    queue.cancel(upload)
    ports.http.release()
    await pause()

    assert upload.state == states.CANCELLED
    assert ports.http.multiparts == {}
    assert ports.http.objects == {}


async def test_a_paused_upload_can_be_cancelled():
    queue, ports, _ = make(parallel=2)
    ports.http.hold_after = 3
    upload = queue.add(FakeFile("a", 64 * MIB))
    await pause()
    queue.pause(upload)
    await pause()
    ports.http.release()

    queue.cancel(upload)
    await pause()

    assert upload.state == states.CANCELLED
    assert ports.http.multiparts == {}


@pytest.mark.parametrize(
    ("allowed", "limit"), [(100, 100), (10**15, MAX_OBJECT_BYTES)], ids=["grant", "OSS"]
)
async def test_a_file_too_large_is_not_sent(allowed, limit):
    queue, ports, _ = make()
    ports.grants.max_file_size = allowed

    upload = queue.add(FakeFile(size=limit + 1))
    await settle(queue)

    assert isinstance(upload.error, FileTooLarge)
    assert upload.error.limit == limit
    assert ports.http.requests == []


async def test_keys_have_prefix_day_random_and_name():
    queue, _, _ = make()

    upload = queue.add(FakeFile("c.txt", path="a/b"))
    await settle(queue)

    assert upload.key == f"uploads/alice-1/2026-03-14/{'0' * 31}1/a/b/c.txt"


async def test_two_hundred_files_arrive_with_one_grant():
    queue, ports, _ = make(parallel=6)

    for number in range(200):
        queue.add(FakeFile(f"{number}"))
    await settle(queue)

    assert len(ports.http.objects) == 200
    assert ports.http.most_running == 6
    assert ports.grants.fetched == 1
