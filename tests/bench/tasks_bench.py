"""Ten tasks in our page and in Uppy's Dashboard, by mouse, by keyboard and on a phone.

A row counts what a person does: clicks or taps, pressed keys, typed texts, drops, and answers of
the file picker. A task begins in a new page that is ready, and ends when the page shows the result.
Uppy has the plugins with which it can do most tasks: Golden Retriever, and fields for metadata.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import oss2
from oss2.models import BucketCors, CorsRule
from playwright.sync_api import Browser, Locator, Page
from pydantic import BaseModel, Field

from bench.chromium import chromium
from bench.peers.pages import serve_pages
from bench.table import Bench, Only, Peer, Row, Value
from e2e.pages.uploader import UploaderPage
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.faults import fault_for, refuse

HOW = ("mouse", "keyboard", "phone")
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
EDGE = 9  # CSS pixels
MOST_TABS = 300
EIGHT = tuple(f"{letter}.txt" for letter in "abcdefgh")
OTHERS = tuple(f"{number}.txt" for number in range(8))
LARGE, PHOTO, REFUSED = "large.bin", "photo.jpg", "no.txt"
SIZES = {**dict.fromkeys((*EIGHT, *OTHERS, REFUSED), 9), LARGE: 20 * 1024**2, PHOTO: 900_000}
FOCUSED = "(element) => element === document.activeElement"
DONE_MS = 30_000
SLOW = 200_000  # bytes per second
MODEL = "bench.tasks_bench:Described"
METHODS = ["GET", "PUT", "POST", "HEAD", "DELETE"]
EXPOSED = ["ETag", "x-oss-ec", "x-oss-hash-crc64ecma", "x-oss-request-id"]
PEER = Peer(
    name="Uppy 6, Dashboard",
    work="with Golden Retriever and fields; without a value it is impossible",
)


class Described(BaseModel):
    """What our page asks for, so that files wait for a name or a description as in Uppy."""

    description: str = Field(max_length=100)


class Hand:
    """A person's hand, which counts what it does.

    Args:
        how: `mouse`, `keyboard` or `phone`.
        folder: the person's files.
        demo: the storage of both pages, whose faults the person meets.
    """

    def __init__(self, page: Page, how: str, folder: Path, demo: Demo) -> None:
        self.page, self.how, self.demo = page, how, demo
        self.actions = 0
        self._folder = folder

    def use(self, target: Locator, key: str = "") -> None:
        """Press a button; on the keyboard with `key`, if the page has a shortcut."""
        target.wait_for()
        if self.how == "mouse":
            target.click()
        elif self.how == "phone":
            target.tap()
        else:
            if not key:
                self._reach(target)
            self.page.keyboard.press(key or "Enter")
        self.actions += 1

    def write(self, target: Locator, text: str) -> None:
        """Replace the text of a field."""
        if self.how == "keyboard":
            self._reach(target)
        else:
            self.use(target)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        self.actions += 1

    def add(self, button: Locator, zone: Locator, names: tuple[str, ...], key: str = "") -> None:
        """Add files: dropped by mouse, else chosen with a button."""
        paths = [str(self._folder / name) for name in names]
        if self.how == "mouse":
            box = zone.bounding_box() or {"x": 0, "y": 0}
            data = {"items": [], "files": paths, "dragOperationsMask": 1}
            devtools = self.page.context.new_cdp_session(self.page)
            for kind in ("dragEnter", "dragOver", "drop"):
                at = {"type": kind, "x": box["x"] + EDGE, "y": box["y"] + EDGE, "data": data}
                devtools.send("Input.dispatchDragEvent", at)
            devtools.detach()
        else:
            with self.page.expect_file_chooser() as chooser:
                self.use(button, key)
            chooser.value.set_files(paths)
        self.actions += 1

    def _reach(self, target: Locator) -> None:
        target.wait_for()
        for _ in range(MOST_TABS):
            if target.evaluate(FOCUSED):
                return
            self.page.keyboard.press("Tab")
            self.actions += 1
        raise AssertionError(f"the Tab key does not reach {target}")


class Ours:
    """The tasks in our page.

    Args:
        task: the name of the task.
        demo: serves the page.
        asking: serves the page that asks for `Described`.
    """

    def __init__(self, hand: Hand, task: str, demo: Demo, asking: Demo) -> None:
        self.hand, self.page = hand, hand.page
        at = asking if task in ("rename", "describe") else demo
        self.uploader = UploaderPage(hand.page, at.url).start()

    def send(self, names: tuple[str, ...] = EIGHT) -> None:
        self._add(names)
        for name in names:
            self.uploader.row(name).expect_state("done")

    def fix(self) -> None:
        self._add((*OTHERS, REFUSED))
        row = self.uploader.row(REFUSED)
        row.expect_state("failed")
        self.hand.demo.oss.faults.clear()
        self.hand.use(row.retry_button, "Alt+KeyR")
        row.expect_state("done")

    def pause(self) -> None:
        self._add((LARGE,))
        self.uploader.row(LARGE).expect_state("uploading")
        self.hand.use(self.uploader.total.get_by_role("button", name="Pause"), "Alt+KeyP")
        self.uploader.row(LARGE).expect_state("paused")

    def rename(self) -> None:
        self._add(("a.txt",))
        self.hand.use(self.uploader.row("a.txt").locator.get_by_role("button", name="Details"))
        dialog = self.uploader.dialog("details")
        self.hand.write(dialog.get_by_label("File name"), "new.txt")
        self.hand.write(dialog.get_by_label("Description"), "why")
        self.hand.use(dialog.get_by_role("button", name="Save"), "Enter")
        self.uploader.row("new.txt").expect_state("done")

    def describe(self) -> None:
        self._add(EIGHT)
        self.hand.use(self.uploader.total.get_by_role("button", name="Fill in details"))
        dialog = self.uploader.dialog("details")
        self.hand.write(dialog.get_by_label("Description"), "why")
        self.hand.use(dialog.get_by_role("button", name="Save"), "Enter")
        for name in EIGHT:
            self.uploader.row(name).expect_state("done")

    def resume(self) -> None:
        self._add((LARGE,))
        expect(self.uploader.row(LARGE).progress).to_have_attribute("value", re.compile("[1-9]"))
        self.page.evaluate("window.onbeforeunload = null")
        self.uploader.start()
        self._add((LARGE,))
        self.uploader.row(LARGE).expect_state("uploading")

    def photo(self) -> None:
        self.send((PHOTO,))

    def find(self) -> None:
        self._open_my_uploads()
        dialog = self.uploader.dialog("my-uploads")
        self.hand.write(dialog.get_by_label("Search names"), "photo")
        expect(dialog.get_by_test_id("stored")).to_have_count(1)

    def share(self) -> None:
        self.find()
        dialog = self.uploader.dialog("my-uploads")
        self.hand.use(dialog.get_by_role("button", name="Share…"))
        self.hand.use(self.uploader.dialog("share").get_by_role("button", name="Make a link"))
        expect(self.uploader.dialog("share").get_by_label("Link", exact=True)).to_be_visible()

    def revoke(self) -> None:
        self._open_my_uploads()
        dialog = self.uploader.dialog("my-uploads")
        self.hand.use(dialog.locator("summary").filter(has_text="active link"))
        self.hand.use(dialog.get_by_role("button", name="Revoke").first)
        expect(dialog.locator("summary").filter(has_text="active link")).to_be_hidden()

    def _add(self, names: tuple[str, ...]) -> None:
        button = self.page.get_by_text("Choose files", exact=True)
        self.hand.add(button, self.uploader.drop_zone, names, "Alt+KeyU")

    def _open_my_uploads(self) -> None:
        self.hand.use(self.page.locator("#more").get_by_role("button", name="My uploads"))


class Uppy:
    """The tasks in Uppy's Dashboard; `url` is the page's address."""

    def __init__(self, hand: Hand, url: str) -> None:
        self.hand, self.page = hand, hand.page
        self.page.goto(url)
        self.page.get_by_role("button", name="browse files").wait_for()

    def send(self, names: tuple[str, ...] = EIGHT) -> None:
        self._add(names)
        self._upload()
        self._complete()

    def fix(self) -> None:
        self._add((*OTHERS, REFUSED))
        self._upload()
        retry = self.page.locator("[data-cy=retry]")
        retry.wait_for()
        self.hand.demo.oss.faults.clear()
        self.hand.use(retry)
        self._complete()

    def pause(self) -> None:
        self._add((LARGE,))
        self._upload()
        self.hand.use(self.page.get_by_role("button", name="Pause", exact=True))
        expect(self.page.get_by_text(re.compile("^Paused: "))).to_be_visible()

    def rename(self) -> None:
        self._add(("a.txt",))
        self._edit("a.txt", {"Name": "new.txt", "Description": "why"})
        self._upload()
        self._complete()

    def describe(self) -> None:
        self._add(EIGHT)
        for name in EIGHT:
            self._edit(name, {"Description": "why"})
        self._upload()
        self._complete()

    def resume(self) -> None:
        self._add((LARGE,))
        self._upload()
        expect(self.page.get_by_text(re.compile("Uploading: [1-9]"))).to_be_visible()
        self.page.reload()
        again = self.page.get_by_role("button", name="Re-select")
        again.wait_for()
        if self.hand.how != "mouse":
            self.hand.use(again)
        self._add((LARGE,))
        self._upload()
        expect(self.page.get_by_text(re.compile("Uploading: [1-9]"))).to_be_visible()

    def photo(self) -> None:
        self.send((PHOTO,))

    def _add(self, names: tuple[str, ...]) -> None:
        browse = self.page.get_by_role("button", name="browse files")
        self.hand.add(browse, self.page.locator(".uppy-Dashboard-inner"), names)

    def _edit(self, name: str, values: dict[str, str]) -> None:
        self.hand.use(self.page.get_by_role("button", name=f"Edit file {name}"))
        for label, text in values.items():
            self.hand.write(self.page.get_by_label(label, exact=True), text)
        self.hand.use(self.page.get_by_role("button", name="Save changes"), "Enter")

    def _upload(self) -> None:
        self.hand.use(self.page.get_by_role("button", name=re.compile(r"^Upload \d+ files?$")))

    def _complete(self) -> None:
        expect(self.page.get_by_text("Complete", exact=True)).to_be_visible(timeout=DONE_MS)


TASKS = {
    "send": "drop 8 files",
    "fix": "fix a failed file",
    "pause": "pause all",
    "rename": "rename a file",
    "describe": "describe all of 8 files",
    "resume": "continue after a reload",
    "photo": "send a photo",
    "find": "find a file of yesterday",
    "share": "share it",
    "revoke": "take the link back",
}


def _name(task: str, how: str) -> str:
    return f"{TASKS[task]}, by {how}"


def _seconds(how: str) -> str:
    return f"what both can do, by {how}"


def _measure(only: Only) -> Iterator[Value]:
    for how in [how for how in HOW if any(only(_name(task, how)) for task in TASKS)]:
        with _both() as (browser, demo, folder, makers):
            took_s = [0.0, 0.0]
            for task in TASKS:
                found = [_actions(browser, demo, how, folder, task, make) for make in makers]
                (ours, ours_s), (theirs, theirs_s) = found
                if theirs:
                    took_s = [took_s[0] + ours_s, took_s[1] + theirs_s]
                yield _name(task, how), ours or 0, theirs
            yield _seconds(how), took_s[0], took_s[1]


@contextmanager
def _both() -> Iterator[tuple[Browser, Demo, Path, list[Callable[[Hand, str], Any]]]]:
    """Serve both pages beside one storage; the last tasks use what earlier ones have sent."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        for name, size in SIZES.items():
            (folder / name).write_bytes(b"x" * size)
        demo, asking = [stack.enter_context(Demo(details=each)) for each in ("", MODEL)]
        uppy = f"{stack.enter_context(serve_pages())}/uppy-page?tasks=1&parallel=6"
        host = f"http://localhost:{demo.oss.port}"
        operator = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
        bucket = oss2.Bucket(operator, host, demo.bucket, region=demo.settings.region)
        bucket.put_bucket_cors(BucketCors([CorsRule(["*"], METHODS, ["*"], EXPOSED)]))
        yield (
            stack.enter_context(chromium()),
            demo,
            folder,
            [
                lambda hand, task: Ours(hand, task, demo, asking),
                lambda hand, _task: Uppy(hand, f"{uppy}&endpoint={host}"),
            ],
        )


def _actions(
    browser: Browser,
    demo: Demo,
    how: str,
    folder: Path,
    task: str,
    make: Callable[[Hand, str], Any],
) -> tuple[int | None, float]:
    """Return how many actions and seconds a task takes; None if the page cannot do it."""
    with browser.new_context(**PHONE if how == "phone" else {}) as context:
        context.add_init_script("delete window.showOpenFilePicker")  # DevTools cannot answer it
        hand = Hand(context.new_page(), how, folder, demo)
        page = make(hand, task)
        if not hasattr(page, task):
            return None, 0
        refuse(demo, f"*{REFUSED}", "AccessDenied")
        fault_for(demo, f"*{LARGE}", "bandwidth", bytes_per_s=SLOW)
        began_s = time.monotonic()
        getattr(page, task)()
        took_s = time.monotonic() - began_s
        demo.oss.faults.clear()
        return hand.actions, took_s


ROWS = tuple(
    row
    for how in HOW
    for row in (
        *(Row(_name(task, how), "actions", peer=PEER) for task in TASKS),
        Row(_seconds(how), "s", peer=PEER),
    )
)
BENCHES = [Bench(rows=ROWS, measure=_measure)]
