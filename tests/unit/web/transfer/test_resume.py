"""Resuming after a reload: which records are trusted, verified or refused."""

import asyncio
import json

import pytest

from ossferry_uploader.oss.errors import Lost
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import GrantRefused, StorageBroken
from ossferry_uploader.transfer.journal.checkpoint import checkpoint_of
from ossferry_uploader.transfer.options import Options
from ossferry_uploader.transfer.plan import MIB
from ossferry_uploader.transfer.queue import Queue
from ossferry_uploader.transfer.upload import Upload
from support.fake_browser import FakeTabs
from support.fakes import START_S, FakeFile, crc64_of_zeros, lost, make_engine, make_ports, until
from support.pages import World, half_sent, send, store, turns

OWNER = "uploads/alice-1/"
SIZE = 64 * MIB


def make(ports=None):
    """Return a new page, which replaces the page with these ports."""
    if ports:
        ports.tabs.close()
        ports.tabs = FakeTabs(ports.tabs._browser)
    ports = ports or make_ports()
    engine = make_engine(ports, 2)
    return Queue(engine, on_change=lambda _upload: None), ports, engine


async def interrupted(arrived, options=None):
    """Return the ports of a page that was closed when `arrived` parts were stored."""
    queue, ports, _ = make()
    upload = await half_sent(queue, ports, FakeFile("a.bin", SIZE), arrived, options)
    queue.pause(upload)
    await until(lambda: not ports.http.running)
    ports.http.release()
    return ports


def record(**changes):
    upload = Upload(FakeFile("a.bin", SIZE), lambda _upload: None)
    upload.target.key, upload.progress.upload_id, upload.progress.part_size = (
        f"{OWNER}k/a.bin",
        "U1",
        8 * MIB,
    )
    document = json.loads(checkpoint_of(upload, owner=OWNER, page="page-1", at_s=START_S).text())
    document.update(changes)
    return json.dumps(document)


def waiting(**changes):
    return record(upload_id="", part_size=0, **changes)


def name_of(text):
    """Return the storage name of a record, which is its key."""
    try:
        return json.loads(text)["key"]
    except (KeyError, TypeError, ValueError):
        return f"{OWNER}k"


async def test_who_is_cancelled_while_records_are_read_does_not_stop_the_reading():
    _, ports, engine = make()
    load, may_read = ports.storage.load, asyncio.Event()

    async def load_later(owner):
        await may_read.wait()
        return await load(owner)

    ports.storage.load = load_later
    first = asyncio.create_task(engine.journal.load())
    await until(lambda: ports.grants.fetched)
    await turns(10)
    first.cancel()
    await asyncio.sleep(0)

    may_read.set()
    second = asyncio.create_task(engine.journal.load())

    await until(second.done)


async def test_a_record_that_is_cancelled_while_it_is_claimed_is_offered_again():
    ports = await interrupted(3)
    _, _, engine = make(ports)
    await engine.journal.load()
    (left,) = engine.journal.unfinished

    async def never(_name):
        await asyncio.Event().wait()

    ports.tabs.take = never
    claiming = asyncio.create_task(engine.journal.claim(left))
    await until(lambda: not engine.journal.unfinished)
    claiming.cancel()
    await asyncio.gather(claiming, return_exceptions=True)

    assert engine.journal.unfinished == [left]


async def test_a_record_says_what_has_arrived_and_not_what_is_on_its_way():
    ports = await interrupted(3)
    _, _, engine = make(ports)

    await engine.journal.load()

    assert [found.sent for found in engine.journal.unfinished] == [24 * MIB]


async def test_what_has_arrived_is_not_sent_again():
    ports = await interrupted(3)
    queue, _, engine = make(ports)
    await engine.journal.load()
    assert [found.name for found in engine.journal.unfinished] == ["a.bin"]

    upload = await store(queue, FakeFile("a.bin", SIZE))

    assert upload.state == states.DONE
    assert sorted(ports.http.parts_sent) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert ports.http.objects == {upload.key: SIZE}
    await until(lambda: not ports.storage.texts)
    assert engine.journal.unfinished == []


@pytest.mark.parametrize(
    "other",
    [
        FakeFile("b.bin", SIZE),
        FakeFile("a.bin", SIZE - 1),
        FakeFile("a.bin", SIZE, modified=1),
        FakeFile("a.bin", SIZE, path="folder"),
    ],
    ids=["name", "size", "time", "folder"],
)
async def test_another_file_does_not_take_its_place(other):
    ports = await interrupted(3)
    queue, _, engine = make(ports)

    upload = await store(queue, other)

    assert upload.state == states.DONE
    assert len(engine.journal.unfinished) == 1
    assert len(ports.http.parts_sent) == 3 + 8


async def test_a_part_of_another_size_is_sent_anew_whatever_its_checksum_says():
    ports = await interrupted(3)
    ports.http.crc64_of = lambda _size: crc64_of_zeros(8 * MIB)
    for parts in ports.http.multiparts.values():
        parts[2] = 5
    queue, _, _ = make(ports)

    upload = await send(queue, FakeFile("a.bin", SIZE))

    assert ports.http.objects == {upload.key: SIZE}
    assert ports.http.parts_sent.count(2) == 2


