"""Requests to the mock, as its functions get them, without a server."""

from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import cast

from mock_oss import Clock, World
from mock_oss.http.addressing import Target
from mock_oss.http.body import Body
from mock_oss.http.request import Request
from mock_oss.identities import ANONYMOUS, Caller, Identities
from mock_oss.journal import Journal
from mock_oss.service import Call, Service
from mock_oss.store.data_directory import Store

NOW = datetime.fromisoformat("2026-03-14T09:26:53Z")
NONE_SENT: Mapping[str, str] = {}


def mock_request(
    method: str = "GET",
    path: str = "/",
    query: str = "",
    headers: Mapping[str, str] = NONE_SENT,
    *,
    scheme: str = "http",
) -> Request:
    """Return a request of the client 203.0.113.7."""
    sent = {"host": "localhost", **headers}
    request = Request(
        {
            "method": method,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "http_version": "1.1",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "scheme": scheme,
            "client": ("203.0.113.7", 50000),
        }
    )
    request.read_head()
    return request


def mock_call(
    store: Store,
    path: str,
    request: Request,
    *,
    world: World | None = None,
    clock: Clock | None = None,
    journal: Journal | None = None,
    caller: Caller = ANONYMOUS,
    fields: Mapping[str, str] | None = None,
) -> Call:
    """Return the state of a request for `BUCKET/KEY`; by default it is `NOW`."""
    world = world or World()
    journal = Journal() if journal is None else journal
    service = SimpleNamespace(
        store=store,
        world=world,
        clock=clock or Clock(NOW, frozen=True),
        identities=Identities(world, store),
        journal=journal,
    )
    record = journal.open("request id", service.clock.timestamp())
    bucket, _, key = path.partition("/")
    record.method, record.bucket, record.key = request.method, bucket, key
    record.params, record.headers = request.params, request.headers
    target = Target(bucket, key, "path" if bucket else "service")
    return Call(
        cast("Service", service),
        request,
        target,
        cast("Body", None),
        record,
        store.buckets.get(bucket),
        caller,
        fields,
    )
