"""The ways a client can reach the mock: signature version, kind of key, style of address.

An SDK tour runs once per combination against a fresh mock whose role may do everything; then
``check`` compares the operations that succeeded with what the SDK has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from alibabacloud_sts20150401.client import Client
from alibabacloud_sts20150401.models import AssumeRoleRequest
from alibabacloud_tea_openapi.models import Config

from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, MockOSS, Role, World
from mock_oss.operations.routes import OPERATIONS

__all__ = ["CASES", "Case", "Credentials", "check", "mock_for"]

ADMIN = Role(
    name="admin",
    policies=('{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*"}]}',),
)
Credentials = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Case:
    """One combination; ``style`` is ``path``, ``virtual`` or ``cname``."""

    version: str
    key: str
    style: str


CASES = [
    pytest.param(Case(version, key, style), id=f"{version}-{key}-{style}")
    for version in ("v4", "v1")
    for key in ("longterm", "sts")
    for style in ("path", "virtual")
]


@contextmanager
def mock_for(case: Case) -> Iterator[tuple[MockOSS, Credentials]]:
    """Run a mock without buckets; return it with the key to use."""
    with MockOSS(world=World(roles=(ADMIN,), buckets=())) as oss:
        if case.key == "longterm":
            yield oss, (ACCESS_KEY_ID, ACCESS_KEY_SECRET, None)
            return
        config = Config(
            access_key_id=ACCESS_KEY_ID,
            access_key_secret=ACCESS_KEY_SECRET,
            endpoint=f"127.0.0.1:{oss.port}",
            protocol="http",
        )
        wanted = AssumeRoleRequest(role_arn=ADMIN.arn, role_session_name="tour")
        found = Client(config).assume_role(wanted).body.credentials
        oss.requests.clear()
        yield oss, (found.access_key_id, found.access_key_secret, found.security_token)


def check(oss: MockOSS, *, lacks: frozenset[str]) -> None:
    """Every operation but those an SDK has no method for must have succeeded."""
    done = {record.operation for record in oss.requests if (record.status or 500) < 300}
    refused = [record for record in oss.requests if record.code == "SignatureDoesNotMatch"]

    assert refused == []
    assert {operation.name for operation in OPERATIONS} - done == lacks
