"""Uploads as the page makes them, for tests that do not need the page: a grant, and `oss2`."""

import secrets
from dataclasses import dataclass

import httpx
import oss2

from ossferry.cli.demo import Demo

__all__ = ["Upload", "granted_bucket", "put", "put_with"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload.

    Attributes:
        report: what the page would send as a receipt.
    """

    key: str
    report: dict[str, object]

    @property
    def stored(self) -> dict[str, object]:
        """What the server should say about it."""
        return {name: self.report[name] for name in ("key", "size", "crc64")}


def granted_bucket(grant: dict[str, str], demo: Demo) -> oss2.Bucket:
    """Return the bucket as the holder of a grant sees it."""
    provider = oss2.credentials.StaticCredentialsProvider(
        grant["access_key_id"], grant["access_key_secret"], grant["security_token"]
    )
    endpoint = f"http://127.0.0.1:{demo.oss.port}"
    return oss2.Bucket(
        oss2.ProviderAuthV4(provider), endpoint, grant["bucket"], region=grant["region"]
    )


def put(
    demo: Demo,
    site: httpx.Client,
    content: bytes,
    *,
    name: str = "hello.txt",
    headers: dict[str, str] | None = None,
) -> Upload:
    """Upload something as whoever `site` is."""
    return put_with(site.post("/api/grant").json(), demo, content, name=name, headers=headers)


def put_with(
    grant: dict[str, str],
    demo: Demo,
    content: bytes,
    *,
    name: str = "hello.txt",
    headers: dict[str, str] | None = None,
) -> Upload:
    """Upload something with a grant that was fetched before."""
    key = f"{grant['prefix']}2026-03-14/{secrets.token_hex(16)}/{name}"
    result = granted_bucket(grant, demo).put_object(key, content, headers=headers)
    report: dict[str, object] = {
        "key": key,
        "size": len(content),
        "crc64": str(result.crc),
        "request_id": result.request_id,
    }
    return Upload(key=key, report=report)
