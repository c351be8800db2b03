"""The combinations in which a client can access the mock: signature version, key type, URL style.

A tour calls every operation. It runs once per combination against a new mock whose role may do
everything. The mock's journal shows which operations succeeded.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import pytest

from contract.mock_oss.clients import ALLOW_ALL, PERMANENT, Credentials, assume_role, sts_client
from mock_oss import MockOSS, Role, World

ADMIN = Role(name="admin", policies=(ALLOW_ALL,))
PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAkQBADs=")
PROCESSING = "image/format,png|sys/saveas,o_cGljdHVyZQ"  # replaces the object `picture`


@dataclass(frozen=True, slots=True)
class Case:
    """One combination; `style` is `path`, `virtual` or `cname`."""

    version: str
    key: str
    style: str


# `make test` runs the cases with each pair of two values; the others take seconds and see no more.
PAIRS = [
    ("v4", "longterm", "path"),
    ("v4", "sts", "virtual"),
    ("v1", "longterm", "virtual"),
    ("v1", "sts", "path"),
]
CASES = [
    pytest.param(Case(*case), id="-".join(case), marks=[] if case in PAIRS else [pytest.mark.slow])
    for case in product(("v4", "v1"), ("longterm", "sts"), ("path", "virtual"))
]


@contextmanager
def mock_for(case: Case) -> Iterator[tuple[MockOSS, Credentials]]:
    """Run a mock without buckets; yield it with the access key to use."""
    with MockOSS(world=World(roles=(ADMIN,), buckets=())) as oss:
        if case.key == "longterm":
            yield oss, PERMANENT
            return
        credentials = assume_role(sts_client(oss), role_arn=ADMIN.arn)
        oss.requests.clear()
        yield oss, credentials


def operations_done(oss: MockOSS) -> set[str]:
    """Return the operations that succeeded, by their names in the vendor's API reference.

    Two operations share a route with another one: ListObjectsV2 and an upload with a callback.
    """
    refused = [record for record in oss.requests if record.code == "SignatureDoesNotMatch"]
    assert refused == []
    done = set()
    for record in oss.requests:
        if (record.status or 500) < 300:
            second = record.params.get("list-type") == "2"
            done.add(record.operation + ("V2" if second else ""))
            if {"x-oss-callback", "callback"} & {*record.headers, *record.params}:
                done.add("Callback")
    return done
