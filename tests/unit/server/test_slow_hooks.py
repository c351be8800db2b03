"""A hanging hook delays neither other hooks nor the webhook."""

import threading
from collections.abc import Iterator

import httpx
import pytest

from ossferry.clock import utc_now
from ossferry.hooks import delivery
from ossferry.hooks.calls import Event
from support.after_upload import until
from support.server_fakes import ALICE, OBJECTS, FakeStore, MakeApp
from support.serving import serve

UPLOADS = 20


class Hanging:
    """A synchronous hook that ends when the test allows it."""

    def __init__(self) -> None:
        self.calls = 0
        self.end = threading.Event()

    def on_uploaded(self, _event: Event) -> None:
        self.calls += 1
        self.end.wait()


class Counting:
    """A synchronous hook that counts its calls."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def on_uploaded(self, event: Event) -> None:
        self.keys.add(event.data["key"])


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """A hook that hangs until the end of the test."""
    hook = Hanging()
    yield hook
    hook.end.set()


def test_a_hook_that_hangs_keeps_nobody_else_waiting(
    make_app: MakeApp, store: FakeStore, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "HOOK_TIMEOUT_S", 1.0)
    counting, told = Counting(), []

    async def receive(request: httpx.Request) -> httpx.Response:
        told.append(request.headers["webhook-id"])
        return httpx.Response(204)

    app = make_app(
        **OBJECTS,
        webhook_url="https://hooks.example.com/",
        webhook_secret="a-webhook-key-of-more-than-32-characters",
        clock=utc_now,
        hooks={"a-hanging": hanging, "counting": counting},
        outbound=httpx.AsyncClient(transport=httpx.MockTransport(receive)),
    )
    with serve(app) as url, httpx.Client(base_url=url, trust_env=False) as site:
        for number in range(UPLOADS):
            stored = store.put(f"{ALICE.prefix}2026-03-14/r/{number}", last_modified=utc_now())
            report = {"key": stored.key, "size": stored.size, "crc64": stored.crc64}
            assert site.post("/api/receipts", json=report).status_code == 200

        until(lambda: len(counting.keys) == len(set(told)) == UPLOADS)
        calls = hanging.calls
        hanging.end.set()

    assert calls <= delivery.AT_ONCE