async def test_of_several_records_of_a_file_the_one_goes_on_of_which_most_has_arrived():
    _, ports, engine = make()
    for part in (1, 3, 2):
        key = f"{OWNER}{part}/a.bin"
        ports.storage.named[key] = record(key=key, sent=part * 8 * MIB)  # of an earlier version
    await engine.journal.load()
    upload = Upload(FakeFile("a.bin", SIZE), lambda _upload: None)

    await engine.journal.adopt_unclaimed(upload)

    assert upload.key == f"{OWNER}3/a.bin"


async def test_a_file_with_other_bytes_is_sent_anew_whatever_its_name_says():
    ports = await interrupted(3)
    ports.http.crc64_of = lambda _size: 1
    queue, _, _ = make(ports)

    upload = await store(queue, FakeFile("a.bin", SIZE))

    assert upload.state == states.DONE
    assert len(ports.http.parts_sent) == 3 + 8


async def test_all_pages_of_the_list_are_asked_for():
    ports = await interrupted(5)
    ports.http.page_size = 2
    queue, _, _ = make(ports)

    await store(queue, FakeFile("a.bin", SIZE))

    assert len(ports.http.parts_sent) == 8


async def test_an_upload_that_begins_anew_says_what_the_file_is():
    ports = await interrupted(3, Options(content_type="video/mp4", sha256=True))
    ports.http.multiparts = {}
    queue, _, _ = make(ports)
    begun = len(ports.http.requests)

    await store(queue, FakeFile("a.bin", SIZE))

    begins = [each for each in ports.http.requests[begun:] if each.url.endswith("?uploads")]
    assert len(begins) == 1
    headers = dict(begins[0].headers)
    assert headers["content-type"] == "video/mp4"
    assert headers["x-oss-meta-sha256"]


async def test_an_upload_that_goes_on_knows_the_sha256_that_it_began_with():
    ports = await interrupted(3, Options(sha256=True))
    queue, _, _ = make(ports)
    begun = len(ports.http.requests)

    upload = await store(queue, FakeFile("a.bin", SIZE))

    assert upload.sha256 == f"{SIZE:064x}"
    assert not [each for each in ports.http.requests[begun:] if each.url.endswith("?uploads")]


async def test_an_upload_that_begins_anew_believes_no_record_of_its_sha256():
    ports = await interrupted(3, Options(sha256=True))
    name, text = next(iter(ports.storage.named.items()))
    ports.storage.named[name] = text.replace(f"{SIZE:064x}", "f" * 64)
    ports.http.multiparts = {}
    queue, _, _ = make(ports)

    upload = await store(queue, FakeFile("a.bin", SIZE))

    assert upload.sha256 == f"{SIZE:064x}"


async def test_r35_an_upload_that_was_finished_by_the_earlier_page_is_not_sent_again():
    ports = await interrupted(3)
    key = next(iter(ports.storage.texts))
    ports.http.multiparts = {}
    ports.http.objects[key] = SIZE
    queue, _, _ = make(ports)

    upload = await store(queue, FakeFile("a.bin", SIZE))

    assert upload.key == key
    assert len(ports.http.parts_sent) == 3
    await until(lambda: not ports.storage.texts)


async def arrived_without_receipt(ports=None):
    queue, ports, engine = make(ports)
    engine.awaits_receipt = lambda: True
    upload = await store(queue, FakeFile("a.bin", SIZE))
    return queue, upload, ports


async def test_what_arrived_and_was_not_reported_before_its_page_was_killed_is_stored_once():
    _, first, ports = await arrived_without_receipt()
    sent = len(ports.http.parts_sent)

    queue, second, _ = await arrived_without_receipt(
        make_ports(http=ports.http, storage=ports.storage)
    )
    queue.reported(second)
    await until(lambda: not ports.storage.texts)

    assert second.key == first.key
    assert (ports.http.objects, len(ports.http.parts_sent)) == ({first.key: SIZE}, sent)


async def test_what_has_arrived_is_kept_until_it_is_reported_and_offered_in_no_other_page():
    queue, upload, ports = await arrived_without_receipt()
    assert list(ports.storage.texts) == [upload.key]
    browser = ports.tabs._browser
    later, _, engine = make(make_ports(http=ports.http, storage=ports.storage, browser=browser))
    offered = await later.unfinished.find()

    queue.reported(upload)
    await until(lambda: not ports.storage.texts)

    assert (offered, engine.journal.unfinished, engine.journal.in_other_tabs) == ([], [], [])
    assert upload.key not in ports.tabs.names


async def test_what_is_discarded_while_offline_is_removed_by_the_next_page():
    ports = await interrupted(3)
    queue, _, _ = make(ports)
    (left,) = await queue.unfinished.find()
    ports.http.plan = [lost(Lost.UNREACHABLE)]
    ports.network.hold()
    discarding = queue.unfinished.discard([left])
    await until(lambda: ports.network.waited_s)
    discarding.cancel()  # the page is closed
    next_page = make_ports(http=ports.http, storage=ports.storage)

    queue, _, _ = make(next_page)

    assert await queue.unfinished.find() == []
    await until(lambda: not ports.http.multiparts and not ports.storage.texts)


