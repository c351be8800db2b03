"""Operations on the account: ListBuckets (GetService)."""

from __future__ import annotations

from mock_oss.http.documents import tag
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import endpoints, iso, max_keys
from mock_oss.service import Call

__all__ = ["list_buckets"]


async def list_buckets(call: Call) -> Response:
    """Return one page of the buckets that belong to the caller's account."""
    prefix, marker = call.param("prefix"), call.param("marker")
    limit = max_keys(call, "max-keys", default=100)
    found = [
        bucket
        for bucket in call.store.buckets.all()
        if bucket.account_id == call.caller.account_id
        and bucket.name.startswith(prefix)
        and bucket.name > marker
    ]
    page, truncated = found[:limit], len(found) > limit
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
                        ),
                    )
                    for bucket in page
                ),
            ),
        ),
    )
