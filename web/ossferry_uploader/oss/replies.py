"""Convert OSS's HTTP replies into values and errors.

Text from the network is untrusted. This module reads it with string searches instead of an XML
parser, and reads only the first `MAX_ERROR_CHARS` characters of an error document.
"""

import binascii

from ossferry_uploader.oss.errors import UNEXPECTED, Corrupt, OSSError, Refused
from ossferry_uploader.oss.times import from_http, from_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ERROR_CHARS = 65536
NO_HEADER = "(no header)"
CALLBACK_FAILED = "CallbackFailed"  # OSS has stored the object, but could not call the server
HEADERS_READ = (  # the bucket's CORS rule must expose these
    "ETag",
    "Retry-After",
    "x-oss-ec",
    "x-oss-err",
    "x-oss-hash-crc64ecma",
    "x-oss-request-id",
)


class Reply:
    """One HTTP reply: the status, the headers and the body as text.

    `header(name)` returns the value of a header. The value is empty if the header is missing, or if
    the bucket's CORS rule hides it.
    """

    def __init__(self, status: int, header: "Callable[[str], str]", text: str) -> None:
        self.status = status
        self.header = header
        self.text = text


class Stored:
    """The values in OSS's reply that prove that an object or part is stored.

    They are the ETag (with its quotes), the CRC-64 as decimal text, and the request id.
    """

    def __init__(self, etag: str, crc64: str, request_id: str) -> None:
        self.etag = etag
        self.crc64 = crc64
        self.request_id = request_id


def read_stored(reply: Reply) -> Stored:
    """Return ETag, CRC-64 and request id from the reply to PutObject, PostObject or UploadPart.

    With an upload callback, the body is that of the called server, or the status is 203 with the
    code `CallbackFailed`. The object is stored in both cases, and the headers are OSS's own.

    Raises:
        Refused: OSS refused the request, or the reply is not from OSS.
        Corrupt: a successful reply has no ETag or CRC-64, for example because the bucket's CORS
            rule hides these headers.
    """
    is_stored = reply.status == 200 or (reply.status == 203 and _code(reply) == CALLBACK_FAILED)
    if not is_stored:
        raise read_error(reply)
    request_id = reply.header("x-oss-request-id")
    etag, crc64 = reply.header("ETag"), reply.header("x-oss-hash-crc64ecma")
    for name, value in (("ETag", etag), ("x-oss-hash-crc64ecma", crc64)):
        if not value:
            if not (crc64 or _may_be_of_oss(reply.text)):
                raise _strange(reply, name)
            raise Corrupt(name, expected=name, actual=NO_HEADER, request_id=request_id)
    return Stored(etag, crc64, request_id)


class StoredPart:
    """A part of a multipart upload, as the reply to ListParts describes it.

    `etag` includes its quotes, `size` is in bytes, and `crc64` is decimal text, or empty if OSS
    sent none.
    """

    def __init__(self, number: int, etag: str, size: int, crc64: str) -> None:
        self.number = number
        self.etag = etag
        self.size = size
        self.crc64 = crc64


def read_upload_id(reply: Reply) -> str:
    """Return the upload id from the reply to InitiateMultipartUpload.

    Raises:
        Refused: OSS refused the request, or the reply has no upload id.
    """
    if reply.status != 200:
        raise read_error(reply)
    upload_id = element(reply.text[:MAX_ERROR_CHARS], "UploadId")
    if not upload_id:
        raise _strange(reply, "UploadId")
    return upload_id


def read_completed(reply: Reply) -> Stored:
    """Return ETag, CRC-64 and request id from the reply to CompleteMultipartUpload.

    OSS may also send an error document with status 200.

    Raises:
        Refused: OSS refused the request (the status may be 200), or the reply is not from OSS.
        Corrupt: a successful reply has no ETag or CRC-64.
    """
    if _code(reply) not in ("", CALLBACK_FAILED):
        raise read_error(reply)
    return read_stored(reply)


def _code(reply: Reply) -> str:
    """Return the code in an error document; empty for other bodies, such as the JSON of a callback.

    The JSON can repeat the key of the object, and a key can contain anything.
    """
    text = reply.text[:MAX_ERROR_CHARS]
    return element(text, "Code") if text.strip()[:1] == "<" else ""


