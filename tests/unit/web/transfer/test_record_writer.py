"""Records of waiting and small files: they survive a reload and cost little."""

import json

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import GrantRefused, ServerRefused, StorageBroken
from ossferry_uploader.transfer.options import REFUSE, Options
from ossferry_uploader.transfer.plan import MIB
from support import pages
from support.fakes import ANSWER_LOST, DAMAGED, FakeFile, refused, until
from support.pages import done, store, turns

NAMES = ("a.txt", "b.txt", "c.txt")


class World(pages.World):
    """A fake OSS, a fake browser that keeps files, and any number of its pages."""

    def __init__(self):
        super().__init__()
        self.storage.keeps_files = True

    def page(self, **more):
        return super().page(active=1, ahead=0, **more)

    async def left(self, names=NAMES, options=None):
        """Return the uploads of a closed page: one was being sent, the others waited."""
        self.http.hold()
        queue, _, ports = self.page()
        uploads = [queue.add(FakeFile(name), options) for name in names]
        await until(lambda: len(self.storage.texts) == len(names) and self.http.running)
        await self.close(queue, ports)
        return uploads


def names_of(journal):
    return sorted([record.name for record in journal.unfinished])


def record_of(journal, name):
    return [record for record in journal.unfinished if record.name == name]


async def test_what_waited_and_what_was_under_way_is_offered_by_the_next_page():
    world = World()
    await world.left()

    _, journal, _ = await world.next_page()

    assert names_of(journal) == ["a.txt", "b.txt", "c.txt"]
    assert [record.sent for record in journal.unfinished] == [0, 0, 0]
    assert [record.can_reopen for record in journal.unfinished] == [True, True, True]


async def test_the_same_files_chosen_again_go_on_under_their_keys():
    world = World()
    before = await world.left()
    queue, journal, _ = await world.next_page()

    for name in NAMES:
        queue.add(FakeFile(name))
    await done(*queue.uploads)

    assert sorted(world.http.objects) == sorted([upload.key for upload in before])
    await until(lambda: not world.storage.texts)
    assert journal.unfinished == []


async def test_data_in_memory_continues_no_upload_and_leaves_no_record():
    world = World()
    (before,) = await world.left(["a.txt"])
    queue, journal, _ = await world.next_page()
    data = FakeFile("a.txt")
    data.is_lasting = False
    world.http.hold()

    upload = queue.add(data)
    await until(lambda: world.http.running)
    records = [names for names in world.storage.saved if upload.key in names]
    world.http.release()
    await done(*queue.uploads)

    assert (names_of(journal), records) == (["a.txt"], [])
    assert upload.key not in ("", before.key)


async def test_one_click_goes_on_with_all_whose_files_the_browser_can_open():
    world = World()
    before = await world.left()
    queue, journal, _ = await world.next_page()
    files = {name.split("\n")[-1]: name for name in world.storage.files}
    world.storage.files[files[before[1].key]].modified += 1
    del world.storage.files[files[before[2].key]]

    failed = await queue.unfinished.reopen(journal.unfinished)
    await done(*queue.uploads)

    assert sorted([(record.name, error.changed) for record, error in failed]) == [
        ("b.txt", True),
        ("c.txt", False),
    ]
    assert names_of(journal) == ["b.txt", "c.txt"]
    assert list(world.http.objects) == [before[0].key]
    await until(lambda: len(world.storage.texts) == 2)


async def test_two_files_that_look_the_same_have_a_record_each():
    world = World()
    before = await world.left(("a.txt", "a.txt"))
    queue, journal, _ = await world.next_page()

    uploads = [queue.add(FakeFile("a.txt")) for _ in range(3)]
    await done(*queue.uploads)

    assert sorted([upload.key for upload in before]) == sorted([each.key for each in uploads[:2]])
    assert len(world.http.objects) == 3
    assert journal.unfinished == []


