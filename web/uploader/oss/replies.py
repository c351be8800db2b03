"""Replies of OSS: what was stored, or the error that explains why not.

Text from the network is untrusted: it is read up to a limit, and only with plain searches.
"""

import binascii

from uploader.oss.errors import Corrupt, OSSError, Refused
from uploader.oss.times import from_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Reply",
    "Stored",
    "StoredPart",
    "read_aborted",
    "read_completed",
    "read_error",
    "read_parts",
    "read_stored",
    "read_upload_id",
]

MAX_ERROR_CHARS = 65536
NO_HEADER = "(no header)"


class Reply:
    """One HTTP answer. `header(name)` gives a header's value, `""` if absent or not exposed."""

    def __init__(self, status: int, header: "Callable[[str], str]", text: str = "") -> None:
        self.status = status
        self.header = header
        self.text = text


class Stored:
    """What OSS says it stored: quoted ETag, CRC-64 as decimal text, request id."""

    def __init__(self, etag: str, crc64: str, request_id: str) -> None:
        self.etag = etag
        self.crc64 = crc64
        self.request_id = request_id


def read_stored(reply: Reply) -> Stored:
    """Read the answer to PutObject or UploadPart.

    Raises:
        Refused: OSS said no.
        Corrupt: a success without ETag or CRC-64: not OSS, or its CORS rule hides them.
    """
    if reply.status != 200:
        raise read_error(reply)
    request_id = reply.header("x-oss-request-id")
    for name in ("ETag", "x-oss-hash-crc64ecma"):
        if not reply.header(name):
            raise Corrupt(name, expected=name, actual=NO_HEADER, request_id=request_id)
    return Stored(reply.header("ETag"), reply.header("x-oss-hash-crc64ecma"), request_id)


class StoredPart:
    """A part as ListParts shows it: number, quoted ETag, size in bytes, CRC-64 or empty."""

    def __init__(self, number: int, etag: str, size: int, crc64: str) -> None:
        self.number = number
        self.etag = etag
        self.size = size
        self.crc64 = crc64


def read_upload_id(reply: Reply) -> str:
    """Read the answer to InitiateMultipartUpload.

    Raises:
        Refused: OSS said no.
        Corrupt: a success without upload id.
    """
    if reply.status != 200:
        raise read_error(reply)
    upload_id = element(reply.text[:MAX_ERROR_CHARS], "UploadId")
    if not upload_id:
        raise Corrupt("UploadId", expected="UploadId", actual="(none)")
    return upload_id


def read_completed(reply: Reply) -> Stored:
    """Read the answer to CompleteMultipartUpload: a 200 may still carry an error document.

    Raises:
        Refused: OSS said no, perhaps with status 200.
        Corrupt: a success without proof.
    """
    if element(reply.text[:MAX_ERROR_CHARS], "Code"):
        raise read_error(reply)
    return read_stored(reply)


def read_parts(reply: Reply) -> "tuple[list[StoredPart], int]":
    """Read the answer to ListParts: the parts, and the number to go on after; 0 at the end.

    Raises:
        Refused: OSS said no.
        Corrupt: the list is cut off, or is no list.
    """
    if reply.status != 200:
        raise read_error(reply)
    if "</ListPartsResult>" not in reply.text:
        raise Corrupt("ListParts", expected="a whole list", actual=reply.text[-40:])
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
        raise Corrupt("ListParts", expected="numbers", actual="something else")
    return parts, after


def read_aborted(reply: Reply) -> None:
    """Read the answer to AbortMultipartUpload; an upload that is gone already is fine.

    Raises:
        Refused: OSS said no.
    """
    if reply.status == 204:
        return
    error = read_error(reply)
    if not isinstance(error, Refused) or error.code != "NoSuchUpload":
        raise error


def read_error(reply: Reply) -> OSSError:
    """Return the error that a reply stands for.

    A reply without an OSS error document gets the code `UnexpectedAnswer`: a proxy or a login page
    of the network answered in its place.
    """
    text = reply.text
    hidden = reply.header("x-oss-err")
    if hidden and not text:
        text = _base64_text(hidden)
    text = text[:MAX_ERROR_CHARS]
    return Refused(
        element(text, "Code") or "UnexpectedAnswer",
        reply.status,
        message=element(text, "Message"),
        request_id=element(text, "RequestId") or reply.header("x-oss-request-id"),
        ec=element(text, "EC") or reply.header("x-oss-ec"),
        server_time_s=_time(element(text, "ServerTime")),
        retry_after_s=_seconds(reply.header("Retry-After")),
    )


def element(xml: str, name: str) -> str:
    """Return the text of the first `<name>` in `xml`, entities resolved; empty if there is none."""
    _, opened, rest = xml.partition(f"<{name}>")
    text, closed, _ = rest.partition(f"</{name}>")
    if not opened or not closed or "<" in text:
        return ""
    for entity, char in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("amp", "&")):
        text = text.replace(f"&{entity};", char)
    return text.strip()


def _time(text: str) -> "float | None":
    try:
        return from_iso(text)
    except ValueError:
        return None


def _seconds(text: str) -> "float | None":
    """Read a Retry-After in seconds; one with a date is left to our own judgement."""
    return float(text) if text.isdigit() else None


def _base64_text(value: str) -> str:
    try:
        return binascii.a2b_base64(value.encode()).decode()
    except (ValueError, UnicodeError):
        return ""