def read_parts(reply: Reply, asked_after: int = 0) -> "tuple[list[StoredPart], int]":
    """Return the parts in the reply to ListParts, and where the next request has to continue.

    Args:
        asked_after: the part number that was the argument `after` of `list_parts` for this request.

    Returns:
        The parts, and the argument `after` of `list_parts` for the next request; 0 if there are no
        more parts.

    Raises:
        Refused: OSS refused the request, or the reply is incomplete or malformed.
    """
    if reply.status != 200:
        raise read_error(reply)
    if "</ListPartsResult>" not in reply.text:
        raise _strange(reply, "ListParts")
    try:
        parts = [
            StoredPart(
                int(element(piece, "PartNumber")),
                element(piece, "ETag"),
                int(element(piece, "Size")),
                element(piece, "HashCrc64ecma"),
            )
            for piece in reply.text.split("<Part>")[1:]
        ]
        more = element(reply.text, "IsTruncated") == "true"
        after = int(element(reply.text, "NextPartNumberMarker")) if more else 0
    except ValueError:
        raise _strange(reply, "ListParts")
    if more and after <= asked_after:
        raise _strange(reply, "ListParts")
    return parts, after


def read_aborted(reply: Reply) -> None:
    """Raise an error unless a reply to AbortMultipartUpload says that the upload is gone.

    The upload is gone if OSS has aborted it now, or if OSS does not know it (`NoSuchUpload`).

    Raises:
        Refused: OSS refused the request, or the reply is not from OSS.
    """
    if reply.status == 204:
        return
    error = read_error(reply)
    if not isinstance(error, Refused) or error.code != "NoSuchUpload":
        raise error


def read_error(reply: Reply) -> OSSError:
    """Return the error that a reply with an error status describes.

    If the reply has no error document of OSS, it comes from a proxy or from a login page of the
    network. The error then has the code `UnexpectedAnswer`.
    """
    text = reply.text
    hidden = reply.header("x-oss-err")
    if hidden and not text:
        text = _base64_text(hidden)
    text = text[:MAX_ERROR_CHARS]
    return Refused(
        element(text, "Code") or UNEXPECTED,
        reply.status,
        message=element(text, "Message"),
        request_id=element(text, "RequestId") or reply.header("x-oss-request-id"),
        ec=element(text, "EC") or reply.header("x-oss-ec"),
        server_time_s=_time(element(text, "ServerTime"), from_iso),
        retry_after_s=_seconds(reply.header("Retry-After")),
        retry_at_s=_time(reply.header("Retry-After"), from_http),
        canonical_request=element(text, "CanonicalRequest"),
    )


def _strange(reply: Reply, missing: str) -> Refused:
    """Return an error for a successful reply that lacks a value which OSS always sends.

    Args:
        missing: the name of the missing value.
    """
    request_id = reply.header("x-oss-request-id")
    return Refused(UNEXPECTED, reply.status, message=f"no {missing}", request_id=request_id)


def _may_be_of_oss(text: str) -> bool:
    """Tell whether the body of a successful reply may come from OSS: it is empty, XML or JSON.

    Headers cannot show whether the reply is from OSS, because a CORS rule may hide the headers. The
    body is never hidden, and a login page or a proxy sends another body.

    Args:
        text: the body of the reply.
    """
    start = text[:200].strip()
    return start[:1] in ("", "{") or start[:5] == "<?xml" or "<CompleteMultipart" in start


def element(xml: str, name: str) -> str:
    """Return the text of the first `<name>` element in an XML text; empty if there is none.

    XML entities such as `&lt;` are decoded.
    """
    _, opened, rest = xml.partition(f"<{name}>")
    text, closed, _ = rest.partition(f"</{name}>")
    if not opened or not closed or "<" in text:
        return ""
    for entity, char in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("amp", "&")):
        text = text.replace(f"&{entity};", char)
    return text.strip()


def _time(text: str, read: "Callable[[str], float]") -> "float | None":
    try:
        return read(text)
    except ValueError:
        return None


def _seconds(text: str) -> "float | None":
    try:
        return float(text) if text.isdigit() else None
    except ValueError:
        return None  # `isdigit` is also true for characters such as ²


def _base64_text(value: str) -> str:
    try:
        return binascii.a2b_base64(value.encode()).decode()
    except Exception:  # MicroPython's `binascii` has no narrower exception
        return ""
