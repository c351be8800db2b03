"""Fixtures of the stories: the page, a console without unexpected messages, and OSS's contents.

A story is an end-to-end test that follows a user's goal.
"""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import oss2
import pytest
from playwright.sync_api import ConsoleMessage, Error, Page, Route

import build
from e2e.pages.uploader import UploaderPage
from mock_oss.world.model import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.authentication.apikey import ApiKeyFile, new_key
from ossferry.cli.demo import Demo
from ossferry.settings.rules import DEMO_SECRET
from support import webkitgtk

FAILED_REQUEST = r"net::|Failed to load|CORS|status of"
FAILED_IN_FIREFOX = "The Same Origin Policy disallows reading"
ENDED_WORKER = "^uncaught: undefined$"
"""Firefox's message when a page ends a worker while WebAssembly runs in a `promising` function, as
Pyodide's code does. No event of the page reports it.
"""

StartDemo = Callable[..., tuple[Demo, UploaderPage]]
"""Starts a separate demo, with changes of its settings; returns it and its unopened page."""

MakeFile = Callable[[str, bytes], Path]
"""Writes a file with a name and a content, and returns its path."""


class Console:
    """Errors and warnings of the browser's console; a story fails if it does not expect one of
    them.
    """

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
        page.on("pageerror", self._note_error)

    def leave(self, page: Page) -> None:
        """Stop listening to a page that other stories use later."""
        driven: object = page
        if not isinstance(driven, webkitgtk.Page):
            page.remove_listener("console", self._note)
            page.remove_listener("pageerror", self._note_error)

    def _note_error(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")

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
        """Return the expected patterns, with Firefox's wording for failed requests."""
        if any(re.search(FAILED_REQUEST, pattern) for pattern in self.expected):
            return [*self.expected, FAILED_IN_FIREFOX]
        return self.expected


@pytest.fixture
def console(page: Page) -> Iterator[Console]:
    """The page's console; the story fails on errors and warnings that it does not expect."""
    made = Console()
    made.listen(page)
    yield made
    made.leave(page)
    assert made.unexpected() == []


@pytest.fixture
def demo(demo: Demo) -> Demo:
    """The demo shared by all stories; faults, credentials, clock and bucket are reset before each
    story.
    """
    reset(demo)
    return demo


def reset(demo: Demo) -> None:
    """Reset a demo: its faults, credentials, clock and bucket, and the names that are taken."""
    expired = any(fault.effect == "expire-tokens" for fault in demo.oss.faults)
    demo.oss.faults.clear()
    demo.oss.clock.reset()
    if expired:
        renew_credentials(demo)
    bucket = operator_bucket(demo)
    for upload in oss2.MultipartUploadIterator(bucket):
        bucket.abort_multipart_upload(upload.key, upload.upload_id)
    keys = [found.key for found in oss2.ObjectIterator(bucket)]
    for at in range(0, len(keys), 1000):
        bucket.batch_delete_objects(keys[at : at + 1000])
    with closing(sqlite3.connect(demo.settings.ledger_url.partition("///")[2])) as ledger, ledger:
        if ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'receipts'").fetchone():
            ledger.execute("UPDATE receipts SET path = ''")  # usage and the trash stay as they are
    demo.oss.requests.clear()


def renew_credentials(demo: Demo) -> None:
    """Let the server forget the credentials that the mock has let expire early.

    The page reports refused credentials, and then gets others; a form cannot do this.
    """
    with httpx.Client(base_url=demo.url, trust_env=False) as site:
        grant = site.post("/api/grant").raise_for_status().json()
        form = site.post("/api/form", json={"name": "x"}).raise_for_status().json()
        known = {
            "/api/grant": grant["access_key_id"],
            "/api/form": dict(form["fields"])["x-oss-credential"].partition("/")[0],
        }
        for route, key_id in known.items():
            site.post(route, json={"refused_key_id": key_id}).raise_for_status()


@pytest.fixture
def uploader(demo: Demo, page: Page, console: Console, runtime: str) -> UploaderPage:
    """The page of the shared demo, ready to use."""
    return UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()


@pytest.fixture
def start_demo(page: Page, console: Console, runtime: str) -> Iterator[StartDemo]:
    """Return a function that starts a separate demo, for stories that break it, and its unopened
    page.
    """
    with ExitStack() as stack:

        def start(**overrides: Any) -> tuple[Demo, UploaderPage]:
            demo = stack.enter_context(Demo(**overrides))
            return demo, UploaderPage(page, f"{demo.url}/?runtime={runtime}")

        yield start


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Return a function that writes a file and returns its path."""

    def make(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def carols_key(folder: Path) -> str:
    """Return a new API key of Carol, whose hash is in `keys.json` of a folder."""
    key = new_key()
    ApiKeyFile(folder / "keys.json").add(
        key, secret=DEMO_SECRET.encode(), user="carol", created=datetime(2026, 1, 1, tzinfo=UTC)
    )
    return key.text


def let_go(held: list[Route]) -> None:
    """Abort requests that a story has held until its end.

    Playwright has a task for each held request. After the story, a waiting task is garbage, and may
    be collected while a server thread runs. It would then continue in that thread and stop
    Playwright.
    """
    for route in held:
        with suppress(Error):  # its page is closed
            route.abort()


def page_with(extension: str, folder: Path) -> Path:
    """Build the page with an operator's own Python, and return its folder below `folder`.

    Only what differs from the page of `make build` is compressed again.
    """
    source, web = folder / "my_page.py", folder / "web"
    source.write_text(extension, "utf-8")
    shutil.copytree(build.OUT, web)
    build.main(web, source)
    return web


def operator_bucket(demo: Demo) -> oss2.Bucket:
    """Return the demo's bucket with the operator's credentials, through the official SDK."""
    return oss2.Bucket(
        oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET),
        f"http://127.0.0.1:{demo.oss.port}",
        demo.bucket,
        region=demo.settings.region,
    )
