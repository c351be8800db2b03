"""Two pages of one browser upload the same small files: each file is sent once."""

import asyncio

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.journal.checkpoint import fingerprint, read_checkpoint
from ossferry_uploader.transfer.options import REPLACE, Options
from ossferry_uploader.transfer.plan import MIB
from support.fakes import START_S, FakeFile, refused, stored, until
from support.pages import World, follow, store, turns

OWNER = "uploads/alice-1/"


def parsed(text):
    return read_checkpoint(text, owner=OWNER, now_s=START_S)


async def both(world, size=10, plan=()):
    """Return two pages, and their uploads of the same small file; the second one waits."""
    pages = [world.page(), world.page()]
    for _, journal, _ in pages:
        await journal.load()
    world.http.hold()
    world.http.plan = list(plan)
    uploads = [pages[0][0].add(FakeFile("a.txt", size))]
    await until(lambda: world.http.running == 1)
    uploads.append(pages[1][0].add(FakeFile("a.txt", size)))
    await until(lambda: uploads[1].paused_for == states.FOR_TAB)
    return pages, uploads


def locks_of_files(ports):
    return [name for name in ports.tabs.names if name.startswith("file")]


@pytest.mark.parametrize("size", [0, 10, 16 * MIB])
async def test_a_small_file_in_two_pages_is_sent_once(size):
    world = World()
    pages, uploads = await both(world, size)

    world.http.release()
    await until(lambda: all(upload.state == states.DONE for upload in uploads))

    assert uploads[0].key == uploads[1].key
    assert uploads[0].crc64 == uploads[1].crc64
    assert world.http.objects == {uploads[0].key: size}
    await until(lambda: [locks_of_files(ports) for _, _, ports in pages] == [[], []])
    await until(lambda: not world.storage.texts)


async def test_many_small_files_in_two_pages_are_sent_once_each():
    world = World()
    pages = [world.page(), world.page()]
    for _, journal, _ in pages:
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
    """Close a page whose requests have all been executed."""
    ports.tabs.close()
    queue.pause_all()  # simulates the end of its requests
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

    world.http.objects[key] = 10  # the file is stored, but no page is notified
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


async def idle(world):
    """Return a page that has read the existing records, and has no file."""
    queue, _journal, _ports = await world.next_page()
    return queue


@pytest.mark.parametrize("count", [0, 1, 3, 10, 100])
@pytest.mark.parametrize("others", ["a new page", "an idle page", "two idle pages", "both kinds"])
@pytest.mark.parametrize("follows", [True, False], ids=["one follows", "nobody follows"])
async def test_whoever_has_the_file_of_a_closed_page_stores_it_once(follows, others, count):
    world = World()
    sender, _, ports = world.page()
    pages = [await idle(world)] if follows else []
    waiting = [await idle(world), await idle(world)]
    if others == "an idle page":
        del waiting[1:]
    elif others == "a new page":
        waiting = []
    world.http.hold()
    first = sender.add(FakeFile("a.txt"))
    await until(lambda: world.http.running == 1)
    await until(lambda: first.key in world.storage.texts)
    uploads = [queue.add(FakeFile("a.txt")) for queue in pages]
    await until(lambda: all(each.paused_for == states.FOR_TAB for each in uploads))

    world.http.objects[first.key] = 10  # the file is stored, but no page is notified
    ports.tabs.tell = lambda text: None
    await close(sender, ports)
    await turns(count)
    if others in ("a new page", "both kinds"):
        waiting.append(await idle(world))
    uploads += [queue.add(FakeFile("a.txt")) for queue in waiting]
    world.http.release()
    await until(lambda: all(upload.state == states.DONE for upload in uploads))

    assert world.http.objects == {first.key: 10}
    await until(lambda: not world.storage.texts)
    await turns(100)
    assert not any(page._engine.journal.unfinished for page in pages + waiting)


async def test_of_two_pages_that_are_closed_the_next_one_goes_on_with_the_one_that_sent():
    world = World()
    pages, uploads = await both(world)
    await until(lambda: world.storage.texts)
    for _ in range(50):
        await asyncio.sleep(0)  # time for the waiting page to write a record
    key = uploads[0].key

    world.http.objects[key] = 10
    for queue, _, ports in (pages[1], pages[0]):
        await close(queue, ports)
    world.http.release()
    queue, journal, _ = await world.next_page()
    offered = [record.key for record in journal.unfinished]
    await store(queue, FakeFile("a.txt"))

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


async def test_a_page_that_comes_follows_what_is_under_way():
    world = World()
    world.http.hold()
    queue, _, ports = world.page()
    first = queue.add(FakeFile("a.txt"))
    await until(lambda: world.http.running == 1)

    other, _, other_ports = world.page()
    other_ports.random.count = 1000
    second = await follow(other, FakeFile("a.txt"))
    assert len(locks_of_files(ports)) == 1
    world.http.release()
    await until(lambda: first.state == second.state == states.DONE)

    assert len(world.http.objects) == 1