async def test_records_are_written_and_removed_a_hundred_at_a_time():
    world = World()
    due = []
    queue, _, _ = world.page(soon=due.append)
    world.http.hold()
    for number in range(250):
        queue.add(FakeFile(f"{number}.txt"))
    await until(lambda: world.http.running)
    assert len(due) == 1

    due.pop()()
    await until(lambda: len(world.storage.texts) == 250)
    world.http.release()
    await done(*queue.uploads)
    for write in due:
        write()
    await until(lambda: not world.storage.texts)

    written = [len(names) for names in world.storage.saved]
    assert written[:4] == [1, 99, 100, 50]  # one is being sent
    assert sum(written[4:]) <= 250  # those that have arrived
    assert [len(names) for names in world.storage.deleted] == [250]


async def test_no_small_file_is_sent_before_its_record_is_stored():
    world = World()
    queue, _, _ = world.page(soon=lambda write: None)
    stored, save = [], world.storage.save

    async def save_slowly(records, gone):
        await turns(50)
        assert world.http.requests == []
        await save(records, gone)
        stored.append(records)

    world.storage.save = save_slowly
    queue.add(FakeFile("a.txt"))

    await done(*queue.uploads)
    assert len(stored) == 1


async def test_when_all_has_arrived_no_record_waits_to_be_removed():
    world = World()
    due = []
    queue, _, _ = world.page(soon=due.append)
    world.http.hold()
    for name in NAMES:
        queue.add(FakeFile(name))
    due.pop()()
    await until(lambda: len(world.storage.texts) == len(NAMES) and world.http.running)
    world.http.release()
    await done(*queue.uploads)

    await until(lambda: not world.storage.texts)  # from now on, closing the page loses nothing

    assert [sorted(names) for names in world.storage.deleted] == [
        sorted([upload.key for upload in queue.uploads])
    ]


async def test_a_record_that_is_being_written_while_its_file_arrives_is_removed_at_once_too():
    world = World()
    due = []
    queue, _, _ = world.page(soon=due.append)
    world.http.hold()
    queue.add(FakeFile("a.bin", 64 * MIB))
    await until(lambda: world.http.running)
    save = world.storage.save

    async def save_slowly(records, gone):
        world.storage.save = save
        world.http.release()
        await done(*queue.uploads)
        await save(records, gone)

    world.storage.save = save_slowly
    due.pop()()

    await until(lambda: world.storage.saved and not world.storage.texts)


async def test_a_file_that_arrived_without_an_answer_is_not_stored_again():
    world = World()
    before = await world.left(("a.txt",))
    world.http.objects[before[0].key] = 10
    queue, _, ports = await world.next_page()

    upload = await store(queue, FakeFile("a.txt"))

    assert upload.key == before[0].key
    assert ports.receipts.asked == [upload.key]
    assert world.http.objects == {upload.key: 10}


async def test_an_answer_that_is_lost_again_is_settled_too():
    world = World()
    before = await world.left(("a.txt",))
    world.http.plan = [ANSWER_LOST]
    queue, _, _ = await world.next_page()

    upload = await store(queue, FakeFile("a.txt"))

    assert world.http.objects == {before[0].key: 10}
    assert upload.crc64


async def test_another_object_under_the_key_is_not_overwritten():
    world = World()
    before = await world.left(("a.txt",))
    world.http.objects[before[0].key] = 99
    queue, _, _ = await world.next_page()

    upload = queue.add(FakeFile("a.txt"))
    upload.target.folder_id = before[0].key.split("/")[-2]  # of a chosen folder that is continued
    await done(*queue.uploads)

    assert world.http.objects == {before[0].key: 99, upload.key: 10}
    assert upload.key != before[0].key
    assert upload.refused is None  # it may be another file, which looks like this one
    await until(lambda: not world.storage.texts)


async def test_what_was_damaged_on_the_way_is_replaced_and_left_nowhere():
    world = World()
    before = await world.left(("a.txt",))
    world.http.plan = [DAMAGED]
    queue, _, _ = await world.next_page()

    upload = await store(queue, FakeFile("a.txt"))

    assert upload.key == before[0].key
    assert world.http.objects == {upload.key: 10}


async def test_where_nobody_can_say_what_is_stored_a_file_replaces_itself():
    world = World()
    before = await world.left(("a.txt",))
    world.http.objects[before[0].key] = 10
    queue, _, ports = await world.next_page()
    ports.receipts.errors = [ServerRefused(404)]

    upload = await store(queue, FakeFile("a.txt"))

    assert world.http.objects == {upload.key: 10}
    assert upload.key == before[0].key


