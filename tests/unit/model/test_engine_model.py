"""Model test of the transfer engine: no byte is lost, duplicated or mixed up, and nothing hangs.

Hypothesis chooses the user's actions, the outcome of each request, and when a page dies. The names
of the checks are those of the invariants in `docs/invariants.md`.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ossferry_uploader.oss.errors import OSSError
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import TransferError
from ossferry_uploader.transfer.journal.checkpoint import fingerprint
from ossferry_uploader.transfer.plan import MAX_SINGLE_BYTES
from ossferry_uploader.transfer.sending.stream import Stream
from ossferry_uploader.transfer.upload import Upload
from support.random_examples import SAME, some_and_many
from unit.model.content import MIB, SimFile, SimSource, crc64_of, encrypted
from unit.model.world import (
    ANSWERS,
    CHECKED,
    ENCRYPTED,
    OK,
    PLAIN,
    Device,
    Page,
    Pending,
    World,
    key_of,
    part_of,
)
from upload_page.other_devices.continue_upload import RemoteUpload, continue_upload

FILES = [
    SimFile(1, 40 * MIB + 5),
    SimFile(5, 40 * MIB + 5, name="1.bin"),  # the first file's fingerprint, but other content
    SimFile(2, 17 * MIB),
    SimFile(3, 1000),
    SimFile(6, 1000, name="3.bin"),  # the previous file's fingerprint, but other content
    SimFile(4, 0),
]
RATES = (0.0, 1e5, 1e6, 1e7)  # bytes per second
STREAMED = (0, 1000, 8 * MIB, 17 * MIB + 3)  # bytes
FOREIGN = ((99, 0, 7),)  # the content of an unrelated file
MAX_PAGES = 2
MAX_UPLOADS = 4
TURNS = 3000
HEARD_AFTER = (0, 3, 6)  # loop turns of a message; question and answer fit into the 20 polls
AT_ONCE = [("pause", "resume"), ("pause", "resume", "pause"), ("cancel", "pause", "resume")]

T = TypeVar("T")
index = st.integers(0, 99)
seldom = st.integers(0, 3).map(lambda number: number == 3)


class Engine(RuleBasedStateMachine):
    """Up to two pages on one or two devices, a few files and streams, and one OSS."""

    kind = PLAIN

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.unseen: list[object] = []  # exceptions that ended a task
        self.loop.set_exception_handler(lambda _loop, what: self.unseen.append(what))
        self.world = World(self.kind)
        self.added: list[tuple[Page, Upload, int]] = []  # page, upload, seed of the file
        self.chosen: list[str] = []  # names
        self.confirmed: set[tuple[str, int]] = set()  # upload id and part number known to a page
        self.shared: set[str] = set()  # keys that two devices may upload
        self.taken: set[str] = set()  # keys of other objects: an upload gets a new key
        self.cancelled: set[str] = set()  # keys
        self.arrived: dict[Upload, tuple[str, int]] = {}  # upload id and bytes, one step ago
        self.followed: dict[Upload, Upload] = {}  # waiting upload -> the other page's upload
        self._do(self.world.open)

    def teardown(self) -> None:
        """Let all requests succeed: every upload must end, and nothing must be left over."""
        try:
            self._come_to_rest()
        finally:
            self.world.pages = []  # no page receives responses any more
            while asyncio.all_tasks(self.loop):
                for task in asyncio.all_tasks(self.loop):
                    task.cancel()
                self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()

    @initialize(
        first=st.sampled_from(FILES),
        second=st.sampled_from(FILES),
        rate=st.sampled_from(RATES),
        pages=st.integers(1, 2),
        device=st.integers(0, 1),
        heard_after=st.sampled_from(HEARD_AFTER),
    )
    def begin(
        self,
        first: SimFile,
        second: SimFile,
        rate: float,
        pages: int,
        device: int,
        heard_after: int,
    ) -> None:
        """Begin with two files, in one page or in two pages with delayed broadcasts."""
        for each in self.world.devices:
            each.browser.heard_after = heard_after
        if pages > 1:
            self.open(device)
        for page in self.world.pages:
            page.engine.rate_bytes_per_s = rate
        self.add(0, first)
        self.add(pages - 1, second)

    @rule(page=index, file=st.sampled_from(FILES))
    def add(self, page: int, file: SimFile) -> None:
        """Add a file to a page."""
        if len(self.added) < MAX_UPLOADS:
            where = _pick(self.world.pages, page)
            upload = self._do(lambda: where.queue.add(file))
            self.added.append((where, upload, file.seed))
            self.chosen.append(file.name)

    @rule(page=index, size=st.sampled_from(STREAMED), happens=seldom)
    def add_stream(self, page: int, size: int, happens: bool) -> None:
        """Add a stream to a page."""
        if not happens or len(self.added) >= MAX_UPLOADS:
            return
        where, seed = _pick(self.world.pages, page), 50 + len(self.added)
        stream = Stream(SimSource(seed, size), f"{seed}.bin")
        self.added.append((where, self._do(lambda: where.queue.add(stream)), seed))
        self.chosen.append(stream.name)

    @precondition(lambda self: self._half_sent())
    @rule(which=index, kind=st.sampled_from(("same", "longer", "another")))
    def go_on_with_it_on_another_device(self, which: int, kind: str) -> None:
        """Choose a file on the other device to continue an upload; the page verifies the stored
        parts.
        """
        page, upload, seed = _pick(self._half_sent(), which)
        there = self._page_on(self.world.devices[page.device is self.world.devices[0]])
        size = upload.source.size + (4 * MIB if kind == "longer" else 0)
        file = SimFile(seed + (kind == "another"), size, name=upload.source.name)
        listed = self._do(lambda: asyncio.ensure_future(self._offered(there))).result()
        found = [each for each in listed if each["upload_id"] == upload.upload_id]
        if found and found[0]["part_size"]:
            begun = RemoteUpload(found[0])
            self.shared.add(upload.key)
            self._do(lambda: asyncio.ensure_future(self._go_on_with(there, begun, file)))
        for pending in list(self.world.pending):
            if pending.page is there and pending.request.method == "GET":
                self._answer(pending, OK)

    @precondition(lambda self: self.world.oss.uploads)
    @rule(which=index, happens=seldom)
    def lose_upload(self, which: int, happens: bool) -> None:
        """Remove an unfinished upload, as another device or a rule of the bucket would."""
        if happens:
            del self.world.oss.uploads[_pick(list(self.world.oss.uploads), which)]

    @precondition(lambda self: self.world.pending)
    @rule(which=index, fate=st.sampled_from(ANSWERS))
    def answer(self, which: int, fate: str) -> None:
        """Decide the outcome of a request."""
        self._answer(_pick(self.world.pending, which), fate)

    @precondition(lambda self: self.world.pending)
    @rule(count=st.integers(1, 9))
    def go_well(self, count: int) -> None:
        """Let some requests succeed."""
        for _ in range(count):
            if self.world.pending:
                self._answer(self.world.pending[0], OK)

    @precondition(lambda self: self.added)
    @rule(which=index, button=index)
    def press(self, which: int, button: int) -> None:
        """Press one of an upload's buttons."""
        page, upload, _ = _pick(self.added, which)
        action = _pick(_buttons(upload), button)
        if action == "cancel":
            self.cancelled.add(upload.key)
        if page in self.world.pages and action:
            self._do(lambda: getattr(page.queue, action)(upload))

    @precondition(lambda self: self.added)
    @rule(which=index, pressed=st.sampled_from(AT_ONCE))
    def press_at_once(self, which: int, pressed: tuple[str, ...]) -> None:
        """Press several buttons before the first one takes effect."""
        page, upload, _ = _pick(self.added, which)
        if page not in self.world.pages or upload.state in states.ENDED:
            return
        if "cancel" in pressed:
            self.cancelled.add(upload.key)
        self._do(lambda: [getattr(upload, action)() for action in pressed])

    @rule(page=index, happens=seldom)
    def discard(self, page: int, happens: bool) -> None:
        """Discard an unfinished upload of an earlier page."""
        if not happens:
            return
        where = _pick(self.world.pages, page)
        self._do(lambda: asyncio.ensure_future(where.journal.load()))
        if where.journal.unfinished:
            self._do(lambda: where.queue.unfinished.discard(where.journal.unfinished[:1]))

    @rule(page=index, happens=seldom)
    def go_on(self, page: int, happens: bool) -> None:
        """Continue all unfinished uploads of an earlier page, without choosing the files again."""
        if not happens:
            return
        where = _pick(self.world.pages, page)
        self._do(lambda: asyncio.ensure_future(where.journal.load()))
        self._do(
            lambda: asyncio.ensure_future(where.queue.unfinished.reopen(where.journal.unfinished))
        )
        known = [id(upload) for _, upload, _ in self.added]
        for upload in where.queue.uploads:
            if id(upload) not in known and isinstance(upload.source, SimFile):
                self.added.append((where, upload, upload.source.seed))

    @rule()
    def revoke_tokens(self) -> None:
        """Make OSS refuse the newest token of each page."""
        for page in self.world.pages:
            self.world.oss.revoked.append(f"STS.{page.grants.fetched}")

    @rule(page=index, rate=st.sampled_from(RATES))
    def measure(self, page: int, rate: int) -> None:
        """Set the measured speed in bytes per second, so that the sizes of parts change."""
        _pick(self.world.pages, page).engine.rate_bytes_per_s = rate

    @rule(seconds=st.integers(1, 2000))
    def time_passes(self, seconds: int) -> None:
        """Advance the clock, so that tokens get older."""
        self.world.clock.advance(seconds)

    @precondition(lambda self: len(self.world.pages) < MAX_PAGES)
    @rule(device=st.integers(0, 1))
    def open(self, device: int) -> None:
        """Open another page."""
        self._do(lambda: self.world.open(device))

    @rule(page=index, arrived=st.integers(0, 3), happens=seldom)
    def crash(self, page: int, arrived: int, happens: bool) -> None:
        """Kill a page; if it was the last one, open another."""
        if not happens:
            return
        where = _pick(self.world.pages, page)
        self._do(lambda: self.world.crash(where, arrived))
        if not self.world.pages:
            self._do(self.world.open)

    @precondition(lambda self: self._half_sent())
    @rule(which=index, dies=st.booleans())
    def cancel_half_sent(self, which: int, dies: bool) -> None:
        """Cancel an upload with parts, and possibly kill its page before OSS gets the request."""
        page, upload, _ = _pick(self._half_sent(), which)
        self.cancelled.add(upload.key)
        self._do(lambda: page.queue.cancel(upload))
        if dies:
            self.crash(self.world.pages.index(page), 0, True)

    @precondition(lambda self: self._small_with_a_place())
    @rule(which=index)
    def come_back_to_a_place_that_is_taken(self, which: int) -> None:
        """Kill a page, store another object under its upload's key, and continue in another
        page.
        """
        page, upload = _pick(self._small_with_a_place(), which)
        self.crash(self.world.pages.index(page), 0, True)
        self.world.oss.objects.setdefault(upload.key, FOREIGN)
        self.taken.add(upload.key)
        self.go_on(0, True)

    @invariant()
    def i1_what_is_done_is_whole(self) -> None:
        """A completed upload is stored, byte by byte."""
        for _, upload, seed in self.added:
            if upload.state == states.DONE:
                seed, cipher = seed + (100 if upload.made else 0), upload.target.cipher
                seed = encrypted(seed, cipher.key) if cipher else seed
                whole = ((seed, 0, upload.file.size),) if upload.file.size else ()
                stored = self.world.oss.objects[upload.key]
                assert crc64_of(stored) == crc64_of(whole)
                assert upload.crc64 == str(crc64_of(whole))

    @invariant()
    def i2_no_file_is_stored_twice_or_over_another(self) -> None:
        """Each choice of a file creates at most one object, and replaces none."""
        assert self.world.oss.violations == [], self.world.oss.violations
        objects = self.world.oss.objects.items()
        stored = [key for key, content in objects if content != FOREIGN]
        assert len(stored) <= len(self.chosen)
        if not self.shared:  # otherwise an object may have another file's name
            for name in set(self.chosen):
                named = [key for key in stored if _stem(key) == _stem(name)]
                assert len(named) <= self.chosen.count(name)

    @invariant()
    def i2_who_waits_for_another_page_does_not_send_the_file_again(self) -> None:
        """Two pages that upload the same file at the same time create one object.

        This also holds if one page is closed: then the other page continues its upload. It does not
        hold if another page has a file with the same fingerprint and other content: that page may
        answer with the object of the other file, and the waiting page then sends its own file.
        """
        for page, upload, seed in self.added:
            other = self.followed.get(upload)
            is_over = other and (_is_stopped(upload) or _is_stopped(other))
            if is_over or (other and self._contents_beside(page, upload) != {seed}):
                del self.followed[upload]
            elif other and upload.state == states.DONE and self._is_settled(other):
                free = self.shared | self.taken
                is_shared = upload.key in free or other.key in free
                assert is_shared or upload.key in self._keys_beside(upload), (
                    f"I2: {upload.key} is {other.key}"
                )
            elif upload.paused_for == states.FOR_TAB:
                others = self._elsewhere(page, upload)
                if len(others) == 1 and others[0][1] == seed:
                    self.followed[upload] = others[0][0]

    @invariant()
    def i6_progress_is_within_the_file(self) -> None:
        """Progress counts each byte once, and loses at most the bytes in flight."""
        for _, upload, _ in self.added:
            assert upload.progress.arrived <= upload.sent <= upload.file.size
            upload_id, arrived = self.arrived.get(upload, ("", 0))
            is_counted = not upload.progress.is_unproved  # else its parts are listed next
            if upload.upload_id == upload_id and is_counted and upload.key not in self.shared:
                assert upload.sent >= arrived, f"I6: {upload.sent} of {arrived} are left"
            self.arrived[upload] = (upload.upload_id, upload.progress.arrived)

    @invariant()
    def nothing_breaks_where_nobody_looks(self) -> None:
        """No task ends with an unexpected exception."""
        assert self.unseen == []

    def _elsewhere(self, page: Page, upload: Upload) -> list[tuple[Upload, int]]:
        """Return the uploads of files with the same fingerprint in other pages of this browser."""
        return [
            (other, seed)
            for there, other, seed in self.added
            if there is not page
            and there.device is page.device
            and fingerprint(other.source) == fingerprint(upload.source)
            and other.state not in states.ENDED
        ]

    def _contents_beside(self, page: Page, upload: Upload) -> set[int]:
        """Return the seeds of all files with the same fingerprint in other pages."""
        return {
            seed
            for there, other, seed in self.added
            if there is not page and fingerprint(other.source) == fingerprint(upload.source)
        }

    def _keys_beside(self, upload: Upload) -> set[str]:
        """Return the keys of all other uploads of files with the same fingerprint.

        If a file was chosen several times in one page, another page follows one of these uploads.
        """
        return {
            other.key
            for _, other, _ in self.added
            if other is not upload and fingerprint(other.source) == fingerprint(upload.source)
        }

    def _is_settled(self, upload: Upload) -> bool:
        """Return whether an upload is complete, or belongs to a closed page and has a record.

        If there is a third upload with the same fingerprint, that one could continue the record
        instead.
        """
        same = [
            each for each in self.added if fingerprint(each[1].source) == fingerprint(upload.source)
        ]
        is_open = any(page in self.world.pages for page, each, _ in same if each is upload)
        is_left = not is_open and upload.record.name and len(same) == 2
        return upload.state == states.DONE or bool(is_left)

    def _half_sent(self) -> list[tuple[Page, Upload, int]]:
        """Return running uploads whose parts in OSS another page could use to continue."""
        return [
            (page, upload, seed)
            for page, upload, seed in self.added
            if page in self.world.pages
            and upload.state not in states.ENDED
            and upload.upload_id in self.world.oss.uploads
            and self.world.oss.uploads[upload.upload_id].parts
        ]

    def _page_on(self, device: Device) -> Page:
        for page in self.world.pages:
            if page.device is device:
                return page
        return self._do(lambda: self.world.open(self.world.devices.index(device)))

    def _small_with_a_place(self) -> list[tuple[Page, Upload]]:
        """Return running uploads that have a record, and would be lost without it if the page
        died.
        """
        return [
            (page, upload)
            for page, upload, _ in self.added
            if page in self.world.pages
            and upload.record.name
            and upload.state not in states.ENDED
            and upload.file.size <= MAX_SINGLE_BYTES
        ]

    def _answer(self, pending: Pending, fate: str) -> None:
        part = part_of(pending)
        key = key_of(pending.request)
        if part and key not in self.shared and self.world.oss.has_part(part, pending.body):
            assert part not in self.confirmed, f"I5: {part} was confirmed, and is sent again"
        if part and key not in self.cancelled and key not in self.shared:
            assert key not in self.world.oss.objects, f"I5: {key} is whole, and {part} is sent"
        upload = _upload_of(self.added, pending)
        self._do(lambda: self.world.resolve(pending, fate))
        if part and fate == OK and upload and part[1] in upload.progress.parts:
            self.confirmed.add(part)

    def _come_to_rest(self) -> None:
        for _ in range(TURNS):
            if not self.world.pending:
                break
            self._answer(self.world.pending[0], OK)
        assert self.world.pending == [], "I3: requests without end"
        self.i1_what_is_done_is_whole()
        self.i2_no_file_is_stored_twice_or_over_another()
        self.i2_who_waits_for_another_page_does_not_send_the_file_again()
        for page, upload, _ in self.added:
            if page in self.world.pages and upload.state not in states.ENDED:
                reason = upload.paused_for
                assert reason in (states.BY_PERSON, states.FOR_TAB), f"I3: {upload.state} {reason}"
        known = self._known_upload_ids()
        for upload_id, there in self.world.oss.uploads.items():
            assert upload_id in known or not there.parts, f"I4: parts of {upload_id} are left"
        self._check_cancelled()

    def _check_cancelled(self) -> None:
        """I4: nothing is left of a cancelled upload, or a record tells the next page to remove it.

        Streams have no records, and another page may have continued a cancelled file.
        """
        begun = [each for each in self.added if each[1].upload_id in self.world.oss.uploads]
        wanted = [each.upload_id for _, each, _ in begun if each.state != states.CANCELLED]
        for page, upload, _ in begun:
            if upload.state == states.CANCELLED:
                what = f"I4: {upload.upload_id} was cancelled, and is left"
                assert page not in self.world.pages, what
                if not upload.is_stream and upload.upload_id not in wanted:
                    record = page.device.storage.texts.get(upload.key, "{}")
                    assert json.loads(record).get("given_up"), f"{what} to nobody"

    def _known_upload_ids(self) -> list[str]:
        """Return all upload ids that a page can still continue or discard."""
        texts = [text for device in self.world.devices for text in device.storage.texts.values()]
        streams = [upload.upload_id for _, upload, _ in self.added if upload.is_stream]
        return [json.loads(text)["upload_id"] for text in texts] + streams

    async def _offered(self, page: Page) -> list[dict[str, Any]]:
        await page.journal.load()
        return await page.queue.unfinished.of_other_devices(self.world.oss.begun())

    async def _go_on_with(self, page: Page, begun: RemoteUpload, file: SimFile) -> None:
        try:
            upload = await continue_upload(begun, file, page.queue.unfinished, lambda _upload: None)
        except (OSSError, TransferError):
            return
        self.added.append((page, upload, file.seed))
        self.chosen.append(file.name)

    def _do(self, action: Callable[[], T]) -> T:
        """Run an action inside the loop, and then all tasks that follow from it."""

        async def run() -> T:
            result = action()
            for _ in range(TURNS):
                await asyncio.sleep(0)
                if not self.loop._ready:  # type: ignore[attr-defined] # no task is ready
                    return result
            raise AssertionError("I3: the engine does not come to rest")

        return self.loop.run_until_complete(run())


