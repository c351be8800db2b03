"""Every error has a sentence, a next step and, if available, its evidence."""

import pytest

from ossferry_uploader.oss.errors import Corrupt, Lost, Refused
from ossferry_uploader.oss.replies import HEADERS_READ, NO_HEADER
from ossferry_uploader.oss.requests import Bucket, list_parts, sign
from ossferry_uploader.oss.signing import Credentials
from ossferry_uploader.transfer.errors import (
    BadOptions,
    CannotEdit,
    CannotEncrypt,
    CheckFailed,
    FileRejected,
    FileTooLarge,
    FileTooSmall,
    FileUnreadable,
    GrantRefused,
    NoForm,
    PartsLeft,
    QuotaExceeded,
    TooManyBytes,
    TooManyFiles,
    WrongType,
)
from support.english import speak_english
from upload_page.view.words.messages import explain
from upload_page.view.words.text import ended, language

speak_english()

ENDPOINT = "The bucket must be addressed using the specified endpoint."
APP = "https://app.example"


def refused(code, status, **more):
    return Refused(code, status, request_id="R1", **more)


ERRORS = [
    (FileRejected("columns", "A column is missing.", line=7), "Line 7: A column is missing."),
    (CheckFailed("columns", "KeyError"), "did not work"),
    (Lost(Lost.UNREACHABLE), "cannot be reached"),
    (Lost(Lost.INTERRUPTED), "connection broke"),
    (Lost(Lost.STALLED), "No data was transferred"),
    (Lost(Lost.CORS), "CORS rule is missing"),
    (refused("AccessDenied", 403), "may not write there"),
    (refused("RequestTimeTooSkewed", 403), "time of this request"),
    (refused("SecurityTokenExpired", 403), "permission of this page"),
    (refused("SignatureDoesNotMatch", 403), "signature"),
    (refused("NoSuchBucket", 404), "does not exist"),
    (refused("UserDisable", 403), "switched off"),
    (refused("InternalError", 500), "busy or has a fault"),
    (refused("UnexpectedAnswer", 200), "Something else answered"),
    (refused("EntityTooLarge", 400), "larger than the storage service accepts"),
    (refused("FileAlreadyExists", 409), "already stored"),
    (refused("FileImmutable", 409), "retention"),
    (refused("InvalidObjectName", 400), "name of this file"),
    (refused("NoSuchUpload", 404), "no longer has the uploaded parts"),
    (refused("KmsServiceNotEnabled", 403), "encryption is not set up"),
    (refused("PermanentRedirect", 403), "another region"),
    (refused("AccessDenied", 403, message=ENDPOINT), "another region"),
    (refused("PublicEndpointForbidden", 400), "has to use a custom domain"),
    (refused("SecondLevelDomainForbidden", 403), "this form of address"),
    (refused("NonStandardHostForbidden", 403), "not bound to the bucket"),
    (refused("NoSuchCname", 404), "not bound to the bucket"),
    (refused("QpsLimitExceeded", 503), "busy or has a fault"),
    (refused("InvalidArgument", 400), "refused this file"),
    (GrantRefused(429, code="quota-exceeded", id="7"), "quota is used up"),
    (GrantRefused(502, code="oss-endpoint-refused", id="7"), "has to use a custom domain"),
    (GrantRefused(502, code="oss-domain-refused", id="7"), "not bound to the bucket"),
    (QuotaExceeded(), "do not all fit"),
    (PartsLeft("U1"), "has not deleted all"),
    (GrantRefused(403, code="revoked", id="7"), "has ended your access"),
    (Corrupt("CRC-64", expected="1", actual="2", request_id="R1"), "not what was sent"),
    (Corrupt("ETag", expected="ETag", actual=NO_HEADER, request_id="R1"), "not allowed to read"),
    (FileUnreadable("NotReadableError"), "cannot be read"),
    (FileTooLarge(2_000_000, 1_000_000), "2.0\u00a0MB; up to 1.0\u00a0MB"),
    (FileTooSmall(1, 1_000_000), "1\u00a0B; at least 1.0\u00a0MB"),
    (TooManyBytes(2_000_000, 1_000_000), "together may have 1.0\u00a0MB"),
    (WrongType(["image/*", ".csv"]), "only images, .csv."),
    (TooManyFiles(100), "up to 100 can wait"),
    (TooManyFiles(5, is_total=True), "up to 5 here"),
    (BadOptions("folder has 300 bytes"), "not set up correctly"),
    (NoForm("a form cannot carry tags"), "cannot carry this upload"),
    (CannotEdit("no image/webp"), "cannot rotate or crop"),
    (CannotEncrypt("The page is not from https."), "nothing was sent"),
    (GrantRefused(200, detail="the grant is malformed"), "Something else answered"),
    (GrantRefused(200, code="other-place"), "Something else answered"),
    (GrantRefused(200, code="other-person"), "Somebody else has signed in"),
    (GrantRefused(0), "does not answer"),
    (GrantRefused(401, id="7"), "not signed in"),
    (GrantRefused(403, id="7"), "may not upload"),
    (GrantRefused(403, detail="The course is closed", reason="application"), "course is closed."),
    (
        GrantRefused(401, detail="Sign in to the shop.", reason="application"),
        "Sign in to the shop.",
    ),
    (GrantRefused(401, detail="", reason="application"), "not signed in"),
    (GrantRefused(503, code="sts-unavailable", id="7"), "right now"),
    (GrantRefused(502, code="sts-refused", id="7"), "The cloud refuses"),
    (GrantRefused(500, id="7"), "refused the request"),
    (GrantRefused(404, code="not-stored", id="7"), "not stored any more"),
    (ZeroDivisionError("x"), "went wrong"),
]


