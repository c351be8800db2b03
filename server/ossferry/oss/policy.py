"""Session policies: the least rights that an uploader needs, for one prefix of one bucket.

A policy is built as data and encoded as JSON at the end, never assembled from strings. Characters
outside a narrow alphabet are refused, not escaped, because RAM documents no escape for ``*``.
"""

import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ossferry.errors import PolicyError
from ossferry.identity.object_keys import TRASH, UPLOADS
from ossferry.settings.choices import UPLOAD_ACTIONS

__all__ = [
    "MAX_POLICY_LENGTH",
    "Conditions",
    "objects_policy",
    "policy_text",
    "upload_policy",
]

OBJECT_ACTIONS = ("oss:GetObject", "oss:PutObject", "oss:DeleteObject")
MAX_POLICY_LENGTH = 1024
"""In characters. Newer pages say 2,048, older ones and the PolicySize message say 1,024."""

Json: TypeAlias = "str | list[Json] | dict[str, Json]"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_ACTION = re.compile(r"oss:[A-Z][A-Za-z]+")
_PREFIX = re.compile(r"(?:[a-z0-9][a-z0-9-]*/)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Conditions for every request made with the credentials.

    Attributes:
        secure_transport: the request must use HTTPS.
        address: the request must come from this IP address; empty for any.
    """

    secure_transport: bool = False
    address: str = ""

    def as_data(self) -> dict[str, Json]:
        """Return the `Condition` element; empty without conditions.

        Raises:
            PolicyError: the address is not an IP address.
        """
        found: dict[str, Json] = {}
        if self.secure_transport:
            found["Bool"] = {"acs:SecureTransport": "true"}
        if self.address:
            try:
                address = str(ipaddress.ip_address(self.address))
            except ValueError as error:
                raise PolicyError("The address cannot be used in a session policy.") from error
            found["IpAddress"] = {"acs:SourceIp": [address]}
        return found


ANYWHERE = Conditions()


def upload_policy(
    *,
    bucket: str,
    prefix: str,
    actions: Sequence[str] = UPLOAD_ACTIONS,
    conditions: Conditions = ANYWHERE,
) -> dict[str, Json]:
    """Return the session policy for uploads below ``prefix``, as data.

    Args:
        bucket: bucket name.
        prefix: ends in ``/``; lower-case letters, digits, ``-`` and ``/`` only.
        actions: exact names, such as ``oss:PutObject``.

    Raises:
        PolicyError: a value has a character with a special meaning in policies.

    Source: OSS pages "Policy syntax and elements" and "Common examples of RAM policies".
    """
    if not _BUCKET.fullmatch(bucket):
        raise PolicyError("The bucket's name cannot be used in a session policy.")
    if not _PREFIX.fullmatch(prefix):
        raise PolicyError("The key prefix cannot be used in a session policy.")
    if not actions or not all(_ACTION.fullmatch(action) for action in actions):
        raise PolicyError("An action cannot be used in a session policy.")
    allow: dict[str, Json] = {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": [f"acs:oss:*:*:{bucket}/{prefix}*"],
    }
    if condition := conditions.as_data():
        allow["Condition"] = condition
    return {"Version": "1", "Statement": [allow, _never_public()]}


def objects_policy(*, bucket: str) -> dict[str, Json]:
    """Return the session policy for the server's own access to uploads, as data.

    Raises:
        PolicyError: the bucket's name has a character with a special meaning in policies.
    """
    if not _BUCKET.fullmatch(bucket):
        raise PolicyError("The bucket's name cannot be used in a session policy.")
    where = f"acs:oss:*:*:{bucket}"
    objects: dict[str, Json] = {
        "Effect": "Allow",
        "Action": list(OBJECT_ACTIONS),
        "Resource": [f"{where}/{UPLOADS}*", f"{where}/{TRASH}*"],
    }
    unfinished: dict[str, Json] = {
        "Effect": "Allow",
        "Action": ["oss:ListParts", "oss:AbortMultipartUpload"],
        "Resource": [f"{where}/{UPLOADS}*"],
    }
    listing: dict[str, Json] = {
        "Effect": "Allow",
        "Action": ["oss:ListObjects", "oss:ListMultipartUploads"],
        "Resource": [where],
        "Condition": {"StringLike": {"oss:Prefix": [f"{UPLOADS}*"]}},
    }
    return {"Version": "1", "Statement": [objects, unfinished, listing]}


def policy_text(policy: dict[str, Json]) -> str:
    """Return compact JSON; spaces would break the signature of one of the vendor's own clients.

    Raises:
        PolicyError: the text is longer than `MAX_POLICY_LENGTH`; it is never truncated.
    """
    text = json.dumps(policy, separators=(",", ":"))
    if len(text) > MAX_POLICY_LENGTH:
        raise PolicyError(f"The session policy is longer than {MAX_POLICY_LENGTH} characters.")
    return text


def _never_public() -> dict[str, Json]:
    """Return a statement that denies uploads with an object ACL other than private.

    Otherwise a holder of oss:PutObject could send ``x-oss-object-acl: public-read``.
    """
    return {
        "Effect": "Deny",
        "Action": ["oss:PutObject", "oss:PutObjectAcl"],
        "Resource": ["*"],
        "Condition": {"StringNotEquals": {"oss:x-oss-object-acl": ["private", "default"]}},
    }
