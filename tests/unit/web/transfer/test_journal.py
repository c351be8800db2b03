"""The journal by itself: the records that a tab reads, claims, writes and leaves to other tabs."""

import asyncio
import json

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.upload import Upload
from support.fake_browser import FakeBrowser, FakeStorage
from support.fakes import FakeFile, make_engine, make_ports, until

SIZE = 64 * 1024 * 1024
OWNER = "uploads/alice-1/"
KEY = f"{OWNER}2026-03-14/{1:032x}/a.bin"


class Tabs:
    """A browser whose tabs share storage and locks."""

    def __init__(self):
        self.browser = FakeBrowser()
        self.storage = FakeStorage()
        self.told = []

    def open(self):
        """Return the journal and the `FakeTabs` of a new tab."""
        ports = make_ports(storage=self.storage, browser=self.browser)
        journal = make_engine(ports).journal
        journal.begin_work()
        return journal, ports.tabs

    async def loaded(self):
        """Return the journal of a new tab that has read the records."""
        journal, _ = self.open()
        await journal.load()
        return journal


def large(key=KEY, upload_id="U1", size=SIZE):
    """Return an upload that has begun a multipart upload."""
    upload = Upload(FakeFile("a.bin", size), lambda _upload: None)
    upload.go(states.UPLOADING)
    upload.target.key = key
    upload.progress.continue_from(upload_id, 8 * 1024 * 1024)
    return upload


def fresh(size=SIZE, number=7):
    """Return an upload of the same file that has not sent anything."""
    upload = Upload(FakeFile("a.bin", size), lambda _upload: None, number=number)
    upload.go(states.UPLOADING)
    return upload


async def begin(journal, upload):
    """Write the first record of an upload."""
    await journal.lock(upload)
    await journal.begin(upload)


async def left_by_a_closed_tab():
    """Return a browser with the record of a closed tab."""
    tabs = Tabs()
    journal, end = tabs.open()
    await journal.load()
    await begin(journal, large())
    end.close()
    return tabs


async def following(journal, upload):
    """Return the task of an upload that waits for another tab."""
    task = asyncio.create_task(journal.adopt(upload))
    await until(lambda: upload.paused_for == states.FOR_TAB)
    return task


async def while_another_tab_sends(tabs):
    """Return the journal and the end of a tab that sends the file, and the journal of another."""
    first, end = tabs.open()
    await first.load()
    await begin(first, large())
    journal = await tabs.loaded()
    return first, end, journal


def keys(records):
    return [record.key for record in records]


async def test_the_record_of_a_closed_tab_is_unclaimed():
    tabs = await left_by_a_closed_tab()
    journal = await tabs.loaded()

    assert (keys(journal.unfinished), journal.in_other_tabs) == ([KEY], [])
    assert journal.has_unclaimed(KEY)
    assert journal.upload_ids == {"U1"}


async def test_the_record_of_an_open_tab_is_in_another_tab():
    tabs = Tabs()
    first = await tabs.loaded()
    await begin(first, large())
    journal = await tabs.loaded()

    assert (journal.unfinished, keys(journal.in_other_tabs)) == ([], [KEY])


async def test_one_tab_claims_a_record_and_the_other_sees_it_there():
    tabs = await left_by_a_closed_tab()
    first, second = await tabs.loaded(), await tabs.loaded()
    (mine,), (theirs,) = first.unfinished, second.unfinished

    assert await first.claim(mine)
    assert not await first.claim(mine)
    assert not await second.claim(theirs)

    assert (first.unfinished, second.unfinished) == ([], [])
    assert keys(second.in_other_tabs) == [KEY]


async def test_a_tab_that_did_not_hear_of_a_claim_sees_it_when_it_claims():
    tabs = await left_by_a_closed_tab()
    first, second = await tabs.loaded(), await tabs.loaded()
    tabs.browser.heard_after = 1_000
    await first.claim(first.unfinished[0])

    assert not await second.claim(second.unfinished[0])

    assert keys(second.in_other_tabs) == [KEY]


