"""The CORS rule in the documentation equals the one used by all stories."""

from pathlib import Path

from ossferry.oss.cors_rule import EXPOSED_HEADERS, REQUEST_HEADERS
from ossferry_uploader.oss.errors import Lost
from ossferry_uploader.oss.replies import HEADERS_READ
from ossferry_uploader.oss.signing import Credentials, sign_headers
from support.english import speak_english
from upload_page.view.words.messages import explain

DOCS = Path(__file__).parents[2] / "docs/page.md"


def test_the_demos_bucket_exposes_what_the_page_reads_and_no_more() -> None:
    assert list(HEADERS_READ) == list(EXPOSED_HEADERS)


def test_the_doctor_asks_for_the_headers_of_the_pages_requests() -> None:
    sent = sign_headers(
        Credentials("id", "secret", "token"),
        "PUT",
        "bucket",
        "key",
        date="20260314T092653Z",
        region="cn-hangzhou",
        headers=[("content-type", "text/plain")],
    )

    assert sorted(name.lower() for name, _ in sent) == list(REQUEST_HEADERS)


def test_the_docs_show_the_rule_of_the_page() -> None:
    speak_english()
    rule = explain(Lost(Lost.CORS), origin="https://uploads.example.com").to_copy

    assert rule in DOCS.read_text("utf-8")
