"""Every error has a sentence, a next step and, if available, its evidence."""

import pytest

from ossferry_uploader.oss.errors import Corrupt, Lost, Refused
from ossferry_uploader.oss.replies import HEADERS_READ, NO_HEADER
from ossferry_uploader.oss.requests import Bucket, Signer, list_parts
from ossferry_uploader.oss.signing import Credentials
from ossferry_uploader.transfer.errors import (
    BadOptions,
    CannotEncrypt,
    CheckFailed,
    FileRejected,
    FileTooLarge,
    FileUnreadable,
    GrantRefused,
    NoForm,
    PartsLeft,
    QuotaExceeded,
    TooManyFiles,
    WrongType,
)
from support.english import speak_english
from upload_page.view.words.messages import explain
from upload_page.view.words.text import ended, language

speak_english()

ERRORS = [
    (FileRejected("columns", "A column is missing.", line=7), "Line 7: A column is missing."),
    (CheckFailed("columns", "KeyError"), "did not work"),
    (Lost(Lost.UNREACHABLE), "cannot be reached"),
    (Lost(Lost.INTERRUPTED), "connection broke"),
    (Lost(Lost.STALLED), "No data was transferred"),
    (Lost(Lost.CORS), "CORS rule is missing"),
    (Refused("AccessDenied", 403, request_id="R1"), "may not write there"),
    (Refused("RequestTimeTooSkewed", 403, request_id="R1"), "time of this request"),
    (Refused("SecurityTokenExpired", 403, request_id="R1"), "permission of this page"),
    (Refused("SignatureDoesNotMatch", 403, request_id="R1"), "signature"),
    (Refused("NoSuchBucket", 404, request_id="R1"), "does not exist"),
    (Refused("UserDisable", 403, request_id="R1"), "switched off"),
    (Refused("InternalError", 500, request_id="R1"), "busy or has a fault"),
    (Refused("UnexpectedAnswer", 200, request_id="R1"), "Something else answered"),
    (Refused("EntityTooLarge", 400, request_id="R1"), "larger than the storage service accepts"),
    (Refused("FileAlreadyExists", 409, request_id="R1"), "already stored"),
    (Refused("FileImmutable", 409, request_id="R1"), "retention"),
    (Refused("InvalidObjectName", 400, request_id="R1"), "name of this file"),
    (Refused("NoSuchUpload", 404, request_id="R1"), "no longer has the uploaded parts"),
    (Refused("KmsServiceNotEnabled", 403, request_id="R1"), "encryption is not set up"),
    (Refused("CallbackFailed", 203, request_id="R1"), "did not answer"),
    (Refused("PermanentRedirect", 403, request_id="R1"), "another region"),
    (
        Refused(
            "AccessDenied",
            403,
            message="The bucket must be addressed using the specified endpoint.",
            request_id="R1",
        ),
        "another region",
    ),
    (Refused("PublicEndpointForbidden", 400, request_id="R1"), "has to use a custom domain"),
    (Refused("SecondLevelDomainForbidden", 403, request_id="R1"), "this form of address"),
    (Refused("NonStandardHostForbidden", 403, request_id="R1"), "not bound to the bucket"),
    (Refused("NoSuchCname", 404, request_id="R1"), "not bound to the bucket"),
    (Refused("QpsLimitExceeded", 503, request_id="R1"), "busy or has a fault"),
    (Refused("InvalidArgument", 400, request_id="R1"), "refused this file"),
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
    (WrongType(["image/*", ".csv"]), "only images, .csv."),
    (TooManyFiles(100), "up to 100 can wait"),
    (TooManyFiles(5, is_total=True), "up to 5 here"),
    (BadOptions("folder has 300 bytes"), "not set up correctly"),
    (NoForm("a form cannot carry tags"), "cannot carry this upload"),
    (CannotEncrypt("The page is not from https."), "nothing was sent"),
    (GrantRefused(200, detail="the grant is malformed"), "Something else answered"),
    (GrantRefused(200, code="other-place"), "Something else answered"),
    (GrantRefused(200, code="other-person"), "Somebody else has signed in"),
    (GrantRefused(0), "does not answer"),
    (GrantRefused(401, id="7"), "not signed in"),
    (GrantRefused(403, id="7"), "may not upload"),
    (
        GrantRefused(
            403, code="closed", id="7", detail="The course is closed.", reason="application"
        ),
        "The course is closed.",
    ),
    (
        GrantRefused(401, id="7", detail="Sign in to the shop.", reason="application"),
        "Sign in to the shop.",
    ),
    (GrantRefused(401, id="7", detail="", reason="application"), "not signed in"),
    (GrantRefused(503, code="sts-unavailable", id="7"), "right now"),
    (GrantRefused(502, code="sts-refused", id="7"), "The cloud refuses"),
    (GrantRefused(500, id="7"), "refused the request"),
    (GrantRefused(404, code="not-stored", id="7"), "not stored any more"),
    (ZeroDivisionError("x"), "went wrong"),
]


