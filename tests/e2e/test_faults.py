"""Messages to the user after failures, and automatic recovery."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import Console, MakeFile, StartDemo, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, expect_whole, noise, until
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

NOTE_PICKER = """() => {
  window.showOpenFilePicker = async (wanted) => {
    window.wanted = wanted;
    throw new DOMException("", "AbortError");
  };
}"""
REFUSED = "Failed to load resource: the server responded with a status of"
NO_ANSWER = "Failed to load resource: net::"
BLOCKED = "blocked by CORS policy"


@pytest.mark.parametrize(
    ("code", "status", "answer", "grant", "state", "says"),
    [
        (
            *("InternalError", 500, 503, "cannot give permission right now", "paused"),
            "Waiting for the server of this page, continues by itself",
        ),
        (
            *("NoPermission", 403, 502, "No upload is possible yet.", "failed"),
            "The cloud refuses to give this page permission.",
        ),
    ],
    ids=["STS is away", "STS refuses"],
)
def test_uploads_wait_for_sts_or_fail_with_its_refusal(
    start_demo: StartDemo,
    console: Console,
    code: str,
    status: int,
    answer: int,
    grant: str,
    state: str,
    says: str,
) -> None:
    demo, uploader = start_demo()
    demo.oss.faults.add("error", code=code, status=status, operation="AssumeRole")
    console.expected.append(f"{REFUSED} {answer}")
    uploader.start()
    expect(uploader.grant).to_contain_text(grant)

    row = uploader.drop(patient__txt="x")
    row.expect_state(state)
    row.expect_says(says)
    demo.oss.faults.clear()
    if state == "failed":
        row.expect_says(re.compile("Report .+"))
        row.retry_button.click()

    row.expect_state("done", timeout_ms=60_000)
    expect(uploader.grant).to_contain_text("May add files to")


def test_r10_a_page_of_maintenance_in_place_of_our_server_is_neither_permission_nor_proof(
    uploader: UploaderPage, page: Page, demo: Demo, make_file: MakeFile, console: Console
) -> None:
    body = "<h1>Maintenance</h1>"
    console.expected += [NO_ANSWER, f"{REFUSED} 404", BLOCKED]
    content = noise(20 * MIB, seed=62)
    lost = {"operation": "CompleteMultipartUpload", "when": "before-answer", "times": 1}
    demo.oss.faults.add("reset", **lost)
    page.route("**/api/receipts", lambda route: route.fulfill(body=body))

    row = uploader.choose(make_file("kept.bin", content))

    row.expect_says("Waiting for the server of this page")
    page.unroute("**/api/receipts")
    row.expect_state("done", timeout_ms=30_000)
    assert row.crc64
    expect_whole(demo, "kept.bin", content)
    page.route("**/api/grant", lambda route: route.fulfill(body=body))
    uploader.start()
    uploader.drop(patient__txt="x")
    uploader.row("patient.txt").expect_says("Waiting for the server of this page")
    page.unroute("**/api/grant")
    uploader.row("patient.txt").expect_state("done", timeout_ms=30_000)


@pytest.mark.skip_browser("firefox")  # WebDriver buffers whole responses and ends them
def test_an_answer_without_end_is_read_as_far_as_it_may_be_one_of_oss(
    uploader: UploaderPage, demo: Demo, make_file: MakeFile
) -> None:
    operations = ("InitiateMultipartUpload", "CompleteMultipartUpload")
    faults = [demo.oss.faults.add("endless-xml", operation=each) for each in operations]
    content = noise(20 * MIB, seed=61)

    uploader.choose(make_file("endless.bin", content))

    uploader.row("endless.bin").expect_state("done", timeout_ms=30_000)
    assert [fault.hits for fault in faults] == [1, 1]
    expect_whole(demo, "endless.bin", content)


def test_r09_r12_oss_out_of_reach_is_waited_for(
    uploader: UploaderPage, demo: Demo, console: Console
) -> None:
    fault = demo.oss.faults.add("reset", bucket=demo.bucket, when="before")
    console.expected += [
        NO_ANSWER,
        f"{REFUSED} 40",
        f"{REFUSED} 503",
    ]  # 503: our server cannot reach OSS either

    row = uploader.drop(far__txt="x")

    try:
        row.expect_state("paused")
        row.expect_says("Waiting for the network, continues by itself")
        notice = uploader.notice("offline")
        expect(notice).to_contain_text("1 file waits and goes on by itself.")
        notice.get_by_role("button", name="Try now").click()
    finally:
        demo.oss.faults.clear()
    assert fault.hits > 0
    row.expect_state("done")


@pytest.mark.core
def test_a_missing_cors_rule_is_named_with_how_to_add_it(
    start_demo: StartDemo, console: Console
) -> None:
    demo, uploader = start_demo()
    bucket = operator_bucket(demo)
    rule = bucket.get_bucket_cors()
    bucket.delete_bucket_cors()
    console.expected += [BLOCKED, NO_ANSWER, f"{REFUSED} 403"]
    uploader.start()

    row = uploader.drop(shut__txt="x")
    row.expect_state("failed")
    row.expect_says("its CORS rule is missing")
    notice = uploader.notice("cors")
    expect(notice).to_contain_text(f"source {demo.url}, methods PUT POST GET HEAD DELETE")
    notice.get_by_role("button", name="Copy the rule").click()
    expect(uploader.page.locator("#toast")).to_have_text("Copied")
    bucket.put_bucket_cors(rule)
    notice.get_by_role("button", name="Retry all").click()

    row.expect_state("done")
    expect(notice).to_have_count(0)


def test_r23_a_proof_that_cors_hides_is_not_taken_for_granted(
    start_demo: StartDemo, console: Console
) -> None:
    demo, uploader = start_demo()
    bucket = operator_bucket(demo)
    rule = bucket.get_bucket_cors()
    rule.rules[0].expose_headers = ["x-oss-request-id"]
    bucket.put_bucket_cors(rule)
    uploader.start()

    row = uploader.drop(hidden__txt="x")

    row.expect_state("failed")
    expect(uploader.notice("hidden")).to_contain_text("expose the header ETag")


@pytest.mark.parametrize("minutes", [-20, 20])
def test_r15_a_wrong_clock_in_the_page_does_no_harm(
    demo: Demo, page: Page, console: Console, runtime: str, minutes: int
) -> None:
    page.add_init_script(
        f"""{{
          const real = Date.now;
          const shifted = () => real() + {minutes * 60_000};
          Date = class extends Date {{
            constructor(...given) {{ given.length ? super(...given) : super(shifted()); }}
            static now() {{ return shifted(); }}
          }};
        }}"""
    )
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()

    uploader.drop(clock__txt="x")

    uploader.row("clock.txt").expect_state("done")
    slow = "20 minutes fast" if minutes > 0 else "20 minutes slow"
    expect(uploader.page.get_by_label("Notices")).to_contain_text(slow)


@pytest.mark.core
def test_a_connection_that_breaks_is_tried_again(
    uploader: UploaderPage, demo: Demo, console: Console, make_file: MakeFile
) -> None:
    # Three times: Chromium itself retries when a reused connection is reset.
    demo.oss.faults.add("reset", when="mid-body", key="*/broken.bin", method="PUT", times=3)
    console.expected += [NO_ANSWER, f"{REFUSED} 40"]

    row = uploader.choose(make_file("broken.bin", b"x" * 5_000_000))

    row.expect_state("done")
    assert len(demo.oss.bucket(demo.bucket).objects[row.key].data) == 5_000_000


def choose_and_remove(uploader: UploaderPage, demo: Demo, path: Path) -> None:
    """Choose a file, and delete it after it was read but before its request is sent."""
    held: list[Route] = []
    uploader.page.route(
        re.compile(f"//{demo.bucket}\\."), lambda route: held.append(route), times=1
    )
    uploader.choose(path)
    until(uploader.page, lambda: held)
    path.unlink()
    for route in held:
        route.continue_()


def test_r41_a_file_that_vanishes_is_told(
    uploader: UploaderPage, demo: Demo, console: Console, make_file: MakeFile
) -> None:
    console.expected.append("ERR_FILE_NOT_FOUND|ERR_UPLOAD_FILE_CHANGED|net::ERR")
    path = make_file("gone.bin", b"x" * 100_000)  # a smaller file would be in memory by then
    choose_and_remove(uploader, demo, path)

    row = uploader.row("gone.bin")
    row.expect_state("failed")
    row.expect_says("cannot be read any more")


def test_a_small_file_that_vanishes_after_its_reading_arrives_as_it_was(
    uploader: UploaderPage, demo: Demo, make_file: MakeFile
) -> None:
    path = make_file("kept.bin", b"x" * 1000)
    choose_and_remove(uploader, demo, path)

    uploader.row("kept.bin").expect_state("done")


def test_types_are_told_beforehand_and_refused_at_once(start_demo: StartDemo, page: Page) -> None:
    demo, uploader = start_demo(allowed_types=("image/*", ".CSV"))
    uploader.start()
    expect(page.locator("#hint")).to_contain_text("only images, .csv")
    expect(uploader.files_input).to_have_attribute("accept", "image/*,.csv")
    page.evaluate(NOTE_PICKER)
    uploader.files_input.evaluate("input => input.click()")
    assert page.evaluate("wanted.types") == [
        {"accept": {"image/*": [], "application/octet-stream": [".csv"]}}
    ]

    row = uploader.drop(notes__txt="x", sums__csv="1;2")

    row.expect_state("failed")
    row.expect_says("Files of this type are not taken here, only images, .csv.")
    expect(row.retry_button).to_have_count(0)  # a retry would fail again
    uploader.row("sums.csv").expect_state("done")
    expect(uploader.total.get_by_role("button", name="Retry")).to_have_count(0)
    expect(uploader.total).to_contain_text("1 of 1 file 1 not accepted")
    uploader.total.get_by_role("button", name="Clear those not accepted").click()
    expect(uploader.rows).to_have_count(1)
    uploader.total.get_by_role("button", name="Clear finished").click()
    expect(uploader.rows).to_have_count(0)
    assert len(demo.oss.bucket(demo.bucket).objects) == 1
