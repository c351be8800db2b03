"""A file is one upload, whatever is done to it: checked, replaced by a check, encrypted, or both.

The file on the disk and the decision about it are its identity, in all tabs and after a crash.
"""

import asyncio
import json

import pytest

from ossferry_uploader.oss.encryption import PublicKey
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.checks.verdict import Refusal, Repaired, Verdict
from ossferry_uploader.transfer.errors import FileUnreadable
from ossferry_uploader.transfer.journal.checkpoint import checkpoint_of
from ossferry_uploader.transfer.plan import MIB, part_count
from support.fake_browser import FakeStorage
from support.fake_checks import FakeChecks
from support.fakes import START_S, FakeFile, crc64_of_zeros, until
from support.pages import World, done

KEY = PublicKey("ff" * 63 + "01", 3)
SMALL, LARGE = 10, 40 * MIB
KINDS = {
    "as it is": (),
    "checked": ("checks",),
    "replaced by a check": ("checks", "made"),
    "renamed by a check": ("checks", "made", "renamed"),
    "edited": ("edited",),
    "edited and checked": ("edited", "checks"),
    "encrypted": ("encrypted",),
    "renamed by a check, and encrypted": ("checks", "made", "renamed", "encrypted"),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
every_size = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])


class Pages(World):
    """Pages that check or encrypt their files, and close without a word."""

    def __init__(self, kind=(), undo_s=0.0):
        super().__init__()
        self.storage.keeps_files = True
        self.kind = kind
        self.undo_s = undo_s

    async def open(self):
        queue, journal, ports = self.page()
        ports.grants.encryption = KEY if "encrypted" in self.kind else None
        if "checks" in self.kind:
            ports.grants.features = ["checks"]
            ports.checks = FakeChecks("*", undo_s=self.undo_s)
            queue.checking._checks, queue.checking._rules = ports.checks, None
        await journal.load()
        return queue, ports

    def add(self, queue, ports, name="a.heic", size=SMALL):
        if "made" in self.kind:
            made = FakeFile(name[0] + (".jpg" if "renamed" in self.kind else ".heic"), size - 3)
            made.is_lasting, made.modified = False, 0
            ports.checks.verdicts[name] = Verdict(file=made)
        upload = queue.add(FakeFile(name, size))
        if "edited" in self.kind:
            queue.edit_picture(upload, [1, 0, 0, 0, 0])
        return upload

    async def store(self, queue, ports, name="a.heic", size=SMALL):
        upload = self.add(queue, ports, name, size)
        await done(upload)
        return upload

    async def left_with_one_arrived(self):
        """Return the upload of a file that arrived, of a closed page that was sending another."""
        queue, ports = await self.open()
        first, _ = self.add(queue, ports, "a.txt"), self.add(queue, ports, "b.bin", LARGE)
        self.http.hold_after = 3
        await until(lambda: first.crc64 and first.crc64 in str(self.storage.texts))
        await self.close(queue, ports)
        self.http.release()
        return first

    async def left_with_parts(self):
        """Return the upload of a large file, some parts of which a closed page has sent."""
        queue, ports = await self.open()
        self.http.hold_after = 3
        first = self.add(queue, ports, size=LARGE)
        await until(lambda: first.progress.arrived and self.http.hold_after is None)
        await self.close(queue, ports)
        self.http.release()
        return first

    async def left_with_a_lost_answer(self):
        """Return the upload of a file that a closed page stored without receiving the answer."""
        queue, ports = await self.open()
        self.http.hold()
        first = self.add(queue, ports)
        await until(lambda: self.http.running and first.key in self.storage.texts)
        self.http.objects[first.key] = SMALL
        await self.close(queue, ports)
        self.http.release()
        return first

    def kill(self, queue):
        """Let a page write nothing any more."""
        queue._engine.journal._storage = FakeStorage()

    async def close(self, queue, ports):
        """Close a page whose requests have all been executed."""
        ports.tabs.tell = lambda text: None
        self.kill(queue)
        ports.tabs.close()
        queue.pause_all()
        open_states = (states.CHECKING, states.UPLOADING, states.VERIFYING)
        await until(lambda: not any(each.state in open_states for each in queue.uploads))


