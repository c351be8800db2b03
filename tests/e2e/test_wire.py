"""Faults of the network and of OSS: each affects only its own request. Faults in docs/faults.md.

One interpreter is enough: `test_multipart` runs on both and covers their differences. Faults that
unit tests cover as well run only in `make slow`.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import Console, MakeFile, let_go
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, asked, expect_whole, noise, pending, until
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("runtime", ["micropython"], indirect=True)]

PART = MIB
CONTENT = noise(20 * MIB + 1)  # 21 parts
AGAIN = 3  # Chromium itself retries a request after a connection reset
COMPLAINTS = "Failed to load resource|net::ERR"
IMPATIENT = """const real = window.setInterval;
window.setInterval = (run, ms, ...given) =>
  real(run, ms < 5000 ? ms : ms < 40000 ? Math.max(500, ms - 9500) : 500, ...given);"""

HASTY = """const real = AbortSignal.timeout;
AbortSignal.timeout = (ms) => real.call(AbortSignal, Math.min(ms, 500));"""


@pytest.fixture(autouse=True)
def _failing(console: Console) -> None:
    console.expected.append(COMPLAINTS)


@pytest.fixture
def impatient(demo: Demo, page: Page, console: Console, runtime: str) -> UploaderPage:
    """The page with watchdog timeouts of two seconds."""
    page.add_init_script(IMPATIENT)
    return UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()


@pytest.fixture
def set_line(page: Page) -> Callable[..., None]:
    """Return a function that changes the browser's network conditions."""
    session = page.context.new_cdp_session(page)

    def change(*, upload_bytes_per_s: int = -1, offline: bool = False) -> None:
        session.send(
            "Network.emulateNetworkConditions",
            {
                "offline": offline,
                "latency": 0,
                "downloadThroughput": -1,
                "uploadThroughput": upload_bytes_per_s,
            },
        )

    return change


def test_r01_a_part_that_is_cut_anywhere_is_sent_again(
    uploader: UploaderPage, demo: Demo, make_file: MakeFile
) -> None:
    common = {"when": "mid-body", "key": "*/cut.bin", "operation": "UploadPart", "times": AGAIN}
    for number, share in ((1, 0.01), (2, 0.5), (3, 0.99)):
        demo.oss.faults.add("reset", part_number=number, after_bytes=int(PART * share), **common)

    uploader.choose(make_file("cut.bin", CONTENT))

    uploader.row("cut.bin").expect_state("done", timeout_ms=30_000)
    assert [fault.hits for fault in demo.oss.faults] == [AGAIN] * 3
    expect_whole(demo, "cut.bin", CONTENT)


@pytest.mark.own_page("on a connection in use, Chromium repeats lost requests itself")
def test_r02_r03_r25_r30_every_request_of_an_upload_survives(
    uploader: UploaderPage, page: Page, demo: Demo, make_file: MakeFile
) -> None:
    for operation in ("InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload"):
        lost = {"when": "before-answer", "times": AGAIN, "operation": operation}
        demo.oss.faults.add("reset", key="*/every.bin", **lost)

    uploader.choose(make_file("every.bin", CONTENT))

    uploader.row("every.bin").expect_state("done", timeout_ms=30_000)
    until(page, lambda: pending(demo, "every.bin") == [])  # even those begun without a response
    expect_whole(demo, "every.bin", CONTENT)


def test_r03_a_gateway_whose_answers_the_page_may_not_read_is_waited_out(
    uploader: UploaderPage, page: Page, console: Console, demo: Demo, make_file: MakeFile
) -> None:
    console.expected.append("blocked by CORS policy")
    answered: list[str] = []
    elsewhere = {"access-control-allow-origin": "https://gateway.example"}

    def gateway(route: Route) -> None:
        is_part = "partNumber=2" in route.request.url
        if (is_part or answered) and len(answered) < 6:
            answered.append(route.request.method)
            route.fulfill(status=502, headers=elsewhere, body="<html>Bad gateway</html>")
        else:
            route.continue_()

    page.route(f"http://*:{demo.oss.port}/**", gateway)

    uploader.choose(make_file("gateway.bin", CONTENT))

    uploader.row("gateway.bin").expect_state("done", timeout_ms=30_000)
    assert len(answered) == 6
    expect_whole(demo, "gateway.bin", CONTENT)


