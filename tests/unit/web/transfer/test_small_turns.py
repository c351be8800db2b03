"""Two pages of one browser have the same small files: each is sent once."""

import asyncio

import pytest

from support.fakes import FakeFile, refused, stored, until
from support.pages import World
from uploader.transfer import states
from uploader.transfer.plan import MIB


async def both(world, size=10, plan=()):
    """Return two pages that know of each other, and their uploads of the same small file."""
    pages = [world.page(), world.page()]
    for number, (_, journal, ports) in enumerate(pages):
        ports.random.count = 1000 * number  # keys of its own
        await journal.load()
    world.http.hold()
    world.http.plan = list(plan)
    uploads = [pages[0][0].add(FakeFile("a.txt", size))]
    await until(lambda: world.http.running == 1)
    uploads.append(pages[1][0].add(FakeFile("a.txt", size)))
    await until(lambda: uploads[1].paused_for == states.FOR_TAB)
    return pages, uploads


def locks_of_files(ports):
    return [name for name in ports.tabs.names if name.startswith("send")]


@pytest.mark.parametrize("size", [0, 10, 16 * MIB])
async def test_a_small_file_in_two_pages_is_sent_once(size):
    world = World()
    pages, uploads = await both(world, size)

    world.http.release()
    await until(lambda: all(upload.state == states.DONE for upload in uploads))

    assert uploads[0].key == uploads[1].key
    assert uploads[0].crc64 == uploads[1].crc64
    assert world.http.objects == {uploads[0].key: size}
    assert [locks_of_files(ports) for _, _, ports in pages] == [[], []]
    await until(lambda: not world.storage.texts)


async def test_many_small_files_in_two_pages_are_sent_once_each():
    world = World()
    pages = [world.page(), world.page()]
    for number, (_, journal, ports) in enumerate(pages):
        ports.random.count = 1000 * number
        await journal.load()

    for number in range(60):
        for queue, _, _ in pages:
            queue.add(FakeFile(f"{number}.txt"))
    uploads = pages[0][0].uploads + pages[1][0].uploads
    await until(lambda: all(upload.state == states.DONE for upload in uploads))

    assert len(world.http.objects) == 60


@pytest.mark.parametrize("ends", ["paused", "cancelled", "failed", "closed"])
async def test_a_small_file_that_one_page_does_not_send_is_sent_by_the_other(ends):
    world = World()
    pages, uploads = await both(world, plan=[refused("AccessDenied")] if ends == "failed" else [])
    queue, _, ports = pages[0]

    if ends == "closed":
        ports.tabs.close()
    if ends == "failed":
        world.http.release()
    elif ends == "cancelled":
        queue.cancel(uploads[0])
    else:
        queue.pause(uploads[0])
    world.http.release()
    await until(lambda: uploads[1].state == states.DONE)

    assert world.http.objects == {uploads[1].key: 10}


async def close(queue, ports):
    """Close a page whose requests have all been carried out."""
    ports.tabs.close()
    queue.pause_all()  # stands for the end of its requests
    await until(lambda: all(upload.state == states.PAUSED for upload in queue.uploads))


@pytest.mark.parametrize(("count", "after_s"), [(2, 0), (2, 150), (3, 0), (3, 150)])
async def test_a_small_file_that_a_closed_page_has_sent_is_not_stored_twice(count, after_s):
    world = World()
    pages, uploads = await both(world)
    if count == 3:
        pages.append(world.page())
        pages[2][2].random.count = 2000
        uploads.append(pages[2][0].add(FakeFile("a.txt")))
        await until(lambda: uploads[2].paused_for == states.FOR_TAB)
    key = uploads[0].key
    await until(lambda: key in world.storage.texts)
    world.clock.advance(after_s)

    world.http.objects[key] = 10  # the file arrives, and no page hears of it
    pages[0][2].tabs.tell = lambda text: None
    await close(pages[0][0], pages[0][2])
    if count == 3:
        await until(lambda: world.http.running)
        sends = [each.state == states.UPLOADING for each in uploads[1:]]
        assert sorted(sends) == [False, True]
        sender = 1 + sends.index(True)
        pages[sender][2].tabs.tell = lambda text: None
        await close(pages[sender][0], pages[sender][2])
    world.http.release()
    await until(lambda: any(upload.state == states.DONE for upload in uploads))

    assert world.http.objects == {key: 10}
    assert {upload.key for upload in uploads if upload.state == states.DONE} == {key}
    living = [journal for _, journal, ports in pages if ports.tabs in world.browser.pages]
    await until(lambda: not world.storage.texts)
    assert [journal.unfinished for journal in living] == [[]] * len(living)


async def test_of_two_pages_that_are_closed_the_next_one_goes_on_with_the_one_that_sent():
    world = World()
    pages, uploads = await both(world)
    await until(lambda: world.storage.texts)
    for _ in range(50):
        await asyncio.sleep(0)  # in which the page that follows would write a record too
    key = uploads[0].key

    world.http.objects[key] = 10
    for queue, _, ports in (pages[1], pages[0]):
        await close(queue, ports)
    world.http.release()
    queue, journal, _ = world.page()
    await journal.load()
    offered = [record.key for record in journal.unfinished]
    upload = queue.add(FakeFile("a.txt"))
    await until(lambda: upload.state == states.DONE)

    assert offered == [key]
    assert world.http.objects == {key: 10}


