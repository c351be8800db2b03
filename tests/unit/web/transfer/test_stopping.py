"""The effects of pause, cancel, retry and remove on an upload."""

import asyncio

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileUnreadable, IllegalMove
from ossferry_uploader.transfer.plan import MIB
from support.fakes import FakeFile, crc64_of_zeros, refused, until
from support.pages import ended, half_sent, listened, send, turns


async def test_a_running_upload_stops_at_once_when_cancelled():
    queue, ports, _ = listened(parallel=1)
    ports.http.hold()
    running, waiting = queue.add(FakeFile("a")), queue.add(FakeFile("b"))
    await turns()
    assert (running.state, waiting.state) == (states.UPLOADING, states.WAITING)

    queue.cancel(running)
    await turns()

    assert (running.state, waiting.state) == (states.CANCELLED, states.UPLOADING)
    assert ports.http.running == 1


async def test_cancelling_what_has_ended_changes_nothing():
    queue, _, _ = listened()
    upload = await send(queue, FakeFile())

    queue.cancel(upload)
    await turns()

    assert upload.state == states.DONE


async def test_what_is_running_cannot_be_removed():
    queue, ports, _ = listened()
    ports.http.hold()
    upload = queue.add(FakeFile())
    await turns()

    with pytest.raises(IllegalMove):
        queue.remove(upload)
    queue.cancel(upload)
    await turns()
    queue.remove(upload)

    assert queue.uploads == []


async def test_a_paused_upload_stops_at_once_and_goes_on_where_it_was():
    queue, ports, _ = listened(parallel=2)
    upload = await half_sent(queue, ports, FakeFile("a", 64 * MIB), 4)

    queue.pause(upload)
    await turns()
    assert (upload.state, upload.paused_for) == (states.PAUSED, states.BY_PERSON)
    assert ports.http.running == 0
    arrived = len(upload.progress.parts)
    assert upload.sent == arrived * 8 * MIB
    ports.http.release()
    queue.resume(upload)
    await ended(*queue.uploads)

    assert upload.state == states.DONE
    assert len(ports.http.parts_sent) == 8


async def test_a_paused_upload_makes_room_for_others():
    queue, ports, _ = listened(parallel=1)
    ports.http.hold()
    first, second = queue.add(FakeFile("a")), queue.add(FakeFile("b"))
    await turns()

    queue.pause(first)
    ports.http.release()
    await turns()

    assert (first.state, second.state) == (states.PAUSED, states.DONE)


@pytest.mark.parametrize("pauses", [True, False])
async def test_a_cancelled_upload_leaves_no_parts(pauses):
    queue, ports, _ = listened(parallel=2)
    upload = await half_sent(queue, ports, FakeFile("a", 64 * MIB), 3)
    if pauses:
        queue.pause(upload)
        await turns()

    queue.cancel(upload)
    ports.http.release()
    await turns()

    assert upload.state == states.CANCELLED
    assert ports.http.multiparts == {}
    assert ports.http.objects == {}


@pytest.mark.parametrize("size", [10, 20 * MIB])
@pytest.mark.parametrize("pauses", [True, False])
async def test_r29_a_cancel_that_comes_after_the_end_says_that_the_object_is_there(size, pauses):
    queue, ports, _ = listened()
    send = ports.http.send

    async def keep_the_last_answer(request, body, on_progress):
        reply = await send(request, body, on_progress)
        if ports.http.objects:
            await asyncio.Event().wait()
        return reply

    ports.http.send = keep_the_last_answer
    upload = queue.add(FakeFile("a", size))
    await until(lambda: ports.http.objects)
    await turns()
    ports.http.send = send

    if pauses:
        queue.pause(upload)
        await turns()
    queue.cancel(upload)
    await until(lambda: upload.state == states.DONE)

    assert upload.crc64 == str(crc64_of_zeros(size))
    assert ports.http.objects == {upload.key: size}
    assert ports.http.multiparts == {}


async def test_an_upload_that_is_removed_is_not_heard_of_again():
    queue, ports, changes = listened(parallel=2)
    upload = await half_sent(queue, ports, FakeFile("a", 64 * MIB), 3)
    queue.cancel(upload)
    await turns()
    queue.remove(upload)
    told = len(changes)

    ports.http.release()
    await until(lambda: not ports.http.multiparts)
    await turns()

    assert len(changes) == told


@pytest.mark.parametrize(("changed", "kept"), [(True, 0), (False, 1)])
async def test_parts_of_a_file_that_has_changed_are_removed_and_of_one_out_of_reach_kept(
    changed, kept
):
    queue, ports, _ = listened()
    ports.http.hold_after = 1
    upload = queue.add(FakeFile("a.bin", 64 * MIB))
    await until(lambda: ports.http.hold_after is None)
    ports.http.plan = [FileUnreadable("gone", changed=changed)]

    ports.http.release()
    await until(lambda: upload.state == states.FAILED and not ports.http.running)
    await turns()

    assert len(ports.http.multiparts) == kept
    assert len(ports.storage.texts) == kept


async def test_all_at_once():
    queue, ports, _ = listened()
    ports.http.hold()
    uploads = [queue.add(FakeFile(f"{number}.txt")) for number in range(5)]
    await until(lambda: ports.http.running == 3)

    queue.pause_all()
    await until(lambda: all(upload.state == states.PAUSED for upload in uploads))
    queue.resume_all()
    await until(lambda: ports.http.running == 3)
    ports.http.release()
    queue.cancel_all()
    await until(lambda: all(upload.state == states.CANCELLED for upload in uploads))
    for upload in uploads[:2]:
        queue.retry(upload)
        ports.http.plan.append(refused("AccessDenied"))
    await until(lambda: [upload.state for upload in uploads[:2]] == [states.FAILED] * 2)
    queue.retry_failed()
    await until(lambda: [upload.state for upload in uploads[:2]] == [states.DONE] * 2)


async def test_a_retry_waits_until_the_cancelled_upload_is_gone():
    queue, ports, _ = listened()
    ports.http.hold_after = 2
    upload = queue.add(FakeFile("a.bin", 64 * MIB))
    await until(lambda: ports.http.hold_after is None)

    queue.cancel(upload)
    await until(lambda: ports.http.requests[-1].method == "DELETE")
    queue.retry(upload)
    queue.cancel(upload)
    queue.retry(upload)
    await turns()
    ports.http.release()
    await until(lambda: upload.state == states.DONE)

    assert ports.http.objects == {upload.key: 64 * MIB}
    assert ports.http.multiparts == {}
    assert [request.method for request in ports.http.requests].count("DELETE") == 1


async def test_an_upload_that_is_stopped_before_it_began_does_not_begin():
    queue, ports, _ = listened()

    cancelled, paused = queue.add(FakeFile("a.txt")), queue.add(FakeFile("b.txt"))
    queue.cancel(cancelled)
    queue.pause(paused)
    await turns()

    assert (cancelled.state, paused.state) == (states.CANCELLED, states.PAUSED)
    assert (cancelled.error, paused.error) == (None, None)
    assert ports.http.requests == []
