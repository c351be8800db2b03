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
