"""CORS rules of a bucket, and the rule that allows uploads from the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

METHODS = ("PUT", "POST", "GET", "HEAD", "DELETE")
"""PUT uploads an object or a part, POST begins and completes an upload of parts, GET lists parts,
and DELETE discards an upload.
"""
EXPOSED_HEADERS = (
    "ETag",
    "Retry-After",
    "x-oss-ec",
    "x-oss-err",
    "x-oss-hash-crc64ecma",
    "x-oss-request-id",
)
"""The response headers that the page reads."""
REQUEST_HEADERS = (
    "authorization",
    "content-type",
    "x-oss-content-sha256",
    "x-oss-date",
    "x-oss-security-token",
)
"""The request headers that every signed request of the page has, and for which a browser asks."""

MAX_AGE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsRule:
    """One CORS rule of a bucket.

    Attributes:
        origins: origins of the pages whose requests the rule allows.
        methods: allowed HTTP methods.
        headers: allowed request headers; `*` allows all.
        exposed: response headers that scripts of the pages may read.
        max_age_s: seconds for which browsers may cache a preflight response; None if not set.
    """

    origins: Sequence[str]
    methods: Sequence[str]
    headers: Sequence[str]
    exposed: Sequence[str]
    max_age_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """All CORS rules of a bucket.

    Attributes:
        varies: whether OSS sends the header `Vary: Origin` with every response.
    """

    rules: Sequence[CorsRule]
    varies: bool


def upload_rule(origins: Sequence[str]) -> CorsRule:
    """Return the CORS rule that allows uploads from pages with the given origins."""
    return CorsRule(
        origins=origins,
        methods=METHODS,
        headers=("*",),
        exposed=EXPOSED_HEADERS,
        max_age_s=MAX_AGE_S,
    )


def cors_document(rules: Sequence[CorsRule], *, varies: bool = True) -> str:
    """Return the XML body of a PutBucketCors request with these rules.

    Args:
        varies: whether OSS should send the header `Vary: Origin` with every response.
    """
    root = ET.Element("CORSConfiguration")
    for rule in rules:
        node = ET.SubElement(root, "CORSRule")
        for name, values in (
            ("AllowedOrigin", rule.origins),
            ("AllowedMethod", rule.methods),
            ("AllowedHeader", rule.headers),
            ("ExposeHeader", rule.exposed),
            ("MaxAgeSeconds", () if rule.max_age_s is None else (str(rule.max_age_s),)),
        ):
            for value in values:
                ET.SubElement(node, name).text = value
    ET.SubElement(root, "ResponseVary").text = str(varies).lower()
    return ET.tostring(root, encoding="unicode")