async def test_a_tab_does_not_claim_the_record_of_a_small_file_that_another_tab_has_rewritten():
    tabs = Tabs()
    before, end = tabs.open()
    await before.load()
    left = large(upload_id="", size=10)
    left.record.name = before.name_of(left)
    await before.keep_waiting([left])
    end.close()
    first, second = tabs.open()[0], tabs.open()[0]
    await first.load()
    await second.load()
    (stale,) = second.unfinished
    tabs.browser.heard_after = 1_000
    upload = fresh(size=10)
    assert await first.adopt(upload) is None
    await first.keep_waiting([upload])
    first.stopped(upload)

    assert await second.claim(stale) is None

    assert (upload.key, second.unfinished) == (KEY, [])


async def test_a_record_that_is_unclaimed_again_can_be_claimed_by_another_tab():
    tabs = await left_by_a_closed_tab()
    first = await tabs.loaded()
    (record,) = first.unfinished
    await first.claim(record)

    first.unclaim(record)
    second = await tabs.loaded()

    assert keys(first.unfinished) == [KEY]
    assert await second.claim(second.unfinished[0])


async def test_an_upload_adopts_the_key_the_id_and_the_unproved_parts_of_a_closed_tab():
    tabs = await left_by_a_closed_tab()
    journal = await tabs.loaded()
    upload = fresh()

    assert await journal.adopt(upload) is None

    assert (upload.key, upload.upload_id) == (KEY, "U1")
    assert upload.progress.is_unproved
    assert upload.record.name == journal.name_of(upload)
    assert journal.unfinished == []


async def test_an_upload_of_another_file_adopts_nothing():
    tabs = await left_by_a_closed_tab()
    journal = await tabs.loaded()
    upload = fresh(size=SIZE + 1)

    await journal.adopt(upload)

    assert (upload.key, keys(journal.unfinished)) == ("", [KEY])


async def test_a_cancelled_upload_gives_back_what_it_was_about_to_adopt():
    tabs = await left_by_a_closed_tab()
    journal = await tabs.loaded()
    upload = fresh()
    upload.go(states.CANCELLED)

    await journal.adopt_unclaimed(upload)

    assert (upload.key, keys(journal.unfinished)) == ("", [KEY])


async def test_an_upload_follows_the_other_tab_and_gets_its_object():
    tabs = Tabs()
    first, _, journal = await while_another_tab_sends(tabs)
    sent = large()
    sent.record.name = first.name_of(sent)
    sent.target.crc64 = "42"
    upload = fresh()

    follows = await following(journal, upload)
    assert journal.followers() == 1
    await first.keep_waiting([sent])
    first.end(sent)

    stored = await follows
    assert (stored.key, stored.crc64) == (KEY, "42")
    assert (upload.state, journal.followers()) == (states.UPLOADING, 0)


async def test_an_upload_that_follows_continues_when_the_other_tab_is_closed():
    tabs = Tabs()
    _, end, journal = await while_another_tab_sends(tabs)
    upload = fresh()
    follows = await following(journal, upload)

    end.close()

    assert await follows is None
    assert (upload.key, upload.upload_id) == (KEY, "U1")


async def test_a_tab_that_is_about_to_begin_makes_another_wait():
    tabs = Tabs()
    first, second = await tabs.loaded(), await tabs.loaded()
    beginning, waiting = fresh(), fresh()
    await first.adopt(beginning)
    follows = await following(second, waiting)

    first.stopped(beginning)  # InitiateMultipartUpload failed

    assert await follows is None
    assert waiting.state == states.UPLOADING


async def test_a_failed_upload_is_left_to_a_tab_that_waits_for_it():
    tabs = Tabs()
    first = await tabs.loaded()
    upload = large()
    await begin(first, upload)
    second = await tabs.loaded()
    waiting = fresh()
    follows = await following(second, waiting)

    upload.fail(ValueError("it broke"))
    first.stopped(upload)

    await follows
    assert (waiting.key, waiting.upload_id) == (KEY, "U1")


