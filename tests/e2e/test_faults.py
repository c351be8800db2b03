"""What a person is told, and what recovers by itself, when something goes wrong."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from build import bundle_python
from e2e.conftest import Console, operator_bucket
from e2e.pages.uploader import UploaderPage
from ossferry.demo import Demo

pytestmark = pytest.mark.e2e

MakeFile = Callable[[str, bytes], Path]
StartDemo = Callable[..., tuple[Demo, UploaderPage]]
REQUEST_ID = re.compile(r"request [0-9A-F]{24}")
REFUSED = "Failed to load resource: the server responded with a status of"
NO_ANSWER = "Failed to load resource: net::"
BLOCKED = "blocked by CORS policy"
BROKEN_BUNDLE = bundle_python().replace("import uploader.main", "1 / 0")


def test_another_users_prefix_is_refused_and_told_in_words(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    def as_bob(route: Route) -> None:
        document = route.fetch().json()
        document["prefix"] = "uploads/bob-0123456789/"
        route.fulfill(json=document)

    page.route("**/api/grant", as_bob)
    console.expected.append(f"{REFUSED} 403")
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}")
    uploader.open()
    uploader.expect_ready()

    uploader.drop(theirs__txt="x")

    row = uploader.row("theirs.txt")
    row.expect_state("failed")
    row.expect_says("this page may not write there")
    row.expect_says(REQUEST_ID)
    assert [k for k in demo.oss.bucket(demo.bucket).objects if k.startswith("uploads/bob-")] == []


@pytest.mark.parametrize(
    "fault",
    [{"effect": "error", "code": "InternalError", "status": 500}, {"effect": "hang"}],
    ids=["500", "no answer"],
)
def test_uploads_wait_for_sts_and_go_on_by_themselves(
    start_demo: StartDemo, console: Console, fault: dict[str, str]
) -> None:
    demo, uploader = start_demo(sts_timeout_s=0.5)
    demo.oss.faults.add(operation="AssumeRole", **fault)
    console.expected.append(f"{REFUSED} 503")
    uploader.open()
    uploader.expect_ready()
    expect(uploader.grant).to_contain_text("cannot give permission right now")

    uploader.drop(patient__txt="x")
    row = uploader.row("patient.txt")
    row.expect_state("paused")
    row.expect_says("Waiting for the server of this page, continues by itself")
    demo.oss.faults.clear()

    row.expect_state("done", timeout_ms=60_000)
    expect(uploader.grant).to_contain_text("May add files to")


def test_a_role_that_may_not_be_assumed_is_told(start_demo: StartDemo, console: Console) -> None:
    demo, uploader = start_demo()
    demo.oss.faults.add("error", code="NoPermission", status=403, operation="AssumeRole")
    console.expected.append(f"{REFUSED} 502")
    uploader.open()
    uploader.expect_ready()
    expect(uploader.grant).to_contain_text("No upload is possible yet.")

    uploader.drop(patient__txt="x")
    row = uploader.row("patient.txt")
    row.expect_state("failed")
    row.expect_says("The cloud refuses to give this page permission.")
    row.expect_says(re.compile("Report .+"))
    demo.oss.faults.clear()
    row.retry_button.click()

    row.expect_state("done")
    expect(uploader.grant).to_contain_text("May add files to")


def test_oss_out_of_reach_is_waited_for(
    uploader: UploaderPage, demo: Demo, console: Console
) -> None:
    fault = demo.oss.faults.add("reset", bucket=demo.bucket, when="before")
    console.expected.append(NO_ANSWER)

    uploader.drop(far__txt="x")

    row = uploader.row("far.txt")
    try:
        row.expect_state("paused")
        row.expect_says("Waiting for the network, continues by itself")
    finally:
        demo.oss.faults.clear()
    assert fault.hits > 0
    row.expect_state("done")


def test_a_missing_cors_rule_is_named_with_how_to_add_it(
    start_demo: StartDemo, console: Console
) -> None:
    demo, uploader = start_demo()
    bucket = operator_bucket(demo)
    rule = bucket.get_bucket_cors()
    bucket.delete_bucket_cors()
    console.expected += [BLOCKED, NO_ANSWER, f"{REFUSED} 403"]
    uploader.open()
    uploader.expect_ready()

    uploader.drop(shut__txt="x")
    row = uploader.row("shut.txt")
    row.expect_state("failed")
    row.expect_says("its CORS rule is missing")
    row.expect_says(f"source {demo.url}, methods PUT POST GET HEAD DELETE")
    bucket.put_bucket_cors(rule)
    row.retry_button.click()

    row.expect_state("done")


def test_a_proof_that_cors_hides_is_not_taken_for_granted(
    start_demo: StartDemo, console: Console
) -> None:
    demo, uploader = start_demo()
    bucket = operator_bucket(demo)
    rule = bucket.get_bucket_cors()
    rule.rules[0].expose_headers = ["x-oss-request-id"]
    bucket.put_bucket_cors(rule)
    uploader.open()
    uploader.expect_ready()

    uploader.drop(hidden__txt="x")

    row = uploader.row("hidden.txt")
    row.expect_state("failed")
    row.expect_says("expose the header ETag")


def test_expired_credentials_are_renewed_without_a_word(
    uploader: UploaderPage, demo: Demo, page: Page, console: Console
) -> None:
    demo.oss.faults.add("expire-tokens", key="*/late.txt", method="PUT", times=1)
    console.expected.append(f"{REFUSED} 403")
    grants: list[str] = []
    page.on("request", lambda request: grants.append(request.url))

    uploader.drop(late__txt="x", other__txt="y")

    uploader.row("late.txt").expect_state("done")
    uploader.row("other.txt").expect_state("done")
    assert len([url for url in grants if url.endswith("/api/grant")]) == 1


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_wrong_clock_in_the_page_does_no_harm(
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
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}")
    uploader.open()
    uploader.expect_ready()

    uploader.drop(clock__txt="x")

    uploader.row("clock.txt").expect_state("done")


def test_damage_on_the_way_is_sent_again(uploader: UploaderPage, demo: Demo) -> None:
    fault = demo.oss.faults.add("wrong-crc", key="*/once.bin", method="PUT", times=1)

    uploader.drop(once__bin="content")

    uploader.row("once.bin").expect_state("done")
    assert fault.hits == 1


def test_a_wrong_checksum_is_a_failed_upload(uploader: UploaderPage, demo: Demo) -> None:
    demo.oss.faults.add("wrong-crc", key="*/flipped.bin", method="PUT", times=3)

    uploader.drop(flipped__bin="content", fine__bin="content")

    row = uploader.row("flipped.bin")
    row.expect_state("failed")
    row.expect_says("not what was sent")
    row.expect_says(REQUEST_ID)
    uploader.row("fine.bin").expect_state("done")
    row.retry_button.click()
    row.expect_state("done")


def test_a_captive_portal_is_not_taken_for_oss(uploader: UploaderPage, demo: Demo) -> None:
    demo.oss.faults.add("html", key="*/portal.txt", method="PUT", times=1)

    uploader.drop(portal__txt="x")

    row = uploader.row("portal.txt")
    row.expect_state("failed")
    row.retry_button.click()
    row.expect_state("done")


def test_a_connection_that_breaks_is_tried_again(
    uploader: UploaderPage, demo: Demo, console: Console, make_file: MakeFile
) -> None:
    # Three times: Chromium itself tries again when a connection it used before is reset.
    demo.oss.faults.add("reset", when="mid-body", key="*/broken.bin", method="PUT", times=3)
    console.expected += [NO_ANSWER, f"{REFUSED} 40"]

    uploader.choose(make_file("broken.bin", b"x" * 5_000_000))

    row = uploader.row("broken.bin")
    row.expect_state("done")
    assert len(demo.oss.bucket(demo.bucket).objects[row.key].data) == 5_000_000


def test_a_missing_bucket_is_told(start_demo: StartDemo, console: Console) -> None:
    demo, uploader = start_demo()
    uploader.open()
    uploader.expect_ready()
    demo.oss.faults.add("error", code="NoSuchBucket", operation="PutObject")
    console.expected.append(f"{REFUSED} 404")

    uploader.drop(homeless__txt="x")

    row = uploader.row("homeless.txt")
    row.expect_state("failed")
    row.expect_says("The bucket does not exist.")


def test_a_file_that_vanishes_is_told(
    uploader: UploaderPage, page: Page, console: Console, make_file: MakeFile, demo: Demo
) -> None:
    console.expected.append("ERR_FILE_NOT_FOUND|ERR_UPLOAD_FILE_CHANGED|net::ERR")
    path = make_file("gone.bin", b"x" * 1000)
    held: list[Route] = []
    page.route("**/gone.bin", lambda route: held.append(route))
    uploader.choose(path)
    expect(uploader.rows).to_have_attribute("data-state", "uploading")

    path.unlink()
    for route in held:
        route.continue_()

    row = uploader.row("gone.bin")
    row.expect_state("failed")
    row.expect_says("cannot be read any more")


def test_a_file_larger_than_allowed_is_told_before_it_is_sent(start_demo: StartDemo) -> None:
    demo, uploader = start_demo(max_file_size=10)
    uploader.open()
    uploader.expect_ready()

    uploader.drop(big__txt="12345678901", small__txt="1234567890")

    row = uploader.row("big.txt")
    row.expect_state("failed")
    row.expect_says("The file has 11 B; up to 10 B is allowed.")
    uploader.row("small.txt").expect_state("done")
    assert len(demo.oss.bucket(demo.bucket).objects) == 1


def test_a_page_that_cannot_start_says_so(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    page.route("**/core.js", lambda route: route.abort())
    console.expected += [NO_ANSWER, "preloaded"]
    page.goto(f"{demo.url}/?runtime={runtime}")

    expect(page.locator("html")).to_have_attribute("data-app", "failed")
    expect(page.get_by_role("alert")).to_contain_text("This page could not start.")


def test_python_that_cannot_start_says_so(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    page.route("**/uploader.py", lambda route: route.fulfill(body=BROKEN_BUNDLE))
    console.expected += ["ZeroDivisionError", "PythonError", "preloaded"]
    page.goto(f"{demo.url}/?runtime={runtime}")

    expect(page.locator("html")).to_have_attribute("data-app", "failed")


def test_no_string_becomes_code(uploader: UploaderPage, page: Page, console: Console) -> None:
    attempts = {
        "eval": "eval('1')",
        "Function": "new Function('return 1')",
        "factory": "new Function('return(w,x)=>(1)')",
        "timer": "setTimeout('1')",
        "html": "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
        "foreign script": "document.createElement('script').src = 'https://evil.example/x.js'",
    }
    body = ";".join(
        f"try {{ {code}; ran.push({json.dumps(name)}) }} catch (error) {{}}"
        for name, code in attempts.items()
    )
    script = f"const ran = []; {body}; document.body.dataset.ran = JSON.stringify(ran);"
    page.route(
        "**/assets/attack.js",
        lambda route: route.fulfill(body=script, content_type="text/javascript"),
    )
    console.expected += ["Trusted", "evil.example", "require-trusted-types-for"]

    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.src = "/assets/attack.js";
          document.head.append(script);
        }"""
    )

    expect(page.locator("body")).to_have_attribute("data-ran", "[]")
