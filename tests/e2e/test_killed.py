"""The browser is killed, and a new one continues the uploads. Fault R32."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Error, Route

from e2e.conftest import MakeFile, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, arrived, asked, expect_whole, noise, pending, until
from mock_oss.journal import RequestRecord
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CONTENT = noise(60 * MIB + 1, seed=9)
SOME = 10  # parts; six of 1 MiB, and then larger ones


def kill(profile: Path) -> None:
    """Kill the browser with this profile, as the system does when memory runs out."""
    wanted = f"--user-data-dir={profile}"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue  # the process has ended meanwhile
        if wanted in words and not any(word.startswith("--type=") for word in words):
            os.kill(int(entry.name), signal.SIGKILL)
            return
    raise AssertionError("no browser has this profile")


def received(parts: list[RequestRecord]) -> int:
    """Return the number of bytes in the bodies of requests."""
    return sum(seen.received_bytes for seen in parts)


class Browsers:
    """Browsers that use one profile, one after another."""

    def __init__(self, kind: BrowserType, options: dict[str, Any], profile: Path, url: str) -> None:
        self._kind = kind
        self._options = options
        self._profile = profile
        self._url = url
        self.context: BrowserContext

    def open(self) -> UploaderPage:
        self.context = self._kind.launch_persistent_context(self._profile, **self._options)
        uploader = UploaderPage(self.context.pages[0], self._url).start()
        expect(uploader.grant).to_contain_text("May add")
        return uploader

    def kill(self) -> None:
        kill(self._profile)
        with suppress(Error):  # Playwright may have noticed the end already
            self.context.close()


def plan(demo: Demo, uploader: UploaderPage, phase: str) -> Callable[[], object]:
    """Let the upload reach `phase` and no further; return a function that tells when it is
    reached.
    """
    faults = demo.oss.faults
    if phase == "before the begin is answered":
        fault = faults.add("hang", operation="InitiateMultipartUpload", times=9)
        return lambda: fault.hits
    if phase == "in the first part":
        fault = faults.add("hang", operation="UploadPart")
        return lambda: fault.hits >= 6
    if phase == "half way":
        faults.add("hang", operation="UploadPart", skip=SOME)
        return lambda: len(arrived(demo, "long.bin")) == SOME
    if phase == "before the end":
        fault = faults.add("hang", operation="CompleteMultipartUpload")
        return lambda: fault.hits

    held: list[Route] = []

    def end_without_a_word(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        bucket = operator_bucket(demo)
        (upload,) = bucket.list_multipart_uploads().upload_list
        parts = bucket.list_parts(upload.key, upload.upload_id).parts
        bucket.complete_multipart_upload(upload.key, upload.upload_id, parts)
        held.append(route)

    uploader.page.route(
        lambda url: "uploadId=" in url and "partNumber" not in url, end_without_a_word
    )
    return lambda: held


@pytest.mark.only_browser("chromium")  # the process is found by its options
@pytest.mark.parametrize(
    "phase",
    [
        "before the begin is answered",
        "in the first part",
        "half way",
        "before the end",
        "after the end",
    ],
)
def test_r32_a_killed_browser_costs_what_was_under_way(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    runtime: str,
    make_file: MakeFile,
    tmp_path: Path,
    phase: str,
) -> None:
    with Demo() as demo:
        profile = tmp_path / "profile"
        url = f"{demo.url}/?runtime={runtime}"
        browsers = Browsers(browser_type, browser_type_launch_args, profile, url)
        path = make_file("long.bin", CONTENT)
        uploader = browsers.open()
        is_there = plan(demo, uploader, phase)
        uploader.choose(path)
        until(uploader.page, is_there, timeout_s=60)
        uploader.page.wait_for_timeout(500)
        before = arrived(demo, "long.bin")
        has_begun = bool(pending(demo, "long.bin"))
        browsers.kill()
        demo.oss.faults.clear()
        already = asked(demo, "UploadPart", "long.bin")

        uploader = browsers.open()
        unfinished = uploader.page.get_by_test_id("unfinished")
        expect(unfinished).to_have_count(1)
        uploader.choose(path)
        uploader.row("long.bin").expect_state("done", timeout_ms=90_000)

        again = asked(demo, "UploadPart", "long.bin")[len(already) :]
        assert received(again) == len(CONTENT) - received(before)
        assert has_begun == (phase not in ("before the begin is answered", "after the end"))
        expect(unfinished).to_have_count(0)
        expect_whole(demo, "long.bin", CONTENT)
        browsers.context.close()
