"""Clients for the mock: the official SDKs, and a raw client for requests that no SDK sends."""

import http.client
import io
import json
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from email.message import Message
from typing import Any, Protocol
from urllib.parse import quote
from xml.etree import ElementTree as ET

import oss2
import pytest
from alibabacloud_sts20150401.client import Client
from alibabacloud_sts20150401.models import AssumeRoleRequest
from alibabacloud_tea_openapi.models import Config
from oss2.credentials import StaticCredentialsProvider
from oss2.exceptions import ServerError

from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, ROLE_ARN, Clock, MockOSS
from mock_oss.cli import main
from mock_oss.signing import v4
from mock_oss.signing.cases import V4Case
from mock_oss.store.records import SessionRecord

REGION = "cn-hangzhou"
Credentials = tuple[str, str, str | None]
"""Access key id, access key secret, security token."""
PERMANENT: Credentials = (ACCESS_KEY_ID, ACCESS_KEY_SECRET, None)


def run_program(*options: str) -> tuple[int, str, str]:
    """Run the command `mock-oss` in this process; return its exit code and output (out, err)."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(options)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, out.getvalue(), err.getvalue()


def start_session(
    oss: MockOSS,
    name: str = "alice",
    *,
    policy: str = "",
    role_arn: str = ROLE_ARN,
    lifetime_s: int = 900,
) -> Credentials:
    """Store a role session, and return its credentials.

    Args:
        oss: the mock.
        name: the name of the session; its access key id, secret and token contain the name.
        policy: the session policy; without one, the session has all rights of its role.
        role_arn: the role of the session.
        lifetime_s: the lifetime of the session, in seconds from the mock's time.
    """
    session = SessionRecord(
        access_key_id=f"STS.NMockOss{name}",
        access_key_secret=f"secret of {name}",
        security_token=f"token/of+{name}==",
        role_arn=role_arn,
        session_name=name,
        policy=policy,
        expires_ms=round((oss.clock.timestamp() + lifetime_s) * 1000),
    )
    oss.store.sessions.put(session)
    return session.access_key_id, session.access_key_secret, session.security_token


SIGNERS: dict[str, Any] = {
    "v4": oss2.ProviderAuthV4,
    "v2": oss2.auth.ProviderAuthV2,
    "v1": oss2.ProviderAuth,
}


def policy(action: str, resource: str = "*", *, effect: str = "Allow") -> str:
    """Return a policy with one statement."""
    return _document(effect, action, Resource=resource)


def trust(*principals: str, **more: Any) -> str:
    """Return a trust policy for these ARNs; `more` adds elements, such as `Condition`."""
    return _document("Allow", "sts:AssumeRole", Principal={"RAM": principals}, **more)


def _document(effect: str, action: str, **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, **more}
    return json.dumps({"Version": "1", "Statement": [statement]})


ALLOW_ALL = policy("*")


def sts_client(
    oss: MockOSS, style: str | None = None, *, credentials: Credentials = PERMANENT
) -> Client:
    """Return the official client of STS; the style `v2` means RPC, and None means ACS3."""
    key_id, secret, token = credentials
    return Client(
        Config(
            access_key_id=key_id,
            access_key_secret=secret,
            security_token=token,
            endpoint=f"127.0.0.1:{oss.port}",
            protocol="http",
            signature_algorithm=style,
        )
    )


def role_wanted(**changes: Any) -> AssumeRoleRequest:
    """Return a request for 15 minutes of the mock's role; `changes` replaces its fields."""
    fields = {"role_arn": ROLE_ARN, "role_session_name": "alice", "duration_seconds": 900}
    return AssumeRoleRequest(**{**fields, **changes})


def assume_role(sts: Client, **changes: Any) -> Credentials:
    """Return the credentials that STS gives; for `changes` see `role_wanted`."""
    found = sts.assume_role(role_wanted(**changes)).body.credentials
    return found.access_key_id, found.access_key_secret, found.security_token


def oss2_bucket(
    oss: MockOSS,
    name: str = BUCKET,
    *,
    version: str = "v4",
    credentials: Credentials = PERMANENT,
    cname: str = "",
) -> Any:
    """Return a bucket of oss2, at a custom domain if `cname` has one; the mock is its proxy."""
    auth = SIGNERS[version](StaticCredentialsProvider(*credentials))
    if not cname:
        return oss2.Bucket(auth, oss.endpoint, name, region=REGION)
    more = {"is_cname": True, "proxies": {"http": oss.endpoint}}
    return oss2.Bucket(auth, f"http://{cname}", name, region=REGION, **more)


def refusal(call: Any, *args: Any, **kwargs: Any) -> tuple[int, str]:
    """Return the status and code with which OSS refuses a call of oss2."""
    with pytest.raises(ServerError) as error:
        call(*args, **kwargs)
    return error.value.status, error.value.code


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    status: int
    headers: Message
    body: bytes

    @property
    def code(self) -> str:
        """The Code of an error document."""
        return self.xml("Code")

    def xml(self, path: str) -> str:
        """Return the text of an element of the body."""
        return ET.fromstring(self.body).findtext(path, "")  # noqa: S314 - from our own mock


def send(
    oss: MockOSS,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """Send one request with exactly these headers; by default, Host is the mock's address."""
    connection = http.client.HTTPConnection("127.0.0.1", oss.port, timeout=20)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        sent = dict(headers or {})
        names = {name.lower() for name in sent}
        if "host" not in names:
            sent = {"Host": f"127.0.0.1:{oss.port}", **sent}
        if body is not None and not {"content-length", "transfer-encoding"} & names:
            sent["Content-Length"] = str(len(body))
        for name, value in sent.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


class Reachable(Protocol):
    """The part of a mock that signing needs; the mock may run in another process."""

    @property
    def clock(self) -> Clock:
        """The mock's clock."""


def signed_headers(
    oss: Reachable,
    method: str,
    key: str,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    bucket: str = BUCKET,
    region: str = REGION,
) -> tuple[str, dict[str, str]]:
    """Return (target, headers) of a path-style request with a V4 signature."""
    moment = oss.clock.now()
    date_time = f"{moment:%Y%m%dT%H%M%SZ}"
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    sent |= {"x-oss-date": date_time, "x-oss-content-sha256": "UNSIGNED-PAYLOAD"}
    pairs = tuple((query or {}).items())
    case = V4Case(
        method=method,
        bucket=bucket,
        key=key,
        query=pairs,
        headers=sent,
        date_time=date_time,
        credential=v4.Credential(ACCESS_KEY_ID, date_time[:8], region),
    )
    sent["authorization"] = (
        f"OSS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/{case.credential.scope},"
        f"Signature={case.signature(case.text(), ACCESS_KEY_SECRET)}"
    )
    target = quote(f"/{bucket}/{key}" if bucket else "/")
    if pairs:
        encoded = ((quote(n, safe=""), quote(v, safe="")) for n, v in pairs)
        target += "?" + "&".join(f"{n}={v}" if v else n for n, v in encoded)
    return target, sent


def ask(
    oss: MockOSS,
    method: str,
    key: str,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """Send one request to the default bucket with a V4 signature by the mock's clock."""
    target, signed = signed_headers(oss, method, key, query=query, headers=headers)
    return send(oss, method, target, headers=signed, body=body)
