"""Fixtures of the stories: the page, a console that has to stay silent, and what OSS stored."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import oss2
import pytest
from playwright.sync_api import ConsoleMessage, Error, Page, Route

from e2e.pages.uploader import UploaderPage
from mock_oss.world.model import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo
from support import webkitgtk

slow_on_pyodide = pytest.mark.parametrize(
    "runtime", ["micropython", pytest.param("pyodide", marks=pytest.mark.slow)], indirect=True
)
"""For stories about the page around Python: Pyodide takes its turn in `make slow`."""

FAILED_REQUEST = r"net::|Failed to load|CORS|status of"
FAILED_IN_FIREFOX = "The Same Origin Policy disallows reading"


class Console:
    """What the browser complained about. A story names what it expects; all else fails it."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self._pages: list[webkitgtk.Page] = []

    def listen(self, page: Page) -> None:
        driven: object = page
        if isinstance(driven, webkitgtk.Page):
            self._pages.append(driven)
            return
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location['url']})")

    def unexpected(self) -> list[str]:
        complaints = sum((page.complaints() for page in self._pages), self.complaints)
        return [
            text
            for text in complaints
            if not any(re.search(pattern, text) for pattern in self._patterns())
        ]

    def _patterns(self) -> list[str]:
        """Return what is expected, also in the words of Firefox for a request that fails."""
        if any(re.search(FAILED_REQUEST, pattern) for pattern in self.expected):
            return [*self.expected, FAILED_IN_FIREFOX]
        return self.expected


@pytest.fixture
def console(page: Page) -> Iterator[Console]:
    """The page's console; errors and warnings that the story did not name fail it."""
    made = Console()
    made.listen(page)
    yield made
    assert made.unexpected() == []


@pytest.fixture
def demo(demo: Demo) -> Demo:
    """The demo that all stories share; nothing of the story before is left in its OSS."""
    demo.oss.faults.clear()
    demo.oss.clock.reset()
    bucket = operator_bucket(demo)
    for upload in oss2.MultipartUploadIterator(bucket):
        bucket.abort_multipart_upload(upload.key, upload.upload_id)
    keys = [found.key for found in oss2.ObjectIterator(bucket)]
    for at in range(0, len(keys), 1000):
        bucket.batch_delete_objects(keys[at : at + 1000])
    demo.oss.requests.clear()
    return demo


@pytest.fixture
def uploader(demo: Demo, page: Page, console: Console, runtime: str) -> UploaderPage:
    """The page of the demo that all stories share, ready."""
    opened = UploaderPage(page, f"{demo.url}/?runtime={runtime}")
    opened.open()
    opened.expect_ready()
    return opened


@pytest.fixture
def start_demo(
    page: Page, console: Console, runtime: str
) -> Iterator[Callable[..., tuple[Demo, UploaderPage]]]:
    """Start a demo of one's own, for stories that break it; its page is not opened yet."""
    with ExitStack() as stack:

        def start(**overrides: Any) -> tuple[Demo, UploaderPage]:
            demo = stack.enter_context(Demo(**overrides))
            return demo, UploaderPage(page, f"{demo.url}/?runtime={runtime}")

        yield start


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Write a file that can be chosen."""

    def make(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def let_go(held: list[Route]) -> None:
    """End requests that a story has held until its end.

    Playwright has a task for each. One that still waits is garbage after the story, and may be
    collected while a thread of a server runs: it would then go on there, and stop Playwright.
    """
    for route in held:
        with suppress(Error):  # its page is gone
            route.abort()


def operator_bucket(demo: Demo) -> oss2.Bucket:
    """Return the demo's bucket as its operator reaches it, through the official SDK."""
    return oss2.Bucket(
        oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET),
        f"http://127.0.0.1:{demo.oss.port}",
        demo.bucket,
        region=demo.settings.region,
    )