@pytest.mark.parametrize(("error", "words"), ERRORS)
def test_each_error_is_explained(error, words):
    explanation = explain(error, origin=APP)

    assert words in explanation.sentence
    assert explanation.next_step.endswith(".")
    if getattr(error, "request_id", ""):  # for support
        assert "R1" in explanation.detail[-1]


def test_a_built_in_check_says_itself_what_to_do():
    error = FileRejected("json", "The file ends too early. Export it again.", is_built_in=True)

    explanation = explain(error, origin="")

    assert (explanation.sentence, explanation.next_step) == (
        "The file ends too early. Export it again.",
        "",
    )


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("3 items were returned", "3 items were returned."),
        ("returned (all of them) ", "returned (all of them)."),
        ("Returned?", "Returned?"),
        ("He said “no.”", "He said “no.”"),
        ("已退回。", "已退回。"),
        ("هل أعيد؟", "هل أعيد؟"),
        ("", ""),
    ],
)
def test_a_reason_ends_before_the_next_sentence(reason, shown):
    explanation = explain(FileRejected("own", reason), origin="")

    assert explanation.sentence == shown


def test_a_reason_ends_in_the_way_of_the_language():
    language.set("ja")
    try:
        assert ended("行が空です") == "行が空です。"
    finally:
        language.set("en")


@pytest.mark.parametrize(
    ("error", "origins", "words", "first_detail"),
    [
        (refused("NoSuchBucket", 404), ["https://f.example"], "not bound to the", "f.example"),
        (refused("NoSuchBucket", 404), [], "The bucket does not exist.", "NoSuchBucket"),
        (Lost(Lost.CORS), ["https://f.example"], "not bound to the bucket", "f.example"),
    ],
    ids=["custom domain", "endpoint", "no CORS rule"],
)
def test_an_unknown_custom_domain_may_not_be_bound_to_the_bucket(
    error, origins, words, first_detail
):
    bucket = Bucket("bucket", "cn-hangzhou", "https://oss.example", origins=origins)
    error.request = sign(list_parts("k", "U"), Credentials("I", "S", ""), bucket, at_s=0.0)

    explanation = explain(error, origin=APP)

    assert words in explanation.sentence
    assert explanation.detail[0] == first_detail
    assert (APP in explanation.to_copy) == isinstance(error, Lost)


@pytest.mark.parametrize("code", ["PublicEndpointForbidden", "NonStandardHostForbidden"])
def test_where_a_custom_domain_is_missing_it_is_told_once_what_to_read(code):
    explanation = explain(Refused(code, 403), origin="")

    assert "docs/custom-domain.md" in explanation.next_step
    assert explanation.notice


def test_a_missing_cors_rule_is_told_once_with_the_rule_to_copy():
    explanation = explain(Lost(Lost.CORS), origin=APP)

    assert explanation.notice == "cors"
    assert explain(FileUnreadable("x"), origin="").notice == ""
    assert f"source {APP}" in explanation.next_step
    assert f"AllowedOrigin: {APP}" in explanation.to_copy
    for name in HEADERS_READ:
        assert name in explanation.next_step
        assert name in explanation.to_copy


@pytest.mark.parametrize(
    ("quota", "sentence", "way_out"),
    [
        (
            {"limit": "bytes_total", "used": 2_000_000, "allowed": 1_000_000, "frees_at": None},
            "Your quota is used up: 2.0\u00a0MB of 1.0\u00a0MB.",
            "Delete uploads",
        ),
        (
            {"limit": "objects_day", "used": 20, "allowed": 20, "frees_at": "2026-11-26T00:00:00Z"},
            "Today's quota is used up: 20 of 20 files.",
            "It is renewed on",
        ),
    ],
)
def test_a_quota_that_is_used_up_is_told_with_figures_and_a_way_out(quota, sentence, way_out):
    explanation = explain(GrantRefused(429, code="quota-exceeded", quota=quota), origin="")

    assert explanation.sentence == sentence
    assert explanation.next_step.startswith(way_out)


def test_hidden_header_is_named():
    error = Corrupt("ETag", expected="ETag", actual=NO_HEADER)

    assert "expose the header ETag" in explain(error, origin="").next_step


def test_the_fine_grained_code_is_evidence_too():
    error = Refused("AccessDenied", 403, request_id="R1", ec="0003-00000001")

    assert explain(error, origin="").detail == ["AccessDenied", "EC 0003-00000001", "request R1"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            GrantRefused(0, detail="TypeError: Failed to fetch"),
            "the server gave no usable answer: TypeError: Failed to fetch",
        ),
        (
            GrantRefused(401, code="not-identified", detail="Sign in.", id="7"),
            "the server answered 401 not-identified: Sign in. (id 7)",
        ),
        (GrantRefused(503), "the server answered 503"),
    ],
)
def test_the_text_of_a_refusal_is_a_sentence_for_programs_that_print_it(error, sentence):
    assert str(error) == sentence
