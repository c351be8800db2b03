"""PostObject forms as a browser sends them, with a V1 or V4 signature."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from contract.mock_oss.clients import PERMANENT, REGION, Answer, Credentials, send
from mock_oss import BUCKET, MockOSS
from mock_oss.signing import v1, v4

BOUNDARY = "b0undary"


def form(
    fields: Mapping[str, str],
    data: bytes | None = b"hello",
    *,
    name: str = "f.txt",
    after: str = "",
) -> bytes:
    """Return the body of a form with these fields and a file.

    Args:
        fields: the fields before the file.
        data: the content of the file; None for a form without a file.
        name: the name of the file.
        after: more parts of the form, after the file.
    """
    body = b""
    for field, value in fields.items():
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'
        body += head.encode() + value.encode() + b"\r\n"
    if data is not None:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: text/plain\r\n\r\n"
        )
        body += head.encode() + data + b"\r\n"
    return body + after.encode() + f"--{BOUNDARY}--\r\n".encode()


def post(
    oss: MockOSS, body: bytes, *, bucket: str = BUCKET, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send the body of a form to a bucket; without one, the header Host names the bucket."""
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    target = f"/{bucket}/" if bucket else "/"
    return send(oss, "POST", target, headers={**kind, **(headers or {})}, body=body)


def policy_of(oss: MockOSS, conditions: Sequence[object], **changes: object) -> str:
    """Return a policy in base64 that expires in an hour.

    Args:
        oss: the mock, whose clock is used.
        conditions: the conditions of the policy.
        changes: other elements of the document, such as `expiration`.
    """
    expiration = (oss.clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    document = {"expiration": expiration, "conditions": list(conditions), **changes}
    return b64encode(json.dumps(document).encode()).decode()


def v1_fields(
    oss: MockOSS,
    conditions: Sequence[object],
    *,
    credentials: Credentials = PERMANENT,
    **changes: object,
) -> dict[str, str]:
    """Return the fields of a V1 signature; for `changes` see `policy_of`."""
    access_key_id, secret, token = credentials
    policy = policy_of(oss, conditions, **changes)
    fields = {
        "OSSAccessKeyId": access_key_id,
        "policy": policy,
        "Signature": v1.signature(secret, policy),
    }
    return fields if token is None else {**fields, "x-oss-security-token": token}


def v4_fields(
    oss: MockOSS,
    conditions: Sequence[object],
    *,
    at: datetime | None = None,
    scope_date: str = "",
    region: str = REGION,
    credentials: Credentials = PERMANENT,
    **changes: object,
) -> dict[str, str]:
    """Return the fields of a V4 signature, each of them with a condition in the policy.

    Args:
        oss: the mock, whose clock is used.
        conditions: more conditions of the policy.
        at: the time in `x-oss-date`; by default the time of the mock.
        scope_date: the date in `x-oss-credential`; by default the date of `at`.
        region: the region in `x-oss-credential`.
        credentials: access key id, secret and security token.
        changes: see `policy_of`.
    """
    access_key_id, secret, token = credentials
    date_time = f"{at or oss.clock.now():%Y%m%dT%H%M%SZ}"
    scope = v4.Credential(access_key_id, scope_date or date_time[:8], region)
    signed = {
        "x-oss-signature-version": "OSS4-HMAC-SHA256",
        "x-oss-credential": f"{access_key_id}/{scope.scope}",
        "x-oss-date": date_time,
    }
    if token is not None:
        signed["x-oss-security-token"] = token
    listed = [{name: value} for name, value in signed.items()]
    policy = policy_of(oss, [*listed, *conditions], **changes)
    key = v4.signing_key(secret, scope.date, scope.region)
    return {**signed, "policy": policy, "x-oss-signature": v4.signature(key, policy)}
