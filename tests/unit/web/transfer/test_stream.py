"""A stream is sent in parts with bounded memory, and becomes one verified object."""

import asyncio

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileTooLarge, FileUnreadable, StreamSpent
from ossferry_uploader.transfer.files import piece_at
from ossferry_uploader.transfer.options import REFUSE, Options
from ossferry_uploader.transfer.plan import DEFAULT_PART_BYTES, FIRST_PART_BYTES, MAX_PARTS
from ossferry_uploader.transfer.queue import Queue
from ossferry_uploader.transfer.sending.stream import PARALLEL_PARTS, Stream, part_bytes
from support.fakes import FakeFile, lost, make_engine, make_ports, until
from support.pages import ended, send, turns

PART = DEFAULT_PART_BYTES


class FakeSource:
    """A source of `size` bytes.

    After `stop_after` reads it waits until `gate` is set. With `error`, the last read raises it.
    """

    def __init__(self, size, error=None):
        self.left = size
        self.error = error
        self.stop_after = -1
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, size):
        await asyncio.sleep(0)
        if self.stop_after == 0:
            self.gate.clear()
        self.stop_after -= 1
        await self.gate.wait()
        if self.error and self.left < size:
            raise self.error
        taken = min(size, self.left)
        self.left -= taken
        return FakeFile("", taken)


def make(size, error=None):
    ports = make_ports()
    queue = Queue(make_engine(ports, 6))
    source = FakeSource(size, error)
    return queue, ports, source, Stream(source, "log.txt", content_type="text/plain")


async def half_sent(queue, ports, stream):
    """Return the upload of a stream of which OSS has some parts; further parts are held."""
    ports.http.hold_after = 3
    upload = queue.add(stream)
    await until(lambda: ports.http.running == PARALLEL_PARTS and upload.progress.parts)
    return upload


@pytest.mark.parametrize("size", [0, 1, PART - 1])
async def test_a_short_stream_goes_in_one_request(size):
    queue, ports, _, stream = make(size)

    upload = await send(queue, stream)

    assert (upload.state, upload.file.name, upload.file.size) == (states.DONE, "log.txt", size)
    assert [request.method for request in ports.http.requests] == ["PUT"]
    assert list(ports.http.objects.values()) == [size]


