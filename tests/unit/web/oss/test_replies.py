"""Responses of OSS, and responses that are not from OSS."""

import binascii

import pytest

from ossferry_uploader.oss.errors import SET_CLOCK, Corrupt, Refused
from ossferry_uploader.oss.replies import (
    HEADERS_READ,
    Reply,
    element,
    read_aborted,
    read_completed,
    read_error,
    read_parts,
    read_stored,
    read_upload_id,
)
from ossferry_uploader.transfer.pacing.retry import is_transient

DENIED = """<?xml version="1.0" encoding="UTF-8"?>\r
<Error>\r
  <Code>AccessDenied</Code>\r
  <Message>Access denied by authorizer&apos;s policy.</Message>\r
  <RequestId>5C3D9175B6FC201293AD0001</RequestId>\r
  <EC>0003-00000001</EC>\r
</Error>"""


def reply(status, headers=(), text=""):
    known = {name.lower(): value for name, value in headers}
    return Reply(status, lambda name: known.get(name.lower(), ""), text)


def test_success_carries_the_proof():
    stored = read_stored(
        reply(200, [("ETag", '"AB"'), ("x-oss-hash-crc64ecma", "7"), ("x-oss-request-id", "R")])
    )

    assert (stored.etag, stored.crc64, stored.request_id) == ('"AB"', "7", "R")


PAGES = ["<html>Log in</html>", "<!DOCTYPE html>\n<title>Log in</title>", "Please log in"]


@pytest.mark.parametrize("text", PAGES)
@pytest.mark.parametrize("read", [read_stored, read_completed, read_upload_id, read_parts])
def test_a_page_in_place_of_an_answer_may_be_asked_again(read, text):
    with pytest.raises(Refused, match="UnexpectedAnswer") as caught:
        read(reply(200, [("ETag", '"of the page"')], text))

    assert is_transient(caught.value)


def test_error_document_is_read():
    error = read_error(reply(403, (), DENIED))

    assert (error.code, error.status, error.request_id, error.ec) == (
        "AccessDenied",
        403,
        "5C3D9175B6FC201293AD0001",
        "0003-00000001",
    )
    assert error.message == "Access denied by authorizer's policy."
    assert not is_transient(error)


def test_error_of_a_head_request_is_read_from_its_header():
    hidden = binascii.b2a_base64(DENIED.encode()).decode().strip()

    assert read_error(reply(403, [("x-oss-err", hidden)])).code == "AccessDenied"


def test_a_broken_header_is_no_document():
    assert read_error(reply(404, [("x-oss-err", "?")])).code == "UnexpectedAnswer"


@pytest.mark.parametrize(
    "text", ["", "<html><body>Log in</body></html>", "<Error><Code>Acc", "<Code><b>x</b></Code>"]
)
def test_an_answer_without_error_document_is_unexpected(text):
    assert read_error(reply(502, (), text)).code == "UnexpectedAnswer"


@pytest.mark.parametrize(
    ("time", "repair"), [("2026-03-14T09:26:53.000Z", SET_CLOCK), ("tomorrow", "")]
)
def test_a_skewed_clock_can_be_set_when_oss_tells_the_time(time, repair):
    text = f"<Error><Code>RequestTimeTooSkewed</Code><ServerTime>{time}</ServerTime></Error>"

    assert read_error(reply(403, (), text)).repair == repair


@pytest.mark.parametrize(
    ("text", "after_s", "at_s"),
    [
        ("20", 20, None),
        ("Sat, 14 Mar 2026 09:26:53 GMT", None, 1773480413),
        ("Thu, 29 Feb 2024 23:59:59 GMT", None, 1709251199),
        ("tomorrow", None, None),
        ("inf", None, None),
        ("-1", None, None),
        ("1.5", None, None),
        ("Sat, 14 Foo 2026 09:26:53 GMT", None, None),
        ("Sat, x Mar 2026 09:26:53 GMT", None, None),
        ("\u00b2", None, None),
        ("", None, None),
    ],
)
def test_how_long_to_wait_is_read_as_seconds_or_as_a_date(text, after_s, at_s):
    error = read_error(reply(503, [("Retry-After", text)]))

    assert (error.retry_after_s, error.retry_at_s) == (after_s, at_s)