def _pick(things: list[Any], which: int) -> Any:
    return things[which % len(things)]


def _is_stopped(upload: Upload) -> bool:
    is_over = upload.state in (states.FAILED, states.CANCELLED)
    return is_over or upload.paused_for == states.BY_PERSON


def _stem(key: str) -> str:
    """Return the file name in a key without its ending, which a check may change."""
    return key.rpartition("/")[2].partition(".")[0]


def _buttons(upload: Upload) -> list[str]:
    if upload.state in (states.FAILED, states.CANCELLED):
        return ["retry", ""]
    if upload.paused_for == states.BY_PERSON:
        return ["resume", "resume", "cancel"]
    if upload.state == states.DONE:
        return [""]
    return ["pause", "pause", "send_next", "cancel"]


def _upload_of(added: list[tuple[Page, Upload, int]], pending: Pending) -> Upload | None:
    key = key_of(pending.request)
    return next((up for page, up, _ in added if page is pending.page and up.key == key), None)


@pytest.mark.parametrize("kind", [PLAIN, CHECKED, ENCRYPTED])
@some_and_many(20, 2000)
def test_any_order_of_faults_and_crashes_keeps_the_invariants(kind: str, examples: int) -> None:
    run_state_machine_as_test(
        type(kind, (Engine,), {"kind": kind}),
        settings=settings(SAME, max_examples=examples, stateful_step_count=50),
    )
