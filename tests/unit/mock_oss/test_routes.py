"""Each request is mapped to the correct operation."""

import ast
from collections.abc import Iterator
from pathlib import Path

import alibabacloud_oss_v2
import pytest

from mock_oss.http.addressing import Target
from mock_oss.operations.routes import find_operation
from support.mock_calls import mock_request

SDK = Path(alibabacloud_oss_v2.__file__).parent
OTHER_SERVICES = {"tables", "vectors"}  # the SDK's folders for other services
NAMES = {"ListObjectsV2": "ListObjects"}  # SDK name -> name in this table, if different
TOLD_BY_THE_CALLER = {  # chosen by a value that is not in the SDK's source
    "AbortMultipartUpload",
    "CompleteBucketWorm",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateSelectObjectMeta",
    "DeleteAccessPointPublicAccessBlock",
    "GetAccessPointPublicAccessBlock",
    "ListParts",
    "PutAccessPointPublicAccessBlock",
    "SelectObject",
    "UploadPart",
    "UploadPartCopy",
}


def operation_of(method: str, bucket: str, key: str, query: str) -> str:
    """Return the name of the operation that the mock selects."""
    request = mock_request(method, query=query)
    return find_operation(request, Target(bucket, key, "path")).name


def _pairs(parameters: ast.expr | None) -> Iterator[str]:
    if isinstance(parameters, ast.Dict):
        for name, value in zip(parameters.keys, parameters.values, strict=True):
            if name is not None:
                said = value.value if isinstance(value, ast.Constant) else ""
                yield f"{ast.literal_eval(name)}={said if isinstance(said, str) else ''}"


def calls_of_the_sdk() -> Iterator[tuple[str, str, str, str, str]]:
    """Yield (operation, method, bucket, key, query) of every call in the SDK's source."""
    for path in SDK.rglob("*.py"):
        if OTHER_SERVICES & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("OperationInput"):
                told = {item.arg: item.value for item in node.keywords}
                operation = ast.literal_eval(told.get("op_name", ast.Constant("")))
                if not operation or operation in TOLD_BY_THE_CALLER:
                    continue
                method, parameters = ast.unparse(told["method"]), told.get("parameters")
                query = "&".join(_pairs(parameters))
                key = "k" if "key" in told else ""
                bucket = "b" if "bucket" in told else ""
                yield operation, ast.literal_eval(method), bucket, key, query


def test_no_call_of_the_sdk_is_taken_for_another_one() -> None:
    calls = sorted(set(calls_of_the_sdk()))
    found = {(call[0], operation_of(*call[1:])) for call in calls if call[1] != "OPTIONS"}

    assert {name for _, name in found} >= {"PutObject", "ListObjects", "NotImplemented"}
    mistaken = {
        (asked, name)
        for asked, name in found
        if name != "NotImplemented" and name.lower() != NAMES.get(asked, asked).lower()
    }
    assert mistaken == set()


@pytest.mark.parametrize(
    ("method", "key", "query", "operation"),
    [
        ("GET", "", "unknown", "NotImplemented"),
        ("DELETE", "", "unknown", "NotImplemented"),
        ("PUT", "", "unknown=", "NotImplemented"),
        ("POST", "", "unknown", "NotImplemented"),
        ("PUT", "a", "unknown", "NotImplemented"),
        ("DELETE", "a", "unknown", "NotImplemented"),
        ("PUT", "", "agenticBucket&acl", "NotImplemented"),
        ("PUT", "", "publicAccessBlock&x-oss-access-point-name=a", "NotImplemented"),
        ("PUT", "", "publicAccessBlock", "PutBucketPublicAccessBlock"),
        ("POST", "a", "seal&position=1", "NotImplemented"),
        ("POST", "a", "x-oss-process", "ProcessObject"),
        ("GET", "", "unknown=1&prefix=", "ListObjects"),
        ("GET", "", "prefix=&delimiter=&marker=&max-keys=&encoding-type=", "ListObjects"),
        ("GET", "a", "1700000000", "GetObject"),
        ("GET", "a", "v=1", "GetObject"),
        ("PUT", "a", "x-oss-traffic-limit=", "PutObject"),
        ("GET", "", "uploads&key-marker=&upload-id-marker=", "ListMultipartUploads"),
        ("POST", "a", "uploads&sequential=", "InitiateMultipartUpload"),
    ],
)
def test_a_sub_resource_that_nobody_knows_does_nothing_else(
    method: str, key: str, query: str, operation: str
) -> None:
    assert operation_of(method, "b", key, query) == operation


def test_the_list_of_buckets_may_ask_for_regions_as_the_sdks_do() -> None:
    assert operation_of("GET", "", "", "prefix=a&regionList") == "ListBuckets"
    assert operation_of("GET", "", "", "regions") == "NotImplemented"
    assert operation_of("GET", "b", "", "regionList") == "NotImplemented"
