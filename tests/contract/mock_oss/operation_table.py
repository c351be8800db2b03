"""The table of OSS operations in `docs/mock-oss.md`, generated from the successful calls of tours.

`python -m contract.mock_oss.operation_table` (with `tests` on the path) runs all tours and rewrites
the table. A test fails if the table differs from the results of its own run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from contract.mock_oss import tour_ali_oss, tour_oss2, tour_others, tour_v2
from contract.mock_oss.matrix import CASES, Case, Credentials, mock_for, operations_done
from mock_oss import MockOSS

__all__ = ["DOCUMENT", "GROUPS", "TOURS", "between_marks", "measure", "render", "told"]

DOCUMENT = Path(__file__).parents[3] / "docs" / "mock-oss.md"
BEGIN, END = "<!-- operations: begin -->", "<!-- operations: end -->"
# All operations of the vendor's API reference, by chapter.
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
    "Images, live, search": "ProcessObject PutStyle GetStyle ListStyle DeleteStyle PutLiveChannel "
    "GetLiveChannelInfo ListLiveChannel DeleteLiveChannel OpenMetaQuery DoMetaQuery CloseMetaQuery",
}
TOURS: Mapping[str, Callable[[MockOSS, Case, Credentials], None]] = {
    "oss2": tour_oss2.tour,
    "oss-v2": tour_v2.tour,
    "ali-oss": tour_ali_oss.tour,
    "others": tour_others.tour,
}
VERSIONS = ("v4", "v1")
UNSIGNED = {"OptionObject": "✓"}
STS_STYLES = {"v4": "ACS3", "v1": "RPC"}
Results = Mapping[tuple[str, str], set[str]]


def measure() -> Results:
    """Run every tour in every case.

    Returns:
        (client, version) -> operations that succeeded with both types of key and both URL styles.
    """
    done: dict[tuple[str, str], set[str]] = {}
    for case in (param.values[0] for param in CASES):
        assert isinstance(case, Case)
        for client, tour in TOURS.items():
            with mock_for(case) as (oss, credentials):
                tour(oss, case, credentials)
                found = operations_done(oss)
            so_far = done.setdefault((client, case.version), found)
            done[client, case.version] = so_far & found
    return done


def _cell(name: str, group: str, client: str, results: Results) -> str:
    passed = [version for version in VERSIONS if name in results[client, version]]
    if passed and name in UNSIGNED:
        return UNSIGNED[name]
    return " ".join(STS_STYLES[v] if group == "STS" else v.upper() for v in passed)


def render(results: Results) -> str:
    """Return the tables as Markdown, one per chapter."""
    lines: list[str] = []
    for group, names in GROUPS.items():
        lines += [f"| {group} | " + " | ".join(TOURS) + " |", "|---|" + "---|" * len(TOURS)]
        for name in names.split():
            cells = [_cell(name, group, client, results) for client in TOURS]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def told(client: str, version: str) -> set[str]:
    """Return the operations that the page lists for a client and a signature version."""
    column = list(TOURS).index(client) + 1
    shown = {version.upper(), STS_STYLES[version], *UNSIGNED.values()}
    rows = (line.strip("| ").split("|") for line in between_marks(_page()).splitlines())
    return {
        cells[0].strip()
        for cells in rows
        if len(cells) > column and shown & set(cells[column].split())
    }


def _page() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


def between_marks(text: str, new: str | None = None) -> str:
    """Return the text between the marks, or the whole text with that part replaced."""
    head, _, rest = text.partition(BEGIN)
    inside, _, tail = rest.partition(END)
    return inside.strip("\n") if new is None else f"{head}{BEGIN}\n\n{new}\n{END}{tail}"


if __name__ == "__main__":
    DOCUMENT.write_text(between_marks(_page(), render(measure())), encoding="utf-8")
