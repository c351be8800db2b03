"""PostObject: the upload of a small file to OSS as a signed HTML form.

Browsers send such a form without the CORS preflight that every PutObject request needs. The
signature covers only the policy of the form, so one signature is enough for all files below a key
prefix.

Source: OSS API reference, PostObject and "POST V4 signature".
"""

import binascii
import json

from ossferry_uploader.oss.requests import Bucket, Request
from ossferry_uploader.oss.signing import ALGORITHM, Credentials, hmac_sha256, scope
from ossferry_uploader.oss.times import iso_basic, to_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ossferry_uploader.oss.signing import Header

STORED = ("success_action_status", "200")  # the default, 204, is no answer of `read_stored`


def signed_fields(
    credentials: Credentials,
    bucket: Bucket,
    prefix: str,
    *,
    at_s: float,
    expires_at_s: float,
    max_bytes: int,
) -> "list[Header]":
    """Sign a policy for PostObject, and return the form fields that are the same for all files.

    Args:
        prefix: the policy allows only object keys that begin with this text.
        at_s: the present time by the server's clock, in seconds since 1970.
        expires_at_s: the end of the policy's validity, in seconds since 1970.
        max_bytes: the size of the largest file that the policy allows, in bytes.

    Raises:
        ValueError: the prefix contains `$`, which has a special meaning in policies.
    """
    if "$" in prefix:
        raise ValueError("a prefix with a dollar sign cannot be used in the policy of a form")
    date = iso_basic(at_s)
    fields = [
        ("x-oss-signature-version", ALGORITHM),
        ("x-oss-credential", f"{credentials.access_key_id}/{scope(date, bucket.region)}"),
        ("x-oss-date", date),
        STORED,
    ]
    if credentials.security_token:
        fields.append(("x-oss-security-token", credentials.security_token))
    conditions: list[object] = [{"bucket": bucket.name}]
    for name, value in fields:
        conditions.append({name: value})
    conditions.append(["starts-with", "$key", bucket.held + prefix])
    conditions.append(["content-length-range", 0, max_bytes])
    expiration = to_iso(expires_at_s)[:-1] + ".000Z"  # with milliseconds, as in OSS's examples
    document = {"expiration": expiration, "conditions": conditions}
    policy = _base64(json.dumps(document, separators=(",", ":")))
    signature = form_signature(credentials, policy, date=date, region=bucket.region)
    return fields + [("policy", policy), ("x-oss-signature", signature)]


def form_signature(credentials: Credentials, policy: str, *, date: str, region: str) -> str:
    """Return the V4 signature of a PostObject policy, as 64 lower-case hex digits.

    Args:
        policy: the value of the form field `policy` (Base64).
        date: the value of the form field `x-oss-date`.
    """
    return hmac_sha256(credentials.signing_pads(date, region), policy.encode()).hex()


def post_object(
    signed: "Sequence[Header]",
    bucket: Bucket,
    key: str,
    *,
    headers: "Sequence[Header]",
    has_progress: bool = False,
) -> Request:
    """Return a PostObject request, which stores a file as an object with these `headers`.

    Args:
        signed: the result of `signed_fields`.
        headers: the headers of a PutObject request for the same object, without `x-oss-tagging`.
        has_progress: whether the page observes the progress of the request. Browsers then send a
            CORS preflight.
    """
    fields = [("key", bucket.held + key)]
    for name, value in headers:
        fields.append(("x-oss-content-type" if name == "content-type" else name, value))
    if bucket.callback:
        fields.append(("callback", bucket.callback))
    fields += list(signed)
    url = f"{bucket.origin}/"
    return Request("POST", url, fields, bucket, is_form=True, has_progress=has_progress)


def _base64(text: str) -> str:
    return binascii.b2a_base64(text.encode()).decode().strip()