@pytest.mark.parametrize("size", [10, 20 * MIB])
@pytest.mark.parametrize("opens", ["before", "after"])
async def test_what_another_page_has_sent_is_known_until_all_its_files_have_ended(opens, size):
    world = World()
    first = await idle(world)
    second = await idle(world) if opens == "before" else None
    last = first.add(FakeFile("b.txt"))
    first.pause(last)
    earlier = first.add(FakeFile("a.txt", size))
    await until(lambda: earlier.crc64 and earlier.crc64 in str(world.storage.texts))
    second = second or await idle(world)

    again = await store(second, FakeFile("a.txt", size))
    first.cancel(last)
    await until(lambda: not world.storage.texts)
    later = await store(second, FakeFile("a.txt", size))

    assert (again.key, again.identical) == (earlier.key, True)
    assert later.key != earlier.key


@pytest.mark.parametrize("size", [10, 64 * MIB])
async def test_a_file_that_is_stored_leaves_no_record_of_a_closed_page_that_had_it_too(size):
    world = World()
    first, second = await idle(world), await idle(world)
    for queue in (first, second):
        queue.pause(queue.add(FakeFile("a.txt", size)))
    await until(lambda: len(world.storage.texts) == 2)
    first._engine.ports.tabs.close()

    second.resume_all()

    await until(lambda: second.uploads[0].state == states.DONE)
    await until(lambda: not world.storage.texts)


async def test_of_a_file_that_was_chosen_twice_in_a_page_the_lock_is_free_after_the_second():
    world = World()
    first, second = await idle(world), await idle(world)
    world.http.hold()
    uploads = [first.add(FakeFile("a.txt")), first.add(FakeFile("a.txt"))]
    await until(lambda: world.http.running == 2)
    follower = await follow(second, FakeFile("a.txt"))

    uploads[0].cancel()
    await until(lambda: uploads[0].state == states.CANCELLED)
    await turns(100)

    assert len(locks_of_files(first._engine.ports)) == 1
    assert follower.paused_for == states.FOR_TAB
    world.http.release()
    await until(lambda: follower.state == states.DONE)
    assert follower.key == uploads[1].key


async def test_a_record_that_is_given_up_does_not_free_the_lock_of_the_same_file_under_way():
    world = World()
    page = await idle(world)
    world.http.hold()
    upload = page.add(FakeFile("a.txt"))
    await until(lambda: world.http.running)
    locks = page._engine.journal._files

    assert await locks.reserve(upload.source)
    locks.unreserve(upload.source)

    assert len(locks_of_files(page._engine.ports)) == 1
    world.http.release()
    await until(lambda: upload.state == states.DONE)
    await until(lambda: locks_of_files(page._engine.ports) == [])


@pytest.mark.parametrize("text", ["x", "7", '{"claimed": ["a", 1]}', '{"claimed": [["a"], "b"]}'])
async def test_a_message_of_another_version_of_the_page_is_ignored(text):
    world = World()
    journal = (await idle(world))._engine.journal

    journal._hear(text)

    assert journal._claimed_elsewhere == set()


async def test_what_another_page_has_sent_is_known_to_all_files_that_waited_when_it_was_over():
    world = World()
    first, second = await idle(world), await idle(world)
    second.pause(second.add(FakeFile("a.txt")))
    earlier = await store(first, FakeFile("a.txt"))
    await turns(100)

    second.resume_all()
    await until(lambda: second.uploads[0].state == states.DONE)

    assert second.uploads[0].key == earlier.key


async def test_what_another_page_sends_by_another_rule_for_names_is_sent_too():
    world = World()
    page, other = await idle(world), await idle(world)
    world.http.hold()
    first = page.add(FakeFile("a.txt"))
    await until(lambda: world.http.running)
    second = await follow(other, FakeFile("a.txt"), Options(same_name=REPLACE))

    world.http.release()
    await until(lambda: first.state == second.state == states.DONE)

    assert len(world.http.objects) == 2


async def test_a_record_that_is_claimed_keeps_other_pages_from_its_file_until_it_is_given_back():
    world = World()
    sender, _, ports = world.page()
    world.http.hold()
    upload = sender.add(FakeFile("a.txt"))
    await until(lambda: upload.key in world.storage.texts)
    await close(sender, ports)
    claiming, other = await idle(world), await idle(world)
    claiming._slots._active, claiming._slots._ahead = 0, lambda: 0  # no upload starts
    claimed = claiming.add(FakeFile("a.txt"))
    await until(lambda: claimed.key == upload.key)

    follower = await follow(other, FakeFile("a.txt"))
    claimed.cancel()
    world.http.release()

    await until(lambda: follower.state == states.DONE)