@every_size
@every_kind
async def test_r36_a_file_of_any_kind_in_two_tabs_is_stored_once(kind, size):
    world = Pages(kind)
    (queue, ports), (other, other_ports) = await world.open(), await world.open()
    world.http.hold()
    first = world.add(queue, ports, size=size)
    await until(lambda: world.http.running)
    second = world.add(other, other_ports, size=size)
    await until(lambda: second.paused_for == states.FOR_TAB)

    world.http.release()
    await done(first, second)

    assert first.key == second.key
    assert world.http.objects == {first.key: first.file.size}
    await until(lambda: not world.storage.texts)


@every_size
@every_kind
async def test_r32_a_file_of_any_kind_whose_answer_was_lost_is_stored_once(kind, size):
    world = Pages(kind)
    queue, ports = await world.open()
    world.http.hold()
    first = world.add(queue, ports, size=size)
    await until(lambda: world.http.running)
    if size == LARGE:
        world.http.hold_after = 5  # all parts
        world.http.release()
        await until(lambda: world.http.hold_after is None)
        world.kill(queue)
        world.http.release()
        await until(lambda: world.http.objects)
    else:
        assert list(world.storage.texts) == [first.key]
        world.http.objects[first.key] = first.file.size
    await world.close(queue, ports)
    world.http.release()

    queue, ports = await world.open()
    second = await world.store(queue, ports, size=size)

    assert world.http.objects == {second.key: second.file.size}
    await until(lambda: not world.storage.texts)


@every_kind
async def test_parts_of_a_closed_page_are_continued_whatever_was_done_to_the_file(kind):
    world = Pages(kind)
    first = await world.left_with_parts()
    assert first.key in world.storage.texts
    (upload_id,) = world.http.multiparts
    sent, world.http.parts_sent = len(world.http.parts_sent), []
    assert sent >= 3

    queue, ports = await world.open()
    (record,) = await queue.unfinished.find()
    if "made" in kind:
        world.add(queue, ports, size=LARGE).cancel()
    assert await queue.unfinished.reopen([record]) == []
    await done(queue.uploads[-1])

    assert world.http.objects == {first.key: first.file.size}
    assert queue.uploads[-1].upload_id in ("", upload_id)
    assert len(world.http.parts_sent) <= 5 - sent + 1
    await until(lambda: not (world.storage.texts or world.http.multiparts))


@pytest.mark.parametrize("kind", [(), KINDS["renamed by a check, and encrypted"]])
@pytest.mark.parametrize("count", [1, 15])
async def test_only_the_small_files_that_are_missing_are_sent(kind, count):
    world = Pages(kind)
    queue, ports = await world.open()
    names = [f"{chr(97 + number // 10)}{number}.heic" for number in range(25)]
    uploads = [world.add(queue, ports, name) for name in names]
    size = SMALL - 3 * ("made" in kind)
    for each in uploads:  # the test gives all files of a letter one made name
        each.target.folder_id = each.source.name
    send = world.http.send

    async def send_some(*given):
        if len(world.http.objects) >= count:
            world.http.hold()
        return await send(*given)

    world.http.send = send_some
    await until(
        lambda: str(world.storage.texts).count(str(crc64_of_zeros(size))) >= count, turns=20_000
    )
    await world.close(queue, ports)
    world.http.send = send
    world.http.release()
    before = len(world.http.objects)
    assert before < 25

    queue, ports = await world.open()
    again = [world.add(queue, ports, name) for name in names]
    await done(*again)

    assert len(world.http.objects) == 25
    assert len([each for each in again if each.identical]) >= count
    await until(lambda: not world.storage.texts)


async def test_what_has_arrived_is_not_offered_and_its_record_goes_with_the_last_upload():
    world = Pages()
    queue, ports = await world.open()
    first, last = world.add(queue, ports, "a.txt"), world.add(queue, ports, "b.bin", LARGE)
    world.http.hold_after = 3
    await until(lambda: first.state == states.DONE and "crc64" in str(world.storage.texts))
    await until(lambda: first.crc64 in str(world.storage.texts))
    await world.close(queue, ports)
    world.http.release()

    queue, ports = await world.open()
    assert [record.key for record in await queue.unfinished.find()] == [last.key]
    await queue.unfinished.discard(await queue.unfinished.find())
    await done(world.add(queue, ports, "c.txt"))

    await until(lambda: not world.storage.texts)


