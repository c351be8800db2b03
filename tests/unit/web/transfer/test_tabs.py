"""Two pages of one browser: one sends a file, the other follows and takes over if necessary."""

import asyncio
import json

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.queue import Queue
from support.fakes import FakeFile, make_engine, make_ports, refused, until
from support.pages import SIZE, World, done, follow, store, turns


async def test_the_other_page_shows_what_is_sent_elsewhere_and_does_not_offer_it():
    world = World()
    _, first, _ = await world.half_sent()
    _, journal, _ = world.page()

    await journal.load()

    assert journal.unfinished == []
    assert [record.key for record in journal.in_other_tabs] == [first.key]
    before = journal.in_other_tabs[0].sent
    world.http.release()
    await until(lambda: first.state == states.DONE or journal.in_other_tabs[0].sent > before)
    await until(lambda: journal.in_other_tabs == [])
    assert journal.unfinished == []


async def test_an_upload_that_begins_later_is_seen_too():
    world = World()
    _, journal, _ = await world.next_page()

    _, first, _ = await world.half_sent()

    assert [record.key for record in journal.in_other_tabs] == [first.key]


async def test_another_file_that_looks_the_same_is_sent_all_the_same():
    world = World()
    _, first, _ = await world.half_sent()
    queue, _, ports = world.page()
    original = ports.checksum.crc64

    async def other_bytes(piece):
        return 1 if piece.size == SIZE else await original(piece)

    ports.checksum.crc64 = other_bytes

    second = await follow(queue, FakeFile("a.bin", SIZE))
    world.http.release()
    await until(lambda: second.state == states.DONE)

    assert second.key != first.key
    assert len(world.http.objects) == 2


async def test_a_page_that_follows_hears_of_the_end_after_the_lock_is_free():
    world = World()
    _, first, ports = await world.half_sent()
    other, _, _others = world.page()
    second = await follow(other, FakeFile("a.bin", SIZE))
    tell, late = ports.tabs.tell, []

    async def tell_later(text):
        await turns(6)
        tell(text)

    ports.tabs.tell = lambda text: late.append(asyncio.create_task(tell_later(text)))
    world.http.release()
    await done(first, second)

    assert (late != [], list(world.http.objects)) == (True, [first.key])


async def test_who_waits_until_another_page_has_begun_has_no_place_of_its_own_yet():
    world = World()
    world.http.hold()
    one, _, _ = world.page()
    other, _, _ports = world.page()
    first = one.add(FakeFile("a.bin", SIZE))
    await until(lambda: world.http.running)
    second = await follow(other, FakeFile("a.bin", SIZE))
    await turns(50)

    world.http.release()
    await done(first, second)

    assert list(world.http.objects) == [first.key]


async def test_who_follows_another_page_keeps_no_other_file_from_starting():
    world = World()
    await world.half_sent()
    ports = make_ports(world.clock, storage=world.storage, browser=world.browser)
    queue = Queue(make_engine(ports, 1), active=1, ahead=0)
    await follow(queue, FakeFile("a.bin", SIZE))

    await store(queue, FakeFile("b.bin", 2 * SIZE))


async def test_a_cancelled_upload_is_gone_everywhere():
    world = World()
    queue, first, _ = await world.half_sent()
    _, journal, _ = await world.next_page()

    queue.cancel(first)
    world.http.release()
    await until(lambda: journal.in_other_tabs == [])

    assert journal.unfinished == []
    assert world.storage.texts == {}


async def test_an_upload_that_is_removed_unfinished_is_offered_elsewhere():
    world = World()
    queue, first, _ = await world.half_sent()
    _, journal, _ = await world.next_page()
    first_task_error = ValueError("a bug")
    queue.pause(first)
    await until(lambda: not world.http.running)
    first.fail(first_task_error)

    queue.remove(first)
    await until(lambda: journal.unfinished)

    assert journal.in_other_tabs == []