LIST = (
    "<ListPartsResult><UploadId>U</UploadId><NextPartNumberMarker>2</NextPartNumberMarker>"
    "<IsTruncated>{more}</IsTruncated>"
    '<Part><PartNumber>1</PartNumber><ETag>"A"</ETag><Size>5000000000</Size></Part>'
    "<Part><PartNumber>2</PartNumber><ETag>&quot;B&quot;</ETag>"
    "<HashCrc64ecma>7</HashCrc64ecma><Size>2</Size></Part></ListPartsResult>"
)


@pytest.mark.parametrize(("more", "after"), [("true", 2), ("false", 0)])
def test_parts_are_listed_page_by_page(more, after):
    parts, next_after = read_parts(reply(200, (), LIST.replace("{more}", more)))

    assert [(part.number, part.etag, part.size, part.crc64) for part in parts] == [
        (1, '"A"', 5000000000, ""),
        (2, '"B"', 2, "7"),
    ]
    assert next_after == after


@pytest.mark.parametrize(
    "text",
    [LIST[:120], "<html></html>", LIST.replace("<Size>2", "<Size>two").replace("{more}", "false")],
    ids=["cut off", "no list", "no number"],
)
def test_a_broken_list_of_parts_is_not_believed(text):
    with pytest.raises(Refused, match="ListParts"):
        read_parts(reply(200, (), text))


def test_a_list_of_parts_that_gives_the_same_page_again_is_not_believed():
    page = reply(200, (), LIST.replace("{more}", "true"))

    assert read_parts(page, 1)[1] == 2
    with pytest.raises(Refused, match="ListParts"):
        read_parts(page, 2)


def test_of_an_endless_error_the_beginning_is_read():
    text = f"<Error><Code>AccessDenied</Code><Message>{'x' * 10**6}</Message></Error>"

    error = read_error(reply(403, (), text))

    assert (error.code, error.message) == ("AccessDenied", "")


def test_an_upload_id_is_read_or_missed():
    text = "<InitiateMultipartUploadResult><UploadId>U1</UploadId></InitiateMultipartUploadResult>"
    assert read_upload_id(reply(200, (), text)) == "U1"

    with pytest.raises(Refused, match="UploadId"):
        read_upload_id(reply(200, (), "<html>Log in</html>"))


def test_a_complete_with_status_200_and_an_error_is_an_error():
    headers = [("ETag", '"A-2"'), ("x-oss-hash-crc64ecma", "7")]
    with pytest.raises(Refused, match="InternalError"):
        read_completed(reply(200, headers, "<Error><Code>InternalError</Code></Error>"))

    assert read_completed(reply(200, headers, "<CompleteMultipartUploadResult/>")).crc64 == "7"