async def left_behind(world, name="a.txt"):
    """Return the key of a file whose page was closed during the upload."""
    queue, _, ports = world.page()
    world.http.hold()
    upload = queue.add(FakeFile(name))
    await until(lambda: upload.key in world.storage.texts)
    await close(queue, ports)
    world.http.release()
    return upload.key


async def test_what_a_page_has_left_is_found_although_its_end_has_not_been_noticed_yet():
    world = World()
    page = await idle(world)
    tabs = page._engine.ports.tabs
    free = tabs.free

    async def free_later(name):
        await (asyncio.Event().wait() if name.startswith("page-") else free(name))

    tabs.free = free_later
    key = await left_behind(world)

    upload = await store(page, FakeFile("a.txt"))

    assert upload.key == key


async def test_a_file_that_waits_with_a_record_of_its_own_takes_the_place_of_a_closed_page():
    world = World()
    page = await idle(world)
    places = page._slots
    limits, places._active, places._ahead = (places._active, places._ahead), 0, lambda: 0
    world.http.hold()
    sender, _, ports = world.page()
    first = sender.add(FakeFile("a.txt"))
    await until(lambda: first.key in world.storage.texts)
    upload = page.add(FakeFile("a.txt"))
    await until(lambda: upload.key in world.storage.texts)
    own = upload.key
    await close(sender, ports)
    world.http.release()

    places._active, places._ahead = limits
    page._start()
    await until(lambda: upload.state == states.DONE)

    assert upload.key == first.key != own
    await until(lambda: not world.storage.texts)


async def test_a_page_that_only_looks_whether_a_lock_is_free_keeps_nobody_from_a_place():
    world = World()
    key = await left_behind(world)
    page = await idle(world)
    tabs, looks = page._engine.ports.tabs, [1, 1]
    take = tabs.take

    async def take_while_others_look(name):
        if name.startswith("page-") and looks:
            return not looks.pop()
        return await take(name)

    tabs.take = take_while_others_look
    upload = await store(page, FakeFile("a.txt"))

    assert upload.key == key


async def test_a_file_that_may_be_stored_keeps_its_place_while_it_follows():
    world = World()
    key = await left_behind(world)
    page, other = await idle(world), await idle(world)
    world.http.hold()
    upload = page.add(FakeFile("a.txt"))
    await until(lambda: world.http.running)
    upload.pause()
    await until(lambda: upload.paused_for == states.BY_PERSON)
    second = other.add(FakeFile("a.txt"))
    await until(lambda: world.http.running)
    upload.resume()
    await until(lambda: upload.paused_for == states.FOR_TAB)

    second.cancel()
    world.http.release()
    await until(lambda: upload.state == states.DONE)

    assert upload.key == key


async def test_who_discards_what_is_left_keeps_nobody_from_the_file():
    world = World()
    await left_behind(world)
    queue, _, ports = world.page()

    assert await queue.unfinished.discard(await queue.unfinished.find()) == []

    assert locks_of_files(ports) == []


async def test_a_file_that_is_refused_when_it_is_gone_on_with_keeps_nobody_from_it():
    world = World()
    world.storage.keeps_files = True
    await left_behind(world)
    queue, _, ports = world.page()
    left = await queue.unfinished.find()
    queue.allow(Limits(max_file_size=1, max_files=1, types=[]))

    await queue.unfinished.reopen(left)

    assert queue.uploads[0].state == states.FAILED
    assert locks_of_files(ports) == []


async def test_who_goes_on_with_what_another_page_sends_follows_it():
    world = World()
    world.storage.keeps_files = True
    key = await left_behind(world)
    page, other = await idle(world), await idle(world)
    world.http.hold()
    lock = f"file uploads/alice-1/ {fingerprint(FakeFile('a.txt'))}"
    await other._engine.ports.tabs.take(lock)
    left = await page.unfinished.find()

    await page.unfinished.reopen(left)
    await until(lambda: page.uploads and page.uploads[0].paused_for == states.FOR_TAB)
    other._engine.ports.tabs.drop(lock)
    world.http.release()
    await until(lambda: page.uploads[0].state == states.DONE)

    assert page.uploads[0].key == key


