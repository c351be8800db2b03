"""The CORS rule that a bucket needs for uploads from the page."""

from collections.abc import Sequence

from ossferry.oss.sdks.interface import CorsRule

__all__ = ["EXPOSED_HEADERS", "METHODS", "REQUEST_HEADERS", "upload_rule"]

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


def upload_rule(origins: Sequence[str]) -> CorsRule:
    """Return the rule that allows uploads from pages with these origins."""
    return CorsRule(
        origins=origins,
        methods=METHODS,
        headers=("*",),
        exposed=EXPOSED_HEADERS,
        max_age_s=MAX_AGE_S,
    )