@pytest.mark.parametrize("goes_on", [True, False], ids=["sends", "paused"])
async def test_who_follows_no_other_page_any_more_has_a_record_again(goes_on):
    world = World()
    pages, uploads = await both(world)

    if goes_on:
        pages[0][0].cancel(uploads[0])
        await until(lambda: uploads[1].state == states.UPLOADING)
    else:
        pages[1][0].pause(uploads[1])
        await until(lambda: uploads[1].paused_for == states.BY_PERSON)

    await until(lambda: uploads[1].key and uploads[1].key in world.storage.texts)


async def test_of_what_a_closed_page_has_left_each_small_file_goes_on_under_its_key():
    world = World()
    pages, _ = await both(world)
    names = ("b.txt", "c.txt")
    first = [pages[0][0].add(FakeFile(name)) for name in names]
    await until(lambda: all(upload.key in world.storage.texts for upload in first))
    second = [pages[1][0].add(FakeFile(name)) for name in names[:1]]
    await until(lambda: second[0].paused_for == states.FOR_TAB)

    pages[0][2].tabs.tell = lambda text: None
    await close(pages[0][0], pages[0][2])
    world.http.release()
    await until(lambda: all(upload.state == states.DONE for upload in pages[1][0].uploads))

    keys = [pages[0][0].uploads[0].key, first[0].key]
    assert sorted(world.http.objects) == sorted(keys)
    assert [record.name for record in pages[1][1].unfinished] == ["c.txt"]


async def test_a_small_file_that_only_looks_the_same_is_sent_too():
    world = World()
    pages, uploads = await both(world)

    async def other_bytes(_piece):
        return 1

    pages[1][2].checksum.crc64 = other_bytes
    world.http.plan = [None, stored("1")]
    world.http.release()
    await until(lambda: all(upload.state == states.DONE for upload in uploads))

    assert uploads[0].key != uploads[1].key


async def test_the_small_file_of_another_person_is_sent_too():
    world = World()
    pages = [world.page(), world.page()]
    pages[1][2].grants.prefix = "uploads/bob-2/"
    for _, journal, _ in pages:
        await journal.load()
    world.http.hold()

    uploads = [queue.add(FakeFile("a.txt")) for queue, _, _ in pages]
    await until(lambda: world.http.running == 2)
    world.http.release()
    await until(lambda: all(upload.state == states.DONE for upload in uploads))

    assert len(world.http.objects) == 2


async def test_a_page_that_comes_learns_what_is_under_way():
    world = World()
    world.http.hold()
    queue, _, ports = world.page()
    first = queue.add(FakeFile("a.txt"))
    await until(lambda: world.http.running == 1)

    other, _, other_ports = world.page()
    other_ports.random.count = 1000
    second = other.add(FakeFile("a.txt"))
    await until(lambda: second.paused_for == states.FOR_TAB)
    assert len(locks_of_files(ports)) == 1
    world.http.release()
    await until(lambda: first.state == second.state == states.DONE)

    assert len(world.http.objects) == 1


async def test_small_files_are_locked_only_while_another_page_sends_some_too():
    world = World()
    taken = []

    async def send(queue, ports, name):
        take = ports.tabs.take

        async def count(lock):
            taken.extend([lock] if lock.startswith("send") else [])
            return await take(lock)

        ports.tabs.take = count
        upload = queue.add(FakeFile(name))
        await until(lambda: upload.state == states.DONE)
        ports.tabs.take = take

    queue, _, ports = world.page()
    await send(queue, ports, "alone.txt")
    other, other_journal, other_ports = world.page()
    await other_journal.load()
    await send(queue, ports, "beside an idle page.txt")
    assert taken == []

    await send(other, other_ports, "beside one that has sent.txt")
    await send(queue, ports, "beside one that sends.txt")
    assert len(taken) == 2
    world.clock.advance(121)
    await send(queue, ports, "beside one that has sent long ago.txt")
    assert len(taken) == 2


async def test_who_began_to_wait_too_late_to_be_told_is_answered():
    world = World()
    pages = [world.page(), world.page()]
    for number, (_, journal, ports) in enumerate(pages):
        ports.random.count = 1000 * number
        await journal.load()
    tabs, heard = pages[0][2].tabs, []
    hear = tabs._handler
    tabs._handler = lambda text: heard.append(text) if "wants" in text else hear(text)
    world.http.hold()
    first = pages[0][0].add(FakeFile("a.txt"))
    await until(lambda: world.http.running == 1)
    second = pages[1][0].add(FakeFile("a.txt"))
    await until(lambda: second.paused_for == states.FOR_TAB)

    answered = asyncio.Event()

    async def wait(_seconds):
        await answered.wait()

    world.clock.sleep = wait
    world.http.release()
    await until(lambda: first.state == states.DONE)
    for text in heard:
        hear(text)
    answered.set()
    await until(lambda: second.state == states.DONE)

    assert [request.method for request in world.http.requests] == ["PUT"]
