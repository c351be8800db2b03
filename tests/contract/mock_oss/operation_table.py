"""The table of OSS operations in `docs/mock-oss.md`, made from the routes and the SDK tours.

`python -m contract.mock_oss.operation_table` (with `tests` on the path) writes it anew; a test
fails while the page shows anything else.
"""

from __future__ import annotations

from pathlib import Path

from contract.mock_oss import tour_oss2, tour_v2
from mock_oss.operations.routes import OPERATIONS

__all__ = ["DOCUMENT", "GROUPS", "between_marks", "render"]

DOCUMENT = Path(__file__).parents[3] / "docs" / "mock-oss.md"
BEGIN, END = "<!-- operations: begin -->", "<!-- operations: end -->"
# Every operation of the vendor's API reference, by its chapters.
GROUPS = {
    "Service": "ListBuckets DescribeRegions",
    "Buckets": "PutBucket DeleteBucket GetBucketInfo GetBucketStat GetBucketLocation ListObjects "
    "ListObjectsV2 PutBucketAcl GetBucketAcl PutBucketCors GetBucketCors DeleteBucketCors "
    "OptionObject PutBucketLifecycle GetBucketLifecycle DeleteBucketLifecycle",
    "Objects": "PutObject GetObject CopyObject AppendObject DeleteObject DeleteMultipleObjects "
    "HeadObject GetObjectMeta PostObject Callback PutObjectACL GetObjectACL PutSymlink GetSymlink "
    "PutObjectTagging GetObjectTagging DeleteObjectTagging RestoreObject CleanRestoredObject "
    "SelectObject CreateSelectObjectMeta SealAppendObject AsyncFetchTask",
    "Multipart uploads": "InitiateMultipartUpload UploadPart UploadPartCopy "
    "CompleteMultipartUpload AbortMultipartUpload ListMultipartUploads ListParts",
    "STS": "AssumeRole GetCallerIdentity AssumeRoleWithOIDC AssumeRoleWithSAML",
    "Versioning": "PutBucketVersioning GetBucketVersioning ListObjectVersions",
    "Policies and access": "PutBucketPolicy GetBucketPolicy DeleteBucketPolicy "
    "GetBucketPolicyStatus PutBucketReferer GetBucketReferer PutBucketPublicAccessBlock "
    "GetBucketPublicAccessBlock DeleteBucketPublicAccessBlock CreateAccessPoint GetAccessPoint "
    "DeleteAccessPoint ListAccessPoints",
    "Tags, website, logging": "PutBucketTags GetBucketTags DeleteBucketTags PutBucketWebsite "
    "GetBucketWebsite DeleteBucketWebsite PutBucketLogging GetBucketLogging DeleteBucketLogging",
    "Replication, inventory, retention": "PutBucketReplication GetBucketReplication "
    "DeleteBucketReplication GetBucketReplicationLocation GetBucketReplicationProgress "
    "PutBucketInventory GetBucketInventory ListBucketInventory DeleteBucketInventory "
    "InitiateBucketWorm CompleteBucketWorm ExtendBucketWorm GetBucketWorm AbortBucketWorm",
    "Encryption, transfer, payment": "PutBucketEncryption GetBucketEncryption "
    "DeleteBucketEncryption PutBucketTransferAcceleration GetBucketTransferAcceleration "
    "PutBucketRequestPayment GetBucketRequestPayment PutBucketResourceGroup "
    "GetBucketResourceGroup PutBucketAccessMonitor GetBucketAccessMonitor PutCname ListCname "
    "DeleteCname CreateCnameToken GetCnameToken PutBucketHttpsConfig GetBucketHttpsConfig",
    "Images, live, search": "ProcessImage PutStyle GetStyle ListStyle DeleteStyle PutLiveChannel "
    "GetLiveChannelInfo ListLiveChannel DeleteLiveChannel OpenMetaQuery DoMetaQuery CloseMetaQuery",
}
# Operations that the routes know under another name, or that are no route of their own.
ROUTE_OF = {"ListObjectsV2": "ListObjects", "Callback": "PutObject"}
BESIDE_ROUTES = {"OptionObject", "AssumeRole", "GetCallerIdentity"}
# What no method of an SDK reaches, beyond what its tour lists.
NOT_IN_TOURS = {"OptionObject", "Callback", "AssumeRole", "GetCallerIdentity"}
ALI_OSS_LACKS: frozenset[str] = frozenset()
SDKS = {"oss2": tour_oss2.LACKS, "oss-v2": tour_v2.LACKS, "ali-oss": ALI_OSS_LACKS}
YES, NO = "✓", ""


def _row(name: str, routes: set[str]) -> str:
    route = ROUTE_OF.get(name, name)
    served = route in routes or name in BESIDE_ROUTES
    cells = [YES if served else NO]
    for lacks in SDKS.values():
        cells.append(YES if served and name not in NOT_IN_TOURS and route not in lacks else NO)
    return f"| {name} | " + " | ".join(cells) + " |"


def render() -> str:
    """Return the tables, one per chapter."""
    routes = {operation.name for operation in OPERATIONS}
    lines: list[str] = []
    for group, names in GROUPS.items():
        lines += [
            f"| {group} | mock | " + " | ".join(SDKS) + " |",
            "|---|" + ":-:|" * (1 + len(SDKS)),
            *(_row(name, routes) for name in names.split()),
            "",
        ]
    return "\n".join(lines)


def between_marks(text: str, new: str | None = None) -> str:
    """Return what stands between the marks, or the text with that replaced."""
    head, _, rest = text.partition(BEGIN)
    inside, _, tail = rest.partition(END)
    return inside.strip("\n") if new is None else f"{head}{BEGIN}\n\n{new}\n{END}{tail}"


if __name__ == "__main__":
    page = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(between_marks(page, render()), encoding="utf-8")
