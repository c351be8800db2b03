"""Session policies of STS credentials: for uploads below one prefix, and for the server itself.

A policy is built as a dictionary and encoded as JSON at the end; it is never assembled from
strings. Values with characters outside a narrow alphabet are refused, not escaped, because RAM
documents no escape for `*`.
"""

import ipaddress
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from ossferry.clock import utc_text
from ossferry.errors import PolicyError
from ossferry.identity.object_keys import INCOMING, TRASH, UPLOADS
from ossferry.settings.choices import UPLOAD_ACTIONS

TAGGING = ("oss:GetObjectTagging", "oss:PutObjectTagging")
"""A copy with tags needs the first action for the source, and the second one for the target."""

OBJECT_ACTIONS = ("oss:GetObject", "oss:PutObject", "oss:DeleteObject", *TAGGING)
MAX_POLICY_LENGTH = 1024
"""In characters. Newer pages say 2,048, older ones and the PolicySize message say 1,024."""

Json: TypeAlias = "str | list[Json] | dict[str, Json]"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_ACTION = re.compile(r"oss:[A-Z][A-Za-z]+")
_PREFIX = re.compile(r"(?:[a-z0-9][a-z0-9-]*/)+")


def allow(actions: Sequence[str], *resources: str) -> dict[str, Json]:
    """Return a statement of a policy that allows actions on resources, as a dictionary."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def upload_policy(
    *,
    bucket: str,
    prefix: str,
    actions: Sequence[str] = UPLOAD_ACTIONS,
    secure_transport: bool = False,
    address: str = "",
    until: datetime | None = None,
) -> dict[str, Json]:
    """Return a session policy that allows uploads to keys below `prefix`, as a dictionary.

    Args:
        bucket: name of the bucket.
        prefix: key prefix that ends in `/`; only lower-case letters, digits, `-` and `/`.
        actions: names of the allowed actions, such as `oss:PutObject`.
        secure_transport: whether each request must use HTTPS.
        address: the only IP address that may send requests; empty for any address.
        until: time until which requests are allowed; None for the lifetime of the credentials.

    Raises:
        PolicyError: a value has a character that is not allowed, or the address is none.

    Source: OSS pages "Policy syntax and elements" and "Common examples of RAM policies".
    """
    _check_names(bucket, prefix)
    if not actions or not all(_ACTION.fullmatch(action) for action in actions):
        raise PolicyError("An action cannot be used in a session policy.")
    upload = allow(actions, f"acs:oss:*:*:{bucket}/{prefix}*")
    condition: dict[str, Json] = {}
    if secure_transport:
        condition["Bool"] = {"acs:SecureTransport": "true"}
    if address:
        try:
            condition["IpAddress"] = {"acs:SourceIp": [str(ipaddress.ip_address(address))]}
        except ValueError as error:
            raise PolicyError("The address cannot be used in a session policy.") from error
    if until:
        condition["DateLessThan"] = {"acs:CurrentTime": utc_text(until)}
    if condition:
        upload["Condition"] = condition
    return {"Version": "1", "Statement": [upload, _never_public()]}


def objects_policy(*, bucket: str, versions: bool = False) -> dict[str, Json]:
    """Return the session policy for the server's own access to all uploads, as a dictionary.

    It includes held uploads and the trash.

    Args:
        bucket: name of the bucket.
        versions: whether the server restores deleted uploads by removing delete markers, which
            needs the right to delete versions.

    Raises:
        PolicyError: the bucket's name has a character that is not allowed.
    """
    if not _BUCKET.fullmatch(bucket):
        raise PolicyError("The bucket's name cannot be used in a session policy.")
    where = f"acs:oss:*:*:{bucket}"
    uploads = f"{where}/{UPLOADS}*", f"{where}/{INCOMING}*"
    objects = allow(OBJECT_ACTIONS, *uploads, f"{where}/{TRASH}*")
    more = ["oss:DeleteObjectVersion"] if versions else []
    unfinished = allow(["oss:ListParts", "oss:AbortMultipartUpload", *more], *uploads)
    listing = allow(["oss:ListObjects", "oss:ListMultipartUploads"], where)
    listing["Condition"] = {"StringLike": {"oss:Prefix": [f"{UPLOADS}*", f"{INCOMING}*"]}}
    return {"Version": "1", "Statement": [objects, unfinished, listing]}


def reading_policy(*, bucket: str, source: str, target: str = "") -> dict[str, Json]:
    """Return a session policy that allows reading objects below one prefix, as a dictionary.

    Args:
        bucket: name of the bucket.
        source: the key prefix of the objects; ends in `/`.
        target: the key prefix below which the objects may be copied; empty if they may not be
            copied.

    Raises:
        PolicyError: a value has a character that is not allowed.
    """
    _check_names(bucket, source)
    reads, writes = TAGGING
    where = f"acs:oss:*:*:{bucket}"
    if not target:
        return {"Version": "1", "Statement": [allow(["oss:GetObject"], f"{where}/{source}*")]}
    _check_names(bucket, target)
    read = allow(["oss:GetObject", reads], f"{where}/{source}*")
    write = allow(["oss:PutObject", "oss:AbortMultipartUpload", writes], f"{where}/{target}*")
    return {"Version": "1", "Statement": [read, write]}


def policy_text(policy: dict[str, Json]) -> str:
    """Return a session policy as JSON without spaces.

    One of Alibaba Cloud's own clients computes a wrong signature if the JSON contains spaces.

    Raises:
        PolicyError: the text is longer than `MAX_POLICY_LENGTH` characters.
    """
    text = json.dumps(policy, separators=(",", ":"))
    if len(text) > MAX_POLICY_LENGTH:
        raise PolicyError(f"The session policy is longer than {MAX_POLICY_LENGTH} characters.")
    return text


def _check_names(bucket: str, prefix: str) -> None:
    if not _BUCKET.fullmatch(bucket):
        raise PolicyError("The bucket's name cannot be used in a session policy.")
    if not _PREFIX.fullmatch(prefix):
        raise PolicyError("The key prefix cannot be used in a session policy.")


def _never_public() -> dict[str, Json]:
    """Return a policy statement that denies any object ACL except `private` and `default`.

    Without this statement, the right to `oss:PutObject` would allow an upload with the header
    `x-oss-object-acl: public-read`.
    """
    return {
        "Effect": "Deny",
        "Action": ["oss:PutObject", "oss:PutObjectAcl"],
        "Resource": ["*"],
        "Condition": {"StringNotEquals": {"oss:x-oss-object-acl": ["private", "default"]}},
    }