async def test_what_is_claimed_while_the_records_of_a_closed_page_are_read_is_not_offered_again():
    world = World()
    world.storage.keeps_files = True
    sender, _, ports = world.page()
    world.http.hold()
    uploads = [sender.add(FakeFile(name)) for name in ("a.txt", "b.txt")]
    await until(lambda: len(world.storage.texts) == 2)
    page = await idle(world)
    journal = page._engine.journal
    load, may_read, asked = journal.stored, asyncio.Event(), []

    async def load_later():
        found = await load()
        asked.append(found)
        if len(asked) == 1:
            await may_read.wait()
        return found

    journal.stored = load_later
    await close(sender, ports)
    await until(lambda: asked)
    world.http.hold()
    again = [page.add(FakeFile(name)) for name in ("a.txt", "b.txt")]
    await until(lambda: [each.key for each in again] == [each.key for each in uploads])

    may_read.set()
    world.http.release()
    await until(lambda: all(each.state == states.DONE for each in again))

    await until(lambda: not world.storage.texts)
    assert journal.unfinished == []


async def test_what_another_page_claims_while_the_records_are_read_is_not_offered_here():
    world = World()
    slow, quick = await idle(world), await idle(world)
    journal = slow._engine.journal
    load, may_read, asked = journal.stored, asyncio.Event(), []

    async def load_later():
        found = await load()
        asked.append(found)
        await may_read.wait()
        return found

    journal.stored = load_later
    key = await left_behind(world)
    await until(lambda: asked)
    upload = await store(quick, FakeFile("a.txt"))

    may_read.set()
    await turns(100)

    assert upload.key == key
    assert journal.unfinished == []


async def test_a_file_that_another_page_has_stored_under_the_key_of_a_closed_page_is_sent_once():
    world = World()
    key = await left_behind(world)
    page, other = await idle(world), await idle(world)
    places = page._slots
    limits, places._active, places._ahead = (places._active, places._ahead), 0, lambda: 0
    upload = page.add(FakeFile("a.txt"))
    await until(lambda: upload.key == key)
    page._engine.journal.not_sending(upload)  # as at the end of its checks

    second = await store(other, FakeFile("a.txt"))
    other.pause(other.add(FakeFile("b.txt")))
    places._active, places._ahead = limits
    page._start()
    await until(lambda: upload.state == states.DONE)

    assert (second.key, upload.key, upload.identical) == (key, key, True)


async def test_a_file_keeps_its_lock_until_its_record_says_that_it_has_arrived():
    world = World()
    page = await idle(world)
    tabs, freed = page._engine.ports.tabs, []
    save, drop = world.storage.save, tabs.drop

    async def save_slowly(records, gone=None):
        await turns(30)  # meanwhile, some of these files arrive
        await save(records, gone)

    def note(name):
        if name.startswith("file"):
            stored = [text for text in world.storage.texts.values() if '"crc64": ""' not in text]
            freed.append(name in [f"file {OWNER} {fingerprint(parsed(text))}" for text in stored])
        drop(name)

    world.storage.save, tabs.drop = save_slowly, note
    for number in range(20):
        page.add(FakeFile(f"{number}.txt"))
    await until(lambda: len(freed) == 20)

    assert freed == [True] * 20


@pytest.mark.parametrize("first", ["page-", "busy-"])
async def test_a_page_takes_no_file_and_writes_no_record_before_it_holds_its_own_locks(first):
    world = World()
    page = await idle(world)
    tabs, may_take = page._engine.ports.tabs, asyncio.Event()
    take = tabs.take

    async def take_later(name):
        await (may_take.wait() if name.startswith(first) else asyncio.sleep(0))
        return await take(name)

    tabs.take = take_later
    upload = page.add(FakeFile("a.txt"))
    await turns(200)
    before = list(world.storage.texts), locks_of_files(page._engine.ports)
    may_take.set()
    await until(lambda: upload.state == states.DONE)

    assert before == ([], [])


async def test_a_page_with_new_files_keeps_the_records_of_what_it_has_stored():
    world = World()
    page, other = await idle(world), await idle(world)
    waits = other.add(FakeFile("b.txt"))
    other.pause(waits)
    upload = await store(page, FakeFile("a.txt"))
    await turns(100)

    page.pause(page.add(FakeFile("c.txt")))
    await turns(100)
    other.cancel(waits)
    await turns(100)

    assert upload.key in world.storage.texts
    page.cancel_all()
    await until(lambda: not world.storage.texts)


async def test_what_a_closed_page_has_stored_is_known_while_its_other_files_are_offered():
    world = World()
    sender, _, ports = world.page()
    sender.pause(sender.add(FakeFile("b.txt")))
    arrived = sender.add(FakeFile("a.txt"))
    await until(lambda: arrived.crc64 and arrived.crc64 in str(world.storage.texts))
    ports.tabs.close()

    page = await idle(world)
    await store(page, FakeFile("c.txt"))
    await turns(100)

    assert arrived.key in world.storage.texts
    await page.unfinished.discard(page.unfinished.journal.unfinished)
    again = await store(page, FakeFile("a.txt"))
    assert (again.key, again.identical) == (arrived.key, True)
    await until(lambda: not world.storage.texts)
