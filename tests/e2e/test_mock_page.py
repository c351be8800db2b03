"""The mock's page `/_mock/` in a browser: stored objects, requests, and reasons of refusals."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import ConsoleMessage, Page

from contract.mock_oss.clients import oss2_bucket, send, signed_headers
from mock_oss import BUCKET, Clock, MockOSS
from support.expecting import expect

pytestmark = pytest.mark.e2e


@pytest.fixture
def inside(page: Page, mock_oss: MockOSS) -> Iterator[Page]:
    """The open page; an error in its console fails the test."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{mock_oss.endpoint}/_mock/")
    yield page
    assert errors == []


def test_objects_and_uploads_appear_and_can_be_looked_at(inside: Page, mock_oss: MockOSS) -> None:
    bucket = oss2_bucket(mock_oss)
    bucket.put_object("dir/<b>.txt", b"hello <i>there", headers={"x-oss-meta-a": "1"})
    bucket.init_multipart_upload("dir/big.bin")

    row = inside.get_by_role("row", name="dir/<b>.txt")
    expect(row).to_contain_text("14 B")
    expect(inside.get_by_role("listitem").filter(has_text="dir/big.bin").first).to_be_visible()
    row.get_by_role("button", name="Preview dir/<b>.txt").click()

    dialog = inside.get_by_role("dialog")
    expect(dialog).to_contain_text("hello <i>there")
    expect(dialog).to_contain_text("x-oss-meta-a")
    with inside.expect_download() as download:
        dialog.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == b"hello <i>there"


def test_a_refused_request_says_who_asked_and_why(inside: Page, mock_oss: MockOSS) -> None:
    target, headers = signed_headers(mock_oss, "PUT", "a")
    send(mock_oss, "PUT", target, headers={**headers, "x-oss-meta-a": "1"}, body=b"x")
    send(mock_oss, "GET", f"/{BUCKET}/secret")

    requests = inside.get_by_role("region", name="Requests")
    requests.get_by_text("SignatureDoesNotMatch").first.click()
    expect(requests).to_contain_text("Cause: the header x-oss-meta-a was sent and not signed.")
    expect(requests).to_contain_text("line 6, byte")
    requests.get_by_text("secret").first.click()
    expect(requests).to_contain_text(f"anonymous requested oss:GetObject on {BUCKET}/secret")
    inside.get_by_label("Refused only").check()
    expect(requests.get_by_role("listitem")).to_have_count(2)


def test_the_clock_can_be_moved_and_everything_reset(inside: Page, mock_oss: MockOSS) -> None:
    oss2_bucket(mock_oss).put_object("a", b"hello")
    expect(inside.get_by_role("row", name="a", exact=False).last).to_contain_text("5 B")
    with inside.expect_response("**/_mock/clock"):
        inside.get_by_role("button", name="+1 h").click()
    ahead = mock_oss.clock.now() - Clock().now()
    inside.get_by_role("button", name="Reset everything").click()
    inside.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert len(mock_oss.bucket(BUCKET).objects) == 1
    inside.get_by_role("button", name="Reset everything").click()
    inside.get_by_role("dialog").get_by_role("button", name="Reset", exact=True).click()

    expect(inside.get_by_text("No objects yet.")).to_be_visible()
    expect(inside.get_by_text("No requests yet.")).to_be_visible()
    assert timedelta(minutes=59) < ahead < timedelta(minutes=61)
    assert len(mock_oss.bucket(BUCKET).objects) == 0


def test_what_nobody_can_guess_can_be_compared(inside: Page, mock_oss: MockOSS) -> None:
    target, headers = signed_headers(mock_oss, "PUT", "a", headers={"x-oss-meta-a": "a long story"})
    send(mock_oss, "PUT", target, headers={**headers, "x-oss-meta-a": "another"}, body=b"x")
    ours = mock_oss.requests[-1].why["expected_canonical_request"]

    inside.get_by_text("SignatureDoesNotMatch").first.click()
    inside.get_by_label("Text that the client signed").fill(ours.replace("another", "a long story"))
    inside.get_by_role("button", name="Compare").click()

    expect(inside.get_by_text("the client signed   long story")).to_be_visible()


def test_long_keys_keep_their_end_and_numbers_their_grammar(
    inside: Page, mock_oss: MockOSS
) -> None:
    bucket = oss2_bucket(mock_oss)
    key = "a" * 500 + "/the-end.txt"
    bucket.put_object(key, b"x")
    upload_id = bucket.init_multipart_upload("b").upload_id
    bucket.upload_part("b", upload_id, 1, b"x")

    expect(inside.get_by_title(key).first).to_contain_text("…")
    expect(inside.get_by_title(key).first).to_contain_text("/the-end.txt")
    expect(inside.get_by_text("1 object ·")).to_be_visible()
    expect(inside.get_by_text("1 part · 1 B · since")).to_be_visible()
