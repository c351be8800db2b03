"""Continuing an upload of another device: verified first, and unchanged before that."""

import asyncio
import json

import pytest

from ossferry_uploader.oss.errors import Refused
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileUnreadable
from ossferry_uploader.transfer.plan import MIB
from ossferry_uploader.transfer.queue import Queue
from support.fakes import FakeFile, make_engine, make_ports, refused, until
from support.pages import send
from upload_page.other_devices.continue_upload import (
    DifferentFile,
    InOtherTab,
    RemoteUpload,
    continue_upload,
)

SIZE = 64 * MIB
KEY = "uploads/alice-1/2026-03-14/0123456789abcdef0123456789abcdef/trip/a.bin"


def begun(**changes):
    document = {
        "key": KEY,
        "name": "a.bin",
        "upload_id": "U1",
        "size": 24 * MIB,
        "part_size": 8 * MIB,
        "began_at": "2026-03-14T09:00:00Z",
        "last_at": "2026-03-14T09:20:00Z",
    }
    document.update(changes)
    return RemoteUpload(document)


def locks(ports):
    """Return the locks of the page, except its own."""
    return [name for name in ports.tabs.names if not name.startswith("page-")]


async def make(ports=None, *, arrived=3):
    """Return a page in a browser that has no record of the upload."""
    ports = ports or make_ports()
    ports.http.multiparts.setdefault("U1", dict.fromkeys(range(1, arrived + 1), 8 * MIB))
    engine = make_engine(ports, 2)
    queue = Queue(engine, on_change=lambda _upload: None)
    await engine.journal.load()
    return queue, ports, engine


async def go_on(queue, file=None, **changes):
    """Continue the upload with a file, or with the right one."""
    file = file or FakeFile("a.bin", SIZE)
    return await continue_upload(begun(**changes), file, queue.unfinished, lambda _: None)


async def test_what_has_arrived_is_not_sent_again():
    queue, ports, _ = await make()
    proved = []

    upload = await continue_upload(
        begun(), FakeFile("a.bin", SIZE), queue.unfinished, lambda known: proved.append(known.sent)
    )
    await until(lambda: upload.state == states.DONE)

    assert proved == [8 * MIB, 16 * MIB, 24 * MIB]
    assert sorted(ports.http.parts_sent) == [4, 5, 6, 7, 8]
    assert ports.http.objects == {KEY: SIZE}
    assert queue.uploads == [upload]
    await until(lambda: not (ports.storage.texts or locks(ports)))


async def test_parts_that_overlap_do_not_make_it_a_different_file():
    queue, ports, _ = await make(arrived=1)
    ports.http.multiparts["U1"] = {1: 8 * MIB, 2: 24 * MIB, 4: 24 * MIB, 5: 8 * MIB}

    upload = await go_on(queue)
    await until(lambda: upload.state == states.DONE)

    assert sorted(ports.http.parts_sent) == [6, 7, 8]
    assert ports.http.objects == {KEY: SIZE}


async def test_parts_are_read_when_it_goes_on_and_again_before_the_end():
    queue, ports, _ = await make()

    upload = await go_on(queue)
    await until(lambda: upload.state == states.DONE)

    there, last_byte = 3, (SIZE - 1, 1)
    assert ports.checksum.pieces.count(last_byte) == 2  # when it continues, and before completion
    assert len(ports.checksum.pieces) == 2 + there + there + (8 - there) + 8


@pytest.mark.parametrize(
    ("size", "has_other_bytes", "compared"),
    [(SIZE, True, 1), (20 * MIB, False, 2), (10, False, 0), (0, False, 0)],
    ids=["other bytes", "ends inside a part", "ends before a part", "empty"],
)
async def test_another_file_is_refused_and_nothing_of_the_upload_is_touched(
    size, has_other_bytes, compared
):
    queue, ports, _ = await make()
    if has_other_bytes:
        ports.http.crc64_of = lambda _size: 1

    with pytest.raises(DifferentFile):
        await go_on(queue, FakeFile("a.bin", size))

    assert len(ports.checksum.pieces) == compared  # the first difference is enough
    assert queue.uploads == []
    assert ports.http.multiparts == {"U1": {1: 8 * MIB, 2: 8 * MIB, 3: 8 * MIB}}
    assert [request.method for request in ports.http.requests] == ["GET"]
    await until(lambda: not (ports.storage.texts or locks(ports)))