async def test_a_paused_upload_leaves_its_key_to_a_new_multipart_upload_of_another_tab():
    first, _, journal = await while_another_tab_sends(Tabs())
    paused = large()
    paused.pause_by_person()
    first.stopped(paused)

    task = asyncio.create_task(journal.lock(large(upload_id="U2")))
    await until(task.done)

    assert await task is not None  # the record of the paused upload, whose parts are removed


async def test_a_paused_upload_that_gets_a_record_leaves_it_to_a_tab_that_waits():
    tabs = await left_by_a_closed_tab()
    first = await tabs.loaded()
    paused = fresh()
    paused.pause_by_person()
    await first.adopt_unclaimed(paused)
    assert paused.upload_id == "U1"

    waiting = fresh()
    task = asyncio.create_task((await tabs.loaded()).adopt(waiting))
    await until(task.done)

    assert (waiting.key, waiting.upload_id) == (KEY, "U1")


async def test_who_reclaims_what_another_tab_continues_loses_key_and_parts():
    tabs = Tabs()
    first = await tabs.loaded()
    upload = large()
    await begin(first, upload)
    first.unlock(KEY)
    second = await tabs.loaded()
    await second.claim(second.unfinished[0])

    await first.reclaim(upload)

    assert (upload.key, upload.upload_id, upload.record.name) == ("", "", "")
    assert keys(first.in_other_tabs) == [KEY]


async def test_who_reclaims_what_nobody_took_keeps_it_and_proves_its_parts_again():
    tabs = Tabs()
    journal = await tabs.loaded()
    upload = large()
    await begin(journal, upload)
    upload.progress.is_unproved = False
    journal.unlock(KEY)

    await journal.reclaim(upload)

    assert (upload.key, upload.progress.is_unproved) == (KEY, True)
    assert not await tabs.open()[1].take(KEY)


async def test_the_records_of_waiting_uploads_share_one_lock():
    tabs = Tabs()
    journal, end = tabs.open()
    await journal.load()
    uploads = [large(f"{OWNER}2026-03-14/{n:032x}/a.bin", "", 10) for n in range(12)]
    for upload in uploads[:11]:
        upload.record.name = upload.key

    await journal.keep_waiting(uploads)

    locks = {json.loads(text)["page"] for text in tabs.storage.texts.values()}
    assert (len(tabs.storage.texts), len(locks), len(tabs.storage.saved)) == (11, 1, 1)
    assert locks < set(end.names)


async def test_an_abandoned_record_is_not_offered_and_can_be_removed():
    tabs = await left_by_a_closed_tab()
    first, end = tabs.open()
    await first.load()
    (record,) = first.unfinished
    await first.claim(record)
    await first.abandon([record])
    end.close()
    journal, _ = tabs.open()
    told = []
    journal.on_abandoned = told.extend

    await journal.load()

    assert (journal.unfinished, keys(told)) == ([], [KEY])


async def test_the_record_of_a_stream_or_of_data_in_memory_is_not_written():
    tabs = Tabs()
    journal = await tabs.loaded()
    upload = large()
    upload.file.is_lasting = False

    await journal.keep(upload)

    assert (tabs.storage.texts, journal.upload_ids) == ({}, {"U1"})


async def test_messages_of_strangers_change_nothing():
    tabs = await left_by_a_closed_tab()
    journal = await tabs.loaded()
    _, stranger = tabs.open()

    for text in (
        "",
        "{",
        "[]",
        "{}",
        "7",
        "null",
        '{"ended": 7, "crc64": "1"}',
        '{"ended": "x"}',
        json.dumps({"ended": KEY, "crc64": 1}),
        '{"wanted": ["x"]}',
        '{"key": 1}',
        '{"key": "x"}',
    ):
        stranger.tell(text)

    assert (keys(journal.unfinished), journal.in_other_tabs) == ([KEY], [])