async def test_a_file_that_is_chosen_for_the_first_time_may_not_be_refused():
    world = World()
    queue, _, _ = world.page()

    queue.add(FakeFile("a.txt"))
    await done(*queue.uploads)

    names = [name for name, _ in world.http.requests[0].headers]
    assert "x-oss-forbid-overwrite" not in names


async def test_a_large_file_that_waited_goes_on_in_parts():
    world = World()
    world.http.hold()
    queue, _, ports = world.page()
    queue.add(FakeFile("a.txt"))
    large = queue.add(FakeFile("b.bin", 64 * MIB))
    await until(lambda: len(world.storage.texts) == 2)
    await world.close(queue, ports)
    later, journal, _ = await world.next_page()

    assert await later.unfinished.reopen(journal.unfinished) == []
    await done(*later.uploads)

    assert world.http.objects[large.key] == 64 * MIB
    assert len(world.http.objects) == 2
    await until(lambda: not world.storage.texts)


async def test_options_are_kept():
    world = World()
    options = Options(same_name=REFUSE, metadata={"project": "spring"}, tags={"a": "b"})
    await world.left(("a.txt",), options)
    queue, journal, _ = await world.next_page()

    assert await queue.unfinished.reopen(journal.unfinished) == []
    await done(*queue.uploads)

    headers = world.http.requests[-1].headers
    assert ("x-oss-meta-project", "spring") in headers
    assert ("x-oss-tagging", "a=b") in headers
    assert ("x-oss-forbid-overwrite", "true") in headers
    assert queue.uploads[0].key == "uploads/alice-1/a.txt"


async def test_what_is_discarded_is_gone_and_nothing_is_asked_of_oss():
    world = World()
    await world.left()
    queue, journal, _ = await world.next_page()
    before = len(world.http.requests)

    queue.unfinished.discard(record_of(journal, "a.txt"))
    await until(lambda: len(world.storage.texts) == 2)
    assert names_of(journal) == ["b.txt", "c.txt"]
    queue.unfinished.discard(journal.unfinished)
    await until(lambda: not world.storage.texts)

    assert journal.unfinished == []
    assert world.storage.files == {}
    assert len(world.http.requests) == before


@pytest.mark.parametrize("action", ["cancel", "fail", "too large"])
async def test_what_nobody_would_go_on_with_leaves_no_record(action):
    world = World()
    world.http.hold()
    queue, _, ports = world.page()
    uploads = [queue.add(FakeFile(name)) for name in ("a.txt", "b.txt")]
    await until(lambda: len(world.storage.texts) == 2)

    if action == "cancel":
        queue.cancel_all()
    elif action == "fail":
        world.http.plan = [refused("AccessDenied")] * 9
        queue.pause_all()
        await until(lambda: not world.http.running)
        queue.resume_all()
        world.http.release()
        await until(lambda: all(upload.state == states.FAILED for upload in uploads))
        assert len(world.storage.texts) == 2  # a retry may help
        for upload in uploads:
            queue.remove(upload)
    else:
        ports.grants.max_file_size = 1
        queue.allow((await ports.grants.fetch()).limits)
        world.http.release()

    await until(lambda: not world.storage.texts)


async def test_what_is_sent_again_after_a_cancel_has_a_record_again():
    world = World()
    world.http.hold()
    queue, _, _ = world.page()
    queue.add(FakeFile("a.txt"))
    upload = queue.add(FakeFile("b.txt"))
    await until(lambda: len(world.storage.texts) == 2)

    queue.cancel(upload)
    upload.retry()
    for _ in range(200):
        await until(lambda: True)

    assert upload.state == states.WAITING
    assert upload.key in world.storage.texts
    world.http.release()
    await done(*queue.uploads)


async def test_what_waits_in_a_living_page_is_not_offered_elsewhere_before_that_is_closed():
    world = World()
    _, early, _ = await world.next_page()
    world.http.hold()
    queue, _, ports = world.page()
    for name in NAMES:
        queue.add(FakeFile(name))
    await until(lambda: len(world.storage.texts) == len(NAMES))

    _, late, _ = await world.next_page()

    assert (early.unfinished, late.unfinished) == ([], [])
    await world.close(queue, ports)
    await until(lambda: len(early.unfinished) == len(late.unfinished) == len(NAMES))