@pytest.mark.parametrize(("error", "words"), ERRORS)
def test_each_error_is_explained(error, words):
    told = explain(error, origin="https://app.example")

    assert words in told.sentence
    assert told.next_step.endswith(".")


def test_a_built_in_check_says_itself_what_to_do():
    error = FileRejected("json", "The file ends too early. Export it again.", is_built_in=True)

    told = explain(error, origin="")

    assert (told.sentence, told.next_step) == ("The file ends too early. Export it again.", "")


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
    told = explain(FileRejected("own", reason), origin="")

    assert told.sentence == shown


def test_the_reason_of_the_application_ends_too():
    error = GrantRefused(403, id="7", detail="The course is closed", reason="application")

    assert explain(error, origin="").sentence == "The course is closed."


def test_a_reason_ends_in_the_way_of_the_language():
    language.set("ja")
    try:
        assert ended("行が空です") == "行が空です。"
    finally:
        language.set("en")


@pytest.mark.parametrize(
    "error", [error for error, _ in ERRORS if getattr(error, "request_id", "")]
)
def test_the_request_id_is_shown_for_support(error):
    assert "R1" in explain(error, origin="").detail[-1]


@pytest.mark.parametrize(
    ("origins", "words", "first_detail"),
    [
        (["https://files.example.com"], "not bound to the bucket", "files.example.com"),
        ([], "The bucket does not exist.", "NoSuchBucket"),
    ],
    ids=["custom domain", "endpoint"],
)
def test_a_missing_bucket_at_a_custom_domain_is_a_domain_that_is_not_bound(
    origins, words, first_detail
):
    bucket = Bucket("bucket", "cn-hangzhou", "https://oss.example", origins=origins)
    error = Refused("NoSuchBucket", 404, request_id="R1")
    error.request = Signer(Credentials("I", "S", ""), bucket, 0.0).sign(list_parts("k", "U"))

    told = explain(error, origin="")

    assert words in told.sentence
    assert told.detail[0] == first_detail


def test_a_custom_domain_without_a_cors_rule_may_not_be_bound():
    bucket = Bucket("bucket", "cn-hangzhou", "https://oss.example", origins=["https://f.example"])
    error = Lost(Lost.CORS)
    error.request = Signer(Credentials("I", "S", ""), bucket, 0.0).sign(list_parts("k", "U"))

    told = explain(error, origin="https://app.example")

    assert "not bound to the bucket" in told.sentence
    assert told.detail == ["f.example"]
    assert "https://app.example" in told.to_copy


@pytest.mark.parametrize("code", ["PublicEndpointForbidden", "NonStandardHostForbidden"])
def test_where_a_custom_domain_is_missing_it_is_told_once_what_to_read(code):
    told = explain(Refused(code, 403), origin="")

    assert "docs/custom-domain.md" in told.next_step
    assert told.notice


def test_missing_cors_rule_is_told_with_what_to_add():
    told = explain(Lost(Lost.CORS), origin="https://app.example")

    assert "source https://app.example" in told.next_step
    for name in HEADERS_READ:
        assert name in told.next_step
        assert name in told.to_copy


@pytest.mark.parametrize(
    ("quota", "sentence", "way_out"),
    [
        (
            {"limit": "bytes_total", "used": 2_000_000, "allowed": 1_000_000, "frees_at": None},
            "Your quota is used up: 2.0\u00a0MB of 1.0\u00a0MB.",
            "Delete uploads",
        ),
        (
            {
                "limit": "objects_day",
                "used": 20,
                "allowed": 20,
                "frees_at": "2026-11-26T00:00:00Z",
            },
            "Today's quota is used up: 20 of 20 files.",
            "It is renewed on",
        ),
    ],
)
def test_a_quota_that_is_used_up_is_told_with_figures_and_a_way_out(quota, sentence, way_out):
    told = explain(GrantRefused(429, code="quota-exceeded", quota=quota), origin="")

    assert told.sentence == sentence
    assert told.next_step.startswith(way_out)


def test_hidden_header_is_named():
    error = Corrupt("ETag", expected="ETag", actual=NO_HEADER)

    assert "expose the header ETag" in explain(error, origin="").next_step


def test_what_concerns_all_files_is_told_once_and_with_something_to_copy():
    told = explain(Lost(Lost.CORS), origin="https://app.example")

    assert told.notice == "cors"
    assert "AllowedOrigin: https://app.example" in told.to_copy
    assert explain(FileUnreadable("x"), origin="").notice == ""


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
