"""Uploads like those of the page, but made without it: with a grant and `oss2`."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
import oss2

from mock_oss import MockOSS
from ossferry.cli.demo import Demo


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload.

    Attributes:
        report: the receipt that the page would send.
    """

    key: str
    report: dict[str, object]

    @property
    def stored(self) -> dict[str, object]:
        """The fields that the server should return for the upload."""
        return {name: self.report[name] for name in ("key", "size", "crc64")}


def granted_bucket(grant: dict[str, str], oss: Demo | str, **options: object) -> oss2.Bucket:
    """Return the bucket with the credentials of a grant.

    Args:
        oss: the demo whose mock has the bucket, or an endpoint.
        options: more options of `oss2.Bucket`.
    """
    provider = oss2.credentials.StaticCredentialsProvider(
        grant["access_key_id"], grant["access_key_secret"], grant["security_token"]
    )
    endpoint = oss if isinstance(oss, str) else f"http://127.0.0.1:{oss.oss.port}"
    options |= {"region": grant["region"]}
    return oss2.Bucket(oss2.ProviderAuthV4(provider), endpoint, grant["bucket"], **options)


def begin_many(oss: MockOSS, bucket: oss2.Bucket, keys: Iterable[str]) -> None:
    """Begin uploads: the first with a request, the others as copies in the store of the mock."""
    first, *others = keys
    upload_id = bucket.init_multipart_upload(first).upload_id
    begun = oss.store.uploads.get(upload_id)
    assert begun is not None
    for number, key in enumerate(others):
        oss.store.uploads.put(begun._replace(upload_id=f"{upload_id}{number}", key=key))


def put(
    demo: Demo,
    site: httpx.Client,
    content: bytes,
    *,
    name: str = "hello.txt",
    headers: dict[str, str] | None = None,
) -> Upload:
    """Upload an object as the user of `site`."""
    return put_with(site.post("/api/grant").json(), demo, content, name=name, headers=headers)


def put_with(
    grant: dict[str, str],
    oss: Demo | str,
    content: bytes,
    *,
    name: str = "hello.txt",
    headers: dict[str, str] | None = None,
) -> Upload:
    """Upload an object with an existing grant, to the mock of a demo or to an endpoint."""
    key = f"{grant['prefix']}2026-03-14/{secrets.token_hex(16)}/{name}"
    bucket = granted_bucket(grant, oss)
    result = bucket.put_object(grant.get("held", "") + key, content, headers=headers)
    report: dict[str, object] = {
        "key": key,
        "size": len(content),
        "crc64": str(result.crc),
        "request_id": result.request_id,
    }
    return Upload(key=key, report=report)


def recorded(demo: Demo, site: httpx.Client, content: bytes = b"hello", **more: Any) -> Upload:
    """Upload an object as the user of `site`, like `put`, and report it."""
    upload = put(demo, site, content, **more)
    assert site.post("/api/receipts", json=upload.report).status_code == 200
    return upload