FAILED_CALL = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>CallbackFailed</Code><Message>Cost too long time.</Message></Error>"""


@pytest.mark.parametrize("read", [read_stored, read_completed])
@pytest.mark.parametrize(
    ("status", "text"),
    [(200, '{"key": "a<Code>b</Code>.txt"}'), (200, "{}"), (203, FAILED_CALL)],
    ids=["key that looks like an error", "json", "callback failed"],
)
def test_an_upload_with_a_callback_is_proved_by_the_headers(read, status, text):
    headers = [("ETag", '"AB"'), ("x-oss-hash-crc64ecma", "7")]

    assert read(reply(status, headers, text)).crc64 == "7"
    with pytest.raises(Corrupt):
        read(reply(status, [("ETag", '"AB"')], text))


def test_a_status_203_of_a_proxy_is_no_answer_of_oss():
    with pytest.raises(Refused, match="UnexpectedAnswer"):
        read_stored(reply(203, [("ETag", '"AB"'), ("x-oss-hash-crc64ecma", "7")], ""))


def test_an_abort_of_what_is_gone_is_fine():
    read_aborted(reply(204))
    read_aborted(reply(404, (), "<Error><Code>NoSuchUpload</Code></Error>"))

    with pytest.raises(Refused, match="AccessDenied"):
        read_aborted(reply(403, (), DENIED))


def test_every_header_that_is_read_is_listed_for_the_cors_rule():
    asked = set()

    def note(name):
        asked.add(name)
        return "1"

    for read in (read_stored, read_completed, read_aborted):
        read(Reply(204 if read is read_aborted else 200, note, ""))
    read_error(Reply(503, note, ""))

    assert asked == set(HEADERS_READ)


def test_a_missing_value_is_named_with_the_id_of_the_request():
    named = [("x-oss-request-id", "R1")]

    with pytest.raises(Refused) as page:
        read_stored(reply(200, named, "<html></html>"))
    with pytest.raises(Corrupt) as hidden:
        read_stored(reply(200, named))

    assert (page.value.message, page.value.request_id) == ("no ETag", "R1")
    proof = hidden.value
    assert (proof.what, proof.expected, proof.actual) == ("ETag", "ETag", "(no header)")
    assert (proof.request_id, proof.is_mismatch) == ("R1", False)


def test_the_canonical_request_of_oss_is_read():
    text = "<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>PUT\n/b/k</CanonicalRequest>"

    assert read_error(reply(403, (), text)).canonical_request == "PUT\n/b/k"


def test_an_error_document_is_read_also_if_its_header_is_there():
    other = binascii.b2a_base64(b"<Code>NoSuchKey</Code>").decode().strip()

    assert read_error(reply(403, [("x-oss-err", other)], DENIED)).code == "AccessDenied"


def test_every_entity_is_resolved_once_and_the_first_element_is_read():
    assert element("<A>&amp;lt;&lt;&gt;&quot;&apos;</A><A>b</A>", "A") == "&lt;<>\"'"


@pytest.mark.parametrize(
    ("text", "is_page"),
    [
        ("", False),
        ("  {", False),
        ('<?xml version="1.0"?><Result/>', False),
        (" " * 199 + "{", False),
        ("<CompleteMultipartUploadResult>", False),
        ("<a>" + "x" * 179 + "<CompleteMultipart", False),
        ("<a>" + "x" * 180 + "<CompleteMultipart", True),
        ("<?XML", True),
        ("<completemultipart", True),
    ],
)
def test_a_body_of_oss_is_empty_xml_or_json(text, is_page):
    with pytest.raises(Refused if is_page else Corrupt):
        read_stored(reply(200, (), text))


@pytest.mark.parametrize(("before", "code"), [(65536 - 14, "A"), (65536 - 13, "UnexpectedAnswer")])
def test_the_first_65536_characters_of_an_error_are_read(before, code):
    text = "x" * before + "<Code>A</Code>"

    assert read_error(reply(403, (), text)).code == code


def test_what_is_missing_is_named_exactly():
    with pytest.raises(Corrupt) as hidden:
        read_stored(reply(200, [("ETag", '"A"')]))
    with pytest.raises(Refused) as no_id:
        read_upload_id(reply(200, (), "{}"))
    with pytest.raises(Refused) as no_list:
        read_parts(reply(200, (), "{}"))

    assert hidden.value.what == hidden.value.expected == "x-oss-hash-crc64ecma"
    assert no_id.value.message == "no UploadId"
    assert no_list.value.message == "no ListParts"


def test_the_first_page_of_parts_may_end_with_part_1():
    page = LIST.replace("{more}", "true").replace("Marker>2<", "Marker>1<")

    assert read_parts(reply(200, (), page))[1] == 1