async def test_what_has_arrived_and_was_deleted_since_is_sent_again():
    world = Pages()
    first = await world.left_with_one_arrived()
    del world.http.objects[first.key]

    queue, ports = await world.open()
    again = await world.store(queue, ports, "a.txt")

    assert (again.identical, world.http.objects[again.key]) == (False, SMALL)


async def test_a_look_alike_of_a_file_that_arrived_deletes_nothing():
    world = Pages()
    first = await world.left_with_a_lost_answer()

    queue, ports = await world.open()
    crc64 = ports.checksum.crc64

    async def of_another_file(piece):
        ours = await crc64(piece)
        return ours + (second.key in ("", first.key))  # the fake of OSS has only one kind of bytes

    ports.checksum.crc64 = of_another_file  # of the same name, size and time
    second = world.add(queue, ports)
    await done(second)

    assert world.http.objects == {first.key: SMALL, second.key: SMALL}
    assert second.refused is None


@every_size
@pytest.mark.parametrize("kind", [("checks",), ("checks", "encrypted")], ids=["plain", "encrypted"])
async def test_a_file_that_was_replaced_after_its_checks_does_not_arrive(kind, size):
    world = Pages(kind)
    queue, ports = await world.open()
    ports.checks.hold()
    ports.checksum.has_changed = True  # the checks read other bytes than are sent
    upload = world.add(queue, ports, size=size)
    await until(lambda: ports.checks.running)
    ports.checksum.has_changed = False

    ports.checks.release()
    await until(lambda: upload.state in states.ENDED)

    assert isinstance(upload.error, FileUnreadable)
    assert upload.error.changed
    if size == SMALL:
        assert upload.refused.key == upload.key  # the server removes it
    else:
        assert world.http.objects == {}
    await until(lambda: not (world.storage.texts or world.http.multiparts))
    ports.checks.seen.clear()
    queue.retry(upload)
    await done(upload)
    assert ports.checks.seen == ["a.heic"]


async def test_the_original_has_its_own_object_and_the_same_record():
    world = Pages(("checks", "made", "renamed"), undo_s=5.0)
    queue, ports = await world.open()
    sleep, ports.clock.sleep = ports.clock.sleep, _never
    upload = world.add(queue, ports)
    await until(lambda: upload.paused_for == states.FOR_ANSWER)
    world.http.hold()
    queue.checking.answer(upload, keep_original=True)
    await until(lambda: world.http.running)
    world.http.objects[upload.key] = SMALL
    await world.close(queue, ports)
    world.http.release()
    ports.clock.sleep = sleep
    assert upload.key.endswith("/a.heic")

    queue, ports = await world.open()
    again = await world.store(queue, ports)

    assert sorted(world.http.objects) == sorted({upload.key, again.key})
    assert again.key.endswith("/a.jpg")  # the person has decided otherwise
    await until(lambda: not world.storage.texts)


async def _never(_seconds):
    await asyncio.Event().wait()


ELSEWHERE = "uploads/alice-1/2026-03-14/elsewhere/a.heic"


@pytest.mark.parametrize(
    ("before", "after"), [((), ("encrypted",)), (("encrypted",), ())], ids=["on", "off"]
)
async def test_t56_a_file_is_sent_again_if_its_object_is_not_encrypted_as_now(before, after):
    world = Pages(before)
    await world.left_with_one_arrived()

    world.kind = after
    queue, ports = await world.open()
    again = await world.store(queue, ports, "a.txt")

    assert (again.identical, bool(again.target.cipher)) == (False, bool(after))


async def test_parts_of_a_file_that_checks_made_are_no_parts_of_the_original():
    world = Pages(("checks", "made"))
    first = await world.left_with_parts()

    world.kind = ("checks",)  # the check leaves the file as it is now
    queue, ports = await world.open()
    again = await world.store(queue, ports, size=LARGE)

    assert (again.upload_id != first.upload_id, world.http.multiparts) == (True, {})
    assert world.http.objects == {again.key: LARGE}


