"""Percent-encoding, canonical texts and HMAC functions that several signature schemes use.

Only `A-Z a-z 0-9 - _ . ~` stay unencoded; the UTF-8 bytes of other characters become `%` and
two upper-case hex digits.
"""

import base64
import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import quote

from mock_oss.http.request import signed_text


def encode(text: str) -> str:
    """Percent-encode the name or value of a query parameter; `/` becomes `%2F`."""
    return quote(text, safe="")


def encode_path(text: str) -> str:
    """Percent-encode a path; `/` stays unencoded."""
    return quote(text)


def header_names(listed: str) -> list[str]:
    """Split header names that are separated by semicolons.

    The result is in lower case, sorted and without duplicates.
    """
    return sorted({name.strip().lower() for name in listed.split(";") if name.strip()})


def canonical_headers(headers: Mapping[str, str], additional: Collection[str] = ()) -> str:
    """Return the lines of the signed headers, in the form that V1, V2 and V4 signatures cover.

    There is one line `name:value` with a final newline per header, sorted by name. The lines
    contain the headers whose names begin with `x-oss-`, and the additional headers.

    Args:
        headers: a mapping from lower-case name to received value.
        additional: the lower-case names of the additional headers; for V4 also `content-type` and
            `content-md5`.
    """
    names = sorted([name for name in headers if name.startswith("x-oss-") or name in additional])
    return "".join([f"{name}:{signed_text(headers[name]).strip()}\n" for name in names])


def canonical_query(query: Iterable[tuple[str, str]]) -> str:
    """Return a percent-encoded query, sorted by name, without the parameter `x-oss-signature`.

    A parameter with an empty value is written without `=`.

    Args:
        query: the decoded (name, value) pairs of the query.
    """
    pairs = sorted(
        [(encode(name), encode(value)) for name, value in query if name != "x-oss-signature"]
    )
    return joined_query(pairs)


def joined_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Join encoded (name, value) pairs to a query; write no `=` for an empty value."""
    return "&".join([f"{name}={value}" if value else name for name, value in pairs])


def hmac_sha1_base64(secret: str, text: str) -> str:
    """Return the base64-encoded HMAC-SHA1 of `text`. The HMAC key is `secret`."""
    digest = hmac.digest(secret.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(digest).decode()


def hmac_sha256_base64(secret: str, text: str) -> str:
    """Return the base64-encoded HMAC-SHA256 of `text`. The HMAC key is `secret`."""
    digest = hmac.digest(secret.encode(), text.encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def hmac_sha256_hex(key: bytes, text: str) -> str:
    """Return the HMAC-SHA256 of `text` in lower-case hex. The HMAC key is `key`."""
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()
