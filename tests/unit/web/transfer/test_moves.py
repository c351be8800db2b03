"""Buttons pressed while an upload is between two states."""

import asyncio

import pytest

from ossferry_uploader.oss.errors import Lost
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileUnreadable, IllegalMove
from ossferry_uploader.transfer.plan import MIB
from ossferry_uploader.transfer.queue import Queue
from support.fakes import FakeFile, lost, make_engine, make_ports, until


def make():
    ports = make_ports()
    return Queue(make_engine(ports, 3), active=3, ahead=0), ports


async def under_way(queue, ports):
    """Return an upload whose request is held."""
    ports.http.hold()
    upload = queue.add(FakeFile("a.bin"))
    await until(lambda: ports.http.running)
    return upload


async def waiting_for_network(queue, ports):
    """Return an upload that waits for the network, and the event that lets it continue."""
    gate = asyncio.Event()

    async def may_be_back(_timeout_s):
        await gate.wait()

    ports.network.may_be_back = may_be_back
    ports.http.plan = [lost(Lost.UNREACHABLE)]
    upload = queue.add(FakeFile("a.bin"))
    await until(lambda: upload.paused_for == states.FOR_NETWORK)
    return upload, gate


async def test_a_retry_while_parts_of_a_changed_file_are_removed_sends_it_once():
    queue, ports = make()
    send, asked, gate = ports.http.send, asyncio.Event(), asyncio.Event()

    async def send_slowly(request, body, on_progress):
        if request.method == "DELETE":
            asked.set()
            await gate.wait()
        return await send(request, body, on_progress)

    ports.http.send = send_slowly
    ports.http.plan = [None, FileUnreadable("changed", changed=True)]
    upload = queue.add(FakeFile("a.bin", 64 * MIB))
    await asked.wait()

    queue.retry(upload)
    gate.set()
    await until(lambda: upload.state in states.ENDED)

    assert (upload.state, upload.error) == (states.DONE, None)
    begun = [request for request in ports.http.requests if request.url.endswith("?uploads")]
    assert len(begun) == 2


@pytest.mark.parametrize("press", ["retry", "resume"])
async def test_an_upload_that_waits_for_the_network_needs_no_push(press):
    queue, ports = make()
    upload, gate = await waiting_for_network(queue, ports)

    getattr(upload, press)()
    gate.set()
    await until(lambda: upload.state in states.ENDED)

    assert (upload.state, upload.error) == (states.DONE, None)
    assert len(ports.http.requests) == 2


@pytest.mark.parametrize("resume", ["one", "all"])
async def test_a_pause_that_is_taken_back_at_once_goes_on(resume):
    queue, ports = make()
    upload = await under_way(queue, ports)

    if resume == "one":
        upload.pause()
        upload.resume()
    else:
        queue.pause_all()
        queue.resume_all()
    ports.http.release()
    await until(lambda: upload.state == states.DONE)

    assert queue.uploads == [upload]


async def test_the_last_of_several_pauses_counts():
    queue, ports = make()
    upload = await under_way(queue, ports)

    upload.pause()
    upload.resume()
    upload.pause()
    ports.http.release()
    await until(lambda: not ports.http.running)

    await until(lambda: upload.state == states.PAUSED)
    assert upload.paused_for == states.BY_PERSON


@pytest.mark.parametrize("press", ["pause", "resume"])
async def test_a_cancel_is_not_taken_back(press):
    queue, ports = make()
    upload = await under_way(queue, ports)

    upload.cancel()
    getattr(upload, press)()
    await until(lambda: upload.state in states.ENDED or upload.state == states.PAUSED)

    assert upload.state == states.CANCELLED


async def test_a_running_upload_cannot_be_retried_and_goes_on():
    queue, ports = make()
    upload = await under_way(queue, ports)

    upload.resume()
    with pytest.raises(IllegalMove):
        upload.retry()
    ports.http.release()
    await until(lambda: upload.state == states.DONE)
    upload.resume()

    assert upload.state == states.DONE
    with pytest.raises(IllegalMove):
        upload.retry()


@pytest.mark.parametrize("when", [states.WAITING, states.UPLOADING, states.VERIFYING, states.DONE])
async def test_a_listener_that_fails_harms_nobody(when):
    reported, heard = [], []
    queue = Queue(make_engine(make_ports(), 3), report=reported.append)

    def fail(upload):
        if upload.state == when:
            raise ValueError("a bug of the listener")

    queue.on_change(fail)
    queue.on_change(lambda upload: heard.append(upload.state))
    uploads = [queue.add(FakeFile(f"{number}.txt")) for number in range(3)]
    await until(lambda: all(upload.state == states.DONE for upload in uploads))

    assert when in heard
    assert str(reported[0]) == "a bug of the listener"