async def test_a_cancel_while_an_old_place_is_taken_leaves_it_as_it_was():
    ports = await interrupted(3)
    next_page = make_ports(http=ports.http, storage=ports.storage)
    next_page.random.count = 100
    queue = Queue(make_engine(next_page, 1), active=1, ahead=0)
    take, gate, asked = next_page.tabs.take, asyncio.Event(), []

    async def take_later(name):
        if name.endswith("/a.bin"):
            asked.append(name)
            await gate.wait()
        return await take(name)

    next_page.tabs.take = take_later
    ports.http.hold()
    queue.add(FakeFile("first.txt"))
    await until(lambda: ports.http.running)
    upload = queue.add(FakeFile("a.bin", SIZE))
    await until(lambda: asked)
    upload.cancel()
    gate.set()
    ports.http.release()
    left = []
    while not (left or upload.upload_id):
        left = await queue.unfinished.find()
        await asyncio.sleep(0)

    assert (upload.state, upload.upload_id) == (states.CANCELLED, "")
    assert [each.name for each in left] == ["a.bin"]


@pytest.mark.parametrize("is_gone", [False, True])
async def test_what_is_unfinished_is_offered_and_discarded_while_no_room_is_left(is_gone):
    ports = await interrupted(3)
    ports.grants.errors = [GrantRefused(429, code="quota-exceeded", prefix=OWNER)] * 9
    queue, _, _ = make(ports)

    left = await queue.unfinished.find()
    if is_gone:
        ports.http.multiparts.clear()
    failed = await queue.unfinished.discard(left)

    assert [each.name for each in left] == ["a.bin"]
    assert (failed, ports.http.multiparts, ports.storage.texts) == ([], {}, {})


async def test_r44_a_storage_that_does_not_work_costs_nothing_but_the_resuming():
    queue, ports, engine = make()
    ports.storage.error = StorageBroken("SecurityError")

    upload = await store(queue, FakeFile("a.bin", SIZE))

    assert upload.state == states.DONE
    assert engine.journal.broken == "SecurityError"


@pytest.mark.parametrize(
    "text",
    ["{", record(version=1), waiting(saved_at_s=START_S - 8 * 86400)],
    ids=["broken", "of another version", "old"],
)
async def test_records_that_are_broken_or_old_are_refused_and_removed(text):
    _, ports, engine = make()
    sound = record(key=f"{OWNER}s/a.bin")
    ports.storage.named = {name_of(text): text, name_of(sound): sound}

    await engine.journal.load()

    assert [each.key for each in engine.journal.unfinished] == [f"{OWNER}s/a.bin"]
    assert ports.storage.texts == {f"{OWNER}s/a.bin": sound}


@pytest.mark.parametrize("size", [10, SIZE], ids=["small", "large"])
async def test_what_one_person_left_is_kept_while_another_uses_the_browser_and_not_read(size):
    ports = make_ports()
    queue, _, _ = make(ports)
    ports.http.hold()
    upload = queue.add(FakeFile("a.bin", size))
    await until(lambda: ports.http.running and ports.storage.texts)
    queue.pause(upload)
    await until(lambda: not ports.http.running)
    ports.http.release()
    before = dict(ports.storage.texts)

    others = make_ports(http=ports.http, storage=ports.storage)
    others.grants.prefix = "uploads/bob-2/"
    others.random.count = 100
    bobs, _, engine = make(others)
    bob = await store(bobs, FakeFile("a.bin", size))
    await until(lambda: ports.storage.texts == before)
    assert engine.journal.unfinished == []
    again, _, _ = make(make_ports(http=ports.http, storage=ports.storage))
    alice = await store(again, FakeFile("a.bin", size))

    assert alice.key == upload.key
    assert sorted(ports.http.objects) == sorted([alice.key, bob.key])


@pytest.mark.parametrize("size", [10, SIZE], ids=["one request", "parts"])
@pytest.mark.parametrize("has_begun", [True, False])
async def test_the_next_page_knows_which_object_an_upload_replaces(size, has_begun):
    world = World()
    queue, _, ports = await world.next_page()
    world.http.hold()
    upload = queue.add(FakeFile("a.bin", size), awaits_name=True)
    await until(lambda: world.storage.texts)  # while the person is asked

    queue.replace(upload, "the older")
    if has_begun:
        queue.settle_name(upload)
        await until(lambda: world.http.running)
    else:
        await until(lambda: "the older" in str(world.storage.texts))
    await world.close(queue, ports)
    again = await store((await world.next_page())[0], FakeFile("a.bin", size))

    assert (again.target.replaces, list(world.http.objects)) == ("the older", [again.key])
    sent = [dict(request.headers).get("x-oss-meta-replaces") for request in world.http.requests]
    assert [value for value in sent if value][-1] == "the%20older"