@every_size
async def test_a_picture_that_is_chosen_again_is_edited_as_its_record_says(size):
    world = Pages(("edited", "checks"))
    queue, ports = await world.open()
    if size == LARGE:
        world.http.hold_after = 3
    else:
        world.http.hold()
    first = world.add(queue, ports, size=size)
    await until(lambda: world.http.hold_after is None and world.http.running)
    await until(lambda: first.progress.arrived or first.record.saved[0])
    await world.close(queue, ports)
    world.http.release()

    world.kind = ("checks",)  # the person does not edit it again
    queue, ports = await world.open()
    again = await world.store(queue, ports, size=size)

    assert (again.key, again.edit, ports.checks.seen[-1]) == (first.key, first.edit, "a.heic")
    assert world.http.objects == {first.key: size - 3}


async def test_an_edited_picture_that_has_arrived_is_not_sent_again():
    world = Pages(("edited",))
    first = await world.left_with_one_arrived()

    world.kind = ()
    queue, ports = await world.open()
    again = await world.store(queue, ports, "a.txt")

    assert (again.identical, again.key, again.edit) == (True, first.key, first.edit)


async def test_a_picture_that_is_edited_otherwise_does_not_continue_what_was_begun():
    world = Pages(("edited",))
    first = await world.left_with_parts()

    queue, _ = await world.open()
    again = queue.add(FakeFile("a.heic", LARGE))
    queue.edit_picture(again, [2, 0, 0, 9, 9])
    await done(again)

    assert again.key != first.key
    assert world.http.objects == {again.key: LARGE - 3}


async def test_the_record_of_a_file_that_is_sent_again_does_not_say_that_it_has_arrived():
    world = Pages()
    first = await world.left_with_one_arrived()
    del world.http.objects[first.key]

    queue, ports = await world.open()
    world.http.hold()
    again = world.add(queue, ports, "a.txt")
    await until(lambda: world.http.running)

    assert json.loads(world.storage.texts[again.key])["crc64"] == ""
    world.http.release()
    await done(again)


@pytest.mark.parametrize("finds", ["another tab's object", "the object of an earlier page"])
async def test_a_replaced_file_is_not_taken_for_a_checked_one_that_is_found(finds):
    world = Pages(("checks",))
    if finds != "another tab's object":
        first = await world.left_with_a_lost_answer()
    queue, ports = await world.open()
    ports.checks.hold()
    ports.checksum.has_changed = True  # the checks read other bytes than are sent
    upload = world.add(queue, ports)
    await until(lambda: ports.checks.running)
    ports.checksum.has_changed = False
    if finds == "another tab's object":
        world.http.objects[ELSEWHERE] = SMALL
        _, other = await world.open()
        await other.tabs.take("page-x")
        record = checkpoint_of(upload, owner="uploads/alice-1/", page="page-x", at_s=START_S)
        record.key, record.crc64 = ELSEWHERE, str(crc64_of_zeros(SMALL))
        world.storage.named[record.stored_as] = record.text()

    ports.checks.release()
    await until(lambda: upload.state in states.ENDED)

    assert isinstance(upload.error, FileUnreadable)
    if finds != "another tab's object":
        assert (upload.refused, list(world.http.objects)) == (None, [first.key])  # it stays


@every_size
async def test_a_record_stays_until_the_server_has_heard_of_the_file(size):
    world = Pages()
    queue, ports = await world.open()
    queue._engine.awaits_receipt = lambda: True
    upload = await world.store(queue, ports, size=size)
    await until(lambda: upload.crc64 in world.storage.texts.get(upload.key, ""))

    queue.reported(upload)

    await until(lambda: not world.storage.texts)
    assert upload.key not in ports.tabs.names


async def test_a_tab_goes_on_with_the_parts_of_a_closed_tab_though_it_had_a_key_of_its_own():
    world = Pages()
    (queue, ports), (other, other_ports) = await world.open(), await world.open()
    waits = world.add(other, other_ports, size=LARGE)
    waits.pause()
    await until(lambda: waits.key in world.storage.texts)
    world.http.hold_after = 3
    first = world.add(queue, ports, size=LARGE)
    await until(lambda: first.progress.arrived and world.http.hold_after is None)
    await world.close(queue, ports)
    world.http.release()
    await until(lambda: other._engine.journal.unfinished)

    waits.resume()
    await done(waits)

    assert (waits.key, world.http.multiparts) == (first.key, {})
    await until(lambda: not world.storage.texts)


