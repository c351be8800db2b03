"""Operations for the tags of buckets.

The vendor does not document the codes of refusals; the mock uses the codes for tags of objects.
Source: vendor pages PutBucketTags, GetBucketTags and DeleteBucketTags.
"""

import json

from mock_oss.errors import RefusedError
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.buckets import MAX_XML_BYTES
from mock_oss.operations.common import tag_set, tags_in
from mock_oss.service import Call

MAX_TAGS = 20
MAX_KEY_BYTES = 64
MAX_VALUE_BYTES = 128
RESERVED = ("http://", "https://", "aliyun", "acs")
"""Beginnings of keys that OSS refuses, in any case."""


async def put_tags(call: Call) -> Response:
    """Replace the tags of the bucket."""
    tags = _checked(tags_in(await call.body.read(MAX_XML_BYTES)))
    call.store.buckets.put(call.bucket._replace(tagging=json.dumps(tags)))
    return Response(200)


def _checked(tags: list[tuple[str, str]]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise RefusedError("InvalidTag", "Bucket tags cannot be greater than 20.")
    checked: dict[str, str] = {}
    for name, value in tags:
        if name in checked:
            raise RefusedError("RepeatedTags", TagKey=name)
        size = len(name.encode())
        if not 1 <= size <= MAX_KEY_BYTES or name.lower().startswith(RESERVED):
            raise RefusedError("InvalidTaggingKey", TagKey=name)
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise RefusedError("InvalidTag", TagValue=value)
        checked[name] = value
    return checked


async def get_tags(call: Call) -> Response:
    """Return the tags of the bucket; the document is empty if the bucket has no tags."""
    tags = call.bucket.tags
    return xml_response("Tagging", (tag_set(tags),) if tags else ())


async def delete_tags(call: Call) -> Response:
    """Delete the tags whose keys are in the query, separated by commas, or all tags."""
    names = [name for name in call.param("tagging").split(",") if name]
    kept = {name: value for name, value in call.bucket.tags.items() if names and name not in names}
    call.store.buckets.put(call.bucket._replace(tagging=json.dumps(kept)))
    return Response(204)