async def test_one_of_two_pages_gets_an_unfinished_upload():
    world = World()
    queue, first, ports = await world.half_sent()
    await world.close(queue, ports)
    pages = [world.page(), world.page()]
    for _, journal, _ in pages:
        await journal.load()

    uploads = [queue.add(FakeFile("a.bin", SIZE)) for queue, _, _ in pages]
    await until(lambda: all(upload.state == states.DONE for upload in uploads))

    assert uploads[0].key == uploads[1].key == first.key
    assert sorted(world.http.parts_sent) == list(range(1, 9))


async def test_what_is_said_late_of_an_upload_that_is_ours_is_not_believed():
    world = World()
    queue, first, _ = await world.half_sent()
    _, _, other = world.page()

    other.tabs.tell(world.storage.texts[first.key])

    assert queue.unfinished.journal.in_other_tabs == []


async def test_of_two_pages_that_begin_a_file_at_once_one_follows():
    world = World()
    pages = [world.page(), world.page()]

    uploads = [queue.add(FakeFile("a.bin", SIZE)) for queue, _, _ in pages]
    await until(lambda: all(upload.state == states.DONE for upload in uploads))

    assert uploads[0].key == uploads[1].key
    assert len(world.http.objects) == 1


@pytest.mark.parametrize("comes", ["before", "after"])
@pytest.mark.parametrize("rests", ["paused", "failed"])
async def test_a_page_goes_on_with_what_rests_in_another(rests, comes):
    world = World()
    queue, first, _ = await world.half_sent()
    other, _, _ = world.page()
    second = None
    if comes == "before":
        second = await follow(other, FakeFile("a.bin", SIZE))

    if rests == "paused":
        queue.pause(first)
    else:
        world.http.plan = [refused("AccessDenied")]
    world.http.release()
    await until(lambda: first.state in (states.PAUSED, states.FAILED))
    second = second or other.add(FakeFile("a.bin", SIZE))
    await until(lambda: second.state == states.DONE)

    assert second.key == first.key
    queue.retry(first)
    await until(lambda: first.state == states.DONE)
    assert first.crc64 == second.crc64
    assert len(world.http.objects) == 1
    assert sorted(world.http.parts_sent) == list(range(1, 9))


async def test_what_was_wanted_of_another_page_is_not_let_go_by_this_one():
    world = World()
    queue, first, _ = await world.half_sent()
    other, journal, ports = await world.next_page()
    _, _, third = world.page()
    third.tabs.tell(json.dumps({"wanted": first.key}))
    queue.pause(first)
    await until(lambda: journal.unfinished)

    second = other.add(FakeFile("a.bin", SIZE))
    await until(lambda: second.upload_id)
    other.pause(second)
    await until(lambda: second.state == states.PAUSED)

    assert first.key in ports.tabs.names


async def test_who_comes_back_to_what_another_page_goes_on_with_follows():
    world = World()
    queue, first, _ = await world.half_sent()
    other, _, _ = world.page()
    second = await follow(other, FakeFile("a.bin", SIZE))
    world.http.hold_after = 5

    queue.pause(first)
    await until(lambda: first.state == states.PAUSED)
    world.http.release()
    await until(lambda: world.http.hold_after is None)
    queue.resume(first)
    await until(lambda: first.paused_for == states.FOR_TAB)
    world.http.release()
    await done(first, second)

    assert first.key == second.key
    assert len(world.http.objects) == 1
    assert sorted(world.http.parts_sent) == list(range(1, 9))


@pytest.mark.parametrize("is_first_quicker", [True, False], ids=["after", "before"])
async def test_what_another_page_has_taken_over_and_removed_is_not_begun_under_its_key_twice(
    is_first_quicker,
):
    world = World()
    queue, first, _ = await world.half_sent()
    other, _, _ports = world.page()
    second = await follow(other, FakeFile("a.bin", SIZE))
    queue.pause(first)
    await until(lambda: second.upload_id)
    other.cancel(second)
    world.http.release()
    await until(lambda: world.http.multiparts == {} and not second.upload_id)

    pairs = [(queue, first), (other, second)]
    if not is_first_quicker:
        pairs.reverse()
    for page, upload in pairs:
        page.retry(upload)
    await done(first, second)

    ended = [
        request.url.partition("?")[0]
        for request in world.http.requests
        if request.method == "POST" and "uploadId=" in request.url
    ]
    assert len(ended) == len(set(ended)) == len(world.http.objects)
