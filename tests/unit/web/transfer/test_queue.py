"""The queue: how many at a time, and what cancel, retry and remove do."""

import asyncio

import pytest

from support.fakes import FakeFile, lost, make_ports, refused
from uploader.transfer import states
from uploader.transfer.credentials import GrantKeeper
from uploader.transfer.errors import GrantRefused, IllegalMove
from uploader.transfer.queue import Queue


def make(parallel=3):
    ports = make_ports()
    changes = []
    queue = Queue(
        ports,
        GrantKeeper(ports.grants, ports.clock),
        on_change=lambda upload: changes.append((upload, upload.state)),
        parallel=parallel,
    )
    return queue, ports, changes


async def settle(queue):
    for _ in range(500):
        await asyncio.sleep(0)
        if all(upload.state in states.ENDED for upload in queue.uploads):
            return
    raise AssertionError([upload.state for upload in queue.uploads])


async def pause():
    for _ in range(20):
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
    ports.grants.errors = [GrantRefused(503, id="7")]

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
    ports.http.plan = [lost()]
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