async def test_of_two_pages_one_goes_on_with_what_a_third_left():
    world = World()
    await world.left()
    first, mine, _ = await world.next_page()
    second, other, _ = await world.next_page()
    records = record_of(other, "a.txt")
    world.http.hold()

    assert await first.unfinished.reopen(record_of(mine, "a.txt")) == []
    await until(lambda: names_of(other) == ["b.txt", "c.txt"])
    assert await second.unfinished.reopen(records) == []
    world.http.release()
    await done(*first.uploads)

    assert second.uploads == []
    assert len(world.http.objects) == 1
    assert names_of(mine) == ["b.txt", "c.txt"]


async def test_a_storage_that_is_full_is_asked_once_and_costs_nothing_but_the_resuming():
    world = World()
    queue, journal, _ = await world.next_page()
    world.storage.error = StorageBroken("QuotaExceededError")
    world.http.hold()
    tried = []
    save = world.storage.save

    async def count(records, gone):
        tried.append(len(records))
        await save(records, gone)

    world.storage.save = count
    for number in range(150):
        queue.add(FakeFile(f"{number}.txt"))
    await until(lambda: journal.broken)
    world.http.release()
    await done(*queue.uploads)

    assert journal.broken == "QuotaExceededError"
    assert len(tried) <= 2  # the file that was sent first, and those that wait


async def test_records_wait_for_permission():
    world = World()
    world.http.hold()
    queue, _, ports = world.page()
    ports.grants.errors = [GrantRefused(503), GrantRefused(503)]

    for name in NAMES:
        queue.add(FakeFile(name))

    await until(lambda: len(world.storage.texts) == len(NAMES))
    world.http.release()
    await done(*queue.uploads)


async def test_no_credential_and_no_byte_of_the_file_is_kept():
    world = World()
    await world.left()

    texts = list(world.storage.texts.values())

    assert not [word for word in ("STS.", "secret", "token") if word in " ".join(texts)]
    assert sorted(json.loads(texts[0])) == [
        "crc64",
        "edit",
        "given_up",
        "key",
        "made",
        "modified",
        "name",
        "options",
        "owner",
        "page",
        "part_size",
        "path",
        "replaces",
        "salt",
        "saved_at_s",
        "sent",
        "sha256",
        "size",
        "upload_id",
        "version",
    ]


async def test_a_page_that_may_end_writes_at_once_what_was_to_be_written_soon():
    world = World()
    world.http.hold()
    queue, _, ports = world.page(soon=lambda write: None)
    for name in NAMES:
        queue.add(FakeFile(name))
    await until(lambda: world.http.running)
    assert len(world.storage.texts) == 1  # of the file that is being sent

    queue.write_now()
    await until(lambda: len(world.storage.texts) == len(NAMES))
    queue.add(FakeFile("d.txt"))
    queue.write_now()
    queue.add(FakeFile("e.txt"))
    queue.write_now()  # while the earlier records are being written

    await until(lambda: len(world.storage.texts) == len(NAMES) + 2)
    await world.close(queue, ports)


async def test_records_of_many_files_are_written_with_turns_for_the_browser_between():
    world = World()
    world.http.hold()
    queue, _, _ = world.page()

    for number in range(100):
        queue.add(FakeFile(f"{number}.txt"))
    await until(lambda: len(world.storage.texts) == 100)

    assert world.clock.slept_s.count(0) >= 18
    queue.cancel_all()
    world.http.release()
    await until(lambda: not world.http.running)


async def test_a_page_does_not_read_its_own_records_for_each_file():
    world = World()
    found = []
    find = world.storage.find

    async def finding(start, without=""):
        records = await find(start, without)
        found.append([name for name, _ in records])
        return records

    world.storage.find = finding
    queue, _, _ = world.page()

    uploads = [queue.add(FakeFile(name)) for name in NAMES]
    await until(lambda: len(world.storage.saved) > 0)
    await done(*uploads)

    assert found == [[], [], []]
