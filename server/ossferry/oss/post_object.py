"""PostObject signatures: the fields of a plain HTML form that stores one file in OSS.

The functions are pure: they use no clock, no randomness and no I/O. The signature covers only the
policy, so the policy needs a condition for every relevant field.

Source: OSS API reference, PostObject and "POST V4 signature".
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from ossferry.clock import utc_text
from ossferry.errors import PolicyError
from ossferry.oss.sts import StsCredentials

ALGORITHM = "OSS4-HMAC-SHA256"
MAX_FILE_SIZE = (5 << 30) - (1 << 20)
"""In bytes. OSS allows 5 GB for the whole body of a form, and the fields need a few kilobytes."""

CONTENT_TYPE_FIELD = "x-oss-content-type"
"""OSS prefers this field to `Content-Type` and to the type of the file in the body."""

Field: TypeAlias = tuple[str, str]
Condition: TypeAlias = "dict[str, str] | list[str | int | list[str]]"

STORED: Field = ("success_action_status", "200")
"""OSS answers with an empty body after a successful upload."""


def equals(name: str, value: str) -> Condition:
    """Return a condition of a form's policy: the field `name` must have exactly this value.

    Raises:
        PolicyError: the value has a `$`, which has a special meaning in conditions.
    """
    return {name: _plain(value)}


def starts_with(name: str, value: str) -> Condition:
    """Return a condition of a form's policy: the value of the field `name` must begin with `value`.

    Raises:
        PolicyError: `value` has a `$`, which has a special meaning in conditions.
    """
    return ["starts-with", f"${name}", _plain(value)]


def is_one_of(name: str, values: Sequence[str]) -> Condition:
    """Return a condition of a form's policy: the field `name` must have one of these values.

    Raises:
        PolicyError: a value has a `$`, which has a special meaning in conditions.
    """
    return ["in", f"${name}", [_plain(value) for value in values]]


def signed_fields(
    *,
    bucket: str,
    region: str,
    credentials: StsCredentials,
    at: datetime,
    fields: Sequence[Field],
    conditions: Sequence[Condition],
) -> list[Field]:
    """Return all fields of a signed upload form except the file, as pairs of name and value.

    The file must be the last field of the form; the caller adds it.

    Args:
        credentials: credentials for the signature; the form expires when they expire.
        at: time of the signature.
        fields: form fields that describe the object, such as the key; `conditions` must contain
            one condition for each of them.
        conditions: conditions of the form's policy. This function adds conditions for the bucket
            and for the fields of the signature.
    """
    day = f"{at.astimezone(UTC):%Y%m%d}"
    signing = [
        ("x-oss-signature-version", ALGORITHM),
        ("x-oss-credential", f"{credentials.access_key_id}/{day}/{region}/oss/aliyun_v4_request"),
        ("x-oss-date", f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"),
        ("x-oss-security-token", credentials.security_token),
    ]
    pinned = [equals("bucket", bucket), *(equals(name, value) for name, value in signing)]
    policy = policy_text(credentials.expires_at, [*pinned, *conditions])
    signed = signature(credentials.access_key_secret, day=day, region=region, policy=policy)
    return [*fields, *signing, ("policy", policy), ("x-oss-signature", signed)]


def policy_text(expires_at: datetime, conditions: Sequence[Condition]) -> str:
    """Return the policy of a form as base64-encoded JSON.

    The result is the value of the form field `policy`, and also the text to sign.

    Args:
        expires_at: time after which OSS no longer accepts the form.
        conditions: conditions that the fields of the form must meet.
    """
    expiration = utc_text(expires_at, timespec="milliseconds")
    document = {"expiration": expiration, "conditions": list(conditions)}
    return b64encode(json.dumps(document, separators=(",", ":")).encode()).decode()


def signature(secret: str, *, day: str, region: str, policy: str) -> str:
    """Return the V4 signature of a form's policy: HMAC-SHA256 as hexadecimal digits.

    Args:
        secret: the access key secret; the signing key is derived from it, the day and the region.
        day: the day of the field `x-oss-date`, such as `20260314`.
        region: region of the bucket, such as `cn-hangzhou`.
        policy: the value of the form field `policy`, which is the text to sign.
    """
    key = f"aliyun_v4{secret}".encode()
    for part in (day, region, "oss", "aliyun_v4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, policy.encode(), hashlib.sha256).hexdigest()


def _plain(value: str) -> str:
    if "$" in value:
        raise PolicyError("A value with a dollar sign cannot be used in a form's policy.")
    return value
