"""Settings of a bucket: ACL, CORS, lifecycle, Block Public Access, hotlink protection, versioning
and tags.

While Block Public Access is on, the mock refuses requests that set a public ACL, and ignores public
ACLs that exist. The vendor does not document the error codes for bucket tags that are not valid;
the mock uses the codes for object tags. Sources: vendor pages of the operations.
"""

import json
import re
from typing import Any

from mock_oss.access.authorization import authorize
from mock_oss.access.referer import RefererRules, parse_referer, render_referer
from mock_oss.errors import RefusedError
from mock_oss.http.cors import parse_cors, render_cors
from mock_oss.http.documents import malformed_xml
from mock_oss.http.request import one_of
from mock_oss.http.response import Response, document_response, xml_response
from mock_oss.operations.buckets import put_bucket
from mock_oss.operations.common import acl_document, tagging, tags_in
from mock_oss.operations.object_headers import check_tags
from mock_oss.service import MAX_XML_BYTES, Call
from mock_oss.world.lifecycle import parse_lifecycle
from mock_oss.world.model import BUCKET_ACLS, VERSIONING

MAX_CORS_BYTES = 16 << 10
MAX_TAGS = 20
MAX_KEY_BYTES = 64
MAX_VALUE_BYTES = 128
RESERVED = ("http://", "https://", "aliyun", "acs")
"""Beginnings of tag keys that OSS refuses, in any case."""
_CAPITAL_BOOLEAN = re.compile(r"(?<=<ExpiredObjectDeleteMarker>)(True|False)(?=<)")
"""The SDK `oss2` sends True and False, but reads only true and false."""


def _changed(call: Call, status: int = 200, **changes: Any) -> Response:
    """Change fields of the bucket, and return an empty response."""
    call.store.buckets.put(call.bucket._replace(**changes))
    return Response(status)


def _document(call: Call, stored: str, error: str) -> Response:
    """Return a stored document, or raise RefusedError for empty text."""
    if not stored:
        raise RefusedError(error, BucketName=call.bucket.name)
    return document_response(stored.encode())


async def put_acl(call: Call) -> Response:
    """Set the bucket's ACL to the value of the header `x-oss-acl`.

    If the bucket does not exist, create it with this ACL, as OSS does.
    """
    acl = one_of("x-oss-acl", call.header("x-oss-acl") or "", BUCKET_ACLS)
    if call.bucket_or_none is None:
        authorize(call, "oss:PutBucket")
        return await put_bucket(call)
    call.store.buckets.put(call.bucket._replace(acl=acl))
    return Response(200, [("Location", f"/{call.bucket.name}")])


async def get_acl(call: Call) -> Response:
    """Return the bucket's ACL."""
    return xml_response("AccessControlPolicy", acl_document(call.bucket, call.bucket.acl))


async def put_cors(call: Call) -> Response:
    """Replace the bucket's CORS rules with the rules in the request body."""
    configuration = parse_cors(await call.body.read(MAX_CORS_BYTES))
    return _changed(call, cors=render_cors(configuration).decode())


async def get_cors(call: Call) -> Response:
    """Return the bucket's CORS rules as a `CORSConfiguration` document.

    Raises:
        RefusedError: NoSuchCORSConfiguration if the bucket has no CORS rules.
    """
    return _document(call, call.bucket.cors, "NoSuchCORSConfiguration")


async def delete_cors(call: Call) -> Response:
    """Delete the CORS rules of the bucket."""
    return _changed(call, 204, cors="")


async def put_lifecycle(call: Call) -> Response:
    """Replace the bucket's lifecycle rules with the document in the request body.

    The document is stored as it was sent, except that the values True and False of
    `ExpiredObjectDeleteMarker` become lower case.

    Raises:
        RefusedError: MalformedXML or InvalidArgument if the document is not valid.
    """
    body = await call.body.read(MAX_XML_BYTES)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise malformed_xml(f"not UTF-8: {e.reason}") from e
    parse_lifecycle(text.encode())
    text = _CAPITAL_BOOLEAN.sub(lambda match: match[0].lower(), text)
    return _changed(call, lifecycle=text)


async def get_lifecycle(call: Call) -> Response:
    """Return the lifecycle document of the bucket, as `put_lifecycle` stored it.

    Raises:
        RefusedError: NoSuchLifecycle if the bucket has no lifecycle rules.
    """
    return _document(call, call.bucket.lifecycle, "NoSuchLifecycle")


async def delete_lifecycle(call: Call) -> Response:
    """Delete the lifecycle rules of the bucket."""
    return _changed(call, 204, lifecycle="")


async def put_block(call: Call) -> Response:
    """Switch Block Public Access of the bucket on or off, according to the request body."""
    root = await call.read_xml("PublicAccessBlockConfiguration")
    return _changed(call, block_public=root.flag("BlockPublicAccess"))


async def get_block(call: Call) -> Response:
    """Return whether Block Public Access of the bucket is on."""
    state = {"BlockPublicAccess": call.bucket.block_public}
    return xml_response("PublicAccessBlockConfiguration", state)


async def delete_block(call: Call) -> Response:
    """Switch Block Public Access of the bucket off."""
    return _changed(call, 204, block_public=False)


async def put_referer(call: Call) -> Response:
    """Replace the bucket's hotlink protection with the rules in the request body.

    The rules say which Referer headers are allowed.
    """
    rules = parse_referer(await call.body.read(MAX_XML_BYTES))
    return _changed(call, referer=render_referer(rules).decode())


async def get_referer(call: Call) -> Response:
    """Return the hotlink protection of the bucket, as a RefererConfiguration document.

    If the bucket has no hotlink protection, the document allows every Referer.
    """
    return document_response(call.bucket.referer.encode() or render_referer(RefererRules()))


async def put_versioning(call: Call) -> Response:
    """Enable or suspend the bucket's versioning, according to the request body.

    Versioning that has been enabled can be suspended, but not removed.
    """
    root = await call.read_xml("VersioningConfiguration")
    status = root.value("Status") or ""
    if status not in VERSIONING:
        raise malformed_xml(f"Status is {status!r}")
    return _changed(call, versioning=status)


async def get_versioning(call: Call) -> Response:
    """Return the versioning status of the bucket.

    The response contains no status if versioning has never been enabled.
    """
    return xml_response("VersioningConfiguration", {"Status": call.bucket.versioning or None})


async def put_tags(call: Call) -> Response:
    """Replace all tags of the bucket with the tags in the request body."""
    tags = check_tags(
        await tags_in(call, MAX_XML_BYTES),
        "Bucket",
        most=MAX_TAGS,
        is_name=_is_tag_key,
        is_value=lambda text: len(text.encode()) <= MAX_VALUE_BYTES,
    )
    return _changed(call, tagging=json.dumps(tags))


def _is_tag_key(text: str) -> bool:
    return 1 <= len(text.encode()) <= MAX_KEY_BYTES and not text.lower().startswith(RESERVED)


async def get_tags(call: Call) -> Response:
    """Return the tags of the bucket; the document has no tags if the bucket has none."""
    return xml_response("Tagging", tagging(call.bucket.tags) if call.bucket.tags else {})


async def delete_tags(call: Call) -> Response:
    """Delete the bucket's tags whose keys are in the parameter `tagging`, separated by commas.

    If the parameter is empty, delete all tags of the bucket.
    """
    names = [name for name in call.param("tagging").split(",") if name]
    kept = {name: value for name, value in call.bucket.tags.items() if names and name not in names}
    return _changed(call, 204, tagging=json.dumps(kept))
