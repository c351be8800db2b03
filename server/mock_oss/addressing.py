"""From Host and path to bucket and object key.

Virtual-hosted style (``bucket.localhost``, ``bucket.oss-cn-hangzhou.aliyuncs.com``), CNAME, and
path style (IP addresses, bare host names). The real endpoint refuses path style on its own
domain; so does the mock when a request carries that Host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from mock_oss.errors import RefusedError

__all__ = ["Target", "check_bucket_name", "check_endpoint", "check_key", "host_name", "locate"]

_ALIYUN = re.compile(
    r"(?:(?P<bucket>[^.]+)\.)?(?P<endpoint>(?:oss-(?P<region>[a-z0-9-]+?)(?:-internal)?)\.aliyuncs\.com)"
)
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]")
_MAX_KEY_BYTES = 1023


class Target(NamedTuple):
    """What a request is about: ``bucket`` and ``key`` are empty at the levels above.

    ``region`` is that of the vendor's own endpoint, empty where the host tells none.
    """

    bucket: str
    key: str
    style: str
    region: str = ""


def locate(
    host: str, raw_path: bytes, *, cnames: Mapping[str, str], domains: tuple[str, ...]
) -> Target:
    """Find bucket and key.

    Args:
        host: the Host header, port included; may be empty.
        raw_path: the path as sent, percent-encoded.
        cnames: host name -> bucket bound to it.
        domains: names under which ``bucket.NAME`` is virtual-hosted style.

    Raises:
        RefusedError: InvalidObjectName for a path that is not UTF-8, SecondLevelDomainForbidden for
            path style on the vendor's own domain.
    """
    name = host_name(host)
    path = raw_path[1:] if raw_path[:1] == b"/" else raw_path
    bound = cnames.get(name)
    if bound is not None:
        return Target(bound, decode_key(path), "cname")
    for domain in domains:
        if name.endswith("." + domain):
            return Target(name[: -len(domain) - 1], decode_key(path), "virtual-hosted")
    if name.endswith(".aliyuncs.com") and (match := _ALIYUN.fullmatch(name)):
        region = "" if match["region"].startswith("accelerate") else match["region"]
        if match["bucket"]:
            return Target(match["bucket"], decode_key(path), "virtual-hosted", region)
        if path:
            raise RefusedError("SecondLevelDomainForbidden")
        return Target("", "", "service", region)
    if not path:
        return Target("", "", "service")
    decoded = decode_key(path)
    bucket, _, key = decoded.partition("/")
    return Target(bucket, key, "path")


@lru_cache(maxsize=256)
def host_name(host: str) -> str:
    """Return the name in a Host header: no port, no brackets, lower case."""
    name = host.partition("://")[2] or host
    inside, bracket, _ = name.partition("]")
    name = inside[1:] if bracket and inside[:1] == "[" else name.partition(":")[0]
    return name.lower().rstrip(".")


def decode_key(path: bytes) -> str:
    """Percent-decode once; no dot segments or double slashes are touched."""
    raw = unquote_to_bytes(path) if b"%" in path else path
    try:
        return raw.decode()
    except UnicodeDecodeError as e:
        raise RefusedError("InvalidObjectName", why={"key": f"not UTF-8: {e.reason}"}) from e


def check_bucket_name(name: str) -> None:
    """Refuse a bucket name OSS would not create."""
    if not _BUCKET.fullmatch(name):
        raise RefusedError("InvalidBucketName", BucketName=name)


def check_endpoint(target: Target, region: str) -> None:
    """Refuse a request to a bucket of ``region`` that came by the endpoint of another one."""
    if not target.region or target.region == region:
        return
    raise RefusedError(
        "AccessDenied",
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint.",
        ec="0003-00001403",
        Bucket=target.bucket,
        Endpoint=f"oss-{region}.aliyuncs.com",
        why={"kind": "region", "bucket": region, "addressed": target.region},
    )


def check_key(key: str) -> None:
    """Refuse an object key OSS would not store: 1..1023 bytes, no leading slash or backslash.

    Control characters are allowed but for NUL, which no XML and no path could carry.
    """
    if not 1 <= len(key.encode()) <= _MAX_KEY_BYTES:
        raise RefusedError("InvalidObjectName", ObjectName=key, ec="0016-00000002")
    if key[0] in "/\\":
        raise RefusedError("InvalidObjectName", ObjectName=key, ec="0016-00000005")
    if "\0" in key:
        raise RefusedError("InvalidObjectName", ObjectName=key, ec="0016-00000002")