def test_r06_a_look_at_a_dead_line_ends_too(
    page: Page, demo: Demo, console: Console, runtime: str, make_file: MakeFile
) -> None:
    page.add_init_script(HASTY)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    held: list[Route] = []  # requests that are accepted but never answered
    page.route(f"http://*:{demo.oss.port}/", lambda route: held.append(route))
    fault = demo.oss.faults.add("reset", key="*/looked.bin", operation="UploadPart")

    row = uploader.choose(make_file("looked.bin", CONTENT))
    row.expect_says("Waiting for the network, continues by itself")

    demo.oss.faults.remove(fault)
    row.expect_state("done", timeout_ms=30_000)
    expect_whole(demo, "looked.bin", CONTENT)
    let_go(held)


def test_r06_r07_a_dead_line_and_a_trickle_are_left(
    impatient: UploaderPage, demo: Demo, make_file: MakeFile
) -> None:
    common = {"key": "*/stuck.bin", "operation": "UploadPart", "times": 1}
    faults = [
        demo.oss.faults.add("hang", part_number=1, **common),
        demo.oss.faults.add("bandwidth", bytes_per_s=0.1, part_number=2, **common),
    ]

    impatient.choose(make_file("stuck.bin", CONTENT))

    impatient.row("stuck.bin").expect_state("done", timeout_ms=30_000)
    assert [fault.hits for fault in faults] == [1, 1]
    expect_whole(demo, "stuck.bin", CONTENT)


def test_r08_what_a_limit_keeps_in_the_systems_buffers_is_not_left(
    impatient: UploaderPage, demo: Demo, page: Page, make_file: MakeFile
) -> None:
    page.locator("#speed").select_option("250000")
    content = noise(MIB, 57)  # leaves the browser immediately, and arrives after four seconds

    impatient.choose(make_file("limited.bin", content))

    impatient.row("limited.bin").expect_state("done", timeout_ms=30_000)
    assert len(asked(demo, "PutObject", "limited.bin")) == 1
    expect_whole(demo, "limited.bin", content)


def test_r08_what_a_slow_line_keeps_in_its_buffers_is_not_left(
    impatient: UploaderPage, demo: Demo, make_file: MakeFile
) -> None:
    demo.oss.faults.add("bandwidth", bytes_per_s=350_000, operation="PutObject")
    content = noise(MIB, 58)  # leaves the browser immediately, and arrives after three seconds

    impatient.choose(make_file("buffered.bin", content))

    impatient.row("buffered.bin").expect_state("done", timeout_ms=30_000)
    assert len(asked(demo, "PutObject", "buffered.bin")) == 1
    expect_whole(demo, "buffered.bin", content)


@pytest.mark.only_browser("chromium")  # DevTools disconnect the network
def test_r11_offline_pauses_and_being_back_goes_on(
    uploader: UploaderPage,
    page: Page,
    set_line: Callable[..., None],
    demo: Demo,
    make_file: MakeFile,
) -> None:
    set_line(upload_bytes_per_s=4 * MIB)
    row = uploader.choose(make_file("train.bin", CONTENT))
    expect(row.progress).not_to_have_attribute("value", "0")

    set_line(offline=True)
    row.expect_state("paused")
    row.expect_says("Waiting for the network, continues by itself")
    page.wait_for_timeout(3_500)  # longer than any interval between two checks
    row.expect_state("paused")
    set_line()
    expect(row.locator).not_to_have_attribute("data-state", "paused", timeout=3_000)

    row.expect_state("done", timeout_ms=30_000)
    expect_whole(demo, "train.bin", CONTENT)


def test_r27_an_end_without_a_proper_answer_is_asked_for_again(
    uploader: UploaderPage, demo: Demo, make_file: MakeFile
) -> None:
    planned = demo.oss.faults.add(
        "error", code="InternalError", status=200, times=1, operation="CompleteMultipartUpload"
    )

    uploader.choose(make_file("end.bin", CONTENT))

    uploader.row("end.bin").expect_state("done", timeout_ms=30_000)
    assert planned.hits == 1
    expect_whole(demo, "end.bin", CONTENT)
