"""The upload page as a user sees it."""

import re
from pathlib import Path

from playwright.sync_api import FilePayload, FrameLocator, Locator, Page

from support.choosing import CHOOSE, contents
from support.expecting import expect

SLOW_START_MS = 60_000  # Pyodide on a busy machine
CHECKED_MS = 120_000  # the worker of the checks starts Pyodide too, and once more after a crash
DROP = """(zone, files) => {
  const transfer = new DataTransfer();
  for (const [name, text] of files) transfer.items.add(new File([text], name));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
    zone.dispatchEvent(new DragEvent(kind, options));
  }
}"""
NO_CHECKSUM = """() => {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (asked) {
    post.call(this, asked.filter(({ kind }) => kind !== "crc64"));
  };
}"""


class Row:
    """One upload in the list."""

    def __init__(self, locator: Locator) -> None:
        self.locator = locator

    @property
    def cancel_button(self) -> Locator:
        return self.locator.get_by_role("button", name="Cancel", exact=True)

    @property
    def retry_button(self) -> Locator:
        return self.locator.get_by_role("button", name="Retry", exact=True)

    @property
    def undo_button(self) -> Locator:
        return self.locator.get_by_role("button", name="Undo", exact=True)

    @property
    def remove_button(self) -> Locator:
        return self.locator.get_by_role("button", name="Remove", exact=True)

    @property
    def progress(self) -> Locator:
        return self.locator.get_by_role("progressbar")

    @property
    def key(self) -> str:
        """The object key, once the page has chosen it."""
        expect(self.locator).to_have_attribute("data-key", re.compile("."))
        return self.locator.get_attribute("data-key") or ""

    @property
    def crc64(self) -> str:
        return self.locator.get_attribute("data-crc64") or ""

    def expect_state(self, state: str, *, timeout_ms: float | None = None) -> None:
        expect(self.locator).to_have_attribute("data-state", state, timeout=timeout_ms)

    def expect_says(self, text: str | re.Pattern[str]) -> None:
        expect(self.locator).to_contain_text(text)


class UploaderPage:
    """The whole upload page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    @property
    def files_input(self) -> Locator:
        return self.page.locator("#files")

    @property
    def drop_zone(self) -> Locator:
        return self.page.locator("#dropzone")

    @property
    def grant(self) -> Locator:
        return self.page.locator("#grant")

    @property
    def total(self) -> Locator:
        return self.page.get_by_test_id("total")

    @property
    def rows(self) -> Locator:
        return self.page.get_by_test_id("upload")

    def notice(self, name: str) -> Locator:
        return self.page.get_by_test_id(f"notice-{name}")

    def dialog(self, name: str) -> Locator:
        return self.page.get_by_test_id(f"dialog-{name}")

    def edit_picture(self, name: str) -> Locator:
        """Open the dialog that rotates and crops the picture in a row."""
        self.row(name).locator.get_by_role("button", name="Details").click()
        self.dialog("details").get_by_role("button", name="Rotate or crop").click()
        return self.dialog("picture")

    def record(self, kind: str) -> None:
        """Open the dialog that records, and choose a device."""
        self.page.get_by_role("button", name="Record", exact=True).click()
        self.dialog("recording").get_by_role("button", name=kind).click()

    def open(self) -> None:
        """Load the page without waiting for Python."""
        self.page.goto(self.url, wait_until="commit")

    def start(self) -> "UploaderPage":
        """Load the page, and return it as soon as it is ready for files."""
        self.open()
        self.expect_ready()
        return self

    def hold_checksums(self) -> None:
        """Block the computation of checksums, so that sent files are never confirmed."""
        self.page.evaluate(NO_CHECKSUM)

    def expect_ready(self) -> None:
        expect(self.page.locator("html[data-app=ready]")).to_be_attached(timeout=SLOW_START_MS)

    def choose(self, *files: Path | str | FilePayload) -> Row:
        """Choose files in the file chooser, and return the row of the first one."""
        self.files_input.set_input_files(list(files))  # type: ignore[arg-type] # one kind a call
        first = files[0]
        return self.row(first["name"] if isinstance(first, dict) else Path(first).name)

    def choose_folder(self, folder: Path) -> None:
        """Choose a folder in the folder chooser."""
        chooser = self.page.locator("#folder")
        browser = self.page.context.browser
        if browser and browser.browser_type.name == "firefox":
            chooser.evaluate(CHOOSE, contents(folder))  # WebDriver BiDi cannot choose a folder
        else:
            chooser.set_input_files(folder)

    def drop(self, **files: str) -> Row:
        """Drop files given as `name=text`, with `__` for the dot, and return the first row."""
        named = [(name.replace("__", "."), text) for name, text in files.items()]
        self.drop_zone.evaluate(DROP, named)
        return self.row(named[0][0])

    def drop_from_disk(self, *paths: Path) -> None:
        """Drop files and folders from the disk, as the operating system does."""
        box = self.drop_zone.bounding_box() or {"x": 0, "y": 0}
        place = {"x": box["x"] + 5, "y": box["y"] + 5}
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        devtools = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            devtools.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
        devtools.detach()

    def row(self, name: str, *, nth: int = 0) -> Row:
        """Return the row of the file with exactly this name."""
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return Row(self.page.locator(f'[data-testid=upload][data-name="{quoted}"]').nth(nth))


def framed(page: Page, frame: str = "oss-ferry iframe") -> FrameLocator:
    """Wait until the uploader in a frame accepts files, and return the frame."""
    found = page.frame_locator(frame)
    expect(found.locator("html[data-app=ready]")).to_be_attached(timeout=SLOW_START_MS)
    return found