async def test_after_a_refusal_the_right_file_goes_on():
    queue, ports, _ = await make()
    with pytest.raises(DifferentFile):
        await go_on(queue, FakeFile("b.bin", 10))

    upload = await go_on(queue)
    await until(lambda: upload.state == states.DONE)

    assert ports.http.objects == {KEY: SIZE}


async def test_a_file_that_cannot_be_read_leaves_the_upload_as_it_is():
    queue, ports, _ = await make()
    ports.checksum.error = FileUnreadable("NotFoundError")

    with pytest.raises(FileUnreadable):
        await go_on(queue)

    assert len(ports.http.multiparts["U1"]) == 3
    assert ports.tabs.names == []


async def test_what_has_ended_meanwhile_says_so():
    queue, ports, _ = await make()
    ports.http.plan = [refused("NoSuchUpload", 404)]

    with pytest.raises(Refused) as caught:
        await go_on(queue)

    assert caught.value.code == "NoSuchUpload"


async def test_after_a_reload_it_is_this_browsers_own():
    queue, ports, _ = await make()
    ports.http.hold_after = 2
    await go_on(queue)
    await until(lambda: len(ports.http.parts_sent) == 2)

    ports.tabs.close()
    again = make_ports(http=ports.http, storage=ports.storage)
    _, _, engine = await make(again)

    assert [record.key for record in engine.journal.unfinished] == [KEY]
    assert engine.journal.unfinished[0].size == SIZE


@pytest.mark.parametrize("there", [SIZE, SIZE - MIB], ids=["this file", "another one"])
async def test_r26_what_the_other_device_finishes_first_stays(there):
    queue, ports, _ = await make()
    ports.http.hold_after = 2
    upload = await go_on(queue)
    await until(lambda: ports.http.hold_after is None)
    del ports.http.multiparts["U1"]
    ports.http.objects[KEY] = there
    ports.http.release()

    await until(lambda: upload.state in states.ENDED)

    assert (upload.state, ports.http.objects[KEY]) == (states.DONE, there)
    assert ports.http.objects[upload.key] == SIZE
    assert (upload.key == KEY) == (there == SIZE)
    assert ports.http.multiparts == {}


@pytest.mark.parametrize("there", [SIZE, SIZE - MIB], ids=["this file", "another one"])
async def test_what_the_other_device_finishes_while_this_page_is_loaded_again_stays(there):
    queue, ports, _ = await make()
    ports.http.hold_after = 2
    first = await go_on(queue)
    await until(lambda: ports.http.hold_after is None)
    queue.pause(first)
    await until(lambda: not ports.http.running)
    ports.tabs.close()
    del ports.http.multiparts["U1"]
    ports.http.objects[KEY] = there
    ports.http.release()
    again = make_ports(http=ports.http, storage=ports.storage)
    engine = make_engine(again, 2)
    later = Queue(engine, on_change=lambda _upload: None)

    upload = await send(later, FakeFile("a.bin", SIZE))

    assert (upload.state, ports.http.objects[KEY]) == (states.DONE, there)
    assert ports.http.objects[upload.key] == SIZE
    assert (upload.key == KEY) == (there == SIZE)
    await until(lambda: not ports.storage.texts)
    assert ports.http.multiparts == {}


async def test_of_a_file_that_another_device_finished_with_another_end_none_is_lost():
    ports = make_ports()
    queue = Queue(make_engine(ports, 2), on_change=lambda _upload: None)
    ports.http.hold_after = 3
    upload = queue.add(FakeFile("a.bin", SIZE))
    await until(lambda: ports.http.hold_after is None)
    key = upload.key
    ports.http.multiparts.clear()
    ports.http.objects[key] = SIZE + MIB

    ports.http.release()
    await until(lambda: upload.state in states.ENDED)

    assert (upload.state, len(ports.http.objects)) == (states.DONE, 2)
    assert ports.http.objects == {key: SIZE + MIB, upload.key: SIZE}