async def test_no_record_is_written_under_a_key_that_an_upload_has_left():
    world = Pages()
    queue, ports = await world.open()
    world.http.hold()
    uploads = [world.add(queue, ports, f"{number}.txt") for number in range(11)]
    queue.pause_all()
    await until(lambda: len(world.storage.texts) == 11)
    world.storage.named.clear()
    key = uploads[0].key

    async def leave(_seconds):
        uploads[0].target.key = ELSEWHERE

    ports.clock.sleep, sleep = leave, ports.clock.sleep
    await queue._engine.journal.keep_waiting(uploads)
    ports.clock.sleep = sleep

    assert (key in world.storage.texts, len(world.storage.texts)) == (False, 10)


async def test_a_page_does_not_wait_for_an_upload_that_it_continues_itself():
    world = Pages()
    queue, ports = await world.open()
    world.http.hold_after = 3
    first = world.add(queue, ports, size=LARGE)
    await until(lambda: first.progress.arrived and world.http.hold_after is None)
    await world.close(queue, ports)
    queue, ports = await world.open()

    continued = world.add(queue, ports, size=LARGE)
    await until(lambda: continued.upload_id)
    again = world.add(queue, ports, size=LARGE)
    await until(lambda: again.key or again.paused_for)
    assert again.paused_for != states.FOR_TAB

    world.http.release()
    await done(continued, again)


@every_size
async def test_a_tab_whose_checks_run_keeps_the_record_of_a_closed_page_to_itself(size):
    world = Pages(("checks", "encrypted"))
    queue, ports = await world.open()
    ports.checks.hold()
    world.add(queue, ports, size=size)
    await until(lambda: world.storage.texts)
    await world.close(queue, ports)
    (queue, ports), (other, other_ports) = await world.open(), await world.open()
    ports.checks.hold()
    load, may_load = ports.checks.load, asyncio.Event()

    async def late():
        await may_load.wait()
        return await load()

    ports.checks.load = late
    first = world.add(queue, ports, size=size)
    await until(lambda: first.key)  # it has the record, before it is known that it is checked
    may_load.set()
    await until(lambda: ports.checks.running)

    world.http.hold()
    second = world.add(other, other_ports, size=size)
    await until(lambda: second.paused_for == states.FOR_TAB)
    ports.checks.release()
    await until(lambda: first.state == states.UPLOADING or first.paused_for == states.FOR_TAB)
    world.http.release()
    await done(first, second)

    assert world.http.objects == {first.key: size}
    assert len([each for each in world.http.requests if each.url.endswith("?uploads")]) <= 1


async def test_a_repaired_table_continues_after_a_reload_when_it_is_repaired_again():
    """Its record describes the repaired table; until it is repaired, the parts stay in OSS."""
    world = Pages(("checks",))

    async def repair(queue, ports):
        ports.checks.verdicts["a.csv"] = Verdict(refusal=Refusal("table", "Line 7.", repair=True))
        upload = queue.add(FakeFile("a.csv", LARGE + 9))
        await until(lambda: upload.state == states.FAILED)
        made = FakeFile("right.csv", LARGE)
        made.is_lasting, made.modified = False, 0
        queue.checking.use_repaired(upload, Repaired(made, {}, "2 rows"))
        return upload

    queue, ports = await world.open()
    world.http.hold_after = 3
    first = await repair(queue, ports)
    await until(lambda: '"made": ["right.csv"' in str(world.storage.texts) and first.sent)
    await world.close(queue, ports)
    world.http.hold_after = None
    world.http.release()
    before = len(world.http.requests)

    second = await repair(*await world.open())
    await done(second)

    assert (second.key, world.http.objects) == (first.key, {first.key: LARGE})
    puts = [each for each in world.http.requests[before:] if each.method == "PUT"]
    assert 0 < len(puts) < part_count(LARGE, second.progress.part_size)
