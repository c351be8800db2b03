"""A cancelled upload is removed now, later or by the next page, and never offered again."""

import json

from ossferry_uploader.oss.replies import Reply
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import PartsLeft
from ossferry_uploader.transfer.plan import MIB
from ossferry_uploader.transfer.resuming.cleanup import MAX_CLEANINGS
from ossferry_uploader.transfer.sending.client import MAX_ABORTS
from support import pages
from support.fakes import FakeFile, until

SIZE = 64 * MIB


class World(pages.World):
    """A fake OSS, a fake browser, and any number of its pages."""

    async def half_sent(self):
        """Return a page with an upload paused in the middle."""
        queue, upload, ports = await super().half_sent()
        queue.pause(upload)
        await until(lambda: upload.state == states.PAUSED)
        self.http.release()
        return queue, upload, ports

    def marks(self):
        """Return, for each record, whether its upload was given up."""
        return [json.loads(text)["given_up"] for text in self.storage.texts.values()]


async def test_what_was_about_to_be_cancelled_is_removed_by_the_next_page_and_not_offered():
    world = World()
    queue, upload, ports = await world.half_sent()
    queue.leave(upload, True)
    await until(lambda: world.marks() == [True])
    ports.tabs.close()

    later, _, _ = world.page()

    assert await later.unfinished.find() == []
    await until(lambda: not world.storage.texts)
    assert world.http.multiparts == {}


async def test_a_cancel_that_is_taken_back_is_forgotten():
    world = World()
    queue, upload, ports = await world.half_sent()
    queue.leave(upload, True)
    queue.leave(upload, False)
    await until(lambda: world.marks() == [False])
    ports.tabs.close()

    later, _, _ = world.page()

    assert [record.key for record in await later.unfinished.find()] == [upload.key]
    assert len(world.http.multiparts) == 1


async def test_what_waits_and_is_about_to_be_cancelled_leaves_no_record():
    world = World()
    world.http.hold()
    queue, _, _ = world.page()
    upload = queue.add(FakeFile("a.txt"))
    await until(lambda: len(world.storage.texts) == 1)

    queue.pause(upload)
    queue.leave(upload, True)
    await until(lambda: not world.storage.texts)
    queue.leave(upload, False)

    await until(lambda: world.marks() == [False])


async def test_parts_that_oss_does_not_let_go_are_told_and_removed_later():
    world = World()
    queue, upload, _ = await world.half_sent()
    world.http.refuses = ["DELETE"] * 2
    errors = []
    queue.on_change(lambda changed: errors.append(changed.error))

    queue.cancel(upload)
    await until(lambda: not world.http.multiparts)
    await until(lambda: upload.error is None)

    assert upload.state == states.CANCELLED
    assert [error.code for error in errors if error] == ["AccessDenied"] * 2
    assert world.clock.slept_s[-2:] == [30, 60]
    assert world.storage.texts == {}


async def test_parts_that_oss_never_lets_go_are_left_to_the_next_page():
    world = World()
    queue, upload, ports = await world.half_sent()
    world.http.refuses = ["DELETE"] * (MAX_CLEANINGS + 1)
    queue.cancel(upload)
    await until(lambda: not world.http.refuses)
    await until(lambda: upload.error)
    assert world.marks() == [True]
    ports.tabs.close()

    later, _, _ = world.page()

    assert await later.unfinished.find() == []
    await until(lambda: not world.http.multiparts)


async def test_an_upload_that_goes_on_after_all_is_offered_again():
    world = World()
    queue, upload, _ = await world.half_sent()
    world.http.refuses = ["DELETE"]
    queue.on_change(lambda changed: changed.error and changed.retry())
    world.http.hold_after = 6

    queue.cancel(upload)
    await until(lambda: world.http.hold_after is None)
    assert world.marks() == [False]
    world.http.release()
    await until(lambda: upload.state == states.DONE)

    assert sorted(world.http.parts_sent) == list(range(1, 9))


async def test_what_cannot_be_discarded_is_told_and_offered_again():
    world = World()
    _, upload, ports = await world.half_sent()
    ports.tabs.close()
    later, journal, _ = world.page()
    world.http.refuses = ["DELETE"]

    ((record, error),) = await later.unfinished.discard(await later.unfinished.find())

    assert (record.key, error.code) == (upload.key, "AccessDenied")
    assert await later.unfinished.find() == [record]
    assert await later.unfinished.discard([record]) == []
    assert (await later.unfinished.find(), journal.unfinished) == ([], [])


async def test_an_upload_that_stays_in_the_list_is_asked_about_a_few_times_with_waits():
    world = World()
    _, _, ports = await world.half_sent()
    ports.tabs.close()
    later, _, _ = world.page()
    text = "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>"
    asked = []

    async def listed(request, _body, _on_progress):
        asked.append(request.method)
        return Reply(200 if request.method == "GET" else 204, lambda _name: "", text)

    world.http.send = listed
    records = await later.unfinished.find()
    world.clock.slept_s = []

    ((_, error),) = await later.unfinished.discard(records)

    assert isinstance(error, PartsLeft)
    assert asked == ["DELETE", "GET"] * MAX_ABORTS
    assert len(world.clock.slept_s) == MAX_ABORTS - 1
    assert min(world.clock.slept_s) > 0
