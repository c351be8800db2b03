"""Signs PostObject forms: the fields with which a plain HTML form stores one file in OSS.

Only arithmetic: no clock, no chance, no I/O. The signature covers the policy alone, so every field
that matters has a condition in the policy.

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

__all__ = [
    "MAX_FILE_SIZE",
    "Condition",
    "Field",
    "equals",
    "policy_text",
    "signature",
    "signed_fields",
    "starts_with",
]

ALGORITHM = "OSS4-HMAC-SHA256"
MAX_FILE_SIZE = (5 << 30) - (1 << 20)
"""Bytes. The whole body of a form may have 5 GB; the fields take a few kilobytes of it."""

Field: TypeAlias = tuple[str, str]
Condition: TypeAlias = "dict[str, str] | list[str | int]"


def equals(name: str, value: str) -> Condition:
    """Return the condition that a field has exactly this value.

    Raises:
        PolicyError: the value has a ``$``, which means something else in a condition.
    """
    return {name: _plain(value)}


def starts_with(name: str, value: str) -> Condition:
    """Return the condition that a field begins with this value.

    Raises:
        PolicyError: as with `equals`.
    """
    return ["starts-with", f"${name}", _plain(value)]


def signed_fields(
    *,
    bucket: str,
    region: str,
    credentials: StsCredentials,
    at: datetime,
    fields: Sequence[Field],
    conditions: Sequence[Condition],
) -> list[Field]:
    """Return all fields of a form but the file, which comes last.

    Args:
        credentials: what the form is signed with; the form is void when they end.
        fields: what the form says of the object. Each needs a condition, here or by `equals`.
        conditions: what must be true of the form besides being for this bucket and credentials.
    """
    day = f"{at.astimezone(UTC):%Y%m%d}"
    signing = [
        ("x-oss-signature-version", ALGORITHM),
        (
            "x-oss-credential",
            f"{credentials.access_key_id}/{day}/{region}/oss/aliyun_v4_request",
        ),
        ("x-oss-date", f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"),
        ("x-oss-security-token", credentials.security_token),
    ]
    pinned = [equals("bucket", bucket), *(equals(name, value) for name, value in signing)]
    policy = policy_text(credentials.expires_at, [*pinned, *conditions])
    signed = signature(credentials.access_key_secret, day=day, region=region, policy=policy)
    return [*fields, *signing, ("policy", policy), ("x-oss-signature", signed)]


def policy_text(expires_at: datetime, conditions: Sequence[Condition]) -> str:
    """Return a policy as the field has it, and as it is signed: base64 of JSON."""
    expiration = utc_text(expires_at, timespec="milliseconds")
    document = {"expiration": expiration, "conditions": list(conditions)}
    return b64encode(json.dumps(document, separators=(",", ":")).encode()).decode()


def signature(secret: str, *, day: str, region: str, policy: str) -> str:
    """Return the V4 signature of a policy.

    Args:
        day: of `x-oss-date`, ``20260314``.
        policy: as the field has it.
    """
    key = f"aliyun_v4{secret}".encode()
    for part in (day, region, "oss", "aliyun_v4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, policy.encode(), hashlib.sha256).hexdigest()


def _plain(value: str) -> str:
    if "$" in value:
        raise PolicyError("A value with a dollar sign cannot stand in the policy of a form.")
    return value