@pytest.mark.parametrize("size", [PART, PART + 1, 20 * PART, 20 * PART + 5])
async def test_a_longer_one_goes_in_parts(size):
    queue, ports, _, stream = make(size)

    upload = await send(queue, stream)

    assert (upload.state, upload.sent, upload.file.size) == (states.DONE, size, size)
    assert list(ports.http.objects.values()) == [size]
    assert sorted(ports.http.parts_sent) == list(range(1, -(-size // PART) + 1))
    assert stream.parts == {}


async def test_the_parts_of_a_recording_are_smaller_and_numbered_like_those_of_a_file():
    size = 3 * FIRST_PART_BYTES + 5
    queue, ports, _, stream = make(size)
    stream.part_size = FIRST_PART_BYTES

    upload = await send(queue, stream)

    assert upload.state == states.DONE
    parts, unit = upload.progress.parts, upload.progress.part_size
    assert unit == FIRST_PART_BYTES
    like_file = [piece_at(FakeFile("", size), number, unit) for number in sorted(parts)]
    assert [parts[number].size for number in sorted(parts)] == [each.size for each in like_file]
    assert list(ports.http.objects.values()) == [size]


async def test_no_more_is_in_memory_than_what_is_on_its_way():
    queue, ports, source, stream = make(100 * PART)
    ports.http.hold_after = 1

    upload = queue.add(stream)
    await until(lambda: ports.http.running == PARALLEL_PARTS)
    await turns(50)

    assert len(stream.parts) == PARALLEL_PARTS
    assert source.left == (100 - len(stream.parts) - len(upload.progress.parts)) * PART
    ports.http.release()
    await until(lambda: upload.state == states.DONE)


async def test_it_goes_on_after_a_pause_without_losing_a_byte():
    queue, ports, source, stream = make(20 * PART)
    upload = await half_sent(queue, ports, stream)
    source.gate.clear()
    upload.pause()
    await until(lambda: upload.state == states.PAUSED)
    source.gate.set()
    ports.http.release()

    upload.resume()

    await ended(upload)
    assert (upload.state, list(ports.http.objects.values())) == (states.DONE, [20 * PART])


async def test_a_pause_while_the_source_is_read_loses_nothing():
    queue, ports, source, stream = make(3 * PART)
    source.gate.clear()
    upload = queue.add(stream)
    await until(lambda: upload.state == states.UPLOADING)
    await turns(20)
    upload.pause()
    await until(lambda: upload.state == states.PAUSED)
    source.gate.set()

    upload.resume()

    await ended(upload)
    assert (upload.state, list(ports.http.objects.values())) == (states.DONE, [3 * PART])


async def test_what_the_source_gives_after_a_pause_was_taken_back_is_sent_too():
    queue, ports, source, stream = make(20 * PART)
    source.stop_after = 10
    upload = queue.add(stream)
    await until(lambda: upload.progress.parts and not stream.parts and not source.gate.is_set())
    upload.pause()
    await until(lambda: upload.state == states.PAUSED)
    upload.resume()
    await until(lambda: upload.state == states.UPLOADING)
    await turns(20)

    source.gate.set()

    await ended(upload)
    assert (upload.state, list(ports.http.objects.values())) == (states.DONE, [20 * PART])
    assert upload.sent == 20 * PART


async def test_a_part_that_is_lost_is_sent_again():
    queue, ports, _, stream = make(3 * PART)
    ports.http.plan = [None, lost(), lost()]

    upload = await send(queue, stream)

    assert (upload.state, list(ports.http.objects.values())) == (states.DONE, [3 * PART])


async def test_a_source_that_fails_fails_the_upload():
    queue, ports, _, stream = make(3 * PART, FileUnreadable("broken"))

    upload = await send(queue, stream)

    assert (upload.state, str(upload.error)) == (states.FAILED, "broken")
    assert (ports.http.objects, ports.http.multiparts) == ({}, {})
    assert not upload.may_retry()


async def test_one_that_was_cancelled_is_never_stored_without_its_beginning():
    queue, ports, _, stream = make(20 * PART)
    upload = await half_sent(queue, ports, stream)
    upload.cancel()
    ports.http.release()
    await until(lambda: upload.state == states.CANCELLED and not upload.upload_id)

    upload.retry()

    await ended(upload)
    assert (upload.state, ports.http.objects) == (states.FAILED, {})
    assert isinstance(upload.error, StreamSpent)


async def test_one_whose_parts_somebody_removed_says_that_it_cannot_go_on():
    queue, ports, _, stream = make(20 * PART)
    upload = await half_sent(queue, ports, stream)
    ports.http.multiparts.clear()
    ports.http.release()

    await ended(upload)

    assert (upload.state, ports.http.objects) == (states.FAILED, {})
    assert not upload.may_retry()


async def test_no_other_page_can_take_it_while_it_goes_on():
    queue, ports, _, stream = make(20 * PART)
    upload = await half_sent(queue, ports, stream)

    assert upload.key in ports.tabs.names
    assert upload.upload_id in queue.unfinished.journal.upload_ids

    ports.http.release()
    await until(lambda: upload.state == states.DONE)
    assert upload.key not in ports.tabs.names


async def test_a_name_that_is_taken_ends_it_and_leaves_no_part():
    queue, ports, _, stream = make(20 * PART)
    queue.options = Options(same_name=REFUSE)
    ports.http.objects["uploads/alice-1/log.txt"] = 7

    upload = await send(queue, stream)

    assert (upload.state, ports.http.multiparts) == (states.FAILED, {})
    assert ports.http.objects == {"uploads/alice-1/log.txt": 7}


async def test_what_becomes_too_large_stops_and_leaves_nothing():
    queue, ports, _, stream = make(100 * PART)
    ports.grants.max_file_size = 10 * PART

    upload = await send(queue, stream)

    assert upload.state == states.FAILED
    assert isinstance(upload.error, FileTooLarge)
    assert ports.http.multiparts == {}


async def test_nothing_of_it_is_kept_for_a_later_page():
    queue, ports, _, stream = make(20 * PART)
    upload = await half_sent(queue, ports, stream)
    await turns(50)

    records = await ports.storage.load("")

    assert records == []
    ports.http.release()
    await until(lambda: upload.state == states.DONE)


async def test_another_tab_does_not_take_it_for_another_devices():
    queue, ports, _, stream = make(20 * PART)
    upload = await half_sent(queue, ports, stream)
    begun = [{"key": upload.key, "upload_id": upload.upload_id, "size": 3 * PART}]
    browser = ports.tabs._browser
    tab = Queue(make_engine(make_ports(http=ports.http, browser=browser), 2))
    await tab.unfinished.find()
    other = Queue(make_engine(make_ports(http=ports.http), 2))
    await other.unfinished.find()

    assert await tab.unfinished.of_other_devices(begun) == []
    assert await other.unfinished.of_other_devices(begun) == begun
    assert await queue.unfinished.of_other_devices(begun) == []
    ports.http.release()
    await until(lambda: upload.state == states.DONE)


def test_ten_thousand_parts_are_enough_for_520_gb():
    assert sum([part_bytes(number) for number in range(1, MAX_PARTS + 1)]) > 520_000_000_000
    assert part_bytes(MAX_PARTS) == 128 * 1024 * 1024