async def test_a_small_file_that_is_gone_on_with_in_parts_ends_in_parts():
    queue, ports, _ = await make(arrived=1)

    upload = await go_on(queue, FakeFile("a.bin", 12 * MIB), size=8 * MIB)
    await until(lambda: upload.state in states.ENDED)

    assert (upload.state, ports.http.objects) == (states.DONE, {KEY: 12 * MIB})
    assert ports.http.multiparts == {}


async def test_where_the_name_is_the_key_nothing_is_written_over():
    queue, ports, _ = await make()
    ports.http.objects["uploads/alice-1/a.bin"] = 7

    upload = await go_on(queue, FakeFile("renamed.bin", SIZE), key="uploads/alice-1/a.bin")
    await until(lambda: upload.state in states.ENDED)

    assert upload.state == states.FAILED
    assert (ports.http.objects, ports.http.multiparts) == ({"uploads/alice-1/a.bin": 7}, {})


async def test_only_one_tab_goes_on_with_it():
    one, ports, _ = await make()
    other_ports = make_ports(http=ports.http, storage=ports.storage, browser=ports.tabs._browser)
    other, _, engine = await make(other_ports)
    ports.http.hold()
    first = asyncio.create_task(go_on(one))
    await until(lambda: KEY in ports.tabs.names)

    with pytest.raises(InOtherTab):
        await go_on(other)
    ports.http.release()
    upload = await first
    await until(lambda: upload.state == states.DONE)

    assert other.uploads == []
    assert "U1" in engine.journal.upload_ids


async def begun_twice():
    """Return a page in a browser whose closed page has begun U1, and the key of U1 and U9.

    Two devices begin a file again under the same key if OSS has lost the upload that both sent.
    """
    ports = make_ports()
    ports.http.hold_after = 1
    left = Queue(make_engine(ports, 2)).add(FakeFile("a.bin", SIZE))
    await until(lambda: ports.http.hold_after is None)
    ports.tabs.close()
    later = make_ports(storage=ports.storage, browser=ports.tabs._browser)
    later.http.multiparts = {"U1": {1: 8 * MIB}, "U9": {1: 8 * MIB}}
    queue, _, engine = await make(later)
    assert [record.upload_id for record in engine.journal.unfinished] == ["U1"]
    return queue, later, left.key


async def test_parts_that_this_browser_left_under_the_same_key_are_removed():
    queue, ports, key = await begun_twice()

    upload = await go_on(queue, key=key, upload_id="U9")
    await until(lambda: upload.state == states.DONE)

    assert await queue.unfinished.find() == []
    assert (ports.http.multiparts, ports.http.objects) == ({}, {key: SIZE})


async def test_if_these_parts_cannot_be_removed_their_record_stays():
    queue, ports, key = await begun_twice()
    ports.http.plan = [None, refused("AccessDenied")]

    with pytest.raises(Refused):
        await go_on(queue, key=key, upload_id="U9")

    assert [record.upload_id for record in await queue.unfinished.find()] == ["U1"]
    assert json.loads(ports.storage.texts[key])["upload_id"] == "U1"
    assert sorted(ports.http.multiparts) == ["U1", "U9"]
    await until(lambda: key not in ports.tabs.names)


async def test_an_upload_of_this_page_is_known_as_soon_as_it_has_begun():
    queue, ports, engine = await make()
    ports.http.hold_after = 1
    upload = queue.add(FakeFile("b.bin", SIZE))
    await until(lambda: len(ports.http.parts_sent) == 1)

    assert upload.upload_id in engine.journal.upload_ids
    file = FakeFile("b.bin", SIZE)
    with pytest.raises(InOtherTab):
        await go_on(queue, file, key=upload.key, upload_id=upload.upload_id)


def test_what_the_server_says_is_read():
    found = begun(part_size=None)

    assert (found.folders, found.part_size) == ("trip", 0)


@pytest.mark.parametrize(("after_s", "active"), [(60, True), (301, False)])
def test_what_has_just_arrived_may_still_be_on_its_way(after_s, active):
    found = begun()

    assert found.is_active(found.last_at_s + after_s) is active
