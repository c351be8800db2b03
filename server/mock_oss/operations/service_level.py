"""Operations on the account: ListBuckets (GetService)."""

import json

from mock_oss.errors import RefusedError
from mock_oss.http.documents import tag
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import endpoints, iso, max_keys, tag_set
from mock_oss.service import Call
from mock_oss.store import BucketRecord


def _wanted_tags(call: Call) -> tuple[str, set[tuple[str, str]]]:
    """Return the tags that a bucket must have to be listed.

    The parameters are `tag-key`, `tag-value`, and `tagging` in the form `"k":"v","k2":"w"`.

    Returns:
        A key that a bucket must have, or empty text; and (key, value) pairs.

    Raises:
        RefusedError: InvalidArgument for a value without a key, and for other forms of `tagging`.
    """
    key, value, tagging = call.param("tag-key"), call.param("tag-value"), call.param("tagging")
    if value and not key:
        raise RefusedError("InvalidArgument", ArgumentName="tag-key", ArgumentValue="")
    wanted = {(key, value)} if value else set()
    if not tagging:
        return key, wanted
    try:
        tags = json.loads("{" + tagging + "}")
    except (ValueError, RecursionError):
        tags = {"": None}
    if not all(isinstance(value, str) for value in tags.values()):
        raise RefusedError("InvalidArgument", ArgumentName="tagging", ArgumentValue=tagging[:256])
    return key, wanted | set(tags.items())


def _tagging(bucket: BucketRecord) -> str:
    """Return the XML element with a bucket's tags, which only a list by tags contains."""
    return tag("Tagging", (tag_set(bucket.tags),)) if bucket.tags else ""


async def list_buckets(call: Call) -> Response:
    """Return one page of the buckets that belong to the caller's account and have certain tags."""
    key, wanted = _wanted_tags(call)
    prefix, marker = call.param("prefix"), call.param("marker")
    limit = max_keys(call, "max-keys", default=100)
    buckets = [
        bucket
        for bucket in call.store.buckets.all()
        if bucket.account_id == call.caller.account_id
        and bucket.name.startswith(prefix)
        and bucket.name > marker
        and wanted <= bucket.tags.items()
        and (not key or key in bucket.tags)
    ]
    page, truncated = buckets[:limit], len(buckets) > limit
    paging = []
    if truncated or prefix or marker or "max-keys" in call.request.params:
        paging = [
            tag("Prefix", prefix),
            tag("Marker", marker),
            tag("MaxKeys", limit),
            tag("IsTruncated", str(truncated).lower()),
            tag("NextMarker", page[-1].name if truncated and page else None),
        ]
    owner = call.caller.account_id
    return xml_response(
        "ListAllMyBucketsResult",
        (
            *paging,
            tag("Owner", (tag("ID", owner), tag("DisplayName", owner))),
            tag(
                "Buckets",
                (
                    tag(
                        "Bucket",
                        (
                            tag("CreationDate", iso(bucket.created_ms)),
                            *endpoints(bucket),
                            tag("Location", f"oss-{bucket.region}"),
                            tag("Name", bucket.name),
                            tag("Region", bucket.region),
                            tag("StorageClass", bucket.storage_class),
                            _tagging(bucket) if key or wanted else "",
                        ),
                    )
                    for bucket in page
                ),
            ),
        ),
    )
